"""Lead time in five variants, change by change and by quarter."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta

from orchestration.simulation.records import Company
from orchestration.simulation.truth.delivery import Changed, Delivery, Deployed
from orchestration.simulation.truth.directory import (
    Directory,
    Row,
    feed_id,
    is_seen,
    published_id,
)
from orchestration.simulation.truth.periods import (
    Period,
    median,
    quantile,
    seconds_between,
    start_of,
)

MINUTE = timedelta(minutes=1)
DATED_BY = {
    "first_commit_to_deploy": "deployed_at",
    "merge_to_deploy": "deployed_at",
    "last_commit_to_deploy": "deployed_at",
    "first_commit_to_merge": "merged_at",
    "devlake_pr_cycle": "merged_at",
}
PARTS = ("coding", "open", "deploy", "pickup", "review")

Span = tuple[datetime | None, datetime | None]


class Variants:
    """Every merged change, timed in five ways."""

    def __init__(self, company: Company, directory: Directory, delivery: Delivery) -> None:
        self._company, self._directory, self._delivery = company, directory, delivery
        self._reviewed_at = self._first_reviews_of_others()
        self._rows = [(change, row) for change in delivery.changes for row in self._timed(change)]

    def rows(self) -> list[Row]:
        """``dora.lead_time_variants``."""
        return [row for _, row in self._rows]

    def quarterly(self, quarters: list[Period], fiscal_start: int) -> list[Row]:
        """``dora.lead_time_variants_quarterly``."""
        minutes: dict[tuple[str, str, date, object], list[float]] = {}
        for change, row in self._rows:
            value, moment = row["lead_time_minutes"], row[DATED_BY[str(row["variant"])]]
            if change.is_bot_change or not isinstance(value, float):
                continue
            if not isinstance(moment, datetime):
                continue  # never: whatever has a lead time has its end
            quarter = start_of("quarterly", moment.date(), fiscal_start)
            for scope in self._directory.scopes_of(change.team_id, change.service_id):
                minutes.setdefault((*scope, quarter, row["variant"]), []).append(value)
        return [
            {
                "scope_type": scope.scope_type,
                "scope_id": scope.scope_id,
                "period_start": quarter.start,
                "variant": variant,
                "scope_name": scope.scope_name,
                "dated_by": dated_by,
                **_summed_up(
                    variant,
                    minutes.get((scope.scope_type, scope.scope_id, quarter.start, variant), []),
                ),
                "is_partial_period": quarter.is_partial(self._directory.as_of),
                "period_end": quarter.end,
            }
            for scope in self._directory.scopes()
            for quarter in quarters
            for variant, dated_by in DATED_BY.items()
        ]

    def _first_reviews_of_others(self) -> dict[str, datetime]:
        """When a known account other than the author, be it a bot, first reviewed each change."""
        authors = {c.record.pull_request_id: c.author for c in self._delivery.changes}
        found: dict[str, datetime] = {}
        for review in self._company.reviews:
            pull_request_id = str(feed_id(review.pull_request_id))
            reviewer, at = self._directory.person(review.reviewer), review.submitted_at
            if reviewer is None or not is_seen(at, self._directory.as_of):
                continue
            if reviewer != authors.get(pull_request_id):
                found[pull_request_id] = min(at, found.get(pull_request_id, at))
        return found

    def _timed(self, change: Changed) -> Iterator[Row]:
        first, last = change.first_commit_at, change.last_commit_at
        merged_at, deployed_at = change.merged_at, change.deployed_at
        coding: Span = first, change.record.created_at
        opened: Span = change.record.created_at, merged_at
        deploying: Span = merged_at, deployed_at
        before_last = "no_commits" if last is None else None
        if last and deployed_at and deployed_at < last:
            before_last = "deployed_before_last_commit"
        before_merge = "no_commits" if first is None else None
        if first and merged_at < first:
            before_merge = "merged_before_first_commit"
        yield _row(
            change, "first_commit_to_deploy", (first, deployed_at), change.no_lead_time_reason,
            change.deployment, {"coding": coding, "open": opened, "deploy": deploying},
        )  # fmt: skip
        yield _row(
            change, "merge_to_deploy", deploying, change.not_deployed_reason,
            change.deployment, {"deploy": deploying},
        )  # fmt: skip
        yield _row(
            change, "last_commit_to_deploy", (last, deployed_at),
            change.not_deployed_reason or before_last, change.deployment, {"deploy": deploying},
        )  # fmt: skip
        yield _row(
            change, "first_commit_to_merge", (first, merged_at), before_merge,
            None, {"coding": coding, "open": opened},
        )  # fmt: skip
        yield self._like_devlake(change)

    def _like_devlake(self, change: Changed) -> Row:
        """Parts in whole minutes, rounded up; the sum of those of coding, open and deploy that are
        known and not negative then."""
        record, merged_at = change.record, change.merged_at
        shipping = self._delivery.shipped_by.get(record.merge_commit_sha or "", [])
        later = [deployed for deployed in shipping if deployed.number > 0]
        deployed = min(later, key=lambda d: d.order, default=None)
        reviewed_at = self._reviewed_at.get(record.pull_request_id)
        spans = {
            "coding": (change.first_commit_at, record.created_at),
            "open": (record.created_at, merged_at),
            "deploy": (merged_at, deployed.finished_at if deployed else None),
            "pickup": (record.created_at, reviewed_at),
            "review": (reviewed_at, merged_at),
        }
        parts = {part: _minutes_up(span) for part, span in spans.items()}
        summed = [parts[part] for part in ("coding", "open", "deploy")]
        known = [minutes for minutes in summed if minutes is not None]
        return {
            **_row(change, "devlake_pr_cycle", (None, None), None, deployed, {}),
            **{f"{part}_minutes": minutes for part, minutes in parts.items()},
            "lead_time_minutes": sum(known) if known else None,
            "no_lead_time_reason": None if known else "no_known_part",
        }


def _row(
    change: Changed,
    variant: str,
    span: Span,
    reason: str | None,
    deployed: Deployed | None,
    parts: dict[str, Span],
) -> Row:
    return {
        "pull_request_id": published_id(change.record.pull_request_id),
        "variant": variant,
        "service_id": change.service_id,
        "team_id": change.team_id,
        "deployment_id": published_id(deployed.record.deployment_id) if deployed else None,
        "lead_time_minutes": None if reason else _minutes(span),
        **{f"{part}_minutes": _minutes(parts.get(part, (None, None))) for part in PARTS},
        "no_lead_time_reason": reason,
        "is_bot_change": change.is_bot_change,
        "merged_at": change.merged_at,
        "deployed_at": deployed.finished_at if deployed else None,
    }


def _minutes(span: Span) -> float | None:
    seconds = seconds_between(*span)
    return None if seconds is None or seconds < 0 else seconds / 60


def _minutes_up(span: Span) -> float | None:
    """Whole minutes, rounded up; None if that is below 0."""
    begins, ends = span
    if begins is None or ends is None:
        return None
    minutes = -((begins - ends) // MINUTE)
    return float(minutes) if minutes >= 0 else None


def _summed_up(variant: str, minutes: Sequence[float]) -> Row:
    hours = [value / 60 for value in minutes]
    is_lower = variant == "devlake_pr_cycle"
    return {
        "summary_method": "lower" if is_lower else "continuous",
        "change_count": len(hours),
        "median_hours": _lower(hours, 5) if is_lower else median(hours),
        "p90_hours": _lower(hours, 9) if is_lower else quantile(hours, 0.9),
    }


def _lower(hours: Sequence[float], tenths: int) -> float | None:
    """The largest value whose percent rank is at most so many tenths; None over none."""
    return sorted(hours)[tenths * (len(hours) - 1) // 10] if hours else None
