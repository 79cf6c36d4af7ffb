from __future__ import annotations

import difflib

import pytest

from course.engine import read_patch
from course.engine.execution.run import Reach
from course.engine.verdicts.impact import narrow_first, reach_of, watched_lines

PROGRAM = """\
def pay(amount):
    if amount > 100:
        amount -= 10
    total = round(
        amount,
        2,
    )
    try:
        charge(total)
    except ValueError:
        return None
    return total
"""


@pytest.mark.parametrize(
    ("old", "new", "lines"),
    [
        ("amount -= 10", "amount -= 20", {3}),
        ("        2,\n", "        3,\n", {4, 5, 6, 7}),
        ("    if amount > 100:\n", "    if amount > 10:\n", {2}),
        ("        amount -= 10\n", "        amount -= 10\n        log(amount)\n", {3}),
        ("    return total\n", "    total += 1\n    return total\n", {12}),
        ("        amount -= 10\n", "        amount -= 10\n    amount += 1\n", {4, 5, 6, 7}),
        ("        amount -= 10\n", "    amount -= 10\n", {3, 2, 4, 5, 6, 7}),
        ("        2,\n", "        2,\n        more,\n", {4, 5, 6, 7}),
        ("    total = round(\n", "        total = round(\n", {3, 4, 5, 6, 7}),
    ],
    ids=[
        "replaced",
        "part of a statement",
        "head",
        "added in a block",
        "added before",
        "added below",
        "dedented",
        "inside",
        "moved into the block above",
    ],
)
def test_a_change_stands_on_the_statements_that_it_can_only_run_with(tmp_path, old, new, lines):
    assert watched(tmp_path, PROGRAM, replaced(old, new)).lines >= {("pay.py", line) for line in lines}


@pytest.mark.parametrize(
    ("old", "new", "free"), [("amount -= 10", "amount -= 20", {2, 4, 12}), ("return None", "return 0", {9, 12})]
)
def test_a_change_in_a_branch_does_not_stand_on_what_is_outside(tmp_path, old, new, free):
    assert not watched(tmp_path, PROGRAM, replaced(old, new)).lines & {("pay.py", line) for line in free}


def test_an_added_handler_is_not_known(tmp_path):
    handler = "        return None\n    except KeyError:\n        pass\n"
    assert not watched(tmp_path, PROGRAM, replaced("        return None\n", handler)).known


def test_a_change_in_another_language_is_not_known(tmp_path):
    assert not watched(tmp_path, "<p>Hello</p>\n", "<p>Hallo</p>\n", "hello.html").known


def test_an_import_counts_by_what_uses_it_and_alone_it_is_not_known(tmp_path):
    before = f"from math import floor\n\n\n{PROGRAM}"
    imports = before.replace("import floor", "import ceil")
    both = watched(tmp_path, before, imports.replace("amount -= 10", "amount = ceil(amount)"))
    assert both.known
    assert both.lines == {("pay.py", 6)}
    assert not watched(tmp_path, before, imports).known


FIRST, SECOND, THIRD = ("shop.py", 1), ("shop.py", 2), ("shop.py", 3)


def test_what_is_done_by_whichever_test_comes_first_belongs_to_all():
    first = Reach(frozenset(), {"a": frozenset({FIRST, SECOND}), "b": frozenset({SECOND})}, complete=True)
    turned = Reach(frozenset({THIRD}), {"a": frozenset({SECOND}), "b": frozenset({FIRST, SECOND})}, complete=True)
    both = reach_of(first, turned)
    assert both.shared == {FIRST, THIRD}
    assert both.tests["a"] == both.tests["b"] == {FIRST, SECOND}
    assert both.complete


def test_what_is_incomplete_in_one_order_is_incomplete():
    assert not reach_of(Reach(complete=True), Reach()).complete


def test_tests_that_reach_little_come_first_and_equal_ones_in_their_order():
    reach = Reach(frozenset(), {"much": frozenset({FIRST, SECOND}), "little": frozenset({THIRD})}, complete=True)
    assert narrow_first(["much", "little", "more", "none"], reach) == ["more", "none", "little", "much"]


def replaced(old, new):
    assert PROGRAM.count(old) == 1
    return PROGRAM.replace(old, new)


def watched(folder, before, after, name="pay.py"):
    (folder / name).write_text(before)
    diff = "".join(
        difflib.unified_diff(
            before.splitlines(keepends=True), after.splitlines(keepends=True), f"a/{name}", f"b/{name}"
        )
    )
    path = folder / "api" / "it.patch"
    path.parent.mkdir(exist_ok=True)
    path.write_text("Boundary: api\nShows: x\nHint: y\n\n" + diff)
    return watched_lines(read_patch(path), folder)
