"""A tiny program in JavaScript, with the packages of lesson 11, so that each verdict has a suite that earns it."""

from __future__ import annotations

import difflib
import shutil
from dataclasses import replace

import pytest

from course.engine import SUBJECTS, Prover, Suite, load_subject
from course.services.embedded.postgres import Embedded

PROGRAM = """\
// A till that adds prices up and keeps receipts.

function total(prices) {
  let amount = 0;
  for (const price of prices) amount += price;
  return amount;
}

function order(names) {
  return [...names].sort();
}

async function write(client, text) {
  await client.query("CREATE TABLE IF NOT EXISTS receipts (text text)");
  await client.query("INSERT INTO receipts VALUES ($1)", [text]);
}

async function read(client) {
  return (await client.query("SELECT text FROM receipts")).rows.map((row) => row.text);
}

module.exports = { total, order, write, read };
"""
BUGS = {
    "api/forgets_the_last_price": ("of prices)", "of prices.slice(0, -1))"),
    "api/never_returns": ("  return [...names].sort();", "  while (true) {}"),
    "database/loses_the_receipt": ('  await client.query("INSERT INTO receipts VALUES ($1)", [text]);\n', ""),
}
CORRECT = {
    "adds_with_reduce": ("for (const price of prices) amount += price;", "amount = prices.reduce((a, b) => a + b, 0);"),
    "orders_backwards": (".sort();", ".sort().reverse();"),
}
FILE = "till.test.js"


def write_patch(path, header, old, new):
    """Write a patch that changes `old` to `new` in the till."""
    assert old in PROGRAM
    before, after = PROGRAM.splitlines(keepends=True), PROGRAM.replace(old, new, 1).splitlines(keepends=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(header + "\n" + "".join(difflib.unified_diff(before, after, "a/till/index.js", "b/till/index.js")))


@pytest.fixture(scope="session")
def till(tmp_path_factory, packages):
    """The subject `till`: three bugs, two correct variants."""
    folder = tmp_path_factory.mktemp("subjects") / "till"
    (folder / "till").mkdir(parents=True)
    (folder / "till" / "index.js").write_text(PROGRAM)
    (folder / "subject.toml").write_text('language = "javascript"\npackage = "till"\nseconds = 60\n')
    for name in ("package.json", "package-lock.json"):
        shutil.copy(SUBJECTS / "users_js" / name, folder)
    for name, change in BUGS.items():
        header = f"Boundary: {name.split('/')[0]}\nShows: It is wrong.\nHint: Look.\n"
        write_patch(folder / "bugs" / f"{name}.patch", header, *change)
    for name, change in CORRECT.items():
        write_patch(folder / "correct" / f"{name}.patch", "Varies: The inside.\n", *change)
    return load_subject("till", folder.parent)


@pytest.fixture(scope="session")
def prover():
    with Prover(Embedded().start, jobs=2) as prover:
        yield prover


@pytest.fixture
def prove(prover, till):
    """Prove the text of one test file on the till, by default without bugs and correct variants."""

    def prove(text, bugs=(), correct=(), seconds=till.seconds, **options):
        bugs, correct = [till.bug(name) for name in bugs], [till.variant(name) for name in correct]
        suite = Suite.from_files({FILE: text})
        return prover.prove(suite, replace(till, seconds=seconds), bugs=bugs, correct=correct, **options)

    return prove
