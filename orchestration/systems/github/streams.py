"""What GitHub gives, one declaration per stream. Scopes are repository ids: a name may change."""

from orchestration.lake import Field, Stream

REPOSITORY_ID = Field("repository_id", "string", "GitHub's id of the repository; outlives its name")
REPOSITORY = Field("repository", "string", "The repository's name, owner/name")
PULL_REQUEST = Field("pull_request_id", "string", "GitHub's id of the pull request")
COMMIT = Field("commit_sha", "string", "The commit's full hash")
SERVICE = Field("service_id", "string", "The service, as the company calls it")
AI_RULES = Field("ai_evidence_rules", "list", "Ids of the AI evidence rules that matched, by ';'")
LABELS = Field("labels", "list", "Labels, by ';'")

REPOSITORIES = Stream(
    "github", "repositories", "a repository that is read", ("repository_id",), "keyed",
    (
        REPOSITORY_ID, REPOSITORY,
        Field("is_archived", "boolean", "Whether it is archived"),
        Field("created_at", "timestamp", "When it was made"),
    ),
)  # fmt: skip

PULL_REQUESTS = Stream(
    "github", "pull_requests", "a pull request", ("pull_request_id",), "keyed",
    (
        PULL_REQUEST, REPOSITORY_ID, REPOSITORY,
        Field("number", "integer", "Its number in the repository"),
        Field("author_id", "person", "Who opened it"),
        Field("merge_commit_sha", "string", "The commit that merged it; null before"),
        LABELS,
        Field("title_type", "string",
              "The type that its title begins with by Conventional Commits: feat, fix, …"),
        AI_RULES,
        Field("issue_keys", "list", "Keys such as PAY-12 in its title and branch, by ';'"),
        Field("closing_issue_ids", "list", "Issues of GitHub that it closes, by ';'"),
        Field("additions", "integer", "Lines added"),
        Field("deletions", "integer", "Lines deleted"),
        Field("changed_file_count", "integer", "Files changed"),
        Field("test_file_count", "integer", "Test files among those; null where not all are told"),
        Field("production_file_count", "integer", "Production files among those; likewise"),
        Field("author_is_bot", "boolean", "Whether the author is a bot"),
        Field("is_draft", "boolean", "Whether it is a draft"),
        Field("is_for_mainline", "boolean",
              "Whether its base is the default branch, or one of the configured branches"),
        Field("is_revert", "boolean", "Whether its title says it reverts another change"),
        Field("is_hotfix", "boolean", "Whether its branch is a hotfix branch"),
        Field("first_commit_at", "timestamp", "Earliest authored time among its commits"),
        Field("created_at", "timestamp", "When it was opened"),
        Field("ready_at", "timestamp", "When it was first ready for review; null if never a draft"),
        Field("merged_at", "timestamp", "When it was merged"),
        Field("closed_at", "timestamp", "When it was closed"),
        Field("updated_at", "timestamp", "When it was last changed"),
    ),
    dated_by="updated_at",
)  # fmt: skip

PULL_REQUEST_COMMITS = Stream(
    "github", "pull_request_commits", "a commit of a pull request, as one reading saw it",
    ("pull_request_id", "commit_sha"), "keyed",
    (
        PULL_REQUEST, COMMIT, REPOSITORY_ID, REPOSITORY,
        Field("authored_at", "timestamp", "When the commit was written"),
        Field("pull_request_updated_at", "timestamp",
              "The version of the pull request that listed it: only the newest list stands"),
    ),
)  # fmt: skip

COMMITS = Stream(
    "github", "commits", "a commit that a pull request brought or was merged by",
    ("repository_id", "commit_sha"), "keyed",
    (
        COMMIT, REPOSITORY_ID, REPOSITORY,
        Field("author_id", "person", "Who wrote it"),
        AI_RULES,
        Field("reverted_commit_shas", "list", "Commits that it reverts, by ';'"),
        Field("additions", "integer", "Lines added"),
        Field("deletions", "integer", "Lines deleted"),
        Field("changed_file_count", "integer", "Files changed; null where GitHub does not know"),
        Field("author_is_bot", "boolean", "Whether the author is on the bot list"),
        Field("authored_at", "timestamp", "When it was written"),
        Field("committed_at", "timestamp", "When it was committed"),
    ),
    dated_by="committed_at",
)  # fmt: skip

REVIEWS = Stream(
    "github", "reviews", "a review that was handed in", ("review_id",), "keyed",
    (
        Field("review_id", "string", "GitHub's id of the review"),
        PULL_REQUEST, REPOSITORY_ID, REPOSITORY,
        Field("reviewer_id", "person", "Who gave it"),
        Field("state", "string", "approved, changes_requested, commented or dismissed"),
        Field("comment_count", "integer", "Comments on lines in it"),
        Field("reviewer_is_bot", "boolean", "Whether the reviewer is a bot"),
        Field("submitted_at", "timestamp", "When it was handed in"),
    ),
    dated_by="submitted_at",
)  # fmt: skip

DEPLOYMENT_STATUSES = Stream(
    "github", "deployment_statuses", "a status of a deployment that was seen", ("status_id",),
    "keyed",
    (
        Field("status_id", "string", "GitHub's id of the status"),
        Field("deployment_id", "string", "The deployment"),
        REPOSITORY_ID,
        Field("state", "string", "queued, pending, in_progress, success, failure, inactive, …"),
        Field("created_at", "timestamp", "When it was set"),
    ),
    dated_by="created_at",
)  # fmt: skip

DEPLOYMENTS = Stream(
    "github", "deployments", "a deployment", ("deployment_id",), "keyed",
    (
        Field("deployment_id", "string", "GitHub's id of it; of a run or release, with that word"),
        Field("node_id", "string", "GitHub's id for asking again; null for runs and releases"),
        SERVICE, REPOSITORY_ID, REPOSITORY, COMMIT,
        Field("environment", "string", "Where to"),
        Field("status", "string", "success, failure or cancelled; null while it runs"),
        Field("remediates_incident_id", "string", "The incident that its payload says it ends"),
        Field("is_rollback", "boolean", "Whether its payload says that it goes back"),
        Field("is_unplanned", "boolean", "Whether its payload says that nobody planned it"),
        Field("is_dated", "boolean",
              "Whether its end is known; else its statuses are gone and it ended when it was made"),
        Field("created_at", "timestamp", "When it was asked for"),
        Field("started_at", "timestamp", "When it began"),
        Field("finished_at", "timestamp", "When it first succeeded, else when it failed or ended"),
    ),
    dated_by="created_at",
)  # fmt: skip

SERVICES = Stream(
    "github", "services", "a service that a repository is deployed as",
    ("service_id", "repository_id"), "keyed",
    (
        SERVICE, REPOSITORY_ID, REPOSITORY,
        Field("team_id", "string", "The team that owns the repository, as the company calls it"),
    ),
)  # fmt: skip

ISSUES = Stream(
    "github", "issues", "an issue", ("issue_id",), "keyed",
    (
        Field("issue_id", "string", "GitHub's id of the issue"),
        REPOSITORY_ID, REPOSITORY,
        Field("number", "integer", "Its number in the repository"),
        Field("issue_type", "string", "Its type, else by its labels: incident, bug, task, …"),
        SERVICE,
        Field("parent_issue_id", "string", "The issue above it"),
        LABELS,
        Field("severity", "string", "Of an incident, by its label"),
        Field("reopened_count", "integer", "How often it was opened again"),
        Field("is_incident", "boolean", "Whether a label says that it is an incident"),
        Field("is_escaped_defect", "boolean",
              "Whether a label says that it was found in production; null if no label would"),
        Field("created_at", "timestamp", "When it was opened"),
        Field("closed_at", "timestamp", "When it was closed; null while it is open"),
        Field("updated_at", "timestamp", "When it was last changed"),
    ),
    dated_by="updated_at",
)  # fmt: skip

WORKFLOW_RUNS = Stream(
    "github", "workflow_runs", "a workflow run, in its newest attempt", ("run_id",), "keyed",
    (
        Field("run_id", "string", "GitHub's id of the run"),
        REPOSITORY_ID, REPOSITORY, COMMIT,
        Field("conclusion", "string", "How it ended; null while it runs"),
        Field("attempt", "integer", "Which attempt, from 1"),
        Field("created_at", "timestamp", "When the first attempt was asked for"),
        Field("started_at", "timestamp", "When the newest attempt began"),
        Field("finished_at", "timestamp", "When it ended"),
    ),
    dated_by="created_at",
)  # fmt: skip

IDENTITIES = Stream(
    "github", "identities", "a login that single sign-on links to an address", ("handle_id",),
    "keyed",
    (
        Field("handle_id", "person", "The login"),
        Field("person_id", "person", "The person, by the address"),
    ),
)  # fmt: skip

STREAMS = (
    REPOSITORIES, PULL_REQUESTS, PULL_REQUEST_COMMITS, COMMITS, REVIEWS, DEPLOYMENT_STATUSES,
    DEPLOYMENTS, SERVICES, ISSUES, WORKFLOW_RUNS, IDENTITIES,
)  # fmt: skip
