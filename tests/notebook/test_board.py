from __future__ import annotations

import pytest

from course.notebook.board import SHIFTING, board
from course.notebook.exercise import Result
from course.notebook.first_run import FirstRun
from course.notebook.problem import Problem
from course.syllabus import syllabus

EXERCISE = syllabus().exercise("4.1")


def red(*whats):
    problems = [Problem(what, 3, "assert it", f"test_it[{number}]") for number, what in enumerate(whats)]
    return board(Result(EXERCISE, FirstRun(problems=problems)))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("<User object at 0x7f84a14f0c20> is None", "<User object at 0x7f84a14f0d60> is None"),
        (
            "'$argon2id$v=19$m=65536,t=3,p=4$c29tZQ$aGFzaA' == 'x'",
            "'$argon2id$v=19$m=65536,t=3,p=4$b3RoZXI$bW9yZQ' == 'x'",
        ),
        ("'9f86d081884c7d65' == 'x'", "'60303ae22b998861' == 'x'"),
        ("'2d2f6f0e-51a5-4c5b-8f6e-0f7d6f1f2a10' is None", "'7f1c9f3a-9d0b-4a4e-9a57-3a1d2b3c4d5e' is None"),
        ("'2030-01-01T12:00:00.123+00:00' is None", "'2030-01-01T12:00:01.456+00:00' is None"),
        ("datetime.datetime(2030, 1, 1, 12, 0) is None", "datetime.datetime(2030, 1, 1, 12, 1) is None"),
        ("took 0.01234 s", "took 0.05678 s"),
        ("'eyJhbGciOiJIUzI1NiJ9.e30.abc1' is None", "'eyJhbGciOiJIUzI1NiJ8.e31.abc2' is None"),
    ],
)
def test_failures_that_differ_in_what_shifts_are_one(one, other):
    text = str(red(one, other))
    assert text.count("is None") + text.count("== 'x'") + text.count("took") == 1
    assert "and 1 other test" in text


@pytest.mark.parametrize(
    ("one", "other"), [("assert 500 == 201", "assert 404 == 201"), ("'ada' == 'x'", "'eve' == 'x'")]
)
def test_failures_that_differ_are_two(one, other):
    assert one in str(red(one, other))
    assert other in str(red(one, other))
    assert SHIFTING.sub("", one) == one


@pytest.mark.parametrize("what", ["assert 1 == 2", "TODO 4.1: roll back"])
def test_a_red_board_offers_hints_one_behind_the_other_and_the_example_last(what):
    page = red(what).html()
    first, second = (page.index(f"<summary>hint {number} of {len(EXERCISE.hints)}") for number in (1, 2))
    assert first < second < page.index("<summary>the worked example")
    assert "<script" not in page


def test_a_solved_board_offers_none():
    page = board(Result(EXERCISE, FirstRun(passed=["test_it"]))).html()
    assert "Stuck?" not in page


def test_what_a_green_test_printed_is_there_on_demand():
    panel = board(Result(EXERCISE, FirstRun(passed=["test_it"], printed={"test_it": "seen: <42>\n"})))
    assert "<details><summary><code>test_it</code> printed</summary><pre>seen: &lt;42&gt;" in panel.html()
    assert "seen" not in str(panel)
