"""What a commit or a change says about AI, reverts and kinds of work, as ids: text stays outside.

The ladder of evidence is ``seeds/ai_evidence_rules.csv``, one regular expression a row, matched
without regard to case. Where a pattern must stand is decided by ``found_in``:

- ``author``: anywhere in a line ``Name <address>``;
- ``trailer``, ``footer``: at the start of a line of the message, after nothing but blanks and
  signs (squashed messages indent and bullet their trailers). A tool named within a sentence is a
  mention, not evidence;
- ``branch``: at the start of the branch's name;
- ``note``: no pattern, a note is there or not (``note_is_ai``).

No match is "no evidence", never "a human": squash merges drop trailers.
"""

import csv
import functools
import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

SEED = Path(__file__).resolve().parent.parent / "seeds" / "ai_evidence_rules.csv"
EVIDENCE_CLASSES = ("line_level", "bot_author", "trailer", "footer", "branch")

# What may stand before a trailer or a footer. A literal line break, as a search for one is fast.
LINE_START = r"\n[^\w\n<\[]*"
REVERTED = re.compile(
    r"^(?:[^\w\n]*this reverts commits?:?|reverts:)\s+"
    r"([0-9a-f]{7,64}(?:(?:\s*,\s*|\s+and\s+|\s*,\s*and\s+)[0-9a-f]{7,64})*)\b",
    re.IGNORECASE | re.MULTILINE,
)
SHA = re.compile(r"\b[0-9a-f]{7,64}\b", re.IGNORECASE)
TITLE_TYPE = re.compile(
    r"^\s*(feat|fix|docs|style|refactor|perf|test|build|ci|chore|revert)(?:\([^()\n]*\))?!?:",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Rule:
    """One row of the seed. ``tool`` is empty where the rule does not say which."""

    rule_id: str
    evidence_class: str
    found_in: str
    tool: str
    pattern: str


class Rules:
    """The seed's rules, ready to match."""

    def __init__(self, rules: list[Rule]) -> None:
        self.rules = tuple(rules)
        self._order = {rule.rule_id: number for number, rule in enumerate(rules)}
        self._message = _Matcher(
            [r for r in rules if r.found_in in ("trailer", "footer")], LINE_START, re.MULTILINE
        )
        self._author = _Matcher([r for r in rules if r.found_in == "author"], "", re.MULTILINE)
        self._branch = _Matcher([r for r in rules if r.found_in == "branch"], r"\A")
        self.note_rules = [r.rule_id for r in rules if r.found_in == "note"]
        # The same few authors write most commits.
        self._authors = functools.lru_cache(maxsize=2**14)(self._author.match)

    def match(self, message: str = "", author: str = "", branch: str = "") -> list[str]:
        """Ids of the rules that match, in the seed's order. ``author``: ``Name <address>`` or an
        address, one a line where there are several (author and committer)."""
        found: list[str] = []
        if message:
            # Some tools spell line breaks out, and no shell turns them into real ones.
            lines = message.replace("\\n", "\n")
            found = self._message.match(f"\n{lines}")
        if author:
            found = [*found, *self._authors(_bracketed(author))]
        if branch:
            found = [*found, *self._branch.match(branch)]
        return sorted(found, key=self._order.__getitem__)

    def in_order(self, rule_ids: set[str]) -> list[str]:
        """The ids as the seed orders them."""
        return sorted(rule_ids, key=self._order.__getitem__)

    @property
    def fingerprint(self) -> str:
        """Changes when a rule does: what was classified under another set is read again."""
        return hashlib.sha256(repr(self.rules).encode()).hexdigest()[:16]


class _Matcher:
    """Several patterns over one text: one expression says whether any matches, as nearly all
    texts match none."""

    def __init__(self, rules: list[Rule], start: str, flags: re.RegexFlag = re.NOFLAG) -> None:
        flags |= re.IGNORECASE
        self._each = [(r.rule_id, re.compile(f"{start}(?:{r.pattern})", flags)) for r in rules]
        together = "|".join(f"(?:{r.pattern})" for r in rules) or r"(?!)"
        self._any = re.compile(f"{start}(?:{together})", flags)

    def match(self, text: str) -> list[str]:
        if not self._any.search(text):
            return []
        return [rule_id for rule_id, pattern in self._each if pattern.search(text)]


@functools.cache
def load_rules() -> Rules:
    """The seed's rules; read once."""
    with SEED.open(newline="", encoding="utf-8") as lines:
        return Rules([Rule(**row) for row in csv.DictReader(lines)])


def reverted_shas(message: str) -> list[str]:
    """Hashes, whole or abbreviated, that a message says it reverts, in its order, each once.

    ``This reverts commit <sha>``, also several by ``,`` or ``and``; and the trailer ``Reverts:``.
    """
    found = (sha for names in REVERTED.findall(message) for sha in SHA.findall(names))
    return list(dict.fromkeys(sha.lower() for sha in found))


def title_type(title: str | None) -> str | None:
    """The type that a title begins with, by Conventional Commits 1.0.0: ``fix(api)!: …`` is
    ``fix``; None without one."""
    found = TITLE_TYPE.match(title or "")
    return found[1].lower() if found else None


def note_is_ai(note: str) -> bool:
    """Whether an authorship note speaks of AI. Some tools leave a note on every commit: one that
    follows the Git AI standard and lists neither prompts nor sessions says "none"."""
    _, divider, metadata = f"\n{note}".rpartition("\n---\n")
    try:
        parsed = json.loads(metadata if divider else note)
    except ValueError:
        return bool(note.strip())
    if not isinstance(parsed, dict) or "authorship/" not in str(parsed.get("schema_version")):
        return bool(note.strip())
    return bool(parsed.get("prompts") or parsed.get("sessions"))


def _bracketed(author: str) -> str:
    lines = (line.strip() for line in author.splitlines())
    return "\n".join(line if "<" in line else f"<{line}>" for line in lines)
