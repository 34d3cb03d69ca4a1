"""The process of delivery: what refers to what, in which order, and what each lever changes."""

import hashlib
from collections import defaultdict
from dataclasses import fields, replace
from datetime import date, datetime
from functools import lru_cache

import pytest

from orchestration.simulation import delivery, development, organization, surveys
from orchestration.simulation.organization import Organization
from orchestration.simulation.records import Company, Deployment, PullRequest
from orchestration.simulation.worlds import Adoption, Ai, Effect, World

PLAIN = World("plain", "", teams=4, months=4, changes_per_person_month=6.0,
              adoption=Adoption(share_of_teams=1.0, first_month=1, last_month=1))  # fmt: skip
LARGER = replace(PLAIN, teams=10)
ADOPTED_IN = date(2024, 8, 1)


@lru_cache
def simulated(world: World = PLAIN, seed: int = 3) -> Organization:
    company = organization.found(world, seed)
    delivery.work(company)
    surveys.ask(company)
    return company


def with_ai(**effect: float) -> World:
    return replace(PLAIN, ai=Ai(Effect(**effect), months_to_full=1))


def digest(company: Company) -> str:
    records = [repr(getattr(company, feed.name)) for feed in fields(company)]
    return hashlib.sha256("\n".join(records).encode()).hexdigest()


@pytest.fixture(scope="module")
def company() -> Company:
    return simulated().company


def test_another_seed_is_another_company() -> None:
    assert digest(organization.found(PLAIN, 4).company) != digest(
        organization.found(PLAIN, 3).company
    )


def test_ids_are_unique(company: Company) -> None:
    for ids in (
        [p.pull_request_id for p in company.pull_requests],
        [r.review_id for r in company.reviews],
        [d.deployment_id for d in company.deployments],
        [i.incident_id for i in company.incidents],
        [i.issue_id for i in company.issues],
        [r.ci_run_id for r in company.ci_runs],
        [(c.repository, c.commit_sha) for c in company.commits],
        [(c.deployment_id, c.commit_sha) for c in company.deployment_commits],
    ):
        assert ids and len(set(ids)) == len(ids)


def test_every_reference_resolves(company: Company) -> None:
    pull_requests = {p.pull_request_id for p in company.pull_requests}
    commits = {c.commit_sha for c in company.commits}
    deployments = {d.deployment_id for d in company.deployments}
    incidents = {i.incident_id for i in company.incidents}
    issues = {i.issue_id for i in company.issues}
    services = {s.service_id for s in company.services} | {None}
    repositories = {s.repository for s in company.services}
    people = {m.person for m in company.team_memberships}
    bots = {development.DEPENDABOT, development.CI_BOT}
    handles = {handle.handle for handle in company.identities}
    assert {p.repository for p in company.pull_requests} <= repositories
    assert {p.author for p in company.pull_requests} <= people | bots
    assert {p.merge_commit_sha for p in company.pull_requests} <= commits | {None}
    assert {r.pull_request_id for r in company.reviews} <= pull_requests
    assert {r.reviewer for r in company.reviews} <= people | bots | {None}
    assert {c.pull_request_id for c in company.pull_request_commits} <= pull_requests
    assert {c.commit_sha for c in company.pull_request_commits} <= commits
    assert {c.author for c in company.commits} <= people | bots | handles
    assert {c.deployment_id for c in company.deployment_commits} <= deployments
    assert {c.commit_sha for c in company.deployment_commits} <= commits
    assert {d.commit_sha for d in company.deployments} <= commits | {None}
    assert {d.service_id for d in company.deployments} <= services
    assert {d.remediates_incident_id for d in company.deployments} <= incidents | {None}
    assert {i.caused_by_deployment_id for i in company.incidents} <= deployments | {None}
    assert {i.service_id for i in company.incidents} <= services
    assert {i.parent_issue_id for i in company.issues} <= issues | {None}
    assert {i for issue in company.issues for i in issue.pull_request_ids} <= pull_requests
    assert {r.commit_sha for r in company.ci_runs} <= commits | {None}
    assert {c.effect_id for c in company.planted.causes} <= incidents | issues
    assert {c.pull_request_id for c in company.planted.causes} <= pull_requests
    assert {c.deployment_id for c in company.planted.causes} <= deployments


def test_times_are_in_order(company: Company) -> None:
    def in_order(*moments: datetime | None) -> bool:
        known = [moment for moment in moments if moment]
        return known == sorted(known)

    for p in company.pull_requests:
        assert in_order(p.first_commit_at, p.created_at, p.ready_at, p.merged_at, p.closed_at)
    for d in company.deployments:
        assert in_order(d.started_at, d.finished_at) and d.started_at != d.finished_at
    for i in company.incidents:
        assert in_order(i.opened_at, i.detected_at, i.acknowledged_at, i.resolved_at)
    for issue in company.issues:
        assert in_order(issue.created_at, issue.started_at, issue.resolved_at)
    for run in company.ci_runs:
        assert in_order(run.started_at, run.finished_at)
    created = {p.pull_request_id: p.created_at for p in company.pull_requests}
    for review in company.reviews:
        assert created[review.pull_request_id] <= review.submitted_at


def test_the_first_commit_is_the_earliest(company: Company) -> None:
    authored = defaultdict(list)
    for link in company.pull_request_commits:
        authored[link.pull_request_id].append(link.authored_at)
    for p in company.pull_requests:
        if p.first_commit_at:
            assert p.first_commit_at == min(authored[p.pull_request_id])


def test_nothing_is_before_the_start_or_at_or_after_as_of(company: Company) -> None:
    start = datetime.combine(company.starts_on, datetime.min.time())
    for feed in fields(company):
        records = getattr(company, feed.name)
        if isinstance(records, list):
            for record in records:
                for column in fields(record):
                    value = getattr(record, column.name)
                    if isinstance(value, datetime):
                        assert start <= value < company.as_of, (feed.name, record)
                        assert value.microsecond == 0 and value.tzinfo is None


def test_a_deployment_ships_what_merged_before_it_once(company: Company) -> None:
    merged = {p.merge_commit_sha: p.merged_at for p in company.pull_requests if p.merged_at}
    deployments = {d.deployment_id: d for d in company.deployments}
    shas = [link.commit_sha for link in company.deployment_commits]
    assert len(set(shas)) == len(shas)
    for link in company.deployment_commits:
        deployment = deployments[link.deployment_id]
        assert deployment.status == "success" and deployment.environment != "staging"
        if link.commit_sha in merged:
            assert merged[link.commit_sha] <= deployment.finished_at


def test_faults_reach_production_with_the_deployment_that_ships_them(company: Company) -> None:
    deployments = {d.deployment_id: d for d in company.deployments}
    began = {i.incident_id: i.opened_at for i in company.incidents}
    began |= {i.issue_id: i.created_at for i in company.issues}
    pull_requests = {p.pull_request_id: p for p in company.pull_requests}
    for cause in company.planted.causes:
        assert cause.failed_since == deployments[cause.deployment_id].finished_at
        assert cause.failed_since < began[cause.effect_id]
        merged = pull_requests[cause.pull_request_id].merged_at
        assert merged and merged <= cause.failed_since


@pytest.fixture(scope="module")
def larger() -> Company:
    return simulated(LARGER).company


def test_rollbacks_go_back_to_what_ran_before(larger: Company) -> None:
    by_service: dict[str, list[Deployment]] = defaultdict(list)
    for deployment in larger.deployments:
        if deployment.status == "success" and deployment.environment != "staging":
            by_service[deployment.service_id].append(deployment)
    rollbacks = 0
    for deployments in by_service.values():
        for place, deployment in enumerate(deployments):
            earlier = [d.commit_sha for d in deployments[:place]]
            if deployment.is_rollback:
                rollbacks += 1
                assert deployment.commit_sha == earlier[-2]
            elif deployment.commit_sha in earlier and deployment.commit_sha:
                rollbacks += 1  # nobody marked it
                assert deployment.commit_sha == earlier[-2]
    assert rollbacks


def test_reverts_name_the_commit_that_was_merged(larger: Company) -> None:
    merged = {p.merge_commit_sha: p for p in larger.pull_requests if p.merge_commit_sha}
    by_sha = {c.commit_sha: c for c in larger.commits}
    reverts = [
        p for p in larger.pull_requests if (p.title or "").startswith("Revert") and p.merged_at
    ]
    assert reverts
    trailers = {c.message_trailers for c in larger.commits if c.message_trailers}
    for revert in reverts:
        original = next(p for p in merged.values() if revert.title == f'Revert "{p.title}"')
        assert original.repository.startswith("example/")
        own = by_sha[str(revert.merge_commit_sha)].message_trailers
        if own:
            sha = own.removeprefix("This reverts commit ").removesuffix(".")
            assert merged[sha].repository == revert.repository
            assert f'Revert "{merged[sha].title}"' == revert.title
            assert merged[sha].merged_at < revert.merged_at
    assert any(trailer.startswith("This reverts commit ") for trailer in trailers)


def test_every_kind_of_link_between_changes_and_deployments_occurs(larger: Company) -> None:
    deployed = {d.service_id for d in larger.deployments}
    owner = {d.deployment_id: d.service_id for d in larger.deployments}
    listed = {owner[link.deployment_id] for link in larger.deployment_commits}
    assert listed and deployed - listed
    assert {s.service_id for s in larger.services} - deployed
    explicit = {i.caused_by_deployment_id is None for i in larger.incidents}
    assert explicit == {True, False}


def test_counts_are_plausible(larger: Company) -> None:
    people = simulated(LARGER)
    months = sum(len(people.people_of(t, m)) for m in people.months for t in people.teams_on(m))
    merged = [p for p in larger.pull_requests if p.merged_at and p.author != development.DEPENDABOT]
    assert 4.5 < len(merged) / months < 7  # six were asked for, in a time with August
    hours = sorted(
        (p.merged_at - p.first_commit_at).total_seconds() / 3600
        for p in merged
        if p.merged_at and p.first_commit_at
    )
    assert 24 < hours[len(hours) // 2] < 96
    production = [
        d for d in larger.deployments if d.status == "success" and d.environment != "staging"
    ]
    incidents = {c.deployment_id for c in larger.planted.causes if c.effect_id[:3] == "inc"}
    assert 0.04 < len(incidents) / len(production) < 0.16


# Several levers in one world where they can be told apart.
FASTER = with_ai(coding_time=0.5, size=2.0, throughput=1.5)
BREAKING = with_ai(incidents=3.0, defects=3.0)
REDOING = with_ai(rework=3.0, recovery_time=0.25)
CARELESS = replace(PLAIN, speed_over_substance=0.5, easy_work_drift=1.0)

# Levers: the ids of changes depend on nothing but who began them when, so that two worlds of one
# seed can be compared change by change.

Pair = tuple[PullRequest, PullRequest]


def pairs(world: World, since: date = ADOPTED_IN) -> list[Pair]:
    """The same planned changes in the plain world and in that one, created since that day."""
    others = {p.pull_request_id: p for p in simulated(world).company.pull_requests}
    return [
        (p, others[p.pull_request_id])
        for p in simulated().company.pull_requests
        if p.pull_request_id in others
        and others[p.pull_request_id].created_at.date() >= since
        and p.created_at.date() >= since
        and (p.head_branch or "").startswith(("feature/", "claude/"))
        and not (p.title or "").startswith("Rework")
    ]


def in_progress(p: PullRequest) -> float:
    assert p.first_commit_at
    return ((p.ready_at or p.created_at) - p.first_commit_at).total_seconds()


def test_coding_time_halves_the_time_to_the_pull_request() -> None:
    found = [
        (in_progress(a), in_progress(b))
        for a, b in pairs(FASTER)
        if a.first_commit_at and a.first_commit_at == b.first_commit_at
    ]
    assert len(found) > 100
    assert all(b <= a for a, b in found)
    assert sum(b < a for a, b in found) > 0.9 * len(found)


def test_a_lever_leaves_the_months_before_adoption_alone() -> None:
    before = [
        [
            p
            for p in simulated(world).company.pull_requests
            if p.created_at.date() < date(2024, 7, 20)
        ]
        for world in (PLAIN, FASTER)
    ]
    assert before[0]
    assert [p.title for p in before[0]] == [p.title for p in before[1]]
    assert [p.additions for p in before[0]] == [p.additions for p in before[1]]


def test_review_time_makes_changes_wait() -> None:
    found = [
        (a.merged_at - (a.ready_at or a.created_at), b.merged_at - (b.ready_at or b.created_at))
        for a, b in pairs(with_ai(review_time=3.0))
        if a.merged_at and b.merged_at and a.created_at == b.created_at
    ]  # fmt: skip
    assert len(found) > 80
    assert all(b >= a for a, b in found)
    assert sum(b > 1.5 * a for a, b in found) > len(found) / 2


def test_size_makes_changes_larger() -> None:
    found = [
        (a.additions + (a.deletions or 0), b.additions + (b.deletions or 0))
        for a, b in pairs(FASTER)
        if a.additions is not None and b.additions is not None
    ]  # fmt: skip
    assert 1.8 < sum(b for _, b in found) / sum(a for a, _ in found) < 2.1


def test_throughput_adds_changes_and_keeps_the_others() -> None:
    def begun(world: World) -> set[str]:
        return {
            p.pull_request_id
            for p in simulated(world).company.pull_requests
            if (p.head_branch or "").startswith("feature/") and "Rework" not in (p.title or "")
        }

    plain, more = begun(PLAIN), begun(FASTER)
    assert plain <= more
    assert 1.15 < len(more) / len(plain) < 1.6  # the first of four months is as it was


@pytest.mark.parametrize("kind", ["incident-", "bug-"])
def test_more_faults_are_the_same_ones_and_others(kind: str) -> None:
    def effects(world: World) -> set[str]:
        company = simulated(world).company
        ids = {i.incident_id for i in company.incidents}
        ids |= {i.issue_id for i in company.issues if i.issue_type == "bug"}
        return {i for i in ids if i.startswith(kind)}

    plain, worse = effects(PLAIN), effects(BREAKING)
    assert len(worse) > 1.5 * len(plain) > 0
    # A fault can hide a later one (it delays a deployment), but most remain.
    assert len(plain & worse) > 0.6 * len(plain)


def test_rework_brings_reverts_and_second_attempts() -> None:
    def redone(world: World) -> int:
        titles = [p.title or "" for p in simulated(world).company.pull_requests]
        return sum(title.startswith(("Revert", "Rework")) for title in titles)

    assert redone(REDOING) > 1.5 * redone(PLAIN) > 0


def test_recovery_time_shortens_the_same_incidents() -> None:
    others = {i.incident_id: i for i in simulated(REDOING).company.incidents}
    shorter = [
        (i.resolved_at - i.opened_at, others[i.incident_id].resolved_at - i.opened_at)
        for i in simulated().company.incidents
        if i.opened_at.date() >= ADOPTED_IN and i.incident_id.startswith("incident")
        and i.incident_id in others and others[i.incident_id].opened_at == i.opened_at
        and i.resolved_at and others[i.incident_id].resolved_at
    ]  # fmt: skip
    assert len(shorter) > 5
    assert all(b <= a for a, b in shorter)


def test_speed_over_substance_makes_rubber_stamps() -> None:
    def stamps(world: World) -> int:
        company = simulated(world).company
        sizes = {p.pull_request_id: p for p in company.pull_requests}
        count = 0
        for review in company.reviews:
            p = sizes[review.pull_request_id]
            if review.state == "approved" and review.comment_count == 0 and p.additions is not None:
                waited = (review.submitted_at - (p.ready_at or p.created_at)).total_seconds()
                count += waited < 6 * (p.additions + (p.deletions or 0))
        return count

    assert stamps(CARELESS) > 2 * stamps(PLAIN) > 0


def test_easy_work_drift_takes_hard_work_away() -> None:
    late = [
        p
        for _, p in pairs(CARELESS)
        if p.first_commit_at and p.first_commit_at.date() >= ADOPTED_IN
    ]
    assert late and not [p for p in late if p.work_type in development.HARD_WORK]
    assert [p for _, p in pairs(BREAKING) if p.work_type in development.HARD_WORK]
