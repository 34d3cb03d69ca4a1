// GitHub's GraphQL API as its published schema describes it, with made-up answers.
//
//   node github_graphql.mjs FOLDER      (FOLDER/node_modules holds graphql and the schema)
//
// It refuses what the schema does not allow, a connection without a bound and a query of too many
// nodes, as GitHub does. Every connection has two pages. A request with the header `x-nulls` is
// answered by the schema as it is published, without our additions, and with null wherever it
// allows null. The port is the first line of its output.

import { readFileSync } from "node:fs";
import http from "node:http";
import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(join(process.argv[2], "packages.js"));
const graphql = require("graphql");
const introspection = JSON.parse(
  readFileSync(join(process.argv[2], "node_modules/@octokit/graphql-schema/schema.json")),
);

// What GitHub serves and the newest published introspection lacks. Ours, so not independent.
const ADDITIONS = `
  type IssueType implements Node { id: ID! name: String! description: String isEnabled: Boolean! }
  extend type Issue { issueType: IssueType parent: Issue }
  extend enum IssueStateReason { DUPLICATE }
`;
const published = graphql.buildClientSchema(introspection.data ?? introspection);
const extended = graphql.extendSchema(published, graphql.parse(ADDITIONS));
const PER_PAGE = 2;
const HELD = 4; // by every connection, on two pages or more
const MOST_NODES = 500_000;
const DAY = 86_400_000;
const BEGINNING = Date.UTC(2026, 2, 1);

const isConnection = (type) => graphql.getNamedType(type).name.endsWith("Connection");

// Everything is made from a seed, which is also its id: the same thing is the same, however asked.
const idOf = (seed) => Buffer.from(seed).toString("base64url");
const thing = (id) => ({ seed: Buffer.from(id, "base64url").toString() });

function repository(name) {
  return { seed: name, nameWithOwner: name, databaseId: number(name) % 2_000_000_000 };
}

function number(text) {
  return createHash("sha256").update(text).digest().readUInt32BE(0);
}

function time(milliseconds) {
  return new Date(milliseconds).toISOString().replace(/\.\d+/, "");
}

function leaf(type, field, source, seed) {
  const some = number(seed);
  if (graphql.isEnumType(type)) {
    const values = type.getValues().filter((value) => !value.deprecationReason);
    return values[some % values.length].value;
  }
  switch (type.name) {
    case "ID": return idOf(source.seed);
    case "Int": return field === "databaseId" ? some % 2_000_000_000 : some % 1_000;
    case "Float": return (some % 1_000) / 8;
    case "Boolean": return some % 2 === 0;
    case "BigInt": return String(3_000_000_000 + some);
    case "DateTime":
    case "GitTimestamp":
      // The place in a list is the order of its moments.
      return source.place !== undefined && /^(created|updated)At$/.test(field)
        ? time(BEGINNING + source.place * DAY)
        : time(BEGINNING + (some % (20 * DAY / 1000)) * 1000);
    case "Date": return "2026-03-01";
    case "GitObjectID": return createHash("sha1").update(seed).digest("hex");
    case "URI": return `https://example.com/${some}`;
    default: return /email|value/i.test(field) ? "person-0001@example.com" : `text-${some}`;
  }
}

// The object types that a selection names by fragments, so that a union gives what was asked for.
function named(selections, fragments, found = []) {
  for (const selection of selections ?? []) {
    if (selection.kind === "Field") continue;
    const fragment = selection.kind === "FragmentSpread"
      ? fragments[selection.name.value] : selection;
    if (fragment.typeCondition) found.push(fragment.typeCondition.name.value);
    named(fragment.selectionSet.selections, fragments, found);
  }
  return found;
}

function typeOf(value, context, info, abstract) {
  const possible = info.schema.getPossibleTypes(abstract).map((type) => type.name);
  const asked = info.fieldNodes
    .flatMap((node) => named(node.selectionSet?.selections, info.fragments))
    .filter((name) => possible.includes(name));
  const from = asked.length ? asked : possible.includes("User") ? ["User"] : possible;
  return from[number(value.seed) % from.length];
}

function answer(source, args, context, info) {
  if (source && info.fieldName in source) return source[info.fieldName];
  if (info.parentType === info.schema.getQueryType()) return asked(args, context, info);
  const isKept = graphql.isNonNullType(info.returnType) || /databaseId$/i.test(info.fieldName);
  if (context.nulls && !isKept) return null;
  return made(info.returnType, args, context, info.fieldName, source);
}

function asked(args, context, info) {
  switch (info.fieldName) {
    case "rateLimit":
      return {
        cost: context.points, nodeCount: context.nodes, limit: 5000, used: 1, remaining: 4999,
        resetAt: time(Date.now() + 3_600_000),
      };
    case "repository": return repository(`${args.owner}/${args.name}`);
    case "node": return thing(args.id);
    case "nodes": return args.ids.map(thing);
    default: return { seed: [info.fieldName, ...Object.values(args)].join("/") };
  }
}

function made(type, args, context, field, source) {
  const bare = graphql.getNullableType(type);
  const seed = `${source.seed}/${field}`;
  if (graphql.isListType(bare)) {
    return [0, 1].map((at) => made(bare.ofType, args, context, `${field}.${at}`, source));
  }
  if (graphql.isLeafType(bare)) return leaf(bare, field, source, seed);
  return isConnection(bare) ? listed(bare, args, context, seed) : { seed };
}

function listed(type, args, context, seed) {
  const total = context.nulls ? PER_PAGE : HELD;
  const from = args.after ? Number(args.after) : 0; // a cursor is the number of those before it
  const until = Math.min(total, from + Math.min(PER_PAGE, args.first ?? args.last ?? PER_PAGE));
  const isReversed = args.orderBy?.direction === "DESC";
  const held = [];
  for (let at = from; at < until; at += 1) {
    const place = isReversed ? total - 1 - at : at;
    held.push(type.name.endsWith("RepositoryConnection")
      ? repository(`acme/repository-${place}`)
      : { seed: `${seed}.${place}`, place });
  }
  // A thing that may not be seen stands as null in its list.
  const nodes = held.map((each, at) => (context.nulls && at % 2 ? null : each));
  return {
    seed, nodes, edges: nodes.map((node) => node && { ...node, node, cursor: idOf(node.seed) }),
    totalCount: total,
    pageInfo: {
      hasNextPage: until < total, hasPreviousPage: from > 0,
      startCursor: held.length ? String(from + 1) : null,
      endCursor: held.length ? String(until) : null,
    },
  };
}

// GitHub's own arithmetic: nodes are the bounds of a connection times those above it; a point is a
// hundred requests, one for each connection of each parent. What is only counted has no bound, and
// is not in the arithmetic.
function measured(schema, document, operationName, variables) {
  const operation = graphql.getOperationAST(document, operationName);
  const fragments = Object.fromEntries(
    document.definitions
      .filter((definition) => definition.kind === "FragmentDefinition")
      .map((definition) => [definition.name.value, definition]),
  );
  const total = { nodes: 0, requests: 0, problems: [] };
  const bound = (node, name) => {
    const given = node.arguments?.find((argument) => argument.name.value === name)?.value;
    if (!given) return undefined;
    return given.kind === "Variable" ? variables[given.name.value] : Number(given.value);
  };
  const walk = (selections, parent, times) => {
    for (const selection of selections ?? []) {
      if (selection.kind !== "Field") {
        const fragment = selection.kind === "FragmentSpread"
          ? fragments[selection.name.value] : selection;
        const on = fragment.typeCondition
          ? schema.getType(fragment.typeCondition.name.value) : parent;
        walk(fragment.selectionSet.selections, on, times);
        continue;
      }
      const type = parent.getFields?.()[selection.name.value]?.type;
      if (!type) continue;
      let inside = times;
      if (isConnection(type)) {
        const size = bound(selection, "first") ?? bound(selection, "last");
        const isCounted = size === undefined
          && selection.selectionSet.selections.every(({ name }) => name?.value === "totalCount");
        if (isCounted) continue;
        if (!(size >= 1 && size <= 100)) {
          total.problems.push(`${selection.name.value}: first or last of 1 to 100 is needed`);
        }
        inside = times * (size || 1);
        total.nodes += inside;
        total.requests += times;
      }
      walk(selection.selectionSet?.selections, graphql.getNamedType(type), inside);
    }
  };
  walk(operation.selectionSet.selections, schema.getQueryType(), 1);
  if (total.nodes > MOST_NODES) total.problems.push(`${total.nodes} nodes are too many`);
  return { ...total, points: Math.max(1, Math.round(total.requests / 100)) };
}

// An error as GitHub words its kind: clients tell by it what a server does not have.
function refused(error) {
  const isUnknown = error.message.startsWith("Cannot query field");
  return {
    message: error.message, locations: error.locations,
    ...(isUnknown && { extensions: { code: "undefinedField" } }),
  };
}

async function answered({ query, variables = {}, operationName }, nulls) {
  const schema = nulls ? published : extended;
  let document;
  try {
    document = graphql.parse(query);
  } catch (error) {
    return { errors: [{ message: error.message }] };
  }
  const errors = graphql.validate(schema, document);
  if (errors.length) return { errors: errors.map(refused) };
  const { nodes, points, problems } = measured(schema, document, operationName, variables);
  if (problems.length) return { errors: problems.map((message) => ({ message })) };
  const result = await graphql.execute({
    schema, document, operationName, variableValues: variables,
    contextValue: { nulls, nodes, points }, fieldResolver: answer, typeResolver: typeOf,
  });
  return { ...result, extensions: { nodes, points } };
}

const server = http.createServer(async (request, response) => {
  let text = "";
  for await (const part of request) text += part;
  const isKnown = Boolean(request.headers.authorization);
  const body = isKnown
    ? await answered(JSON.parse(text), "x-nulls" in request.headers)
    : { message: "Bad credentials" };
  response.writeHead(isKnown ? 200 : 401, {
    "content-type": "application/json",
    "x-ratelimit-limit": "5000", "x-ratelimit-remaining": "4999", "x-ratelimit-resource": "graphql",
    "x-ratelimit-used": "1", "x-ratelimit-reset": String(Math.floor(Date.now() / 1000) + 3600),
  });
  response.end(JSON.stringify(body));
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
