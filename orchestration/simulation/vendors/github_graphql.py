"""GitHub's GraphQL: the part of the published schema that the server speaks, and its execution.

A question is parsed and checked by graphql-core against ``SDL`` and then walked by ``execute``,
which is several times as fast as its own execution. An object is a dict: field → value, or,
where that is an object too, a function of the arguments; ``__typename`` says what it is.
"""

import base64
import functools
import json
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    build_schema,
    get_named_type,
    is_non_null_type,
    parse,
    validate,
)
from graphql import GraphQLIncludeDirective as INCLUDE
from graphql import GraphQLSkipDirective as SKIP
from graphql.execution.values import (
    get_argument_values,
    get_directive_values,
    get_variable_values,
)

LARGEST_PAGE, MOST_NODES = 100, 500_000
TROUBLE = (
    "Something went wrong while executing your query. This may be the result of a timeout, or it "
    "could be a GitHub bug. Please include `0000:000000:000000:000000:00000000` when reporting "
    "this issue."
)
PAGE = "after: String, before: String, first: Int, last: Int"

# Connection: what its nodes are; what its edges, and what it itself, have besides the usual.
CONNECTIONS = {
    "Commit": ("Commit", "", ""),
    "Deployment": ("Deployment", "", ""),
    "DeploymentStatus": ("DeploymentStatus", "", ""),
    "ExternalIdentity": ("ExternalIdentity", "", ""),
    "GitActor": ("GitActor", "", ""),
    "Issue": ("Issue", "", ""),
    "IssueComment": ("IssueComment", "", ""),
    "IssueTimelineItems": (
        "IssueTimelineItems", "", "filteredCount: Int! pageCount: Int! updatedAt: DateTime!",
    ),
    "Label": ("Label", "", ""),
    "OrganizationMember": ("User", "role: OrganizationMemberRole", ""),
    "PullRequest": ("PullRequest", "", ""),
    "PullRequestChangedFile": ("PullRequestChangedFile", "", ""),
    "PullRequestCommit": ("PullRequestCommit", "", ""),
    "PullRequestReview": ("PullRequestReview", "", ""),
    "PullRequestReviewComment": ("PullRequestReviewComment", "", ""),
    "PullRequestReviewThread": ("PullRequestReviewThread", "", ""),
    "PullRequestTimelineItems": (
        "PullRequestTimelineItems", "",
        "filteredCount: Int! pageCount: Int! updatedAt: DateTime!",
    ),
    "Release": ("Release", "", ""),
    "Repository": ("Repository", "", "totalDiskUsage: Int!"),
    "Team": ("Team", "", ""),
    "TeamMember": ("User!", "role: TeamMemberRole!", ""),
    "TeamRepository": ("Repository!", "permission: RepositoryPermission!", ""),
    "User": ("User", "", ""),
}  # fmt: skip

SDL = """
type Query {
  repository(owner: String!, name: String!, followRenames: Boolean = true): Repository
  organization(login: String!): Organization
  rateLimit(dryRun: Boolean = false): RateLimit
  node(id: ID!): Node
  nodes(ids: [ID!]!): [Node]!
  viewer: User!
}
type RateLimit {
  cost: Int! limit: Int! nodeCount: Int! remaining: Int! resetAt: DateTime! used: Int!
}
type PageInfo {
  endCursor: String hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String
}
interface Node { id: ID! }
interface Actor { login: String! url: URI! }
interface RepositoryOwner { id: ID! login: String! }
interface GitObject { id: ID! oid: GitObjectID! abbreviatedOid: String! }

type Organization implements Actor & Node & RepositoryOwner {
  id: ID! databaseId: Int login: String! name: String url: URI! createdAt: DateTime!
  repositories(
    privacy: RepositoryPrivacy, visibility: RepositoryVisibility, orderBy: RepositoryOrder,
    affiliations: [RepositoryAffiliation],
    ownerAffiliations: [RepositoryAffiliation] = [OWNER, COLLABORATOR],
    isLocked: Boolean, hasIssuesEnabled: Boolean, isArchived: Boolean, isFork: Boolean, @page
  ): RepositoryConnection!
  repository(name: String!, followRenames: Boolean = true): Repository
  teams(
    privacy: TeamPrivacy, notificationSetting: TeamNotificationSetting, role: TeamRole,
    query: String, userLogins: [String!], orderBy: TeamOrder, ldapMapped: Boolean,
    rootTeamsOnly: Boolean = false, @page
  ): TeamConnection!
  team(slug: String!): Team
  membersWithRole(@page): OrganizationMemberConnection!
  samlIdentityProvider: OrganizationIdentityProvider
}
type OrganizationIdentityProvider implements Node {
  id: ID! ssoUrl: URI issuer: String
  externalIdentities(
    membersOnly: Boolean, login: String, userName: String, @page
  ): ExternalIdentityConnection!
}
type ExternalIdentity implements Node {
  id: ID! guid: String! user: User
  samlIdentity: ExternalIdentitySamlAttributes scimIdentity: ExternalIdentityScimAttributes
}
type ExternalIdentitySamlAttributes {
  nameId: String username: String familyName: String givenName: String groups: [String!]
  emails: [UserEmailMetadata!] attributes: [ExternalIdentityAttribute!]!
}
type ExternalIdentityScimAttributes {
  username: String familyName: String givenName: String groups: [String!]
  emails: [UserEmailMetadata!]
}
type UserEmailMetadata { value: String! primary: Boolean type: String }
type ExternalIdentityAttribute { name: String! value: String! metadata: String }
type Team implements Node {
  id: ID! databaseId: Int slug: String! name: String! combinedSlug: String! description: String
  privacy: TeamPrivacy! parentTeam: Team organization: Organization!
  createdAt: DateTime! updatedAt: DateTime! url: URI!
  members(
    query: String, membership: TeamMembershipType = ALL, role: TeamMemberRole,
    orderBy: TeamMemberOrder, @page
  ): TeamMemberConnection!
  repositories(query: String, orderBy: TeamRepositoryOrder, @page): TeamRepositoryConnection!
}
type User implements Actor & Node & RepositoryOwner {
  id: ID! databaseId: Int login: String! name: String email: String! url: URI!
  isSiteAdmin: Boolean! createdAt: DateTime!
}
type Bot implements Actor & Node {
  id: ID! databaseId: Int login: String! url: URI! createdAt: DateTime!
}
type Mannequin implements Actor & Node {
  id: ID! databaseId: Int login: String! email: String url: URI! createdAt: DateTime!
}
type EnterpriseUserAccount implements Actor & Node {
  id: ID! login: String! name: String url: URI! createdAt: DateTime!
}

type Repository implements Node {
  id: ID! databaseId: Int name: String! nameWithOwner: String! owner: RepositoryOwner!
  isArchived: Boolean! isDisabled: Boolean! isEmpty: Boolean! isFork: Boolean!
  isLocked: Boolean! isMirror: Boolean! isPrivate: Boolean! isTemplate: Boolean!
  isInOrganization: Boolean! visibility: RepositoryVisibility! hasIssuesEnabled: Boolean!
  createdAt: DateTime! updatedAt: DateTime! pushedAt: DateTime archivedAt: DateTime
  diskUsage: Int description: String url: URI! viewerPermission: RepositoryPermission
  defaultBranchRef: Ref
  object(oid: GitObjectID, expression: String): GitObject
  codeowners(refName: String): RepositoryCodeowners
  pullRequest(number: Int!): PullRequest
  pullRequests(
    states: [PullRequestState!], labels: [String!], headRefName: String, baseRefName: String,
    orderBy: IssueOrder, @page
  ): PullRequestConnection!
  issue(number: Int!): Issue
  issues(
    orderBy: IssueOrder, labels: [String!], states: [IssueState!], filterBy: IssueFilters, @page
  ): IssueConnection!
  deployments(
    environments: [String!],
    orderBy: DeploymentOrder = {field: CREATED_AT, direction: ASC}, @page
  ): DeploymentConnection!
  releases(orderBy: ReleaseOrder, @page): ReleaseConnection!
}
type RepositoryCodeowners { errors: [RepositoryCodeownersError!]! }
type RepositoryCodeownersError {
  line: Int! column: Int! kind: String! path: String! message: String! source: String!
  suggestion: String
}
type Ref implements Node { id: ID! name: String! prefix: String! target: GitObject }
type Blob implements GitObject & Node {
  id: ID! oid: GitObjectID! abbreviatedOid: String! byteSize: Int! isBinary: Boolean
  isTruncated: Boolean! text: String
}
type Commit implements GitObject & Node {
  id: ID! oid: GitObjectID! abbreviatedOid: String! url: URI!
  authoredDate: DateTime! committedDate: DateTime!
  message: String! messageHeadline: String! messageBody: String!
  author: GitActor committer: GitActor authors(@page): GitActorConnection!
  authoredByCommitter: Boolean! additions: Int! deletions: Int! changedFilesIfAvailable: Int
  parents(@page): CommitConnection!
}
type GitActor { name: String email: String date: GitTimestamp user: User }

type PullRequest implements Node {
  id: ID! databaseId: Int fullDatabaseId: BigInt number: Int! url: URI!
  state: PullRequestState! isDraft: Boolean! closed: Boolean! merged: Boolean! locked: Boolean!
  createdAt: DateTime! updatedAt: DateTime! publishedAt: DateTime closedAt: DateTime
  mergedAt: DateTime lastEditedAt: DateTime mergedBy: Actor mergeCommit: Commit
  additions: Int! deletions: Int! changedFiles: Int!
  headRefName: String! headRefOid: GitObjectID! baseRefName: String! baseRefOid: GitObjectID!
  isCrossRepository: Boolean! title: String! body: String! bodyText: String!
  author: Actor authorAssociation: CommentAuthorAssociation! repository: Repository!
  reviewDecision: PullRequestReviewDecision totalCommentsCount: Int
  labels(
    orderBy: LabelOrder = {field: CREATED_AT, direction: ASC}, @page
  ): LabelConnection
  files(@page): PullRequestChangedFileConnection
  commits(@page): PullRequestCommitConnection!
  reviews(
    states: [PullRequestReviewState!], author: String, @page
  ): PullRequestReviewConnection
  reviewThreads(@page): PullRequestReviewThreadConnection!
  comments(orderBy: IssueCommentOrder, @page): IssueCommentConnection!
  closingIssuesReferences(
    userLinkedOnly: Boolean = false, orderBy: IssueOrder, @page
  ): IssueConnection
  timelineItems(
    since: DateTime, skip: Int, itemTypes: [PullRequestTimelineItemsItemType!], @page
  ): PullRequestTimelineItemsConnection!
  assignees(@page): UserConnection!
}
type PullRequestChangedFile {
  path: String! additions: Int! deletions: Int! changeType: PatchStatus!
}
type PullRequestCommit implements Node {
  id: ID! commit: Commit! pullRequest: PullRequest! url: URI!
}
type PullRequestReview implements Node {
  id: ID! databaseId: Int fullDatabaseId: BigInt url: URI! author: Actor
  authorAssociation: CommentAuthorAssociation! state: PullRequestReviewState!
  createdAt: DateTime! submittedAt: DateTime updatedAt: DateTime! publishedAt: DateTime
  lastEditedAt: DateTime body: String! bodyText: String! commit: Commit
  comments(@page): PullRequestReviewCommentConnection! pullRequest: PullRequest!
}
type PullRequestReviewComment implements Node { id: ID! author: Actor createdAt: DateTime! }
type PullRequestReviewThread implements Node { id: ID! isResolved: Boolean! }
type IssueComment implements Node { id: ID! author: Actor createdAt: DateTime! }
union PullRequestTimelineItems =
  ReadyForReviewEvent | ConvertToDraftEvent | MergedEvent | ClosedEvent | ReopenedEvent
  | HeadRefForcePushedEvent | ReviewRequestedEvent
type ReadyForReviewEvent implements Node { id: ID! actor: Actor createdAt: DateTime! }
type ConvertToDraftEvent implements Node { id: ID! actor: Actor createdAt: DateTime! }
type MergedEvent implements Node { id: ID! actor: Actor createdAt: DateTime! commit: Commit }
type ClosedEvent implements Node {
  id: ID! actor: Actor createdAt: DateTime! stateReason: IssueStateReason
}
type ReopenedEvent implements Node {
  id: ID! actor: Actor createdAt: DateTime! stateReason: IssueStateReason
}
type HeadRefForcePushedEvent implements Node { id: ID! actor: Actor createdAt: DateTime! }
type ReviewRequestedEvent implements Node { id: ID! actor: Actor createdAt: DateTime! }
type Label implements Node {
  id: ID! name: String! color: String! description: String isDefault: Boolean!
}

type Issue implements Node {
  id: ID! databaseId: Int fullDatabaseId: BigInt number: Int! url: URI! title: String!
  body: String! bodyText: String! state: IssueState! stateReason: IssueStateReason
  closed: Boolean! createdAt: DateTime! updatedAt: DateTime! closedAt: DateTime
  publishedAt: DateTime author: Actor authorAssociation: CommentAuthorAssociation!
  repository: Repository! assignees(@page): UserConnection!
  labels(
    orderBy: LabelOrder = {field: CREATED_AT, direction: ASC}, @page
  ): LabelConnection
  timelineItems(
    since: DateTime, skip: Int, itemTypes: [IssueTimelineItemsItemType!], @page
  ): IssueTimelineItemsConnection!
  closedByPullRequestsReferences(
    includeClosedPrs: Boolean = false, orderByState: Boolean = false,
    userLinkedOnly: Boolean = false, @page
  ): PullRequestConnection
  comments(orderBy: IssueCommentOrder, @page): IssueCommentConnection!
  issueType: IssueType
  parent: Issue
}
type IssueType implements Node { id: ID! name: String! description: String isEnabled: Boolean! }
union IssueTimelineItems =
  ClosedEvent | ReopenedEvent | LabeledEvent | UnlabeledEvent | AssignedEvent
type LabeledEvent implements Node { id: ID! actor: Actor createdAt: DateTime! label: Label! }
type UnlabeledEvent implements Node { id: ID! actor: Actor createdAt: DateTime! label: Label! }
type AssignedEvent implements Node { id: ID! actor: Actor createdAt: DateTime! }

type Deployment implements Node {
  id: ID! databaseId: Int commit: Commit commitOid: String!
  createdAt: DateTime! updatedAt: DateTime! creator: Actor! description: String
  environment: String latestEnvironment: String originalEnvironment: String payload: String
  ref: Ref repository: Repository! state: DeploymentState task: String
  latestStatus: DeploymentStatus statuses(@page): DeploymentStatusConnection
}
type DeploymentStatus implements Node {
  id: ID! state: DeploymentStatusState! createdAt: DateTime! updatedAt: DateTime!
  environment: String description: String environmentUrl: URI logUrl: URI creator: Actor!
  deployment: Deployment!
}
type Release implements Node {
  id: ID! databaseId: Int name: String tagName: String! createdAt: DateTime!
  publishedAt: DateTime updatedAt: DateTime! isPrerelease: Boolean! isDraft: Boolean!
  isLatest: Boolean! tagCommit: Commit url: URI! author: User
}

scalar BigInt
scalar DateTime
scalar GitObjectID
scalar GitTimestamp
scalar URI
input DeploymentOrder { field: DeploymentOrderField!, direction: OrderDirection! }
input IssueCommentOrder { field: IssueCommentOrderField!, direction: OrderDirection! }
input IssueFilters {
  assignee: String, createdBy: String, labels: [String!], mentioned: String, milestone: String,
  milestoneNumber: String, since: DateTime, states: [IssueState!],
  viewerSubscribed: Boolean = false
}
input IssueOrder { field: IssueOrderField!, direction: OrderDirection! }
input LabelOrder { field: LabelOrderField!, direction: OrderDirection! }
input ReleaseOrder { field: ReleaseOrderField!, direction: OrderDirection! }
input RepositoryOrder { field: RepositoryOrderField!, direction: OrderDirection! }
input TeamMemberOrder { field: TeamMemberOrderField!, direction: OrderDirection! }
input TeamOrder { field: TeamOrderField!, direction: OrderDirection! }
input TeamRepositoryOrder { field: TeamRepositoryOrderField!, direction: OrderDirection! }
enum CommentAuthorAssociation {
  MEMBER OWNER MANNEQUIN COLLABORATOR CONTRIBUTOR FIRST_TIME_CONTRIBUTOR FIRST_TIMER NONE
}
enum DeploymentOrderField { CREATED_AT }
enum DeploymentState {
  ABANDONED ACTIVE DESTROYED ERROR FAILURE INACTIVE PENDING SUCCESS QUEUED IN_PROGRESS WAITING
}
enum DeploymentStatusState {
  PENDING SUCCESS FAILURE INACTIVE ERROR QUEUED IN_PROGRESS WAITING
}
enum IssueCommentOrderField { UPDATED_AT }
enum IssueOrderField { CREATED_AT UPDATED_AT COMMENTS }
enum IssueState { OPEN CLOSED }
enum IssueStateReason { REOPENED NOT_PLANNED COMPLETED }
enum IssueTimelineItemsItemType {
  ISSUE_COMMENT CROSS_REFERENCED_EVENT ADDED_TO_PROJECT_EVENT ASSIGNED_EVENT CLOSED_EVENT
  COMMENT_DELETED_EVENT CONNECTED_EVENT CONVERTED_NOTE_TO_ISSUE_EVENT
  CONVERTED_TO_DISCUSSION_EVENT DEMILESTONED_EVENT DISCONNECTED_EVENT LABELED_EVENT LOCKED_EVENT
  MARKED_AS_DUPLICATE_EVENT MENTIONED_EVENT MILESTONED_EVENT MOVED_COLUMNS_IN_PROJECT_EVENT
  PINNED_EVENT REFERENCED_EVENT REMOVED_FROM_PROJECT_EVENT RENAMED_TITLE_EVENT REOPENED_EVENT
  SUBSCRIBED_EVENT TRANSFERRED_EVENT UNASSIGNED_EVENT UNLABELED_EVENT UNLOCKED_EVENT
  USER_BLOCKED_EVENT UNMARKED_AS_DUPLICATE_EVENT UNPINNED_EVENT UNSUBSCRIBED_EVENT
}
enum LabelOrderField { NAME CREATED_AT }
enum OrderDirection { ASC DESC }
enum OrganizationMemberRole { MEMBER ADMIN }
enum PatchStatus { ADDED DELETED RENAMED COPIED MODIFIED CHANGED }
enum PullRequestReviewDecision { CHANGES_REQUESTED APPROVED REVIEW_REQUIRED }
enum PullRequestReviewState { PENDING COMMENTED APPROVED CHANGES_REQUESTED DISMISSED }
enum PullRequestState { OPEN CLOSED MERGED }
enum PullRequestTimelineItemsItemType {
  PULL_REQUEST_COMMIT PULL_REQUEST_COMMIT_COMMENT_THREAD PULL_REQUEST_REVIEW
  PULL_REQUEST_REVIEW_THREAD PULL_REQUEST_REVISION_MARKER AUTOMATIC_BASE_CHANGE_FAILED_EVENT
  AUTOMATIC_BASE_CHANGE_SUCCEEDED_EVENT AUTO_MERGE_DISABLED_EVENT AUTO_MERGE_ENABLED_EVENT
  AUTO_REBASE_ENABLED_EVENT AUTO_SQUASH_ENABLED_EVENT BASE_REF_CHANGED_EVENT
  BASE_REF_FORCE_PUSHED_EVENT BASE_REF_DELETED_EVENT DEPLOYED_EVENT
  DEPLOYMENT_ENVIRONMENT_CHANGED_EVENT HEAD_REF_DELETED_EVENT HEAD_REF_FORCE_PUSHED_EVENT
  HEAD_REF_RESTORED_EVENT MERGED_EVENT REVIEW_DISMISSED_EVENT REVIEW_REQUESTED_EVENT
  REVIEW_REQUEST_REMOVED_EVENT READY_FOR_REVIEW_EVENT CONVERT_TO_DRAFT_EVENT
  ADDED_TO_MERGE_QUEUE_EVENT REMOVED_FROM_MERGE_QUEUE_EVENT ISSUE_COMMENT CROSS_REFERENCED_EVENT
  ADDED_TO_PROJECT_EVENT ASSIGNED_EVENT CLOSED_EVENT COMMENT_DELETED_EVENT CONNECTED_EVENT
  CONVERTED_NOTE_TO_ISSUE_EVENT CONVERTED_TO_DISCUSSION_EVENT DEMILESTONED_EVENT
  DISCONNECTED_EVENT LABELED_EVENT LOCKED_EVENT MARKED_AS_DUPLICATE_EVENT MENTIONED_EVENT
  MILESTONED_EVENT MOVED_COLUMNS_IN_PROJECT_EVENT PINNED_EVENT REFERENCED_EVENT
  REMOVED_FROM_PROJECT_EVENT RENAMED_TITLE_EVENT REOPENED_EVENT SUBSCRIBED_EVENT
  TRANSFERRED_EVENT UNASSIGNED_EVENT UNLABELED_EVENT UNLOCKED_EVENT USER_BLOCKED_EVENT
  UNMARKED_AS_DUPLICATE_EVENT UNPINNED_EVENT UNSUBSCRIBED_EVENT
}
enum ReleaseOrderField { CREATED_AT NAME }
enum RepositoryAffiliation { OWNER COLLABORATOR ORGANIZATION_MEMBER }
enum RepositoryOrderField { CREATED_AT UPDATED_AT PUSHED_AT NAME STARGAZERS }
enum RepositoryPermission { ADMIN MAINTAIN WRITE TRIAGE READ }
enum RepositoryPrivacy { PUBLIC PRIVATE }
enum RepositoryVisibility { PRIVATE PUBLIC INTERNAL }
enum TeamMemberOrderField { LOGIN CREATED_AT }
enum TeamMemberRole { MAINTAINER MEMBER }
enum TeamMembershipType { IMMEDIATE CHILD_TEAM ALL }
enum TeamNotificationSetting { NOTIFICATIONS_ENABLED NOTIFICATIONS_DISABLED }
enum TeamOrderField { NAME }
enum TeamPrivacy { SECRET VISIBLE }
enum TeamRepositoryOrderField { CREATED_AT UPDATED_AT PUSHED_AT NAME PERMISSION STARGAZERS }
enum TeamRole { ADMIN MEMBER }
"""

Object = dict[str, Any]


class Fault(Exception):
    """A field that has no answer: ``kind`` is GitHub's ``type`` of the error."""

    def __init__(self, kind: str, message: str, node: FieldNode | None = None) -> None:
        super().__init__(message)
        self.kind, self.message, self.node = kind, message, node
        self.path: list[str | int] = []

    def told(self) -> Object:
        """The error as it stands in the answer."""
        told: Object = {"type": self.kind, "path": self.path, "message": self.message}
        if self.node is not None and self.node.loc is not None:
            token = self.node.loc.start_token
            told["locations"] = [{"line": token.line, "column": token.column}]
        return told


class Refused(Exception):
    """A question that is not answered at all."""

    def __init__(self, *errors: Object) -> None:
        super().__init__(len(errors))
        self.errors = list(errors)


class Price(NamedTuple):
    """What a question may cost: nodes at most, and points."""

    nodes: int
    points: int


@functools.cache
def schema() -> GraphQLSchema:
    """The part of GitHub's schema, ready to check questions with."""
    text = SDL
    for name, (node, edge, more) in CONNECTIONS.items():
        text += f"type {name}Edge {{ cursor: String! node: {node} {edge} }}\n"
        text += (
            f"type {name}Connection {{ edges: [{name}Edge] nodes: [{node.rstrip('!')}] "
            f"pageInfo: PageInfo! totalCount: Int! {more} }}\n"
        )
    built = build_schema(text.replace("@page", PAGE))
    built.type_map["DateTime"].parse_value = _date_time  # type: ignore[attr-defined]
    return built


class Question:
    """A question that is valid. Raises Refused."""

    def __init__(self, text: str, variables: Mapping[str, Any], name: str | None = None) -> None:
        document = _checked(text)
        operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
        chosen = [o for o in operations if name is None or (o.name and o.name.value == name)]
        if len(chosen) != 1:
            raise Refused({"message": "An operation name is required"})
        if chosen[0].operation is not OperationType.QUERY:
            raise Refused({"message": "This server only answers a query"})
        self._fragments = {
            d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)
        }
        values = get_variable_values(
            schema(), chosen[0].variable_definitions, dict(variables), max_errors=5
        )
        if isinstance(values, list):
            raise Refused(*(_told(error) for error in values))
        self._variables = values
        self._sizes: dict[str, int] = {}
        self.root = _Selection(self, [chosen[0].selection_set])
        query = schema().query_type
        assert query is not None  # noqa: S101
        try:
            nodes, requests = self._count(chosen[0].selection_set, query, 1)
        except GraphQLError as error:
            raise Refused(_told(error)) from None
        if nodes > MOST_NODES:
            raise Refused(
                {
                    "type": "MAX_NODE_LIMIT_EXCEEDED",
                    "message": f"This query requests up to {nodes:,} possible nodes which exceeds "
                    f"the maximum limit of {MOST_NODES:,}.",
                }
            )
        self.price = Price(nodes, max(1, round(requests / 100)))

    def largest(self, name: str) -> int:
        """The largest page of a connection that is asked for."""
        return self._sizes.get(name, 0)

    def arguments(self, kind: GraphQLObjectType, node: FieldNode) -> dict[str, Any]:
        """A field's arguments, defaults filled in."""
        return get_argument_values(kind.fields[node.name.value], node, self._variables)

    def fields(self, kind: Any, selections: SelectionSetNode) -> list[FieldNode]:
        """The fields asked of a type, those of fragments among them."""
        found: list[FieldNode] = []
        for node in selections.selections:
            if self._is_left_out(node):
                continue
            if isinstance(node, FieldNode):
                found.append(node)
            elif isinstance(node, InlineFragmentNode):
                condition = node.type_condition
                if condition is None or _is_a(kind, condition.name.value):
                    found += self.fields(kind, node.selection_set)
            elif isinstance(node, FragmentSpreadNode):
                fragment = self._fragments[node.name.value]
                if _is_a(kind, fragment.type_condition.name.value):
                    found += self.fields(kind, fragment.selection_set)
        return found

    def _is_left_out(self, node: Any) -> bool:
        skip = get_directive_values(SKIP, node, self._variables)
        include = get_directive_values(INCLUDE, node, self._variables)
        return bool(skip and skip["if"]) or bool(include and not include["if"])

    def _count(self, selections: SelectionSetNode, kind: Any, times: int) -> tuple[int, int]:
        """Nodes, and requests that it would take to fetch them one connection at a time. Raises
        Refused where a connection is asked for without an end."""
        nodes = requests = 0
        for node in selections.selections:
            if self._is_left_out(node):
                continue
            inner, inside = times, kind
            if isinstance(node, FragmentSpreadNode):
                fragment = self._fragments[node.name.value]
                inside, below = _type(fragment.type_condition.name.value), fragment.selection_set
            elif isinstance(node, InlineFragmentNode):
                if node.type_condition is not None:
                    inside = _type(node.type_condition.name.value)
                below = node.selection_set
            else:
                assert isinstance(node, FieldNode)  # noqa: S101
                if node.selection_set is None:
                    continue
                if node.name.value.startswith("__"):
                    raise Refused({"message": f"This server does not answer {node.name.value}"})
                inside = get_named_type(kind.fields[node.name.value].type)
                below = node.selection_set
                if inside.name.endswith("Connection"):
                    asked = {n.name.value for n in self.fields(inside, below)}
                    size = self._size(node, self.arguments(kind, node), asked)
                    name = node.name.value
                    self._sizes[name] = max(size, self._sizes.get(name, 0))
                    nodes, inner = nodes + times * size, times * size
                    requests += times if size else 0
            more = self._count(below, inside, inner)
            nodes, requests = nodes + more[0], requests + more[1]
        return nodes, requests

    def _size(self, node: FieldNode, arguments: Mapping[str, Any], asked: set[str]) -> int:
        """How many items a connection may give; only its items need an end to be named."""
        name, first, last = node.name.value, arguments.get("first"), arguments.get("last")
        if first is None and last is None:
            if not asked & {"nodes", "edges"}:
                return 0
            raise Refused(
                Fault(
                    "MISSING_PAGINATION_BOUNDARIES",
                    "You must provide a `first` or `last` value to properly paginate the "
                    f"`{name}` connection.",
                    node,
                ).told()
            )
        for word, size in (("first", first), ("last", last)):
            if size is not None and not 0 <= size <= LARGEST_PAGE:
                said = (
                    f"`{word}` on the `{name}` connection cannot be less than zero."
                    if size < 0
                    else f"Requesting {size} records on the `{name}` connection exceeds the "
                    f"`{word}` limit of {LARGEST_PAGE} records."
                )
                raise Refused(Fault("EXCESSIVE_PAGINATION", said, node).told())
        return int(first if first is not None else last)  # type: ignore[arg-type]


class _Planned(NamedTuple):
    key: str
    name: str
    arguments: dict[str, Any]
    below: "_Selection | None"
    is_required: bool
    node: FieldNode


class _Selection:
    """What is asked of an object, planned once per type that turns up."""

    def __init__(self, question: Question, sets: list[SelectionSetNode]) -> None:
        self._question, self._sets = question, sets
        self.planned: dict[str, list[_Planned]] = {}

    def plan(self, name: str) -> list[_Planned]:
        """Kept in ``planned``."""
        kind = _type(name)
        by_key: dict[str, list[FieldNode]] = {}
        for selections in self._sets:
            for node in self._question.fields(kind, selections):
                by_key.setdefault((node.alias or node.name).value, []).append(node)
        planned = []
        for key, nodes in by_key.items():
            node, field_name = nodes[0], nodes[0].name.value
            below = [n.selection_set for n in nodes if n.selection_set is not None]
            is_plain = field_name == "__typename"
            planned.append(
                _Planned(
                    key,
                    field_name,
                    {} if is_plain else self._question.arguments(kind, node),
                    _Selection(self._question, below) if below else None,
                    is_plain or is_non_null_type(kind.fields[field_name].type),
                    node,
                )
            )
        self.planned[name] = planned
        return planned


@dataclass
class Answering:
    """The walk over what is asked; faults are collected in ``errors``."""

    errors: list[Object] = field(default_factory=list)

    def walk(self, selection: _Selection, found: Object) -> Object:
        """What is asked of one object. Raises Fault where a field that is never null fails."""
        told: Object = {}
        kind = found["__typename"]
        asked = selection.planned.get(kind) or selection.plan(kind)
        for key, name, arguments, below, is_required, node in asked:
            if below is None:
                told[key] = found[name]
                continue
            try:
                value = found[name]
                if callable(value):
                    value = value(**arguments)
                if value is not None:
                    if isinstance(value, list):
                        value = self._items(below, value)
                    else:
                        value = self.walk(below, value)
            except Fault as fault:
                fault.path.insert(0, key)
                fault.node = fault.node or node
                if is_required:
                    raise
                self.errors.append(fault.told())
                value = None
            told[key] = value
        return told

    def _items(self, below: _Selection, items: list[Any]) -> list[Any]:
        told: list[Any] = []
        for place, item in enumerate(items):
            try:
                told.append(None if item is None else self.walk(below, item))
            except Fault as fault:
                fault.path.insert(0, place)
                self.errors.append(fault.told())
                told.append(None)
        return told


def execute(question: Question, query: Object) -> Object:
    """The answer's body: ``data`` and, if something failed, ``errors``."""
    answering = Answering()
    try:
        data: Object | None = answering.walk(question.root, query)
    except Fault as fault:
        answering.errors.append(fault.told())
        data = None
    return {"data": data, "errors": answering.errors} if answering.errors else {"data": data}


def connection(
    name: str,
    keys: Sequence[tuple[Any, ...]],
    node: Callable[[int], Object | None],
    *,
    descending: bool = False,
    after: str | None = None,
    before: str | None = None,
    first: int | None = None,
    last: int | None = None,
    edge: Callable[[int], Object] = lambda place: {},
    **more: Any,
) -> Object:
    """A page of a list. ``keys``: where each item stands, ascending; a cursor is a key, and means
    "after this place" also when items have come, moved or gone since. ``node`` makes an item's
    object from its number in ``keys``, when it is asked for."""
    low, high = 0, len(keys)
    for cursor, is_lower in ((after, not descending), (before, descending)):
        if cursor is not None:
            key = _key(cursor)
            try:
                if is_lower:
                    low = max(low, bisect_right(keys, key))
                else:
                    high = min(high, bisect_left(keys, key))
            except TypeError:
                raise _no_cursor(cursor) from None
    high = max(low, high)
    for size, is_from_low in ((first, not descending), (last, descending)):
        if size is not None and is_from_low:
            high = min(high, low + size)
        elif size is not None:
            low = max(low, high - size)
    places = range(high - 1, low - 1, -1) if descending else range(low, high)
    is_after, is_before = high < len(keys), low > 0
    if descending:
        is_after, is_before = is_before, is_after
    return {
        "__typename": f"{name}Connection",
        "nodes": lambda: [node(place) for place in places],
        "edges": lambda: [
            {
                "__typename": f"{name}Edge",
                "cursor": _cursor(keys[place]),
                "node": node(place),
                **edge(place),
            }
            for place in places
        ],
        "pageInfo": lambda: {
            "__typename": "PageInfo",
            "hasNextPage": is_after,
            "hasPreviousPage": is_before,
            "startCursor": _cursor(keys[places[0]]) if places else None,
            "endCursor": _cursor(keys[places[-1]]) if places else None,
        },
        "totalCount": len(keys),
        **more,
    }


def listed(name: str, items: Sequence[Object], **page: Any) -> Object:
    """A page of a short list whose places do not change."""
    return connection(name, [(n,) for n in range(len(items))], items.__getitem__, **page)


@functools.lru_cache(maxsize=256)
def _checked(text: str) -> DocumentNode:
    try:
        document = parse(text)
    except GraphQLError as error:
        raise Refused(_told(error)) from None
    errors = validate(schema(), document)
    if errors:
        raise Refused(*(_told(error) for error in errors))
    return document


def _told(error: GraphQLError) -> Object:
    told: Object = {"message": error.message}
    if error.locations:
        told["locations"] = [{"line": p.line, "column": p.column} for p in error.locations]
    return told


@functools.cache
def _type(name: str) -> Any:
    return schema().type_map[name]


@functools.cache
def _is_a(kind: Any, name: str) -> bool:
    wanted = _type(name)
    if kind is wanted:
        return True
    return not isinstance(wanted, GraphQLObjectType) and schema().is_sub_type(wanted, kind)


def _date_time(value: Any) -> str:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise GraphQLError("is not a date and time") from None
    if moment.tzinfo is None:
        raise GraphQLError("has no time zone")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@functools.lru_cache(maxsize=2**17)
def _cursor(key: tuple[Any, ...]) -> str:
    return base64.b64encode(b"cursor:v2:" + json.dumps(key).encode()).decode()


def _key(cursor: str) -> tuple[Any, ...]:
    try:
        text = base64.b64decode(cursor, validate=True).removeprefix(b"cursor:v2:")
        return tuple(json.loads(text))
    except (ValueError, TypeError):
        raise _no_cursor(cursor) from None


def _no_cursor(cursor: str) -> Fault:
    return Fault("INVALID_CURSOR_ARGUMENTS", f"`{cursor}` does not appear to be a valid cursor.")
