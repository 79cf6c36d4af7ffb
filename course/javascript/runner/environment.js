// What stands around the tests of a file: puts them into the order of the run, and tells of each.

const { Console } = require("node:console");
const path = require("node:path");
const { TestEnvironment } = require("jest-environment-node");
const { task, tell, told } = require("./events");
const { inOrder } = require("./order");

const SILENT = "It passes whatever the program does: it asserts nothing.";
const PHASES = { beforeAll: "setup", beforeEach: "setup", afterEach: "teardown", afterAll: "teardown" };

// All files of the run: jest makes one environment for each of them, in one process
const collected = [];
let failures = 0;

class Watched extends TestEnvironment {
  constructor(config, context) {
    super(config, context);
    this.file = context.testPath;
    this.ids = new Map();
    this.said = 0; // of the errors that are no single test's
  }

  async handleTestEvent(event, state) {
    await this[`on_${event.name}`]?.(event, state);
  }

  on_setup() {
    this.global.console = new Console({ stdout: process.stdout, stderr: process.stdout });
  }

  on_run_start(_, state) {
    const taken = new Set(collected);
    inOrder(state.rootDescribeBlock, task, (test) => this.name(test, taken));
    collected.push(...[...this.ids.values()].filter((id) => isWanted(id)));
    tell({ event: "collected", tests: collected, lacking: "", options: "" });
  }

  on_test_start({ test }) {
    this.phase = "setup";
    this.failed = null; // the first failure: `{ phase, error }`
    this.silent = false;
    if (isOver()) {
      test.mode = "skip";
      return;
    }
    this.started = performance.now();
    tell({ event: "start", test: this.ids.get(test) });
  }

  on_test_fn_start() {
    this.phase = "call";
  }

  on_test_fn_success({ test }) {
    this.silent = this.global.expect.getState().assertionCalls === 0 && !/\bexpect\b|\bassert/.test(String(test.fn));
  }

  on_test_fn_failure({ error }) {
    this.failed ??= { phase: "call", error };
  }

  on_hook_failure({ error, hook }) {
    this.failed ??= { phase: PHASES[hook.type], error };
    if (hook.type !== "afterAll") return;
    this.beside("afterAll", error);
    this.said += 1;
  }

  on_run_finish(_, { unhandledErrors }) {
    for (const error of unhandledErrors.slice(this.said)) this.beside("outside of a test", error);
  }

  on_test_skip({ test }) {
    if (!isOver()) this.tell(test, { result: "skipped" });
  }

  on_test_todo({ test }) {
    this.tell(test, { result: "skipped" });
  }

  on_test_done({ test }) {
    if (test.errors.length === 0) {
      this.tell(test, { result: "passed", message: this.silent ? SILENT : "" });
      return;
    }
    failures += 1;
    // What jest keeps in `errors` is text already, where node:assert has failed
    const error = this.failed?.error ?? [test.errors[0]].flat().find(Boolean);
    const what = told(error, test.asyncError, this.file);
    this.tell(test, { result: "failed", phase: this.failed?.phase ?? this.phase, ...what });
  }

  tell(test, event) {
    const seconds = this.started ? (performance.now() - this.started) / 1000 : 0;
    tell({ event: "test", test: this.ids.get(test), seconds, ...event });
  }

  /** Tells of a failure that is no single test's. */
  beside(name, error) {
    const what = told(Array.isArray(error) ? error[0] ?? error[1] : error, null, this.file);
    tell({ event: "test", test: `${path.basename(this.file)}::${name}`, result: "failed", phase: "teardown", ...what });
  }

  name(test, taken) {
    const names = [test.name];
    for (let block = test.parent; block.parent; block = block.parent) names.unshift(block.name);
    const plain = `${path.basename(this.file)}::${names.join(" › ")}`;
    let id = plain;
    for (let number = 2; taken.has(id); number += 1) id = `${plain} (${number})`;
    taken.add(id);
    this.ids.set(test, id);
    return id;
  }
}

function isWanted(id) {
  return task.select === null || task.select.includes(id);
}

function isOver() {
  return task.enough !== null && failures >= task.enough;
}

module.exports = Watched;
