"""What people say when they are asked, by quarter, scope and question."""

import csv
import functools
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from orchestration.simulation.records import Company, SurveyResponse
from orchestration.simulation.truth.directory import (
    ORGANIZATION,
    SEEDS,
    UNATTRIBUTED,
    Directory,
    Policy,
    Row,
    Scope,
    is_seen,
    published_id,
)
from orchestration.simulation.truth.periods import Period, mean, median, ratio, start_of
from orchestration.simulation.truth.suppression import shown_counts

FAVOURABLE = {"likert5": 4, "likert7": 6}
PROMOTER, DETRACTOR = 9, 6
MEASURED = ("merged_pull_requests_per_active_contributor", "median_change_lead_time_hours")

Key = tuple[str, str]  # scope type, scope id
Cell = tuple[str, str, date]


@dataclass(frozen=True)
class Answer:
    """A respondent's last word on a question."""

    respondent: str
    scale: str
    value: Decimal


class Wave:
    """A survey, its respondents and where they count."""

    def __init__(self, survey_id: str, rows: list[SurveyResponse], directory: Directory) -> None:
        self.survey_id, self._rows, self._directory = survey_id, rows, directory
        self.began_at = min(row.submitted_at for row in rows)
        self.invited = max((r.invited_count for r in rows if r.invited_count), default=None)
        of_respondent: dict[str, list[SurveyResponse]] = {}
        for row in rows:
            person = directory.person(row.respondent)
            if person is not None:
                of_respondent.setdefault(person, []).append(row)
        self._team_of = {who: self._team(who, said) for who, said in of_respondent.items()}
        self.answers = self._last_words(of_respondent)

    def questions(self) -> list[str]:
        """Those with an answer."""
        return sorted(self.answers)

    def scale_of(self, question: str) -> str:
        """That of most answers, then the first."""
        scales = Counter(answer.scale for answer in self.answers[question])
        return min(scales, key=lambda scale: (-scales[scale], scale))

    def usable(self, question: str) -> dict[Key, list[Answer]]:
        """Answers on the question's scale, by scope."""
        scale = self.scale_of(question)
        found: dict[Key, list[Answer]] = {}
        for answer in self.answers[question]:
            if answer.scale == scale:
                for key in self._directory.scopes_of(self._team_of[answer.respondent], None):
                    found.setdefault(key, []).append(answer)
        return found

    def respondents(self) -> Counter[Key]:
        """How many said anything, by scope."""
        return Counter(
            key
            for team_id in self._team_of.values()
            for key in self._directory.scopes_of(team_id, None)
        )

    def headcounts(self) -> Counter[Key]:
        """People in each scope on the day it began."""
        teams = [
            self._directory.team_on(person, self.began_at.date())
            for person in self._directory.people
        ]
        return Counter(
            key for team_id in teams if team_id for key in self._directory.scopes_of(team_id, None)
        )

    def _team(self, respondent: str, rows: list[SurveyResponse]) -> str:
        last = max(row.submitted_at for row in rows)
        team_id = self._directory.team_on(respondent, last.date())
        if team_id:
            return team_id
        named = [
            (row.submitted_at, row.team_id)
            for row in rows
            if row.team_id and self._directory.known_team(row.team_id)
        ]
        latest = max((at for at, _ in named), default=None)
        return min((team for at, team in named if at == latest), default=UNATTRIBUTED)

    def _last_words(
        self, of_respondent: dict[str, list[SurveyResponse]]
    ) -> dict[str, list[Answer]]:
        found: dict[str, list[Answer]] = {}
        for respondent, rows in of_respondent.items():
            last: dict[str, tuple[datetime, bool, Decimal, str]] = {}
            for row in rows:
                if row.scale == "text":
                    continue
                value = _number(row.value)
                said = row.submitted_at, value is not None, value or Decimal(0), row.scale
                last[row.question_id] = max(said, last.get(row.question_id, said))
            for question, (_, is_number, value, scale) in last.items():
                if is_number:
                    found.setdefault(question, []).append(Answer(respondent, scale, value))
        return found


class Experience:
    """``quality.experience_quarterly``."""

    def __init__(
        self,
        company: Company,
        directory: Directory,
        policy: Policy,
        baselines: dict[Key, date],
        measured: dict[Cell, Row],
    ) -> None:
        self._directory, self._policy = directory, policy
        self._baselines, self._measured = baselines, measured
        self._scopes = [scope for scope in directory.scopes() if scope.scope_type != "service"]
        rows: dict[str, list[SurveyResponse]] = {}
        for row in company.survey_responses:
            if is_seen(row.submitted_at, company.as_of):
                rows.setdefault(row.survey_id, []).append(row)
        self._waves = [Wave(survey_id, found, directory) for survey_id, found in rows.items()]

    def rows(self, quarters: list[Period]) -> list[Row]:
        """The table."""
        found: list[Row] = []
        before: dict[tuple[Key, str], Row] = {}
        for quarter in quarters:
            for question, wave in sorted(self._waves_of(quarter).items()):
                for scope, row in self._rows_of(quarter, question, wave):
                    key = (scope.scope_type, scope.scope_id), question
                    prior = before.get(key, {})
                    is_same = prior.get("scale") == row["scale"] and row["is_reported"]
                    row["prior_mean_value"] = prior.get("mean_value") if is_same else None
                    before[key] = row
                    found.append(row)
        return found

    def _waves_of(self, quarter: Period) -> dict[str, Wave]:
        """Each question's wave: of those with answers to it, the one that began last."""
        fiscal_start = self._policy.fiscal_year_start_month
        found: dict[str, Wave] = {}
        for wave in sorted(self._waves, key=lambda wave: (wave.began_at, wave.survey_id)):
            if start_of("quarterly", wave.began_at.date(), fiscal_start) == quarter.start:
                found |= dict.fromkeys(wave.questions(), wave)
        return found

    def _rows_of(self, quarter: Period, question: str, wave: Wave) -> list[tuple[Scope, Row]]:
        minimum = self._policy.minimum_group_size
        department_of = self._directory.department_of
        usable, respondents = wave.usable(question), wave.respondents()
        counts = {key: len(answers) for key, answers in usable.items()}
        shown = shown_counts(counts, department_of, minimum)
        shown_respondents = shown_counts(respondents, department_of, minimum)
        headcounts, scale = wave.headcounts(), wave.scale_of(question)
        of_all = usable.get((ORGANIZATION, ORGANIZATION), [])
        unusable = len(wave.answers[question]) - len(of_all)
        found = []
        for scope in self._scopes:
            key = scope.scope_type, scope.scope_id
            is_organization = scope.scope_type == ORGANIZATION
            invited = wave.invited if is_organization else None
            figures = _figures(scale, [float(a.value) for a in usable.get(key, [])])
            figures |= {
                "invited_count": invited,
                "unusable_answer_count": unusable if is_organization else None,
                "headcount": headcounts[key],
                **self._said_and_measured(scope, quarter, scale),
            }
            is_reported = key in shown
            if not is_reported:
                figures = dict.fromkeys(figures)
            is_response_shown = is_reported and key in shown_respondents
            asked = headcounts[key] if invited is None else invited
            rate = ratio(respondents[key], asked)
            row: Row = {
                "scope_type": scope.scope_type,
                "scope_id": scope.scope_id,
                "period_start": quarter.start,
                "question_id": question,
                "scope_name": scope.scope_name,
                "survey_id": published_id(wave.survey_id),
                "scale": scale,
                **_described(question),
                "survey_respondent_count": respondents[key] if is_response_shown else None,
                "response_rate": (
                    rate if is_response_shown and rate is not None and rate <= 1 else None
                ),
                **figures,
                "prior_mean_value": None,
                "is_reported": is_reported,
                "is_partial_period": quarter.is_partial(self._directory.as_of),
                "period_end": quarter.end,
            }
            found.append((scope, row))
        return found

    def _said_and_measured(self, scope: Scope, quarter: Period, scale: str) -> Row:
        """Beside hours that people say they save: what was measured, then and before."""
        baseline = self._baselines.get((scope.scope_type, scope.scope_id))
        is_asked = scale == "hours_per_week"
        now = self._measured[scope.scope_type, scope.scope_id, quarter.start] if is_asked else {}
        then: Row = {}
        if is_asked and baseline:
            then = self._measured[scope.scope_type, scope.scope_id, baseline]
        return {
            "baseline_quarter_start": baseline if is_asked else None,
            **{measure: now.get(measure) for measure in MEASURED},
            **{f"baseline_{measure}": then.get(measure) for measure in MEASURED},
        }


def _figures(scale: str, values: list[float]) -> Row:
    count = len(values)
    least = FAVOURABLE.get(scale)
    favourable = promoters = detractors = None
    if least is not None:
        favourable = sum(1 for value in values if value >= least)
    if scale == "nps":
        promoters = sum(1 for value in values if value >= PROMOTER)
        detractors = sum(1 for value in values if value <= DETRACTOR)
    return {
        "respondent_count": count,
        "mean_value": mean(values),
        "median_value": median(values),
        "favourable_count": favourable,
        "favourable_share": None if favourable is None else ratio(favourable, count),
        "promoter_count": promoters,
        "detractor_count": detractors,
        "nps_score": (
            None
            if promoters is None or detractors is None
            else ratio((promoters - detractors) * 100, count)
        ),
    }


def _number(value: str | None) -> Decimal | None:
    try:
        return Decimal((value or "").strip())
    except InvalidOperation:
        return None


def _described(question: str) -> Row:
    return _questions().get(question, {"space_dimension": None, "question_wording": None})


@functools.cache
def _questions() -> dict[str, Row]:
    with (SEEDS / "survey_questions.csv").open(newline="", encoding="utf-8") as lines:
        return {
            line["question_id"]: {
                "space_dimension": line["space_dimension"] or None,
                "question_wording": line["wording"] or None,
            }
            for line in csv.DictReader(lines)
        }
