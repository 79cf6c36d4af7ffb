// Tells the engine of one run: a JSON line for each event, into the descriptor that COURSE_EVENTS names.

const fs = require("node:fs");
const path = require("node:path");
const { inspect, stripVTControlCharacters } = require("node:util");

const channel = Number(process.env.COURSE_EVENTS);
const task = JSON.parse(fs.readFileSync(process.env.COURSE_TASK, "utf-8"));
const LINES = 12; // of a message

/** Writes one event as a whole line. */
function tell(event) {
  let rest = Buffer.from(`${JSON.stringify(event)}\n`);
  while (rest.length) {
    try {
      rest = rest.subarray(fs.writeSync(channel, rest));
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
    }
  }
}

/** What an error says, and where: `{ message, where, assertion }`; `spare` has a stack where the error has none. */
function told(error, spare, file) {
  const whole = typeof error === "object" && error !== null;
  const words = whole ? String(error.message ?? inspect(error)) : String(error);
  const isAssertion = whole && asserts(error);
  const named = isAssertion || !whole || !error.name || error.name === "Error" ? words : `${error.name}: ${words}`;
  const stacks = [whole && error.stack, spare && spare.stack].filter(Boolean);
  return { message: short(named), where: stacks.map((stack) => placeIn(stack, file)).find(Boolean) ?? "", assertion: isAssertion };
}

/** Whether an assertion has failed: one of jest's, of node:assert and the like, or of supertest. */
function asserts(error) {
  const compares = error.matcherResult !== undefined || ("expected" in error && "actual" in error);
  return compares || /\bat Test\._assert/.test(error.stack);
}

/** A message without colours, empty lines and what jest adds on its own documentation. */
function short(words) {
  const lines = stripVTControlCharacters(words).split("\n").map((line) => line.trimEnd());
  return lines.filter((line) => line.trim() && !line.startsWith("Add a timeout value")).slice(0, LINES).join("\n");
}

/** `11_1.test.js:7`: the first line of the file that a stack names. */
function placeIn(stack, file) {
  const at = stack.indexOf(`${file}:`);
  const number = at < 0 ? null : /^\d+/.exec(stack.slice(at + file.length + 1));
  return number ? `${path.basename(file)}:${number[0]}` : "";
}

module.exports = { task, tell, told };
