"""Git: local clones, read with the git program; the one source that needs no credential.

Data flow: ``git rev-list``/``git log`` over a clone → what changed since the last read →
``lake/git/<stream>``, one scope per repository.
Run standalone: ``python -m orchestration.systems.git PATH --home HOME``.
"""

from orchestration.lake import Field, Stream

COMMIT = Field("commit_sha", "string", "The commit's full hash")
REPOSITORY = Field("repository", "string", "The repository's name")

REPOSITORIES = Stream(
    "git", "repositories", "a repository that is read", ("repository",), "keyed",
    (
        REPOSITORY,
        Field("default_branch", "string", "The branch that main-line positions are counted on"),
        Field("is_shallow", "boolean", "Whether the clone's history is cut off"),
        Field("is_partial", "boolean", "Whether the clone lacks objects (blobless, treeless)"),
        Field("commit_count", "integer", "Commits that were read"),
        Field("unreadable_commit_count", "integer",
              "Commits whose changed lines cannot be counted, because objects are missing"),
        Field("tag_count", "integer", "Tags that matched the pattern of a deployment"),
    ),
)  # fmt: skip

SERVICES = Stream(
    "git", "services", "a service that a repository is deployed as", ("service_id",), "keyed",
    (Field("service_id", "string", "The service's id, as the configuration names it"), REPOSITORY),
)  # fmt: skip

COMMITS = Stream(
    "git", "commits", "a commit in a repository", ("repository", "commit_sha"), "keyed",
    (
        COMMIT, REPOSITORY,
        Field("author_id", "person", "Who wrote it, by mailmap"),
        Field("reverted_commit_shas", "list", "Commits that it reverts, by ';'"),
        Field("parent_count", "integer", "Parents; more than one for a merge"),
        Field("mainline_position", "integer",
              "Which first-parent step of the default branch brought it, the root being 1; "
              "null off the branch"),
        Field("additions", "integer", "Lines added; null where objects are missing, 0 for a merge"),
        Field("deletions", "integer", "Lines deleted; likewise"),
        Field("changed_file_count", "integer", "Files changed; likewise"),
        Field("author_is_bot", "boolean", "Whether the author is on the bot list"),
        Field("is_mainline", "boolean", "Whether it is itself a first-parent step"),
        Field("authored_at", "timestamp", "When it was written"),
        Field("committed_at", "timestamp", "When it was committed"),
    ),
    dated_by="committed_at",
)  # fmt: skip

COMMIT_FILE_KINDS = Stream(
    "git", "commit_file_kinds", "a kind of file that a commit changed",
    ("repository", "commit_sha", "file_kind"), "keyed",
    (
        COMMIT, REPOSITORY,
        Field("file_kind", "string", "production, test, docs, generated or vendored"),
        Field("additions", "integer", "Lines added"),
        Field("deletions", "integer", "Lines deleted"),
        Field("changed_file_count", "integer", "Files changed"),
    ),
)  # fmt: skip

COMMIT_AI_EVIDENCE = Stream(
    "git", "commit_ai_evidence", "a rule that found AI evidence at a commit",
    ("repository", "commit_sha", "rule_id"), "keyed",
    (COMMIT, REPOSITORY, Field("rule_id", "string", "The rule, in seeds/ai_evidence_rules.csv")),
)  # fmt: skip

PULL_REQUESTS = Stream(
    "git", "pull_requests", "a merged change on the default branch", ("merge_commit_sha",
    "repository"), "keyed",
    (
        REPOSITORY,
        Field("merge_commit_sha", "string", "The merge or squash commit"),
        Field("number", "integer", "The number that its message gives, where it gives one"),
        Field("merge_method", "string", "merge or squash"),
        Field("author_id", "person", "The earliest commit's author"),
        Field("additions", "integer", "Lines added by its commits; null where one is unreadable"),
        Field("deletions", "integer", "Lines deleted; likewise"),
        Field("changed_file_count", "integer", "Files changed, each counted once a commit"),
        Field("test_file_count", "integer", "Test files among those"),
        Field("production_file_count", "integer", "Production files among those"),
        Field("author_is_bot", "boolean", "Whether that author is on the bot list"),
        Field("is_revert", "boolean", "Whether it reverts another change"),
        Field("is_hotfix", "boolean", "Whether its branch is a hotfix branch"),
        Field("first_commit_at", "timestamp", "Earliest authored time among its commits"),
        Field("merged_at", "timestamp", "Commit time of the merge or squash"),
    ),
    dated_by="merged_at",
)  # fmt: skip

PULL_REQUEST_COMMITS = Stream(
    "git", "pull_request_commits", "a commit of a merged change",
    ("repository", "merge_commit_sha", "commit_sha"), "keyed",
    (
        REPOSITORY,
        Field("merge_commit_sha", "string", "The change, by its merge or squash commit"),
        COMMIT,
        Field("authored_at", "timestamp", "When the commit was written"),
    ),
)  # fmt: skip

DEPLOYMENTS = Stream(
    "git", "deployments", "a release: a tag, or a commit on a deployed branch",
    ("service_id", "release"), "keyed",
    (
        Field("service_id", "string", "The service released"),
        Field("release", "string", "The tag's name, or the commit's hash"),
        REPOSITORY, COMMIT,
        Field("environment", "string", "Where to; production unless the configuration says else"),
        Field("previous_release", "string",
              "The release before it on its line; null = the first, whose commits have no baseline"),
        Field("is_rollback", "boolean", "Whether it steps back to a commit already released"),
        Field("is_complete", "boolean",
              "Whether all its commits are known: not where a shallow history is cut within it"),
        Field("finished_at", "timestamp", "When the tag was made, or the commit committed"),
    ),
    dated_by="finished_at",
)  # fmt: skip

DEPLOYMENT_COMMITS = Stream(
    "git", "deployment_commits", "a commit that a release ships and the one before it does not",
    ("service_id", "release", "commit_sha"), "keyed",
    (
        Field("service_id", "string", "The service released"),
        Field("release", "string", "The tag's name, or the commit's hash"),
        COMMIT,
    ),
)  # fmt: skip

STREAMS = (
    REPOSITORIES, SERVICES, COMMITS, COMMIT_FILE_KINDS, COMMIT_AI_EVIDENCE,
    PULL_REQUESTS, PULL_REQUEST_COMMITS, DEPLOYMENTS, DEPLOYMENT_COMMITS,
)  # fmt: skip
