"""What kinds of work were finished, how the mix moved, and how much work it stands for."""

import csv
import functools
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from math import log2

from orchestration.simulation.records import Company, Issue, PullRequest
from orchestration.simulation.truth.delivery import Changed, Delivery
from orchestration.simulation.truth.directory import SEEDS, Directory, Policy, Row, is_seen
from orchestration.simulation.truth.periods import Period, median, ratio, seconds_between, start_of

UNKNOWN = "unknown"
TITLE_TYPE = re.compile(
    r"\s*(feat|fix|docs|style|refactor|perf|test|build|ci|chore|revert)(\([^()\n]*\))?!?:",
    re.IGNORECASE,
)

Cell = tuple[str, str, date]  # scope type, scope id, first day of the quarter
Words = Iterator[tuple[str, list[str]]]  # where they are found, and they


@dataclass(frozen=True)
class Finished:
    """A unit of finished work."""

    work_type: str
    finished_at: datetime
    hours: float | None
    team_id: str
    service_id: str | None


@dataclass(frozen=True)
class Mix:
    """What a scope's quarter finished."""

    counts: Counter[str]
    hours: dict[str, list[float]]  # by type
    contributors: int
    is_partial: bool

    @property
    def total(self) -> int:
        """Everything finished."""
        return sum(self.counts.values())

    def share(self, work_type: str) -> float | None:
        """Of everything finished."""
        return ratio(self.counts[work_type], self.total)


NOTHING = Mix(Counter(), {}, 0, is_partial=False)


def work_mix(
    company: Company,
    directory: Directory,
    delivery: Delivery,
    policy: Policy,
    baselines: dict[tuple[str, str], date],
    quarters: list[Period],
    quality_quarterly: list[Row],
) -> list[Row]:
    """``quality.work_mix_quarterly``."""
    units = _finished(company, directory, delivery)
    mixes = _mixes(units, directory, policy, quality_quarterly)
    work_types = sorted({unit.work_type for unit in units})
    rows = []
    for scope in directory.scopes():
        key = scope.scope_type, scope.scope_id
        baseline_start = baselines.get(key)
        baseline = mixes[(*key, baseline_start)] if baseline_start else NOTHING
        prior = NOTHING
        for quarter in quarters:
            mix = mixes[(*key, quarter.start)]
            indexes = _indexes(mix, baseline)
            totals = [mix.total, baseline.total] if baseline_start else [mix.total]
            is_small = min(totals) < policy.small_sample_size
            for work_type in work_types:
                rows.append(
                    {
                        "scope_type": scope.scope_type,
                        "scope_id": scope.scope_id,
                        "period_start": quarter.start,
                        "work_type": work_type,
                        "scope_name": scope.scope_name,
                        "finished_count": mix.counts[work_type],
                        "finished_work_count": mix.total,
                        "work_share": mix.share(work_type),
                        "prior_work_share": prior.share(work_type),
                        "baseline_quarter_start": baseline_start,
                        "baseline_finished_count": (
                            baseline.counts[work_type] if baseline_start else None
                        ),
                        "baseline_finished_work_count": baseline.total if baseline_start else None,
                        "baseline_work_share": baseline.share(work_type),
                        "baseline_median_work_hours": median(baseline.hours.get(work_type, [])),
                        **indexes,
                        "is_baseline_quarter": quarter.start == baseline_start,
                        "is_small_sample": is_small,
                        "is_partial_period": mix.is_partial,
                        "period_end": quarter.end,
                    }
                )
            prior = mix
    return rows


def _mixes(
    units: list[Finished], directory: Directory, policy: Policy, quality_quarterly: list[Row]
) -> dict[Cell, Mix]:
    found = {}
    for row in quality_quarterly:
        start = date.fromisoformat(str(row["period_start"]))
        found[str(row["scope_type"]), str(row["scope_id"]), start] = Mix(
            Counter(),
            {},
            int(str(row["active_contributor_count"])),
            row["is_partial_period"] is True,
        )
    for unit in units:
        quarter = start_of("quarterly", unit.finished_at.date(), policy.fiscal_year_start_month)
        for scope in directory.scopes_of(unit.team_id, unit.service_id):
            mix = found[(*scope, quarter)]
            mix.counts[unit.work_type] += 1
            if unit.hours is not None:
                mix.hours.setdefault(unit.work_type, []).append(unit.hours)
    return found


def _indexes(mix: Mix, baseline: Mix) -> Row:
    """What is the same for all types of the quarter."""
    per_head = ratio(mix.total, mix.contributors)
    per_head_before = ratio(baseline.total, baseline.contributors)
    weights = {name: median(hours) or 0.0 for name, hours in baseline.hours.items()}
    work = work_before = None
    if weights:
        work = sum(mix.counts[name] * hours for name, hours in weights.items())
        work_before = sum(baseline.counts[name] * hours for name, hours in weights.items())
    return {
        "active_contributor_count": mix.contributors,
        "drift_index": _drift(mix, baseline),
        "finished_work_per_active_contributor": per_head,
        "throughput_index": None if mix.is_partial else _divided(per_head, per_head_before),
        "standardised_work_hours": work,
        "standardised_throughput_index": (
            None
            if mix.is_partial
            else _divided(
                _divided(work, mix.contributors), _divided(work_before, baseline.contributors)
            )
        ),
    }


def _divided(numerator: float | None, denominator: float | None) -> float | None:
    return None if numerator is None or denominator is None else ratio(numerator, denominator)


def _drift(mix: Mix, baseline: Mix) -> float | None:
    """The Jensen-Shannon divergence of the two mixes, base 2."""
    if not mix.total or not baseline.total:
        return None
    found = 0.0
    for work_type in mix.counts.keys() | baseline.counts.keys():
        p, q = mix.share(work_type) or 0.0, baseline.share(work_type) or 0.0
        middle = (p + q) / 2
        found += sum(share * log2(share / middle) for share in (p, q) if share)
    return round(found / 2, 6)


# What is finished, and of what type


def _finished(company: Company, directory: Directory, delivery: Delivery) -> list[Finished]:
    """People's merged changes, and resolved issues that no merged change did."""
    issues = [issue for issue in company.issues if is_seen(issue.created_at, company.as_of)]
    issues_of: dict[Changed, list[Issue]] = {}
    found = []
    for issue in issues:
        linked = delivery.linked_to(issue)
        for change in linked:
            issues_of.setdefault(change, []).append(issue)
        is_epic = issue.issue_type.casefold() == "epic"
        if linked or is_epic or not issue.resolved_at:
            continue
        # Resolved before it was opened: a wrong clock. It is finished when it was opened.
        finished_at = max(issue.resolved_at, issue.created_at)
        if is_seen(issue.resolved_at, company.as_of):
            found.append(
                Finished(
                    _type_of(_issue_words(issue)),
                    finished_at,
                    _hours(issue.started_at, finished_at),
                    directory.team_of_issue(issue),
                    issue.service_id,
                )
            )
    for change in delivery.changes:
        if not change.is_bot_change:
            found.append(
                Finished(
                    _type_of(_change_words(change.record, issues_of.get(change, []))),
                    change.merged_at,
                    _hours(change.first_commit_at, change.merged_at),
                    change.team_id,
                    change.service_id,
                )
            )
    return found


def _hours(started_at: datetime | None, finished_at: datetime) -> float | None:
    seconds = seconds_between(started_at, finished_at)
    return None if seconds is None or seconds <= 0 else seconds / 3600


def _change_words(record: PullRequest, issues: list[Issue]) -> Words:
    title = TITLE_TYPE.match(record.title or "")
    yield "stated", [record.work_type or ""]
    yield "stated", [issue.work_type or "" for issue in issues]
    yield "issue_type", [issue.issue_type for issue in issues]
    yield "label", list(record.labels)
    yield "label", [label for issue in issues for label in issue.labels]
    yield "title_type", [title[1]] if title else []
    yield "files", ["test"] if _has_only_tests(record) else []


def _issue_words(issue: Issue) -> Words:
    yield "stated", [issue.work_type or ""]
    yield "issue_type", [issue.issue_type]
    yield "label", list(issue.labels)


def _has_only_tests(record: PullRequest) -> bool:
    return bool(record.test_files_changed) and record.test_files_changed == record.changed_files


def _type_of(sources: Iterable[tuple[str, list[str]]]) -> str:
    """What the first source says that holds a word which the seed has."""
    for found_in, words in sources:
        known = [
            _work_types()[found_in, word.strip().casefold()]
            for word in words
            if (found_in, word.strip().casefold()) in _work_types()
        ]
        if known:
            return min(known)[1]
    return UNKNOWN


@functools.cache
def _work_types() -> dict[tuple[str, str], tuple[int, str]]:
    with (SEEDS / "work_types.csv").open(newline="", encoding="utf-8") as lines:
        return {
            (line["found_in"], line["value"].strip().casefold()): (
                int(line["rule_order"]),
                line["work_type"],
            )
            for line in csv.DictReader(lines)
        }
