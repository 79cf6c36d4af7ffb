// Runs jest on the suite in the current folder, and tells how it went: `node run.js`, see events.js.

const net = require("node:net");
const path = require("node:path");
const { runCLI } = require("jest");
const { task, tell, told } = require("./events");

const PATIENCE = 1000; // milliseconds; after so long jest says that it did not exit
const here = process.cwd();
const before = new Set(process._getActiveHandles());

function configuration() {
  return {
    rootDir: here,
    testMatch: ["**/*.test.js"],
    modulePaths: [task.tree, task.modules],
    transform: {},
    testEnvironment: path.join(__dirname, "environment.js"),
    testSequencer: path.join(__dirname, "sequencer.js"),
    cacheDirectory: task.cache,
  };
}

async function main() {
  const asked = { config: JSON.stringify(configuration()), runInBand: true, ci: true, watchman: false, reporters: [] };
  const { results } = await runCLI(asked, [here]);
  for (const each of results.testResults) tellBroken(each);
  if (task.select === null) await tellOpen(results);
  tell({ event: "done" });
  process.exit(0);
}

/** A file that cannot be loaded. */
function tellBroken({ testExecError: error, testFilePath: file }) {
  if (!error || String(error.message).includes("must contain at least one test")) return;
  const { message, where } = told(error, null, file);
  tell({ event: "broken", message: inWords(error, message), where });
}

function inWords(error, message) {
  const [first] = message.split("\n");
  if (/import statement|Unexpected token 'export'/.test(first)) {
    return "`import` and `export` are not for files that jest reads as they are: write `const { … } = require(\"…\")`.";
  }
  if (first.startsWith("SyntaxError")) return `This is not JavaScript: ${first.replace("SyntaxError: ", "")}.`;
  const missing = /^Cannot find module '([^']+)'/.exec(first);
  if (missing) return `There is no package ${missing[1]}. There are ${task.packages.join(", ")}, and what comes with Node.`;
  return message;
}

/** What the tests have left open, told as a test that fails. */
async function tellOpen(results) {
  const end = Date.now() + PATIENCE;
  while (open().length && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 10));
  const [first] = open();
  if (!first || !results.testResults[0]) return;
  const file = path.basename(results.testResults[0].testFilePath);
  tell({ event: "test", test: `${file}::after the tests`, result: "failed", phase: "teardown", message: first });
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
