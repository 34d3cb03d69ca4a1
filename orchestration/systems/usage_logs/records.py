"""From a format's columns to typed requests: which are good, why others are not, and their sums."""

import csv
from functools import cache
from pathlib import Path

from orchestration.systems.usage_logs.formats import TOKENS, WORDS, Form, literal

PRICES = Path(__file__).resolve().parent.parent.parent.parent / "seeds" / "ai_prices.csv"
CLEAN_LINE_BYTES = 1 << 20  # small buffers stay close to the processor
WORD_BYTES = 200  # a longer name of a vendor, model or key is not a name
MOST_TOKENS = 10**12
DAY = 86_400_000_000  # microseconds
FIRST, END = 946_684_800_000_000, 7_258_118_400_000_000  # the years 2000 to 2199
# Vendors as the price book names them.
VENDORS = {
    "gemini": "google", "vertex_ai": "google", "vertex_ai_beta": "google",
    "gcp.gemini": "google", "gcp.vertex_ai": "google", "gcp.gen_ai": "google",
    "text-completion-openai": "openai",
}  # fmt: skip


def given_lines(form: Form, piece: str, numbered: bool, is_clean: bool = False) -> str:
    """The lines of a piece as a relation. Numbered, they are read in order, which is slower. A
    piece that is clean, which nearly all are, is read faster; where it is not, that fails."""
    declared = ", ".join(f"{literal(n)}: {literal(t)}" for n, t in form.columns.items())
    line = "row_number() over ()" if numbered else "null"
    how = f"maximum_object_size = {CLEAN_LINE_BYTES}" if is_clean else "ignore_errors = true"
    return f"""(
        select cast({line} as bigint) as _line, *
        from read_json(
            {literal(piece)},
            columns = {{{declared}}}, format = 'newline_delimited', {how}
        )
    )"""  # noqa: S608


def given_rows(relation: str, numbered: bool) -> str:
    """The rows of a Parquet piece as a relation."""
    line = "row_number() over ()" if numbered else "null"
    return f"(select cast({line} as bigint) as _line, * from {relation})"  # noqa: S608


def typed(form: Form, lines: str, refused: bool = False) -> str:
    """The select that types a piece's records: ``is_good``, ``day`` and ``digest`` (a request's
    key), what to group by, and the disjoint token classes, whole numbers as doubles. Or those that
    are refused alone, with the reason."""
    good = " and ".join(f"({condition})" for condition, _ in _RULES)
    reason = f", {_reason()} as reason" if refused else ""
    unused = "" if refused else ", _line, is_malformed"
    prompt = "coalesce(longest_prompt, prompt_tokens)" if form.sums_up else "prompt_tokens"
    once = "" if form.sums_up else "1 as request_count,"
    unused += ", longest_prompt" if form.sums_up else ""
    return f"""
        with given as ({form.query.replace("{lines}", lines)}),
        split as (
            select
                *,
                given_input - case when includes_cache then cache_read_tokens + writes else 0 end
                    as uncached_input_tokens,
                writes - cache_write_1h_tokens as cache_write_5m_tokens,
                case when includes_cache then given_input
                    else given_input + cache_read_tokens + writes end as prompt_tokens
            from (
                select
                    * exclude (cache_write, cache_write_5m, cache_write_1h, cache_read),
                    coalesce(cache_read, 0) as cache_read_tokens,
                    coalesce(cache_write_1h, 0) as cache_write_1h_tokens,
                    -- A breakdown may be that of a first event only, and a total may be missing.
                    greatest(
                        coalesce(cache_write, 0),
                        coalesce(cache_write_5m, 0) + coalesce(cache_write_1h, 0)
                    ) as writes
                from given
            )
        )
        select
            * exclude (
                request_id, given_input, includes_cache, prompt_tokens, writes
                {unused}
            ),
            {once}
            cast(moment // {DAY} as integer) as day,
            cast(hash(request_id) >> 1 as bigint) as digest,  -- the lake's integers have a sign
            {_context(prompt)} as context_tokens,
            coalesce({good}, false) as is_good
            {reason}
        from split
        {"where not is_good" if refused else ""}
    """  # noqa: S608


def grouped(form: Form, requests: str) -> str:
    """Requests by day and words, with the keys of all that a group is made of."""
    told = ", ".join(name for name in WORDS if name not in form.constants)
    landed = ", ".join(
        f"{literal(form.constants[name])} as {name}" if name in form.constants else name
        for name in WORDS
    )
    return f"""
        select
            day, {landed}, context_tokens, is_batch, is_good,
            {added_up("sum(request_count)")},
            list(digest) as digests
        from ({requests})
        group by day, {told}, context_tokens, is_batch, is_good
    """  # noqa: S608


def added_up(count: str) -> str:
    """The sums, to be selected; ``count``: how requests are counted."""
    sums = ", ".join(f"cast(sum({name}) as bigint) as {name}" for name in TOKENS)
    return f"cast({count} as bigint) as request_count, {sums}"


def words() -> str:
    """The words as they land: without blanks around them, never longer than a name."""
    vendors = " ".join(f"when {literal(a)} then {literal(b)}" for a, b in VENDORS.items())

    def word(name: str) -> str:
        return f"case when strlen(trim({name})) between 1 and {WORD_BYTES} then trim({name}) end"

    columns = {name: word(name) for name in WORDS}
    for name in ("vendor", "model", "service_tier"):
        columns[name] = f"lower({columns[name]})"
    columns["vendor"] = f"case {columns['vendor']} {vendors} else {columns['vendor']} end"
    return ", ".join(f"{text} as {name}" for name, text in columns.items())


CONTEXT_WINDOW = """
    case when context_tokens = 0 then '0k' else '>' || context_tokens // 1000 || 'k' end
        as context_window
"""  # what macros/metrics/context_token_count.sql reads: >200k is 200000


def thresholds() -> tuple[int, ...]:
    """Prompt sizes from which some model of the price book costs otherwise, ascending."""
    return _thresholds()


def _whole(name: str) -> str:
    return f"{name} between 0 and {MOST_TOKENS} and {name} = floor({name})"


_MALFORMED = "is not JSON, or has none of the columns that are read"
_RULES = (
    ("not is_malformed", _MALFORMED),
    (
        f"request_count >= 1 and {_whole('request_count')}",
        "the number of requests is not a whole number of 1 or more",
    ),
    ("request_id <> ''", "request_id is empty"),
    (f"moment >= {FIRST} and moment < {END}", "the time is not one between 2000 and 2199"),
    (f"vendor <> '' and strlen(vendor) <= {WORD_BYTES}", "vendor is empty or too long"),
    (f"model <> '' and strlen(model) <= {WORD_BYTES}", "model is empty or too long"),
    ("given_input is not null", "input tokens are missing, or not a number"),
    ("output_tokens is not null", "output tokens are missing, or not a number"),
    (
        f"given_input is null or ({_whole('given_input')})",
        "input tokens are not a whole number of 0 or more",
    ),
    (
        f"output_tokens is null or ({_whole('output_tokens')})",
        "output tokens are not a whole number of 0 or more",
    ),
    (_whole("cache_read_tokens"), "cache read tokens are not a whole number of 0 or more"),
    (_whole("cache_write_1h_tokens"), "cache write tokens are not a whole number of 0 or more"),
    (_whole("cache_write_5m_tokens"), "cache write tokens are not a whole number of 0 or more"),
    (
        "given_input is null or uncached_input_tokens >= 0 or given_input < 0",
        "input tokens are fewer than those of the cache that they should hold",
    ),
)


def _reason() -> str:
    wrong = ", ".join(
        f"case when not coalesce(({condition}), false) then {literal(why)} end"
        for condition, why in _RULES
    )
    return f"case when is_malformed then {literal(_MALFORMED)} else concat_ws('; ', {wrong}) end"


def _context(prompt: str) -> str:
    whens = " ".join(f"when {prompt} > {limit} then {limit}" for limit in reversed(thresholds()))
    return f"case {whens} else 0 end" if whens else "0"


@cache
def _thresholds() -> tuple[int, ...]:
    with PRICES.open(newline="", encoding="utf-8") as lines:
        return tuple(
            sorted({int(row["min_context_tokens"]) for row in csv.DictReader(lines)} - {0})
        )
