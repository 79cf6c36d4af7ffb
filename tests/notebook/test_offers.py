from __future__ import annotations

import dataclasses

import pytest

from course.notebook.offers import hints_of, is_challenge, stuck, worked_example
from course.syllabus import syllabus

EXERCISES = {exercise.id: exercise for lesson in syllabus().lessons for exercise in lesson.exercises}


@pytest.mark.parametrize("id_", [id_ for id_, exercise in EXERCISES.items() if not is_challenge(exercise)])
def test_each_exercise_has_a_worked_example_that_is_no_stub(id_):
    example = worked_example(EXERCISES[id_])
    assert f"```python\n{EXERCISES[id_].magic}\n" in example
    assert "raise NotImplementedError" not in example


def test_the_worked_example_has_the_conftest_cell_that_the_learner_completes():
    example = worked_example(EXERCISES["4.1"])
    assert "poolclass=StaticPool" in example
    assert example.index("%%conftest") < example.index("%%exercise")


def test_a_lesson_that_is_not_there_has_no_example():
    assert worked_example(dataclasses.replace(EXERCISES["4.1"], id="99.1")) == ""


def test_hints_come_before_the_example_and_are_numbered():
    (row,) = stuck(EXERCISES["4.1"])
    names = [name for name, _ in row.steps]
    count = len(EXERCISES["4.1"].hints)
    assert names == [*(f"hint {number} of {count}" for number in range(1, count + 1)), "the worked example"]


def test_a_bug_that_is_alive_brings_its_hint_but_not_in_a_challenge():
    assert len(hints_of(EXERCISES["4.1"], ["database/forgets_to_commit"])) == len(EXERCISES["4.1"].hints) + 1
    assert len(hints_of(EXERCISES["4.1"], ["database/was_here_once"])) == len(EXERCISES["4.1"].hints)
    challenge = next(each for each in EXERCISES.values() if is_challenge(each))
    assert hints_of(challenge, challenge.bugs) == challenge.hints
    assert worked_example(challenge) == ""
