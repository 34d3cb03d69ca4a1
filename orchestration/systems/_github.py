"""What the answers of GitHub's REST mean, for every system that asks it."""

import re

from orchestration.systems._http import Answer, Verdict, standard, wait_seconds

# "Wait at least one minute", where a secondary limit does not say for how long.
SECONDARY_PAUSE_SECONDS = 60.0
# What GitHub names in a header; anything else in one is not shown.
PERMISSIONS = re.compile(r"[a-z0-9_:=,; ]{1,200}")


def classify(answer: Answer) -> Verdict:
    """GitHub says 403 or 429 for a limit, and 403 for a permission too: what tells them apart is
    what is left, ``Retry-After``, or the body's words."""
    if answer.status in (403, 429) and (verdict := _limited(answer)):
        return verdict
    if answer.status == 403:
        return Verdict("denied", _denied(answer))
    return standard(answer)


def _limited(answer: Answer) -> Verdict | None:
    says_when = "retry-after" in answer.headers
    if says_when or answer.headers.get("x-ratelimit-remaining", "").strip() == "0":
        return Verdict("wait", "the rate limit is reached", wait_seconds(answer))
    if answer.status == 429 or b"rate limit" in answer.body.lower():
        # The reset in its headers is the primary limit's, which is not the one reached.
        return Verdict("wait", "the secondary rate limit is reached", SECONDARY_PAUSE_SECONDS)
    return None


def _denied(answer: Answer) -> str:
    """What is missing, as far as GitHub's headers say it."""
    if "required" in answer.headers.get("x-github-sso", ""):
        return "the token is not authorised for the organisation's single sign-on"
    for header, what in (
        ("x-accepted-github-permissions", "permission"),
        ("x-accepted-oauth-scopes", "scope"),
    ):
        needed = answer.headers.get(header, "").strip()
        if PERMISSIONS.fullmatch(needed):
            return f"the credential may not read this; it needs the {what} {needed}"
    return "the credential may not read this"
