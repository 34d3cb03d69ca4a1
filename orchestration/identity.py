"""People become keyed hashes at the door; who is a bot is decided here too.

A person is ``person_`` + 32 hex digits of HMAC-SHA-256 over the normalised handle, keyed with the
salt from ``VALUEMAXX_IDENTITY_SALT``. The prefix lets a test find a person in anything published.
"""

import csv
import functools
import hashlib
import hmac
import re
import unicodedata
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa

Column = Any  # an Arrow array, chunked or not
PERSON_PREFIX = "person_"
BOTS_SEED = Path(__file__).resolve().parent.parent / "seeds" / "bots.csv"
GITHUB_NOREPLY = re.compile(r"^(?:\d+\+)?([^@]+)@users\.noreply\.github\.com$")
# The last label begins with a letter: `payments@1.4.2` is a release. Neither half can be entered
# in its middle, so that the time taken grows with the text's length and not with its square.
EMAIL = re.compile(r"(?<![\w.+%'-])[\w.+%'-]++@[\w-]++(?:\.[\w-]+)*\.[^\W\d_][\w-]*")


class Identity:
    """Hashes people and recognises bots. One instance per run: one salt, one bot list.

    ``bots`` are shell-style patterns (``*[bot]``) added to the seed's.
    """

    def __init__(self, salt: str, bots: Iterable[str] = ()) -> None:
        if not salt:
            raise ValueError("the identity salt is empty")
        self._salt = salt.encode()
        patterns = [*_seeded_bots(), *bots]
        self._bot_pattern = re.compile("|".join(_as_regex(p) for p in patterns) or r"(?!)")
        self._bots = tuple(patterns)
        # A file names the same few people again and again.
        self._hash = functools.lru_cache(maxsize=2**16)(self._hashed)

    def person(self, handle: str | None, system: str) -> str | None:
        """The person's key, or None for an empty handle.

        An e-mail address is the same person in every system; any other handle belongs to
        ``system``. GitHub's no-reply addresses are the GitHub login they carry.
        """
        return self._hash(handle, system)

    def is_bot(self, handle: str | None) -> bool:
        """Whether a login, name or e-mail address is on the bot list."""
        normal = _normalise(handle)
        if not normal:
            return False
        noreply = GITHUB_NOREPLY.match(normal)
        return bool(self._bot_pattern.fullmatch(noreply.group(1) if noreply else normal))

    def people(self, handles: Column, system: str) -> Column:
        """``person`` over a column of strings; each distinct handle is hashed once."""
        return _over_distinct(handles, lambda h: self.person(h, system), pa.string())

    def bots(self, handles: Column) -> Column:
        """``is_bot`` over a column of strings; null is False."""
        return _over_distinct(handles, self.is_bot, pa.bool_())

    def redact(self, text: str) -> str:
        """The text with every e-mail address replaced by a word that is the same for the same
        address. It is not the person's key: text may be published, a person's key never is."""

        def word(found: re.Match[str]) -> str:
            key = self.person(found.group(), "email") or ""
            return "address_" + hashlib.sha256(key.encode()).hexdigest()[:12]

        return EMAIL.sub(word, text)

    def _hashed(self, handle: str | None, system: str) -> str | None:
        normal = _normalise(handle)
        if not normal:
            return None
        noreply = GITHUB_NOREPLY.match(normal)
        if noreply:
            name = f"github:{noreply.group(1)}"
        elif "@" in normal:
            name = f"email:{normal}"
        else:
            name = f"{system}:{normal}"
        return PERSON_PREFIX + hmac.digest(self._salt, name.encode(), "sha256").hex()[:32]

    @property
    def fingerprint(self) -> str:
        """Changes when the salt or the bot list does: what was landed must then be read again."""
        text = "fingerprint\n" + "\n".join(self._bots)
        return hmac.new(self._salt, text.encode(), hashlib.sha256).hexdigest()[:16]


def _normalise(handle: str | None) -> str:
    return unicodedata.normalize("NFKC", handle or "").strip().casefold()


def _as_regex(pattern: str) -> str:
    return re.escape(pattern.strip().casefold()).replace(r"\*", ".*")


def _seeded_bots() -> list[str]:
    with BOTS_SEED.open(newline="", encoding="utf-8") as lines:
        return [row["handle_pattern"] for row in csv.DictReader(lines)]


def _over_distinct(
    column: Column, function: Callable[[str | None], object], kind: pa.DataType
) -> Column:
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    coded = column.dictionary_encode(null_encoding="encode")
    values = pa.array([function(v) for v in coded.dictionary.to_pylist()], kind)
    return values.take(coded.indices)
