"""Two records of one submission: what changed, and which bug or rule did it."""

from __future__ import annotations

import csv
from dataclasses import replace

import pytest

from course.engine import Fate, Standing, Verdict
from course.grading.changes import FILE, compare, note
from course.grading.record import public


@pytest.fixture
def inputs():
    """Makes a record with other inputs."""
    return lambda record, **others: record | {"inputs": record["inputs"] | others}


def without(verdict, number):
    return replace(verdict, bugs=verdict.bugs[:number] + verdict.bugs[number + 1 :])


def test_the_same_grade_is_no_change(make, inputs):
    assert compare(make(), inputs(make(), course="2.0")) is None


def test_a_bug_that_is_new_is_named_with_the_points_that_it_moved(make, verdict, inputs):
    old, new = make("ada", without(verdict, 0)), inputs(make(), bugs="others")
    change = compare(old, new)
    title = verdict.bugs[0].bug.title
    assert (change.old, change.new) == (old["score"]["points"], new["score"]["points"])
    assert f"New bugs: {verdict.bugs[0].bug.id}." in change.why
    assert f"({title}: caught)" in change.why
    assert "Bugs that are gone" in compare(new, old).why


def test_a_bug_that_is_caught_by_the_next_hand_in_is_named(make, verdict, inputs):
    bugs = tuple(
        replace(judged, fate=Fate.CAUGHT) if number == 1 else judged for number, judged in enumerate(verdict.bugs)
    )
    change = compare(make(), inputs(make("ada", replace(verdict, bugs=bugs)), suite="another"))
    assert change.why.startswith("It was handed in again.")
    assert f"{verdict.bugs[1].bug.title}: caught" in change.why


def test_another_rule_is_named(make, inputs):
    old, new = make(), inputs(make(), rules="others")
    line = new["score"]["lines"][-1]
    new["score"] |= {
        "points": new["score"]["points"] - 1,
        "lines": [*new["score"]["lines"][:-1], line | {"of": 1.0, "points": 0.5}],
    }
    assert f"Other rules: {line['title']}." in compare(old, new).why


def test_a_grade_after_a_fault_of_the_grader_says_so(make):
    change = compare(make("ada", Verdict(Standing.GRADER_ERROR, detail="PostgreSQL died.")), make())
    assert change.old is None
    assert "The grader had failed." in change.why


def test_a_learner_s_record_betrays_no_bug_that_is_alive(make, verdict, inputs):
    old = public(make("ada", without(verdict, 0)), reveal=False)
    new = public(inputs(make(), bugs="others"), reveal=False)
    why = compare(old, new).why
    assert "Other bugs." in why
    assert not [judged.bug.id for judged in verdict.bugs if judged.bug.id in why]


def test_the_history_of_grades_keeps_what_it_holds(make, verdict, inputs, tmp_path):
    change = compare(make("=ada", without(verdict, 0)), inputs(make("=ada"), bugs="others"))
    for _ in range(3):
        note(change, tmp_path)
    rows = list(csv.DictReader((tmp_path / FILE).read_text().splitlines()))
    assert [row["submission"] for row in rows] == ["'=ada"] * 3
    assert rows[0]["new"] == f"{change.new:.2f}"
