from __future__ import annotations

import dataclasses
import io

import pytest
from rich.console import Console

from course.authoring.verify import VerifyError, prove_lesson, verify
from course.engine import Prover
from course.services.embedded import Embedded
from course.syllabus import Exercise, syllabus


@pytest.fixture(scope="module")
def prover():
    with Prover(Embedded().start) as prover:
        yield prover


def test_a_wrong_name_is_told_the_nearest():
    with pytest.raises(VerifyError, match=r'no subject and no lesson "user_api"\. Did you mean "users_api"'):
        verify(("user_api",))


@pytest.mark.slow
def test_a_subject_is_proved_by_its_name():
    said = io.StringIO()
    assert verify(("users_api",), Console(file=said)) == 0
    assert said.getvalue().endswith("✔ users_api\n")


def test_an_exercise_that_names_no_bug_is_told(prover):
    exercise = Exercise("0.1", "One", "users_api", ("database/forgets",), (), (), ("Think.",), None, None)
    lesson = dataclasses.replace(syllabus().everything[0], exercises=(exercise,))
    (fault,) = prove_lesson(lesson, prover)
    assert fault.startswith("0.1: ")
