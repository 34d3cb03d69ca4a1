"""On whose line a team's cost stands: alone, with its department, or with the small teams."""

from collections import Counter
from datetime import date, timedelta

from orchestration.simulation.truth.directory import UNATTRIBUTED, Directory, Policy
from orchestration.simulation.truth.periods import last_day, next_start, start_of

SMALL_TEAMS = "small_teams"
SMALL_TEAMS_NAME = "Teams below the minimum group"


class Lines:
    """The line of each team in each month and quarter."""

    def __init__(self, directory: Directory, policy: Policy, months: list[date]) -> None:
        self._directory, self._minimum = directory, policy.minimum_group_size
        self._teams = [team for team in directory.team_ids if team != UNATTRIBUTED]
        self._of_month = {month: self._lines_of_month(month) for month in months}
        months_of: dict[date, list[date]] = {}
        for month in months:
            quarter = start_of("quarterly", month, policy.fiscal_year_start_month)
            months_of.setdefault(quarter, []).append(month)
        self._of_quarter = {
            quarter: self._lines_of_quarter([self._of_month[month] for month in inside])
            for quarter, inside in months_of.items()
        }

    def line_of(self, team_id: str, kind: str, start: date) -> str:
        """The team on whose line it stands in the month or quarter, or ``small_teams``."""
        if team_id == UNATTRIBUTED:
            return UNATTRIBUTED
        lines = self._of_month if kind == "monthly" else self._of_quarter
        return lines[start][team_id]

    def ids(self) -> list[str]:
        """Every line that there may be."""
        return [*self._teams, UNATTRIBUTED, SMALL_TEAMS]

    def department_of(self, line: str) -> str:
        """The department of a line; the small teams are their own."""
        return line if line == SMALL_TEAMS else self._directory.department_of(line)

    def name_of(self, line: str) -> str:
        """What a line is called."""
        return SMALL_TEAMS_NAME if line == SMALL_TEAMS else self._directory.team_name(line)

    def headcounts(self, month: date) -> Counter[str]:
        """People whose primary team it was on every day of the month that ``as_of`` reached."""
        end = min(next_start("monthly", month), last_day(self._directory.as_of) + timedelta(days=1))
        days = [month + timedelta(days=n) for n in range((end - month).days)]
        counts: Counter[str] = Counter()
        for person in self._directory.people:
            team_id = self._directory.team_on(person, month)
            if team_id and all(self._directory.team_on(person, day) == team_id for day in days):
                counts[team_id] += 1
        return counts

    def _lines_of_month(self, month: date) -> dict[str, str]:
        people = self.headcounts(month)
        lines = {team: team for team in self._teams}
        for department in {self._directory.department_of(team) for team in self._teams}:
            small = [
                team
                for team in self._teams
                if self._directory.department_of(team) == department
                and people[team] < self._minimum
            ]
            pool = {*small, department} if small else set()
            is_enough = sum(people[team] for team in pool) >= self._minimum
            lines |= dict.fromkeys(pool, department if is_enough else SMALL_TEAMS)
        on_line: Counter[str] = Counter()
        for team, line in lines.items():
            on_line[line] += people[team]
        if 0 < on_line[SMALL_TEAMS] < self._minimum:
            others = [line for line in set(lines.values()) if line != SMALL_TEAMS]
            joins = min(others, key=lambda line: (on_line[line], line), default=None)
            lines = {t: SMALL_TEAMS if line == joins else line for t, line in lines.items()}
        return lines

    def _lines_of_quarter(self, months: list[dict[str, str]]) -> dict[str, str]:
        """Teams that stood together in any month stand together."""
        groups = [{team} for team in [*self._teams, SMALL_TEAMS]]
        for lines in months:
            for team, line in lines.items():
                # Whoever stands on the small teams' line stands with that line itself.
                joined = [group for group in groups if team in group or line in group]
                groups = [group for group in groups if group not in joined]
                groups.append(set().union(*joined))
        found = {}
        for group in groups:
            if SMALL_TEAMS in group:
                line = SMALL_TEAMS
            elif len(group) > 1:
                line = self._directory.department_of(min(group))
            else:
                line = min(group)
            found.update(dict.fromkeys(group, line))
        return found
