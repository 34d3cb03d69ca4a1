"""When each team adopted AI, and which quarter each scope is held against."""

from datetime import date, timedelta

from orchestration.simulation.records import Activity, Company
from orchestration.simulation.truth.delivery import Delivery
from orchestration.simulation.truth.directory import (
    Directory,
    Policy,
    is_seen,
)
from orchestration.simulation.truth.lines import Lines
from orchestration.simulation.truth.periods import Period, midnight, start_of
from orchestration.simulation.truth.quality import Quality
from orchestration.simulation.worlds import month_after

HOLDS_IN, OF_NEXT = 2, 3  # months
ENTERED_LATE = timedelta(days=7)  # a quarter whose data begin later is not full

Scope = tuple[str, str]  # scope type, scope id


class Adoption:
    """Active users by month, teams' months of adoption, scopes' baseline quarters."""

    def __init__(
        self,
        company: Company,
        directory: Directory,
        delivery: Delivery,
        quality: Quality,
        lines: Lines,
        policy: Policy,
        periods: dict[str, list[Period]],
    ) -> None:
        self._company, self._directory, self._delivery = company, directory, delivery
        self._policy, self._lines = policy, lines
        self._fiscal_start = policy.fiscal_year_start_month
        self._months = [
            month.start for month in periods["monthly"] if not month.is_partial(directory.as_of)
        ]
        self._contributors = {
            (scope_id, month): people
            for (scope_type, scope_id, month), people in quality.contributors("monthly").items()
            if scope_type == "team"
        }
        self._shares = self._active_user_shares()
        self.adopted_on = self._adoptions()
        self._quarters = periods["quarterly"]

    def baseline_quarters(self, first_day: date) -> dict[Scope, date]:
        """The first day of each scope's baseline quarter; scopes without one are absent."""
        full = [
            quarter.start
            for quarter in self._quarters
            if not quarter.is_partial(self._directory.as_of)
            and first_day < quarter.start + ENTERED_LATE
        ]
        adopted = self._shown_adoptions()
        found = {}
        for scope, quarters in self._quarters_with_data().items():
            usable = [quarter for quarter in full if quarter in quarters]
            month = adopted.get(scope)
            quarter = start_of("quarterly", month, self._fiscal_start) if month else None
            before = [start for start in usable if quarter and start < quarter]
            if usable:
                found[scope] = before[-1] if before else usable[0]
        return found

    # Who uses AI

    def _active_users(self) -> dict[date, set[str]]:
        """Who used AI on enough days of each month."""
        days: dict[tuple[str, date], set[date]] = {}
        as_of = self._directory.as_of
        used = [
            (usage.person, usage.occurred_at.date())
            for usage in self._company.ai_usage
            if is_seen(usage.occurred_at, as_of)
        ]
        used += [
            (activity.person, activity.activity_date)
            for activity in self._company.ai_activity
            if midnight(activity.activity_date) < as_of and tells_of_use(activity)
        ]
        for handle, day in used:
            person = self._directory.person(handle)
            if person is not None:
                days.setdefault((person, day.replace(day=1)), set()).add(day)
        found: dict[date, set[str]] = {}
        for (person, month), dates in days.items():
            if len(dates) >= self._policy.active_days_per_month:
                found.setdefault(month, set()).add(person)
        return found

    def _active_user_shares(self) -> dict[tuple[str, date], float]:
        active = self._active_users()
        return {
            (team_id, month): len(people & active.get(month, set())) / len(people)
            for (team_id, month), people in self._contributors.items()
            if people
        }

    def _holds(self, team_id: str, month: date) -> bool:
        if month not in self._months:
            return False
        return self._shares.get((team_id, month), 0) >= self._policy.adoption_share

    def _adoptions(self) -> dict[str, date]:
        """The first month that holds in two of the next three."""
        found = {}
        for team_id in self._directory.team_ids:
            for month in self._months:
                following = [month_after(month, number + 1) for number in range(OF_NEXT)]
                held = sum(self._holds(team_id, later) for later in following)
                if self._holds(team_id, month) and held >= HOLDS_IN:
                    found[team_id] = month
                    break
        return found

    # What is published of it

    def _shown_adoptions(self) -> dict[Scope, date]:
        """Each scope's month: that of the first team in it that is large enough to show."""
        found: dict[Scope, date] = {}
        for team_id, month in self.adopted_on.items():
            if not self._is_shown(team_id, month):
                continue
            scopes = self._directory.scopes_of(team_id, None)
            scopes += [
                ("service", service_id)
                for service_id in self._directory.services
                if self._directory.team_of_service(service_id) == team_id
            ]
            for scope in scopes:
                found[scope] = min(month, found.get(scope, month))
        return found

    def _is_shown(self, team_id: str, adopted_on: date) -> bool:
        """Whether it had enough people, and enough who contributed, while it adopted."""
        months = [month_after(adopted_on, number) for number in range(OF_NEXT + 1)]
        counts = [
            count
            for month in months
            if month in self._months
            for count in (
                self._lines.headcounts(month)[team_id],
                len(self._contributors.get((team_id, month), ())),
            )
        ]
        return min(counts) >= self._policy.minimum_group_size

    def _quarters_with_data(self) -> dict[Scope, set[date]]:
        """The quarters in which a change of each scope merged or an issue of it was resolved."""
        found: dict[Scope, set[date]] = {}
        happened = [
            (change.merged_at, change.team_id, change.service_id)
            for change in self._delivery.changes
            if not change.is_bot_change
        ]
        happened += [
            (issue.resolved_at, self._directory.team_of_issue(issue), issue.service_id)
            for issue in self._company.issues
            if issue.resolved_at and is_seen(issue.resolved_at, self._directory.as_of)
        ]
        for moment, team_id, service_id in happened:
            quarter = start_of("quarterly", moment.date(), self._fiscal_start)
            for scope in self._directory.scopes_of(team_id, service_id):
                found.setdefault(scope, set()).add(quarter)
        return found


def tells_of_use(activity: Activity) -> bool:
    """Whether its counts are not all 0; one without any says that the tool was used."""
    counts = (
        activity.sessions,
        activity.interactions,
        activity.agent_actions,
        activity.agent_tasks_completed,
        activity.lines_suggested,
        activity.lines_accepted,
    )
    known = [count for count in counts if count is not None]
    return not known or any(known)
