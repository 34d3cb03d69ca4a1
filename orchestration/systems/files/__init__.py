"""Files: a folder of CSV, JSON lines or Parquet, the way in for whatever has no system of its own.

Data flow: ``<folder>/<feed>*.{csv,jsonl,parquet}[.gz]`` → one batch per file →
``lake/files/<feed>``.
Run standalone: ``python -m orchestration.systems.files --config valuemaxx.yml``.
"""

import functools
import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import duckdb
from pydantic import BaseModel

from orchestration import evidence
from orchestration.identity import EMAIL, Identity
from orchestration.lake import Batch, Field, FieldType, Lake, Outcome, Stream
from orchestration.systems.files import client, records

ColumnType = FieldType | Literal["text", "word", "month"]


@dataclass(frozen=True)
class Column:
    """One column of a feed as a user writes it.

    ``type`` ``text`` is read for the flags it holds (``Feed.derived``) and never landed; ``word``
    is a name without case, landed lower-cased; ``month`` is a date, landed as its month's first.
    ``lands_as``: its name in the lake where that differs. ``values``: the closed list it must be
    from (lower-cased). ``minimum`` and ``maximum`` bound numbers, inclusive.
    """

    name: str
    type: ColumnType
    description: str
    is_required: bool = False
    lands_as: str = ""
    values: tuple[str, ...] = ()
    minimum: int | None = None
    maximum: int | None = None


@dataclass(frozen=True)
class Feed:
    """One kind of file: its columns, its key, and what must be in order within a record.

    ``ordered``: pairs (earlier, later) of columns; a record with the later before the earlier is
    refused. ``derived``: flags reduced from text columns at the door (records.py).
    """

    name: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    derived: tuple[Field, ...] = ()
    ordered: tuple[tuple[str, str], ...] = ()
    dated_by: str | None = None

    @property
    def stream(self) -> Stream:
        """What of the feed is landed."""
        landed = (
            Field(c.lands_as or c.name, _landed_type(c.type), c.description)
            for c in self.columns
            if c.type != "text"
        )
        return Stream(
            "files", self.name, self.grain, self.key, "replaced",
            (*landed, *self.derived), self.dated_by,
        )  # fmt: skip


def _landed_type(type: ColumnType) -> FieldType:  # noqa: A002
    if type == "month":
        return "date"
    if type == "word" or type == "text":
        return "string"
    return type


def _column(
    name: str,
    type: ColumnType,  # noqa: A002
    description: str,
    *values: str,
    is_required: bool = False,
    lands_as: str = "",
    minimum: int | None = None,
    maximum: int | None = None,
) -> Column:
    return Column(name, type, description, is_required, lands_as, values, minimum, maximum)


def _required(
    name: str,
    type: ColumnType,  # noqa: A002
    description: str,
    *values: str,
    lands_as: str = "",
    minimum: int | None = None,
) -> Column:
    return _column(
        name, type, description, *values,
        is_required=True, lands_as=lands_as, minimum=minimum,
    )  # fmt: skip


def _count(name: str, description: str) -> Column:
    return _column(name, "integer", description, minimum=0)


MOST_MONEY = 10**12  # what is beyond is no bill, and sums of it would not fit a decimal
TOKEN_CLASSES = ("uncached_input", "cache_read", "cache_write_5m", "cache_write_1h", "output")

AUTHOR_IS_BOT = Field("author_is_bot", "boolean", "Whether the author is on the bot list")
AI_RULES = Field("ai_evidence_rules", "list", "Ids of the AI evidence rules that matched, by ';'")

FEEDS: tuple[Feed, ...] = (
    Feed(
        "teams", "a team", ("team_id",),
        (
            _required("team_id", "string", "The team's id"),
            _required("team_name", "string", "The team's name"),
            _column("parent_team_id", "string", "The team above it; empty at the top"),
            _column("cost_center", "string", "The cost centre that pays for it"),
        ),
    ),
    Feed(
        "team_memberships", "a person in a team for a time", ("person_id", "team_id", "valid_from"),
        (
            _required("person", "person", "The person", lands_as="person_id"),
            _required("team_id", "string", "The team"),
            _required("valid_from", "date", "First day in the team"),
            _column("valid_to", "date", "First day no longer in the team; empty = still in it"),
            _column("share", "decimal", "Share of the person's time, 0 to 1; empty = 1",
                    minimum=0, maximum=1),
        ),
        ordered=(("valid_from", "valid_to"),), dated_by="valid_from",
    ),
    Feed(
        "identities", "a handle", ("system", "handle_id"),
        (
            _required("system", "word", "The system the handle belongs to"),
            _required("handle", "person", "The login or address in it", lands_as="handle_id"),
            _required("person", "person", "The person who uses it", lands_as="person_id"),
        ),
    ),
    Feed(
        "services", "a service", ("service_id",),
        (
            _required("service_id", "string", "The service's id"),
            _column("service_name", "string", "The service's name"),
            _column("team_id", "string", "The team that owns it"),
            _column("repository", "string", "The repository it is built from"),
        ),
    ),
    Feed(
        "commits", "a commit in a repository", ("repository", "commit_sha"),
        (
            _required("commit_sha", "string", "The commit's full hash"),
            _required("repository", "string", "The repository"),
            _required("authored_at", "timestamp", "When it was written"),
            _column("author", "person", "Who wrote it", lands_as="author_id"),
            _column("committed_at", "timestamp", "When it was committed"),
            _count("additions", "Lines added"),
            _count("deletions", "Lines deleted"),
            _column("message_trailers", "text", "The trailer lines of its message"),
        ),
        derived=(
            AUTHOR_IS_BOT, AI_RULES,
            Field("reverted_commit_shas", "list", "Commits that it reverts, by ';'"),
        ),
        dated_by="authored_at",
    ),
    Feed(
        "pull_requests", "a pull request", ("pull_request_id",),
        (
            _required("pull_request_id", "string", "The pull request's id"),
            _required("repository", "string", "The repository"),
            _required("created_at", "timestamp", "When it was opened"),
            _column("author", "person", "Who opened it", lands_as="author_id"),
            _column("title", "text", "Its title"),
            _column("first_commit_at", "timestamp", "Earliest authored time among its commits"),
            _column("ready_at", "timestamp", "When it was ready for review"),
            _column("merged_at", "timestamp", "When it was merged"),
            _column("closed_at", "timestamp", "When it was closed"),
            _column("merge_commit_sha", "string", "The commit that merged it"),
            _count("additions", "Lines added"),
            _count("deletions", "Lines deleted"),
            _count("changed_files", "Files changed"),
            _count("test_files_changed", "Test files changed"),
            _column("labels", "list", "Labels, by ';'"),
            _column("head_branch", "text", "The branch it came from"),
            _column("work_type", "string", "Kind of work"),
            _column("ai_tools", "list", "AI tools that its author declared, by ';'"),
        ),
        derived=(
            AUTHOR_IS_BOT, AI_RULES,
            Field("is_revert", "boolean", "Whether its title says it reverts another change"),
            Field("is_hotfix", "boolean", "Whether its branch is a hotfix branch"),
            Field("title_type", "string", "The type its title begins with, such as fix"),
        ),
        ordered=(("created_at", "merged_at"), ("created_at", "closed_at")), dated_by="created_at",
    ),
    Feed(
        "pull_request_commits", "a commit of a pull request", ("pull_request_id", "commit_sha"),
        (
            _required("pull_request_id", "string", "The pull request"),
            _required("commit_sha", "string", "The commit"),
            _column("authored_at", "timestamp", "When the commit was written"),
        ),
        dated_by="authored_at",
    ),
    Feed(
        "reviews", "a review or review comment", ("review_id",),
        (
            _required("review_id", "string", "The review's id"),
            _required("pull_request_id", "string", "The pull request"),
            _required("submitted_at", "timestamp", "When it was given"),
            _column("reviewer", "person", "Who gave it", lands_as="reviewer_id"),
            _column("state", "string", "What it said",
                    "approved", "changes_requested", "commented", "dismissed"),
            _count("comment_count", "Comments in it"),
        ),
        derived=(Field("reviewer_is_bot", "boolean", "Whether the reviewer is on the bot list"),),
        dated_by="submitted_at",
    ),
    Feed(
        "deployments", "a deployment", ("deployment_id",),
        (
            _required("deployment_id", "string", "The deployment's id"),
            _required("service_id", "string", "The service deployed"),
            _required("environment", "string", "Where to"),
            _required("status", "string", "How it ended", "success", "failure", "cancelled"),
            _required("finished_at", "timestamp", "When it ended"),
            _column("started_at", "timestamp", "When it began"),
            _column("commit_sha", "string", "The commit deployed"),
            _column("is_rollback", "boolean", "Whether it goes back to an earlier version"),
            _column("is_unplanned", "boolean", "Whether it was made to mend production"),
            _column("remediates_incident_id", "string", "The incident it mends"),
        ),
        ordered=(("started_at", "finished_at"),), dated_by="finished_at",
    ),
    Feed(
        "deployment_commits", "a commit that a deployment newly ships",
        ("deployment_id", "commit_sha"),
        (
            _required("deployment_id", "string", "The deployment"),
            _required("commit_sha", "string", "The commit"),
        ),
    ),
    Feed(
        "incidents", "an incident", ("incident_id",),
        (
            _required("incident_id", "string", "The incident's id"),
            _required("opened_at", "timestamp", "When it began"),
            _column("service_id", "string", "The service that suffered"),
            _column("title", "text", "Its title"),
            _column("severity", "string", "How bad, in the words of its system"),
            _column("detected_at", "timestamp", "When it was noticed"),
            _column("acknowledged_at", "timestamp", "When somebody took it on"),
            _column("resolved_at", "timestamp", "When service was restored"),
            _column("caused_by_deployment_id", "string", "The deployment that caused it"),
        ),
        ordered=(("opened_at", "resolved_at"),), dated_by="opened_at",
    ),
    Feed(
        "issues", "an issue", ("issue_id",),
        (
            _required("issue_id", "string", "The issue's id"),
            _required("issue_type", "string", "bug, task, story, epic, incident or another word"),
            _required("created_at", "timestamp", "When it was opened"),
            _column("team_id", "string", "The team it belongs to"),
            _column("service_id", "string", "The service it is about"),
            _column("started_at", "timestamp", "When work began"),
            _column("resolved_at", "timestamp", "When it was done"),
            _column("parent_issue_id", "string", "The issue above it"),
            _column("labels", "list", "Labels, by ';'"),
            _column("is_escaped_defect", "boolean", "Whether a bug was found in production"),
            _count("reopened_count", "How often it was opened again"),
            _column("work_type", "string", "Kind of work"),
            _column("pull_request_ids", "list", "Pull requests that did it, by ';'"),
        ),
        ordered=(("created_at", "resolved_at"),), dated_by="created_at",
    ),
    Feed(
        "ai_usage", "a usage record (a request, or a bucket of a day)", ("usage_id",),
        (
            _required("usage_id", "string", "The record's id"),
            _required("occurred_at", "timestamp", "When it was used"),
            _required("vendor", "word", "Who sells the model"),
            _required("model", "word", "The model"),
            _column("person", "person", "Who used it", lands_as="person_id"),
            _column("api_key_id", "string", "The key it was used with"),
            _column("team_id", "string", "The team that the key belongs to"),
            _column("tool", "string", "The tool it was used through"),
            _column("session_id", "string", "The session"),
            _count("request_count", "Requests in the record; empty = 1"),
            _column("service_tier", "word", "The tier it was served in; empty = standard"),
            _column("is_batch", "boolean", "Whether it ran as a batch; empty = no"),
            _column("context_window", "string", "The context window class, where the vendor says"),
            _count("uncached_input_tokens", "Input tokens that no cache held (tokens)"),
            _count("cache_read_tokens", "Input tokens read from a cache (tokens)"),
            _count("cache_write_5m_tokens", "Tokens written to a 5-minute cache (tokens)"),
            _count("cache_write_1h_tokens", "Tokens written to a 1-hour cache (tokens)"),
            _count("output_tokens", "Output tokens, reasoning included (tokens)"),
            _column("other_units", "decimal", "Units that are not tokens", minimum=0),
            _column("other_unit_name", "string", "What those units are"),
        ),
        dated_by="occurred_at",
    ),
    Feed(
        "ai_activity", "a person's day with a tool", ("person_id", "activity_date", "tool"),
        (
            _required("person", "person", "The person", lands_as="person_id"),
            _required("activity_date", "date", "The day"),
            _required("tool", "string", "The tool"),
            _column("vendor", "word", "Who sells it"),
            _count("sessions", "Sessions"),
            _count("interactions", "Prompts and chats"),
            _count("agent_actions", "Actions an agent took"),
            _count("agent_tasks_completed", "Tasks an agent finished"),
            _count("lines_suggested", "Lines suggested"),
            _count("lines_accepted", "Lines accepted"),
        ),
        dated_by="activity_date",
    ),
    Feed(
        "ai_costs", "an amount that a vendor says it will bill", (),
        (
            _required("vendor", "word", "The vendor"),
            _required("cost_date", "date", "The day it is for"),
            _column("amount", "decimal", "The amount, in its currency",
                    is_required=True, minimum=-MOST_MONEY, maximum=MOST_MONEY),
            _required("currency", "string", "ISO 4217 code"),
            _column("line_item", "string", "What it is for, in the vendor's words"),
            _column("model", "word", "The model"),
            _column("account_id", "string", "The account, project or workspace"),
            _column("api_key_id", "string", "The key"),
        ),
        dated_by="cost_date",
    ),
    Feed(
        "invoices", "an invoice line", ("vendor", "invoice_id", "invoice_line_id"),
        (
            _required("invoice_id", "string", "The invoice"),
            _required("invoice_line_id", "string", "The line in it"),
            _required("vendor", "word", "Who sent it"),
            _required("invoice_date", "date", "The date on it"),
            _required("period_start", "date", "First day that the line charges for"),
            _required("period_end", "date", "First day that it no longer charges for"),
            _required("charge_category", "string", "Kind of charge",
                      "usage", "purchase", "tax", "credit", "adjustment"),
            _column("amount", "decimal", "The amount, in its currency",
                    is_required=True, minimum=-MOST_MONEY, maximum=MOST_MONEY),
            _required("currency", "string", "ISO 4217 code"),
            _column("description", "string", "The line's text"),
            _column("sku", "string", "The vendor's article"),
            _column("quantity", "decimal", "How many units", minimum=-10**15, maximum=10**15),
            _column("unit_price", "decimal", "The price of one, in its currency",
                    minimum=-10**6, maximum=10**6),
            _column("restates_period", "string", "The earlier month that it corrects, YYYY-MM"),
        ),
        ordered=(("period_start", "period_end"),), dated_by="invoice_date",
    ),
    Feed(
        "seats", "a seat assignment", (),
        (
            _required("vendor", "word", "The vendor"),
            _required("plan", "string", "The plan"),
            _required("assigned_on", "date", "First day assigned"),
            _column("person", "person", "Who holds it", lands_as="person_id"),
            _column("team_id", "string", "The team it is for, where no person is named"),
            _column("unassigned_on", "date", "First day no longer assigned"),
            _column("monthly_price", "decimal", "Its price for a month", minimum=0, maximum=10**6),
            _column("currency", "string", "ISO 4217 code of that price"),
        ),
        ordered=(("assigned_on", "unassigned_on"),), dated_by="assigned_on",
    ),
    Feed(
        "prices", "a contract price that overrides the list",
        ("vendor", "model", "token_class", "service_tier", "is_batch", "valid_from"),
        (
            _required("vendor", "word", "The vendor"),
            _required("model", "word", "The model"),
            _required("token_class", "string", "The class of tokens", *TOKEN_CLASSES),
            _required("valid_from", "date", "First day of the price"),
            _column("usd_per_million", "decimal", "US dollars for a million tokens",
                    is_required=True, minimum=0, maximum=1_000_000),
            _column("valid_to", "date", "First day it no longer holds; empty = open"),
            _column("service_tier", "word", "The tier; empty = standard"),
            _column("is_batch", "boolean", "Whether for batches; empty = no"),
        ),
        ordered=(("valid_from", "valid_to"),), dated_by="valid_from",
    ),
    Feed(
        "budgets", "a cost centre's month", ("cost_center", "month", "vendor"),
        (
            _required("cost_center", "string", "The cost centre"),
            _required("month", "month", "The month, YYYY-MM; landed as its first day"),
            _column("amount", "decimal", "The budget, in its currency",
                    is_required=True, minimum=0, maximum=MOST_MONEY),
            _required("currency", "string", "ISO 4217 code"),
            _column("vendor", "word", "The vendor; empty = all"),
        ),
        dated_by="month",
    ),
    Feed(
        "fx_rates", "a currency's day", ("rate_date", "currency"),
        (
            _required("rate_date", "date", "The day"),
            _required("currency", "string", "ISO 4217 code"),
            _column("usd_per_unit", "decimal", "US dollars for one unit",
                    is_required=True, minimum=0, maximum=10**6),
        ),
        dated_by="rate_date",
    ),
    Feed(
        "initiatives", "another change that could explain a change", ("initiative_id", "team_id"),
        (
            _required("initiative_id", "string", "Its id"),
            _required("started_on", "date", "First day"),
            _required("kind", "string", "What kind of change"),
            _column("team_id", "string", "The team it touched; empty = everyone"),
            _column("ended_on", "date", "First day it was over"),
            _column("description", "string", "What it was"),
        ),
        ordered=(("started_on", "ended_on"),), dated_by="started_on",
    ),
    Feed(
        "survey_responses", "a respondent's answer to a question",
        ("survey_id", "respondent_id", "question_id", "submitted_at"),
        (
            _required("survey_id", "string", "The wave"),
            _required("respondent", "person", "Who answered", lands_as="respondent_id"),
            _required("submitted_at", "timestamp", "When"),
            _required("question_id", "string", "The question"),
            _required("scale", "string", "What the value means",
                      "likert5", "likert7", "nps", "hours_per_week", "text"),
            _column("value", "text", "The answer; free text is not kept"),
            _column("team_id", "string", "The respondent's team, where no membership says so"),
            _count("invited_count", "People who were asked in this wave"),
        ),
        derived=(Field("value", "decimal", "The answer on its scale; null for free text"),),
        dated_by="submitted_at",
    ),
    Feed(
        "ci_runs", "a CI run", ("ci_run_id",),
        (
            _required("ci_run_id", "string", "The run's id"),
            _required("repository", "string", "The repository"),
            _required("started_at", "timestamp", "When it began"),
            _required("conclusion", "string", "How it ended, in the words of its system"),
            _column("finished_at", "timestamp", "When it ended"),
            _column("commit_sha", "string", "The commit it ran on"),
            _column("attempt", "integer", "Which attempt, from 1", minimum=1),
        ),
        ordered=(("started_at", "finished_at"),), dated_by="started_at",
    ),
)  # fmt: skip

STREAMS = tuple(feed.stream for feed in FEEDS)


SILENT = "silent"  # how the fingerprint of a batch begins that stands for a file no longer counted


class FilesSettings(BaseModel, extra="forbid"):
    """``systems.files`` of valuemaxx.yml."""

    folder: Path = Path("feeds")


def extract(
    lake: Lake,
    identity: Identity,
    settings: FilesSettings,
    *,
    full_refresh: bool = False,
    forget_missing: bool = False,
) -> Iterator[Outcome]:
    """Lands every file that changed since it was last read, one batch a file; one outcome a file.

    ``full_refresh`` reads unchanged files too. ``forget_missing`` drops what files gave that are
    no longer there. A file that cannot be read leaves what it gave before.
    """
    if not settings.folder.is_dir():
        yield _no_folder(settings)
        return
    sources = client.find(settings.folder, FEEDS)
    for source in sources:
        if source.feed is None:
            yield Outcome("files", identity.redact(source.scope), "warning", source.problem)
    with records.workshop() as connection:
        for feed in FEEDS:
            known = lake.newest(feed.stream)
            present: dict[str, str] = {}
            for source in sources:
                if source.feed is feed:
                    reader = _Reader(lake, identity, connection, feed, full_refresh)
                    yield reader.read(source, known, present)
            scopes = {identity.redact(s.scope) for s in sources if s.feed is feed}
            for scope, batch in known.items():
                if scope not in scopes and not batch.fingerprint.startswith(SILENT):
                    yield _gone(lake, feed, batch, present, forget_missing)


def check(settings: FilesSettings) -> Iterator[Outcome]:
    """Whether each file's header could be read; reads one chunk of each."""
    if not settings.folder.is_dir():
        yield _no_folder(settings)
        return
    for source in client.find(settings.folder, FEEDS):
        scope = EMAIL.sub("(address)", source.scope)
        header = client.Header()
        if source.feed is None:
            yield Outcome("files", scope, "warning", source.problem)
            continue
        try:
            next(client.read(source, header))
        except (client.Unreadable, OSError) as error:
            yield Outcome("files", scope, "failed", _because(error))
        else:
            unknown = _unknown(header)
            yield Outcome("files", scope, "warning" if unknown else "unchanged", unknown)


@dataclass(frozen=True)
class _Reader:
    """Lands one feed's files."""

    lake: Lake
    identity: Identity
    connection: duckdb.DuckDBPyConnection
    feed: Feed
    full_refresh: bool

    def read(
        self, source: client.Source, known: dict[str, Batch], present: dict[str, str]
    ) -> Outcome:
        """Lands the file unless it is the one that was landed. ``present`` collects the
        digests of the feed's files, so that the same file twice counts once."""
        scope = self.identity.redact(source.scope)
        try:
            digest = source.digest()
            fingerprint = f"{digest}-{_reading(self.feed, self.identity)}"
            original = present.setdefault(digest, scope)
            if original != scope:
                fingerprint = f"{SILENT} copy of {digest}"
            before = known.get(scope)
            if before and before.fingerprint == fingerprint and not self.full_refresh:
                return _copied(scope, original) if original != scope else _unchanged(before)
            if original != scope:
                _silence(self.lake, self.feed, scope, fingerprint)
                return _copied(scope, original)
            return self._land(source, scope, fingerprint)
        except (client.Unreadable, OSError) as error:
            for digest in [d for d, name in present.items() if name == scope]:
                del present[digest]  # nothing of it is landed that another name could rely on
            kept = "; what it gave before stays" if scope in known else ""
            return Outcome("files", scope, "failed", _because(error) + kept)

    def _land(self, source: client.Source, scope: str, fingerprint: str) -> Outcome:
        header = client.Header()
        typer = records.Typer(self.connection, self.feed, self.identity)
        with self.lake.writing(self.feed.stream, scope, fingerprint=fingerprint) as batch:
            for chunk in client.read(source, header):
                for bad in chunk.malformed:
                    batch.refuse({"length": bad.length}, bad.reason, f"{scope}:{bad.line}")
                landed, refused = typer.type(chunk)
                batch.append(landed)
                for record in refused:
                    batch.refuse(record.record, record.reason, f"{scope}:{record.line}")
        counted = _counted(batch.rows_landed, sum(batch.reasons.values()), batch.reasons)
        unknown = self.identity.redact(_unknown(header))
        return Outcome(
            "files",
            scope,
            "warning" if unknown or batch.reasons else "landed",
            "; ".join(filter(None, (counted, unknown))),
        )


def _gone(
    lake: Lake, feed: Feed, batch: Batch, present: dict[str, str], forget_missing: bool
) -> Outcome:
    """A file that was there before. Renamed, its records are the new name's already."""
    new_name = present.get(batch.fingerprint.split("-")[0])
    if new_name is not None:
        _silence(lake, feed, batch.scope, f"{SILENT} renamed")
        return Outcome("files", batch.scope, "unchanged", f"is now called {new_name}")
    if forget_missing:
        _silence(lake, feed, batch.scope, f"{SILENT} forgotten")
        return Outcome("files", batch.scope, "landed", "is gone; what it gave is forgotten")
    message = (
        f"is gone; the {batch.rows_landed:,} records it gave stay until a run with --forget-missing"
    )
    return Outcome("files", batch.scope, "missing", message)


def _silence(lake: Lake, feed: Feed, scope: str, fingerprint: str) -> None:
    with lake.writing(feed.stream, scope, fingerprint=fingerprint):
        pass  # a batch without records, which from now on stands for the scope


def _unchanged(batch: Batch) -> Outcome:
    counted = _counted(batch.rows_landed, batch.rows_quarantined, batch.reasons)
    return Outcome(
        "files",
        batch.scope,
        "warning" if batch.rows_quarantined else "unchanged",
        counted,
    )


def _copied(scope: str, original: str) -> Outcome:
    return Outcome("files", scope, "warning", f"is the same as {original} and counts once")


def _counted(landed: int, refused: int, reasons: Mapping[str, int]) -> str:
    counted = f"{landed:,} record{'s' * (landed != 1)}"
    if not reasons:
        return counted
    most = ", ".join(f"{reason} ({count:,})" for reason, count in Counter(reasons).most_common(5))
    more = ", and other reasons" if len(reasons) > 5 else ""
    return f"{counted}, {refused:,} refused: {most}{more}"


def _unknown(header: client.Header) -> str:
    if not header.unknown:
        return ""
    return "columns that no feed has, ignored: " + ", ".join(header.unknown[:10])


def _no_folder(settings: FilesSettings) -> Outcome:
    message = "there is no such folder; make it, or set systems.files.folder in valuemaxx.yml"
    return Outcome("files", settings.folder.name, "failed", message)


def _because(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"could not be read: {error.strerror or 'input or output failed'}"
    return str(error)


@functools.cache
def _reading(feed: Feed, identity: Identity) -> str:
    """Changes when the same bytes would be read otherwise: this code, the declarations, the
    evidence rules, the salt or the bots changed."""
    parts = (feed.stream.digest, identity.fingerprint, evidence.load_rules().fingerprint)
    seen = hashlib.sha256(repr(parts).encode())
    for path in sorted([*Path(__file__).parent.glob("*.py"), Path(evidence.__file__)]):
        seen.update(path.read_bytes())
    return seen.hexdigest()[:16]
