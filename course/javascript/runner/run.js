// Has jest run the suite in the current folder, and tells how it went: `node run.js`, see events.js.
//
// What `jest` does on its command line, without what it loads to watch files and to draw reports: that takes longer
// than most suites.

const fs = require("node:fs");
const net = require("node:net");
const path = require("node:path");
const { readConfig } = require("jest-config");
const { ModuleMap } = require("jest-haste-map");
const { default: TestRunner } = require("jest-runner");
const { default: Runtime } = require("jest-runtime");
const { task, tell, told } = require("./events");

const PATIENCE = 1000; // milliseconds; after so long jest says that it did not exit
const here = process.cwd();
const before = new Set(process._getActiveHandles());

async function main() {
  const { globalConfig, projectConfig } = await readConfig({ config: JSON.stringify(configuration()), ci: true }, here);
  const resolver = Runtime.createResolver(projectConfig, ModuleMap.create(here));
  const context = { config: projectConfig, hasteFS: null, resolver };
  const runner = new TestRunner(globalConfig, {});
  runner.on("test-file-failure", ([test, error]) => tellBroken(error, test.path));
  const tests = files().map((file) => ({ context, path: file }));
  const watcher = { isInterrupted: () => false, on: () => {} };
  await runner.runTests(tests, watcher, { serial: true });
  if (task.select === null) await tellOpen(tests);
  tell({ event: "done" });
  process.exit(0);
}

function configuration() {
  return {
    rootDir: here,
    modulePaths: [task.tree, task.modules],
    transform: {},
    testEnvironment: path.join(__dirname, "environment.js"),
    cacheDirectory: task.cache,
  };
}

/** The test files, in the order of their names or from the last to the first: jest's own order depends on earlier runs. */
function files() {
  const names = fs.readdirSync(here, { recursive: true }).filter((name) => /\.test\.js$/.test(name)).sort();
  return (task.reverse ? names.reverse() : names).map((name) => path.join(here, name));
}

/** A file that cannot be loaded. */
function tellBroken(error, file) {
  const { message, where } = told(error, null, file);
  tell({ event: "broken", message: inWords(error, message), where });
}

function inWords(error, message) {
  const [first] = message.split("\n");
  if (/import statement|Unexpected token 'export'|Must use import to load/.test(first)) {
    return "`import` and `export` are not for files that jest reads as they are: write `const { … } = require(\"…\")`.";
  }
  if (first.startsWith("SyntaxError")) return `This is not JavaScript: ${first.replace("SyntaxError: ", "")}.`;
  const missing = /^Cannot find module '([^']+)'/.exec(first);
  if (missing) return `There is no package ${missing[1]}. There are ${task.packages.join(", ")}, and what comes with Node.`;
  return message;
}

/** What the tests have left open, told as a test that fails. */
async function tellOpen([test]) {
  const end = Date.now() + PATIENCE;
  while (open().length && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 10));
  const [first] = open();
  if (!first || !test) return;
  tell({ event: "test", test: `${path.basename(test.path)}::after the tests`, result: "failed", phase: "teardown", message: first });
}

function open() {
  const handles = process._getActiveHandles().filter((handle) => !before.has(handle));
  const timers = process.getActiveResourcesInfo().filter((name) => name === "Timeout");
  return [...handles.map(inSentence), ...timers.map(() => still("A timer runs", "clearTimeout(timer) or clearInterval(timer)"))].filter(Boolean);
}

function inSentence(handle) {
  if (handle instanceof net.Server) {
    return still(`A server listens${handle.address()?.port ? ` on port ${handle.address().port}` : ""}`, "server.close()");
  }
  if (handle instanceof net.Socket && handle.remotePort) {
    const isDatabase = String(handle.remotePort) === new URL(process.env.DATABASE_URL).port;
    const what = isDatabase ? "A connection to PostgreSQL is open" : `A connection to port ${handle.remotePort} is open`;
    return still(what, isDatabase ? "sequelize.close()" : "its close()");
  }
  return handle.spawnfile ? still("A process runs", "its kill()") : null;
}

function still(what, how) {
  return `${what} after the last test: jest would never exit. End it in \`afterAll\`, with \`${how}\`.`;
}

main().catch((error) => {
  const { message, where } = told(error, null, here);
  tell({ event: "broken", message, where });
  process.exit(1);
});
