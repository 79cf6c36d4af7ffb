"""The order in which tests are tried on a bug."""

from __future__ import annotations

from pathlib import Path

from course.engine.patch import Patch
from course.engine.promise import likeness, promising_first
from course.engine.reach import Watched
from course.engine.run import Reach

OWN, SHARED, FAR = ("shop.py", 12), ("shop.py", 10), ("till.py", 12)
BUG = Patch("gives_change_twice", "api", {"Shows": "Twice.", "Hint": "Count."}, "", Path())


def order(reached, seconds):
    reach = Reach(frozenset(), frozenset(), {test: frozenset(lines) for test, lines in reached.items()}, complete=True)
    return promising_first(BUG, list(reached), seconds, Watched(frozenset({OWN})), reach)


def test_the_test_that_alone_reaches_the_change_comes_first_and_a_quick_one_before_a_slow_one():
    reached = {"slow": {SHARED}, "quick": {SHARED}, "alone": {SHARED, OWN}, "elsewhere": {FAR}}
    assert order(reached, {"slow": 0.02, "quick": 0.01, "alone": 0.01, "elsewhere": 0.01}) == (
        "alone", "quick", "slow", "elsewhere",
    )  # fmt: skip


def test_the_test_that_speaks_of_the_bug_comes_before_its_like():
    reached = {f"test_it.py::{name}": {OWN} for name in ("test_a_sum", "test_a_total", "test_the_change_is_given_once")}
    assert order(reached, dict.fromkeys(reached, 0.01))[0].endswith("given_once")


def test_words_that_every_name_has_say_nothing():
    assert set(likeness("a todo", ["test_it.py::test_new_todo", "test_it.py::test_old_todo"]).values()) == {0.0}
