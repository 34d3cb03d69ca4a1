"""What a simulated company leaves behind: a record per line of a feed, and what was planted.

Each class has exactly the columns of the feed of contract.md that it is a line of (a test compares
them), so writing them out is no translation. Moments are UTC without a zone, as in the lake; money
and shares are Decimal; people are addresses of ``example.com``.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal


@dataclass(slots=True)
class Team:
    """A team."""

    team_id: str
    team_name: str
    parent_team_id: str | None = None
    cost_center: str | None = None


@dataclass(slots=True)
class Membership:
    """A person in a team for a time."""

    person: str
    team_id: str
    valid_from: date
    valid_to: date | None = None
    share: Decimal | None = None


@dataclass(slots=True)
class Handle:
    """A handle."""

    system: str
    handle: str
    person: str


@dataclass(slots=True)
class Service:
    """A service."""

    service_id: str
    service_name: str | None = None
    team_id: str | None = None
    repository: str | None = None


@dataclass(slots=True)
class Commit:
    """A commit in a repository."""

    commit_sha: str
    repository: str
    authored_at: datetime
    author: str | None = None
    committed_at: datetime | None = None
    additions: int | None = None
    deletions: int | None = None
    message_trailers: str | None = None


@dataclass(slots=True)
class PullRequest:
    """A pull request."""

    pull_request_id: str
    repository: str
    created_at: datetime
    author: str | None = None
    title: str | None = None
    first_commit_at: datetime | None = None
    ready_at: datetime | None = None
    merged_at: datetime | None = None
    closed_at: datetime | None = None
    merge_commit_sha: str | None = None
    additions: int | None = None
    deletions: int | None = None
    changed_files: int | None = None
    test_files_changed: int | None = None
    labels: tuple[str, ...] = ()
    head_branch: str | None = None
    work_type: str | None = None
    ai_tools: tuple[str, ...] = ()


@dataclass(slots=True)
class PullRequestCommit:
    """A commit of a pull request."""

    pull_request_id: str
    commit_sha: str
    authored_at: datetime | None = None


@dataclass(slots=True)
class Review:
    """A review or review comment."""

    review_id: str
    pull_request_id: str
    submitted_at: datetime
    reviewer: str | None = None
    state: str | None = None
    comment_count: int | None = None


@dataclass(slots=True)
class Deployment:
    """A deployment."""

    deployment_id: str
    service_id: str
    environment: str
    status: str
    finished_at: datetime
    started_at: datetime | None = None
    commit_sha: str | None = None
    is_rollback: bool | None = None
    is_unplanned: bool | None = None
    remediates_incident_id: str | None = None


@dataclass(slots=True)
class DeploymentCommit:
    """A commit that a deployment newly ships."""

    deployment_id: str
    commit_sha: str


@dataclass(slots=True)
class Incident:
    """An incident."""

    incident_id: str
    opened_at: datetime
    service_id: str | None = None
    title: str | None = None
    severity: str | None = None
    detected_at: datetime | None = None
    acknowledged_at: datetime | None = None
    resolved_at: datetime | None = None
    caused_by_deployment_id: str | None = None


@dataclass(slots=True)
class Issue:
    """An issue."""

    issue_id: str
    issue_type: str
    created_at: datetime
    team_id: str | None = None
    service_id: str | None = None
    started_at: datetime | None = None
    resolved_at: datetime | None = None
    parent_issue_id: str | None = None
    labels: tuple[str, ...] = ()
    is_escaped_defect: bool | None = None
    reopened_count: int | None = None
    work_type: str | None = None
    pull_request_ids: tuple[str, ...] = ()


@dataclass(slots=True)
class Usage:
    """A usage record (a request, or a bucket of a day)."""

    usage_id: str
    occurred_at: datetime
    vendor: str
    model: str
    person: str | None = None
    api_key_id: str | None = None
    team_id: str | None = None
    tool: str | None = None
    session_id: str | None = None
    request_count: int | None = None
    service_tier: str | None = None
    is_batch: bool | None = None
    context_window: str | None = None
    uncached_input_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_5m_tokens: int | None = None
    cache_write_1h_tokens: int | None = None
    output_tokens: int | None = None
    other_units: Decimal | None = None
    other_unit_name: str | None = None


@dataclass(slots=True)
class Activity:
    """A person's day with a tool."""

    person: str
    activity_date: date
    tool: str
    vendor: str | None = None
    sessions: int | None = None
    interactions: int | None = None
    agent_actions: int | None = None
    agent_tasks_completed: int | None = None
    lines_suggested: int | None = None
    lines_accepted: int | None = None


@dataclass(slots=True)
class VendorCost:
    """An amount that a vendor says it will bill."""

    vendor: str
    cost_date: date
    amount: Decimal
    currency: str
    line_item: str | None = None
    model: str | None = None
    account_id: str | None = None
    api_key_id: str | None = None


@dataclass(slots=True)
class InvoiceLine:
    """An invoice line."""

    invoice_id: str
    invoice_line_id: str
    vendor: str
    invoice_date: date
    period_start: date
    period_end: date
    charge_category: str
    amount: Decimal
    currency: str
    description: str | None = None
    sku: str | None = None
    quantity: Decimal | None = None
    unit_price: Decimal | None = None
    restates_period: str | None = None


@dataclass(slots=True)
class Seat:
    """A seat assignment."""

    vendor: str
    plan: str
    assigned_on: date
    person: str | None = None
    team_id: str | None = None
    unassigned_on: date | None = None
    monthly_price: Decimal | None = None
    currency: str | None = None


@dataclass(slots=True)
class ContractPrice:
    """A contract price that overrides the list."""

    vendor: str
    model: str
    token_class: str
    valid_from: date
    usd_per_million: Decimal
    valid_to: date | None = None
    service_tier: str | None = None
    is_batch: bool | None = None


@dataclass(slots=True)
class Budget:
    """A cost centre's month."""

    cost_center: str
    month: date
    amount: Decimal
    currency: str
    vendor: str | None = None


@dataclass(slots=True)
class FxRate:
    """A currency's day."""

    rate_date: date
    currency: str
    usd_per_unit: Decimal


@dataclass(slots=True)
class Initiative:
    """Another change that could explain a change."""

    initiative_id: str
    started_on: date
    kind: str
    team_id: str | None = None
    ended_on: date | None = None
    description: str | None = None


@dataclass(slots=True)
class SurveyResponse:
    """A respondent's answer to a question."""

    survey_id: str
    respondent: str
    submitted_at: datetime
    question_id: str
    scale: str
    value: str | None = None
    team_id: str | None = None
    invited_count: int | None = None


@dataclass(slots=True)
class CiRun:
    """A CI run."""

    ci_run_id: str
    repository: str
    started_at: datetime
    conclusion: str
    finished_at: datetime | None = None
    commit_sha: str | None = None
    attempt: int | None = None


@dataclass(slots=True)
class Cause:
    """What really caused an incident or an escaped bug, whatever the feeds say of it."""

    effect_id: str  # incident_id or issue_id
    pull_request_id: str
    deployment_id: str
    failed_since: datetime  # when the fault reached production


@dataclass(slots=True)
class Fault:
    """A billing fault that was planted. ``amount``: how far it moves the invoice, in
    ``currency``; ``kind``: the lever's word (worlds.py)."""

    kind: str
    vendor: str
    month: date
    amount: Decimal
    currency: str
    invoice_id: str | None = None
    invoice_line_id: str | None = None


@dataclass(slots=True)
class Planted:
    """The truth that no feed tells.

    ``adopted_in``: team → first month (its first day) in which it used AI for good; teams that
    never did are absent. ``factors``: (team, month) → outcome → the product of everything that
    acted on it there, and ``ai_factors`` the part that is AI's.
    """

    adopted_in: dict[str, date] = field(default_factory=dict)
    factors: dict[tuple[str, date], dict[str, float]] = field(default_factory=dict)
    ai_factors: dict[tuple[str, date], dict[str, float]] = field(default_factory=dict)
    causes: list[Cause] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


@dataclass(slots=True)
class Company:
    """A company's whole history before ``as_of``: one list per feed, and what was planted."""

    world: str
    seed: int
    starts_on: date
    as_of: datetime
    planted: Planted = field(default_factory=Planted)
    teams: list[Team] = field(default_factory=list)
    team_memberships: list[Membership] = field(default_factory=list)
    identities: list[Handle] = field(default_factory=list)
    services: list[Service] = field(default_factory=list)
    commits: list[Commit] = field(default_factory=list)
    pull_requests: list[PullRequest] = field(default_factory=list)
    pull_request_commits: list[PullRequestCommit] = field(default_factory=list)
    reviews: list[Review] = field(default_factory=list)
    deployments: list[Deployment] = field(default_factory=list)
    deployment_commits: list[DeploymentCommit] = field(default_factory=list)
    incidents: list[Incident] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    ai_usage: list[Usage] = field(default_factory=list)
    ai_activity: list[Activity] = field(default_factory=list)
    ai_costs: list[VendorCost] = field(default_factory=list)
    invoices: list[InvoiceLine] = field(default_factory=list)
    seats: list[Seat] = field(default_factory=list)
    prices: list[ContractPrice] = field(default_factory=list)
    budgets: list[Budget] = field(default_factory=list)
    fx_rates: list[FxRate] = field(default_factory=list)
    initiatives: list[Initiative] = field(default_factory=list)
    survey_responses: list[SurveyResponse] = field(default_factory=list)
    ci_runs: list[CiRun] = field(default_factory=list)
