"""Who works where, and what is planted."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import lru_cache

import pytest

from orchestration.simulation import organization
from orchestration.simulation.organization import COUNTRIES, Organization, WorkingTime
from orchestration.simulation.worlds import (
    OUTCOMES,
    WORLDS,
    Adoption,
    Ai,
    Effect,
    Improvement,
    World,
)

ALL = Adoption(share_of_teams=1.0, first_month=3, last_month=3)


@lru_cache
def found(world: World, seed: int = 7) -> Organization:
    return organization.found(world, seed)


@pytest.fixture(scope="module")
def demo() -> Organization:
    return found(WORLDS["demo"].resized(24, 12))


def test_primary_memberships_of_a_person_do_not_overlap(demo: Organization) -> None:
    stays: dict[str, list[tuple[date, date]]] = {}
    for m in demo.company.team_memberships:
        if m.share is None or m.share > 1 / 2:
            stays.setdefault(m.person, []).append((m.valid_from, m.valid_to or date.max))
    for person, periods in stays.items():
        for (_, end), (start, _) in zip(sorted(periods), sorted(periods)[1:], strict=False):
            assert end <= start, person


def test_a_second_membership_lies_within_a_primary_one(demo: Organization) -> None:
    seconds = [m for m in demo.company.team_memberships if m.share and m.share < 1 / 2]
    assert seconds
    for second in seconds:
        primary = next(
            m
            for m in demo.company.team_memberships
            if m.person == second.person and m.share and m.share > 1 / 2
            and m.valid_from == second.valid_from
        )  # fmt: skip
        assert primary.valid_to == second.valid_to
        assert primary.team_id != second.team_id
        assert primary.share is not None and second.share is not None
        assert primary.share + second.share == 1


def test_people_of_is_what_the_memberships_say(demo: Organization) -> None:
    for number in range(0, 365, 5):
        day = demo.months[0] + timedelta(days=number)
        for team in demo.company.teams:
            expected = {
                m.person
                for m in demo.company.team_memberships
                if m.team_id == team.team_id
                and (m.share is None or m.share > 1 / 2)
                and m.valid_from <= day < (m.valid_to or date.max)
            }
            assert set(demo.people_of(team.team_id, day)) == expected


def test_teams_are_founded_split_and_merged(demo: Organization) -> None:
    histories = demo.histories.values()
    merged = next(team for team in histories if team.merged_into)
    closing = demo.months[merged.closed]
    assert demo.people_of(merged.team_id, closing - timedelta(days=1))
    assert not demo.people_of(merged.team_id, closing)
    assert merged.team_id not in demo.teams_on(closing)
    owners = {service.team_id for service in demo.company.services}
    assert merged.team_id not in owners and merged.merged_into in owners
    founded = [team for team in histories if team.founded]
    assert any(team.origin for team in founded) and any(not team.origin for team in founded)


def test_every_reference_resolves(demo: Organization) -> None:
    company = demo.company
    teams = {team.team_id for team in company.teams}
    people = {membership.person for membership in company.team_memberships}
    assert {team.parent_team_id for team in company.teams} <= teams | {None}
    assert {membership.team_id for membership in company.team_memberships} == teams
    assert {service.team_id for service in company.services} <= teams
    assert {handle.person for handle in company.identities} <= people
    assert {initiative.team_id for initiative in company.initiatives} <= teams | {None}
    assert all(demo.cost_center_of(team_id) for team_id in teams)
    for month in demo.months:
        for team_id in demo.teams_on(month):
            assert demo.services_of(team_id, month)


def test_working_time_skips_nights_weekends_and_holidays() -> None:
    at = datetime.fromisoformat
    germany = next(country for country in COUNTRIES if country.utc_offset_hours == 1)
    time = WorkingTime(germany, date(2024, 9, 30), 30)  # a Monday; 3 October is a holiday
    assert time.moment(0) == at("2024-09-30T08:00")  # nine o'clock in Germany
    assert time.moment(7.5) == at("2024-09-30T15:30")
    assert time.moment(8) == at("2024-10-01T08:00")
    assert time.moment(24) == at("2024-10-04T08:00")  # the fourth day of work is a Friday
    assert time.moment(32) == at("2024-10-07T08:00")
    assert time.position(at("2024-10-05T12:00")) == 32  # on a Saturday all of it is over
    assert time.position(at("2024-10-01T09:30")) == 9.5
    assert time.first_position(date(2024, 10, 3)) == 24


def test_ai_grows_and_wears_off_as_planted() -> None:
    ai = Ai(Effect(coding_time=0.5), months_to_full=2, half_life_months=1)
    company = found(World("w", "", teams=2, months=7, ai=ai, adoption=ALL)).company
    months = sorted({month for _, month in company.planted.ai_factors})
    team_id = next(iter(company.planted.adopted_in))
    planted = [company.planted.ai_factors[team_id, month]["coding_time"] for month in months]
    # nothing for three months, half of −0.5, all of it, then half as much each month
    assert planted == pytest.approx([1, 1, 1, 0.75, 0.5, 0.75, 0.875])
    assert all(company.planted.ai_factors[team_id, m]["size"] == 1 for m in months)


def test_a_lever_changes_only_its_own_factors() -> None:
    plain = World("w", "", teams=8, months=6, adoption=ALL)
    helped = replace(plain, ai=Ai(Effect(review_time=2.0), months_to_full=1))
    before, after = found(plain).company.planted, found(helped).company.planted
    for key, factors in after.factors.items():
        ratio = 2.0 if key[1] >= date(2024, 10, 1) else 1.0
        assert factors["review_time"] == pytest.approx(ratio * before.factors[key]["review_time"])
        for outcome in set(OUTCOMES) - {"review_time"}:
            assert factors[outcome] == before.factors[key][outcome]


def test_an_improvement_for_everybody_comes_at_once_and_is_logged() -> None:
    plain = World("w", "", teams=8, months=6)
    better = replace(plain, improvements=(Improvement("everybody", Effect(size=0.5), month=4),))
    before, after = found(plain).company.planted, found(better).company.planted
    for key, factors in after.factors.items():
        ratio = 0.5 if key[1] >= date(2024, 11, 1) else 1.0
        assert factors["size"] == pytest.approx(ratio * before.factors[key]["size"])
    logged = [i for i in found(better).company.initiatives if i.kind == "platform"]
    assert [(i.team_id, i.started_on) for i in logged] == [(None, date(2024, 11, 1))]
    hidden = replace(better, improvements=(replace(better.improvements[0], is_logged=False),))
    assert not [i for i in found(hidden).company.initiatives if i.kind == "platform"]


def test_with_ai_an_improvement_comes_when_the_team_adopts() -> None:
    improvement = Improvement("with_ai", Effect(size=0.5))
    world = World("w", "", teams=12, months=12, improvements=(improvement,),
                  adoption=Adoption(first_month=4, last_month=9))  # fmt: skip
    company = found(world).company
    logged = {i.team_id: i.started_on for i in company.initiatives if i.kind == "platform"}
    assert logged == company.planted.adopted_in


def test_early_improvers_adopt_and_get_faster_all_along() -> None:
    plain = World("w", "", teams=12, months=12, adoption=Adoption(first_month=4, last_month=9))
    trending = replace(
        plain, adoption=replace(plain.adoption, who="early_improvers", prior_trend=0.9)
    )
    before, after = found(plain).company.planted, found(trending).company.planted
    assert before.adopted_in == after.adopted_in
    for (team_id, month), factors in after.factors.items():
        number = found(plain).month_number(month)
        ratio = 0.9**number if team_id in after.adopted_in else 1.0
        expected = ratio * before.factors[team_id, month]["coding_time"]
        assert factors["coding_time"] == pytest.approx(expected)


def test_after_a_bad_month_the_month_before_adoption_was_bad() -> None:
    adoption = Adoption("after_a_bad_month", share_of_teams=1.0, first_month=3, last_month=10)
    world = found(World("w", "", teams=40, months=12, adoption=adoption))
    ratios = []
    for team_id, adopted_in in world.company.planted.adopted_in.items():
        number = world.month_number(adopted_in)
        planted = world.company.planted.factors
        months = [m for m in world.months if (team_id, m) in planted]
        usual = sum(planted[team_id, m]["incidents"] for m in months) / len(months)
        if (team_id, world.months[number - 1]) in planted:
            ratios.append(planted[team_id, world.months[number - 1]]["incidents"] / usual)
    assert sum(ratios) / len(ratios) > 1.25


def test_adoption_keeps_to_its_months_share_and_ceiling() -> None:
    adoption = Adoption(share_of_teams=0.5, first_month=2, last_month=4, ceiling=0.6)
    world = found(World("w", "", teams=20, months=8, adoption=adoption))
    own = {t: m for t, m in world.company.planted.adopted_in.items()
           if not world.histories[t].origin and not world.histories[t].founded}  # fmt: skip
    assert all(2 <= world.month_number(month) <= 4 for month in own.values())
    assert 9 <= len(own) <= 11
    last = world.months[-1]
    for team_id in world.teams_on(last):
        people = world.people_of(team_id, last)
        users = world.ai_users(team_id, last)
        assert set(users) <= set(people)
        if team_id in own:
            assert len(users) == round(0.6 * len(people))
        elif team_id not in world.company.planted.adopted_in:
            assert len(users) <= len(people) / 3
