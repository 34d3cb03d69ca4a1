"""People become keys that join and tell nothing; bots and addresses are recognised."""

import re

import pyarrow as pa
import pytest

from orchestration.identity import PERSON_PREFIX, Identity

IDENTITY = Identity("a salt for tests", bots=["Our-Robot*"])


def test_key_is_a_prefix_and_32_hex_digits() -> None:
    key = IDENTITY.person("ann@example.com", "files")
    assert key is not None
    assert re.fullmatch(PERSON_PREFIX + "[0-9a-f]{32}", key)


def test_key_is_the_hmac_of_the_normalised_handle() -> None:
    # printf 'email:ann@example.com' | openssl dgst -sha256 -hmac 'a salt for tests'
    assert IDENTITY.person("ann@example.com", "x") == "person_935af210b8651aa432344f65ca3632dc"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("Ann@Example.com ", "jira"), ("ann@example.com", "files")),
        (("ANN", "github"), ("ann", "github")),
        (("STRASSE", "github"), ("straße", "github")),
        (("\uff41nn", "github"), ("ann", "github")),  # a full-width letter
        (("7+Ann@users.noreply.github.com", "git"), ("ann", "github")),
        (("ann@users.noreply.github.com", "git"), ("ann", "github")),
    ],
)
def test_one_person_has_one_key(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert IDENTITY.person(*one) == IDENTITY.person(*other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("ann", "github"), ("ann", "jira")),
        (("ann", "github"), ("ann@example.com", "github")),
        (("ann@example.com", "x"), ("ann@example.org", "x")),
    ],
)
def test_two_people_have_two_keys(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert IDENTITY.person(*one) != IDENTITY.person(*other)


def test_another_salt_gives_other_keys_and_another_fingerprint() -> None:
    other = Identity("another salt", bots=["Our-Robot*"])
    assert other.person("ann", "x") != IDENTITY.person("ann", "x")
    assert other.fingerprint != IDENTITY.fingerprint
    assert Identity("a salt for tests").fingerprint != IDENTITY.fingerprint  # fewer bots
    assert Identity("a salt for tests", ["Our-Robot*"]).fingerprint == IDENTITY.fingerprint


def test_empty_salt_is_an_error() -> None:
    with pytest.raises(ValueError, match="salt"):
        Identity("")


@pytest.mark.parametrize("nobody", [None, "", "  ", "\t\n"])
def test_nobody_has_no_key(nobody: str | None) -> None:
    assert IDENTITY.person(nobody, "x") is None
    assert IDENTITY.is_bot(nobody) is False


@pytest.mark.parametrize(
    ("handle", "is_bot"),
    [
        ("dependabot[bot]", True),
        ("Renovate", True),
        ("49699333+dependabot[bot]@users.noreply.github.com", True),
        ("our-robot-7", True),
        ("ann", False),
        ("ann.robot@example.com", False),
        ("bot", False),
        ("robot[bot", False),
    ],
)
def test_bots_are_recognised(handle: str, is_bot: bool) -> None:
    assert IDENTITY.is_bot(handle) is is_bot


def test_columns_agree_with_single_handles() -> None:
    handles = ["ann", None, "dependabot[bot]", "ann", ""]
    for column in (pa.array(handles), pa.chunked_array([handles[:2], handles[2:]])):
        people = IDENTITY.people(column, "github").to_pylist()
        assert people == [IDENTITY.person(handle, "github") for handle in handles]
        assert IDENTITY.bots(column).to_pylist() == [False, False, True, False, False]


def test_empty_columns_stay_empty() -> None:
    assert IDENTITY.people(pa.array([], pa.string()), "x").to_pylist() == []
    assert IDENTITY.people(pa.nulls(2, pa.string()), "x").to_pylist() == [None, None]


@pytest.mark.parametrize(
    "text",
    [
        "ann@example.com", "by Ann <ann@example.com>, today", "x;ann@example.com;y",
        "a+b.c-d_e%f'g@sub-domain.example.co.uk", "émile@exämple.de", "ann@example.com.",
    ],
)  # fmt: skip
def test_addresses_are_redacted(text: str) -> None:
    assert "@" not in IDENTITY.redact(text)
    assert "address_" in IDENTITY.redact(text)


@pytest.mark.parametrize(
    "text",
    ["pay@1.4.2", "pay@v1.4.2-rc1", "@ann", "a @ b.example", "image@sha256:0f3a", "no address"],
)
def test_releases_and_other_signs_are_left(text: str) -> None:
    assert IDENTITY.redact(text) == text


def test_redacted_address_is_the_same_word_and_no_persons_key() -> None:
    one, other = (IDENTITY.redact(a) for a in ("Ann@example.com", "ann@EXAMPLE.com"))
    assert one == other != IDENTITY.redact("bob@example.com")
    assert PERSON_PREFIX not in one
    assert (IDENTITY.person("ann@example.com", "x") or "")[len(PERSON_PREFIX) :][:12] not in one
