"""Which windows of an API are due, read back from the batches alone; what a landing leaves."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from orchestration.identity import Identity
from orchestration.lake import WHOLE, Field, Lake, Stream, Window
from orchestration.systems._http import Denied
from orchestration.systems._reading import ApiSettings, Reading, Telling, first_day
from orchestration.systems._records import Moment, Payload, Refused, outline, parse

THINGS = Stream(
    "shop", "things", "a thing", ("thing_id",), "keyed",
    (Field("thing_id", "string", "Its id"), Field("size", "integer", "Its size")),
)  # fmt: skip
PARTS = Stream("shop", "parts", "a part", ("part_id",), "keyed", (Field("part_id", "string", "I"),))
COSTS = Stream("shop", "costs", "a cost", (), "replaced", (Field("cents", "integer", "Cents"),))

DAY = timedelta(days=1)
Read = Callable[..., Reading]


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.fixture
def read(tmp_path: Path) -> Read:
    lake = Lake(tmp_path)
    lake.ensure((THINGS, PARTS, COSTS))

    def start(until: str, since: str = "2026-01-01", salt: str = "salt", **flags: Any) -> Reading:
        return Reading(
            "shop", lake, Identity(salt), Path(__file__).parent / "nowhere",
            moment(since), moment(until), **flags,
        )  # fmt: skip

    return start


def land(reading: Reading, stream: Stream, window: Window, *records: dict[str, Any]) -> Telling:
    telling = Telling(reading, "all")
    with telling.landing(window, stream) as landing:
        for record in records:
            landing.add(stream, record)
    return telling


def days(windows: Any) -> list[tuple[str, str]]:
    return [(f"{w.start:%m-%d}", f"{w.end:%m-%d}") for w in windows]


def test_a_first_reading_is_cut_into_pieces_up_to_now(read: Read) -> None:
    due = read("2026-01-25").stretches(THINGS, "all", 2 * DAY, 10 * DAY)
    assert days(due) == [("01-01", "01-11"), ("01-11", "01-21"), ("01-21", "01-25")]


def test_the_next_one_goes_on_a_look_back_before_the_end(read: Read) -> None:
    land(read("2026-01-25"), THINGS, Window(moment("2026-01-01"), moment("2026-01-25")))
    due = read("2026-01-27").stretches(THINGS, "all", 2 * DAY, 10 * DAY)
    assert days(due) == [("01-23", "01-27")]


def test_a_gap_is_read_before_anything_after_it(read: Read) -> None:
    """Killed between two windows, or a batch set aside: 11 to 21 January is missing."""
    for start, end in (("2026-01-01", "2026-01-11"), ("2026-01-21", "2026-01-25")):
        land(read("2026-01-25"), THINGS, Window(moment(start), moment(end)))
    due = read("2026-01-25").stretches(THINGS, "all", 0 * DAY, 10 * DAY)
    assert days(due) == [("01-11", "01-21"), ("01-21", "01-25")]


def test_another_salt_or_a_full_refresh_reads_everything_again(read: Read) -> None:
    land(read("2026-01-09"), THINGS, Window(moment("2026-01-01"), moment("2026-01-09")))
    everything = [("01-01", "01-09")]
    again = read("2026-01-09", full_refresh=True).stretches(THINGS, "all", DAY, 10 * DAY)
    assert days(again) == everything
    other = read("2026-01-09", salt="another").stretches(THINGS, "all", DAY, 10 * DAY)
    assert days(other) == everything


def test_an_earlier_first_day_reads_what_lies_before(read: Read) -> None:
    land(read("2026-01-09"), THINGS, Window(moment("2026-01-01"), moment("2026-01-09")))
    due = read("2026-01-09", since="2025-12-30").stretches(THINGS, "all", DAY, 30 * DAY)
    assert days(due) == [("12-30", "01-09")]


def test_months_are_read_until_they_can_change_no_more(read: Read) -> None:
    """Three days after its end a month is final: January was read on the 2nd of February."""
    first = read("2026-02-02")
    for window in first.buckets(COSTS, "all", "month", 3 * DAY):
        land(first, COSTS, window, {"cents": 5})
    assert days(read("2026-02-03").buckets(COSTS, "all", "month", 3 * DAY)) == [
        ("01-01", "02-01"),
        ("02-01", "03-01"),
    ]
    later = read("2026-02-04")
    for window in later.buckets(COSTS, "all", "month", 3 * DAY):
        land(later, COSTS, window, {"cents": 5})
    assert days(read("2026-02-09").buckets(COSTS, "all", "month", 3 * DAY)) == [("02-01", "03-01")]


def test_days_of_a_leap_year_and_a_months_first_day(read: Read) -> None:
    due = read("2028-03-01", since="2028-02-28").buckets(COSTS, "all", "day", DAY)
    assert days(due) == [("02-28", "02-29"), ("02-29", "03-01")]
    middle = read("2026-01-20", since="2026-01-15").buckets(COSTS, "all", "month", DAY)
    assert days(middle) == [("01-01", "02-01")]


def test_an_empty_answer_never_deletes(read: Read) -> None:
    january = Window(moment("2026-01-01"), moment("2026-02-01"))
    land(read("2026-02-02"), COSTS, january, {"cents": 5}, {"cents": 7})
    telling = land(read("2026-02-03"), COSTS, january)
    assert telling.outcome().status == "warning"
    assert "came back empty; the 2 records it gave before stay" in telling.outcome().message
    lake = telling.reading.lake
    assert lake.current(COSTS, "all").num_rows == 2
    land(read("2026-02-03", forget_missing=True), COSTS, january)
    assert lake.current(COSTS, "all").num_rows == 0


def test_seen_and_empty_is_not_the_same_as_not_seen(read: Read) -> None:
    january = Window(moment("2026-01-01"), moment("2026-02-01"))
    telling = land(read("2026-02-09"), COSTS, january)
    assert telling.outcome().status == "unchanged"
    assert days(read("2026-02-09").buckets(COSTS, "all", "month", DAY)) == [("02-01", "03-01")]


def test_a_key_that_comes_twice_counts_once_as_it_was_last_seen(read: Read) -> None:
    reading = read("2026-01-09")
    whole = Window(moment("2026-01-01"), moment("2026-01-09"))
    land(reading, THINGS, whole, {"thing_id": "a", "size": 1}, {"thing_id": "a", "size": 2})
    assert reading.lake.current(THINGS, "all").to_pylist() == [{"thing_id": "a", "size": 2}]
    assert reading.lake.batches(THINGS)[0].rows_landed == 1


def test_an_address_in_a_word_does_not_land(read: Read) -> None:
    reading = read("2026-01-09")
    whole = Window(moment("2026-01-01"), moment("2026-01-09"))
    land(reading, THINGS, whole, {"thing_id": "for person-0001@example.com;x", "size": 1})
    (row,) = reading.lake.current(THINGS, "all").to_pylist()
    assert row["thing_id"] == f"for {Identity('salt').redact('person-0001@example.com')};x"
    assert "person-0001" not in row["thing_id"]


def test_a_list_read_whole_that_comes_back_empty_keeps_what_stood(read: Read) -> None:
    land(read("2026-01-09"), COSTS, WHOLE, {"cents": 5})
    telling = land(read("2026-01-10"), COSTS, WHOLE)
    assert "costs came back empty; the 1 records it gave before stay" in telling.outcome().message


def test_an_error_in_the_middle_leaves_nothing_of_the_window(read: Read) -> None:
    telling = Telling(read("2026-01-09"), "all")
    window = Window(moment("2026-01-01"), moment("2026-01-09"))
    with pytest.raises(Denied), telling.landing(window, PARTS, THINGS) as landing:
        landing.add(PARTS, {"part_id": "p"})
        raise Denied("no")
    assert telling.reading.lake.batches(THINGS) == telling.reading.lake.batches(PARTS) == []


def test_a_part_that_fails_does_not_hide_the_others(read: Read) -> None:
    reading = read("2026-01-09")

    def things(telling: Telling) -> None:
        with telling.landing(Window(reading.since, reading.until), THINGS) as landing:
            landing.add(THINGS, {"thing_id": "a", "size": 1})

    def costs(telling: Telling) -> None:
        raise Denied("shop: GET /costs: the credential may not read this")

    outcome = reading.scope("all", things=things, costs=costs)
    assert outcome.status == "failed"
    assert outcome.message == (
        "costs: shop: GET /costs: the credential may not read this; 1 things"
    )


def test_a_refused_record_is_asked_for_again_by_a_mended_reader_only(
    read: Read, tmp_path: Path
) -> None:
    reading = read("2026-01-09")
    telling = Telling(reading, "all")
    window = Window(reading.since, reading.until)
    with telling.landing(window, THINGS) as landing:
        landing.refuse(THINGS, {"id": 3, "owner": "person-0001@example.com"}, Refused("size"), "p")
    assert telling.outcome().message == "1 refused: size (1)"
    assert days(read("2026-01-09").stretches(THINGS, "all", DAY, 30 * DAY)) == [("01-08", "01-09")]
    mended = read("2026-01-09")
    mended._code = "another"
    assert days(mended.stretches(THINGS, "all", DAY, 30 * DAY)) == [("01-01", "01-09")]
    (file,) = (tmp_path / "quarantine" / "shop" / "things").glob("*.jsonl")
    assert '"id": 3' in file.read_text() and "person-0001" not in file.read_text()


def test_the_first_day_is_the_commands_then_the_configurations_then_two_years_back() -> None:
    now = moment("2026-06-01")
    plain, set_day = (
        ApiSettings(base_url="http://x"),
        ApiSettings(base_url="http://x", since=date(2026, 2, 1)),
    )
    assert first_day(plain, None, now) == moment("2024-05-31")
    assert first_day(set_day, None, now) == moment("2026-02-01")
    assert first_day(set_day, date(2025, 1, 1), now) == moment("2025-01-01")


class Thing(Payload):
    id: int
    made_at: Moment
    name: str | None = None


def test_a_payload_is_read_to_the_moment_in_utc() -> None:
    read = parse(Thing, {"id": 1, "made_at": "2026-03-01T01:30:00+02:00"})
    assert (read.id, read.made_at) == (1, datetime.fromisoformat("2026-02-28T23:30:00"))


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ({"id": "x", "made_at": "2026-03-01T01:30:00Z"}, "id: Input should be a valid integer"),
        ({"id": 1}, "made_at: Field required"),
        ({"id": 1, "made_at": "2026-03-01T01:30:00Z", "name": 5}, "name: Input should be a valid"),
        (["a list"], "the record: Input should be a valid dictionary"),
        (None, "the record: Input should be a valid dictionary"),
    ],
)
def test_a_changed_type_or_a_vanished_field_is_refused_with_the_reason(
    payload: Any, reason: str
) -> None:
    with pytest.raises(Refused, match=reason):
        parse(Thing, payload)


def test_a_new_field_is_news_once_and_no_error() -> None:
    news: set[str] = set()
    payload = {"id": 1, "made_at": "2026-03-01T01:30:00Z", "colour": "red"}
    assert parse(Thing, payload, news).id == 1
    assert news == {"colour"}


def test_what_is_kept_of_a_refused_payload_names_nobody() -> None:
    payload = {
        "id": 7, "number": "12", "key": "person-0001@example.com", "login": "person-0001",
        "user": {"login": "person-0001"}, "lines": [1], "size": 3, "is_open": True, "end": None,
    }  # fmt: skip
    kept = outline(payload)
    assert kept["id"] == 7 and kept["number"] == "12"
    assert "person-0001" not in str(kept)
    assert kept["size"] == "number" and kept["lines"] == "list" and kept["end"] == "nothing"


@pytest.mark.parametrize(
    "address",
    ["", "not an address", "ftp://x", "https://", "http://[bad", "http://x:99999", "http://x:0",
     "https://person-0001:word@x", "https://x/?token=word", "https://x/#part", "http://x/\x00"],
)  # fmt: skip
def test_address_that_is_none_or_holds_a_secret_is_refused_unseen(address: str) -> None:
    with pytest.raises(ValidationError) as caught:
        ApiSettings(base_url=address)
    (error,) = caught.value.errors(include_input=False)
    assert "write an address as https://host/path" in error["msg"]
    assert "word" not in str(error)


@pytest.mark.parametrize("address", ["https://x", "http://127.0.0.1:8080/", "https://x/api/v3"])
def test_address_of_a_server_of_ones_own_may_have_a_port_and_a_path(address: str) -> None:
    assert ApiSettings(base_url=address).base_url == address


class Shop(ApiSettings):
    base_url: str = "https://shop.example.com"
    token: str | None = None


@pytest.mark.parametrize("token", ["", " ", "two words", "line\n", "\u201cquoted\u201d", "t\x00"])
def test_credential_from_an_empty_or_torn_variable_is_refused_unseen(token: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Shop(token=token)
    (error,) = caught.value.errors(include_input=False)
    assert error["loc"] == ("token",)
    assert "is empty, or has a space" in error["msg"]
    with pytest.raises(ValidationError):
        Shop(base_url="nowhere")  # an override keeps the rule
    assert Shop(token="a-b_c.d=").token == "a-b_c.d="  # noqa: S105,S106


def test_since_that_is_a_number_is_not_taken_for_1970() -> None:
    with pytest.raises(ValidationError, match="greater than or equal to"):
        ApiSettings(base_url="http://x", since=0)  # type: ignore[arg-type]


def test_answer_of_another_form_fails_its_part_without_its_text_and_no_other(read: Read) -> None:
    reading = read("2026-01-05")
    name = "person-0001@example.com"

    def things(telling: Telling) -> None:
        with telling.landing(Window(moment("2026-01-01"), moment("2026-01-05")), THINGS) as landing:
            landing.add(THINGS, {"thing_id": "1"})
            landing.add(THINGS, {"thing_id": {}[name]})

    def parts(telling: Telling) -> None:
        land(reading, PARTS, Window(), {"part_id": "1"})
        telling.rows["parts"] += 1

    outcome = reading.scope("all", things=things, parts=parts)
    assert outcome.status == "failed"
    assert outcome.message.startswith(
        "things: an answer has another form than documented (KeyError in test_reading.py:"
    )
    assert "1 parts" in outcome.message and name not in outcome.message
    assert reading.lake.batches(THINGS) == []
