// Recorded traffic of GitHub's REST API, with its own headers and links.
//
//   node github_recorded.mjs FOLDER      (FOLDER/node_modules holds @octokit/fixtures-server)
//
// POST /fixtures {"scenario": …} gives the address where a recording begins. The port is the first
// line of its output.

import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const require = createRequire(join(process.argv[2], "packages.js"));
const express = require("express");
const entry = join(process.argv[2], "node_modules", "@octokit", "fixtures-server", "index.js");
const { default: recordings } = await import(pathToFileURL(entry));

const app = express();
const server = app.listen(0, "127.0.0.1", () => {
  const { port } = server.address();
  app.use(recordings({ port, fixturesUrl: `http://127.0.0.1:${port}`, logLevel: "silent" }));
  console.log(port);
});
