"""What people say when asked."""

from collections import Counter
from datetime import date

import pytest

from orchestration.simulation import organization, surveys
from orchestration.simulation.organization import Organization
from orchestration.simulation.worlds import Adoption, World

SCALES = {"likert5": (1, 5), "nps": (0, 10), "hours_per_week": (0, 168)}


@pytest.fixture(scope="module")
def asked() -> Organization:
    adoption = Adoption(share_of_teams=1.0, first_month=5, last_month=6)
    company = organization.found(World("w", "", teams=12, months=12, adoption=adoption), 5)
    surveys.ask(company)
    return company


def test_there_is_a_wave_a_quarter(asked: Organization) -> None:
    waves = {response.survey_id for response in asked.company.survey_responses}
    assert waves == {"2024-Q3", "2024-Q4", "2025-Q1", "2025-Q2"}


def test_a_person_answers_a_question_once_a_wave(asked: Organization) -> None:
    responses = asked.company.survey_responses
    keys = Counter((r.survey_id, r.respondent, r.question_id) for r in responses)
    assert set(keys.values()) == {1}


def test_answers_lie_on_their_scales_and_before_as_of(asked: Organization) -> None:
    for response in asked.company.survey_responses:
        assert response.submitted_at < asked.company.as_of
        if response.scale != "text":
            lowest, highest = SCALES[response.scale]
            assert lowest <= float(response.value or "") <= highest


def test_about_two_in_three_of_those_invited_answer(asked: Organization) -> None:
    for wave, day in (("2024-Q3", date(2024, 8, 10)), ("2025-Q2", date(2025, 5, 10))):
        responses = [r for r in asked.company.survey_responses if r.survey_id == wave]
        people = sum(len(asked.people_of(t.team_id, day)) for t in asked.company.teams)
        assert {response.invited_count for response in responses} == {people}
        assert 0.45 < len({response.respondent for response in responses}) / people < 0.85


def test_hours_saved_are_told_by_those_who_use_ai(asked: Organization) -> None:
    for response in asked.company.survey_responses:
        if response.question_id == "hours_saved_with_ai":
            month = date(int(response.survey_id[:4]), 3 * int(response.survey_id[-1]) - 1, 1)
            users = [u for t in asked.teams_on(month) for u in asked.ai_users(t, month)]
            assert response.respondent in users
