"""What people say when they are asked, once a quarter: how the work is, and what AI saves them.

Answers follow from what a team's month is like (``Planted.factors``) and from who is asked; about
a third does not answer.
"""

import random
from datetime import date, datetime, time, timedelta
from math import exp, log

from orchestration.simulation.organization import Organization
from orchestration.simulation.records import SurveyResponse

ANSWERS = 0.65  # share of those invited
SKIPS_A_QUESTION, NAMES_TEAM, WRITES = 0.04, 0.3, 0.06
INVITED_ON, OPEN_DAYS = 10, 12  # day of the quarter's second month; days to answer

# What a question's answer suffers from: outcome → points on a scale of five per log of its factor.
LIKERT = {
    "satisfaction": {"review_time": 0.6, "incidents": 0.4},
    "flow": {"review_time": 1.0, "coding_time": 0.8},
    "code_quality": {"defects": 0.8, "rework": 0.6},
    "review_quality": {"review_time": 0.8, "size": 0.5},
    "ease_of_release": {"recovery_time": 0.4, "incidents": 0.6},
}
USUAL, PERSONAL_SPREAD, SPREAD = 3.7, 0.6, 0.7  # points on a scale of five
HOURS_SAVED, HOURS_SPREAD = 2.5, 0.6  # median a week; standard deviation of the log
REMARKS = (
    "More time for tests, please.",
    "Reviews take long.",
    "Fewer meetings would help.",
    "The build is slow.",
)


def ask(organization: Organization) -> None:
    """Fill ``survey_responses``: a wave in each quarter whose second month the company sees."""
    for month in organization.months:
        if month.month % 3 == 2:
            _wave(organization, month)


def _wave(organization: Organization, month: date) -> None:
    """Everybody is invited on one day and answers, or not, in the days after."""
    company = organization.company
    survey_id = f"{month.year}-Q{(month.month + 2) // 3}"
    sent_on = month.replace(day=INVITED_ON)
    invited = [
        (person, team.team_id)
        for team in company.teams
        for person in organization.people_of(team.team_id, sent_on)
    ]
    for person, team_id in invited:
        draw = organization.random("survey", person, survey_id)
        if draw.random() >= ANSWERS:
            continue
        seconds = int(draw.random() ** 2 * OPEN_DAYS * 86_400)
        submitted = datetime.combine(sent_on, time(8)) + timedelta(seconds=seconds)
        if submitted >= company.as_of:
            continue
        named = team_id if draw.random() < NAMES_TEAM else None
        company.survey_responses += [
            SurveyResponse(
                survey_id, person, submitted, question, scale, value, named, len(invited)
            )
            for question, scale, value in _answers(organization, draw, person, team_id, month)
        ]


def _answers(
    organization: Organization, draw: random.Random, person: str, team_id: str, month: date
) -> list[tuple[str, str, str]]:
    """A person's answers: question, scale and value."""
    mood = organization.random("mood", person).gauss(0, PERSONAL_SPREAD)
    factors = organization.company.planted.factors.get((team_id, month), {})
    answers = []
    for question, burdens in LIKERT.items():
        points = USUAL + mood + draw.gauss(0, SPREAD)
        points -= sum(weight * log(factors.get(outcome, 1)) for outcome, weight in burdens.items())
        if draw.random() >= SKIPS_A_QUESTION:
            answers.append((question, "likert5", str(min(max(round(points), 1), 5))))
    recommends = round(2 * (USUAL + mood + draw.gauss(0, SPREAD)))
    answers.append(("recommend", "nps", str(min(max(recommends, 0), 10))))
    saved = HOURS_SAVED * exp(draw.gauss(0, HOURS_SPREAD))
    if person in organization.ai_users(team_id, month):
        answers.append(("hours_saved_with_ai", "hours_per_week", f"{min(saved, 40):.1f}"))
    if draw.random() < WRITES:
        answers.append(("remarks", "text", draw.choice(REMARKS)))
    return answers
