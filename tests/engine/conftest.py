"""A tiny subject of its own, so that each verdict has a suite that earns it."""

from __future__ import annotations

import difflib
import textwrap
from dataclasses import replace

import pytest

from course.engine import Prover, Suite, load_subject
from course.services.embedded.postgres import Embedded

PROGRAM = '''\
"""A till that adds prices up and writes receipts."""

import os

import psycopg

RATE = 2
_digits = 2


class Coupon:
    worth = 5


def total(prices):
    amount = 0
    for price in prices:
        amount += price
    return amount


def discount(amount):
    if amount > 100:
        return amount - 10
    return amount


def order(names):
    return sorted(names)


def url():
    return os.environ["DATABASE_URL"].replace("+psycopg2", "")


def write(text):
    with psycopg.connect(url()) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS receipts (text text)")
        connection.execute("INSERT INTO receipts VALUES (%s)", [text])


def read():
    with psycopg.connect(url()) as connection:
        return [row[0] for row in connection.execute("SELECT text FROM receipts")]
'''
BUGS = {
    "api/forgets_the_last_price": ("    for price in prices:\n", "    for price in prices[:-1]:\n"),
    "api/gives_the_discount_too_early": ("    if amount > 100:\n", "    if amount > 99:\n"),
    "api/gives_too_much": ("        return amount - 10\n", "        return amount - 20\n"),
    "api/never_returns": ("    return sorted(names)\n", "    while True:\n        pass\n"),
    "api/halves_a_coupon": ("    worth = 5\n", "    worth = 2\n"),
    "api/does_not_import": ("RATE = 2\n", "RATE = 2 / 0\n"),
    "database/loses_the_receipt": (
        '        connection.execute("INSERT INTO receipts VALUES (%s)", [text])\n',
        '        connection.execute("INSERT INTO receipts VALUES (%s)", [text])\n        connection.rollback()\n',
    ),
}
CORRECT = {"adds_with_sum": ("    for price in prices:\n        amount += price\n", "    amount = sum(prices)\n"),
           "calls_its_own_things_otherwise": ("_digits = 2\n", "_places = 2\n"),
           "orders_backwards": ("    return sorted(names)\n", "    return sorted(names, reverse=True)\n")}  # fmt: skip


def write_patch(path, header, old, new):
    """Write a patch that changes `old` to `new` in the till."""
    assert old in PROGRAM
    diff = difflib.unified_diff(
        PROGRAM.splitlines(keepends=True), PROGRAM.replace(old, new).splitlines(keepends=True), "a/till.py", "b/till.py"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(header + "\n" + "".join(diff))


@pytest.fixture(scope="session")
def till(tmp_path_factory):
    """The subject `till`: seven bugs, three correct variants."""
    folder = tmp_path_factory.mktemp("subjects") / "till"
    folder.mkdir()
    (folder / "till.py").write_text(PROGRAM)
    (folder / "subject.toml").write_text('package = "till"\nseconds = 60\n')
    for name, change in BUGS.items():
        header = f"Boundary: {name.split('/')[0]}\nShows: It is wrong.\nHint: Look.\n"
        write_patch(folder / "bugs" / f"{name}.patch", header, *change)
    for name, change in CORRECT.items():
        write_patch(folder / "correct" / f"{name}.patch", "Varies: The inside.\n", *change)
    return load_subject("till", folder.parent)


@pytest.fixture(scope="session")
def prover():
    """A prover on two embedded servers."""
    with Prover(Embedded().start, jobs=2) as prover:
        yield prover


@pytest.fixture
def prove(prover, till):
    """Prove the text of one test file on the till, by default without bugs and correct variants."""

    def prove(text, bugs=(), correct=(), files=None, seconds=till.seconds, **options):
        suite = Suite.from_files({"test_till.py": textwrap.dedent(text), **(files or {})})
        bugs, correct = [till.bug(name) for name in bugs], [till.variant(name) for name in correct]
        return prover.prove(suite, replace(till, seconds=seconds), bugs=bugs, correct=correct, **options)

    return prove


@pytest.fixture(scope="session")
def one_slot():
    with Prover(Embedded().start, jobs=1) as prover:
        yield prover
