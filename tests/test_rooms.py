"""The rooms agree: course.toml, sources, both notebooks, subjects and hints name the same things."""

from __future__ import annotations

import re

import pytest

from course.authoring import render
from course.engine import load_subject
from course.shipped import CLONE
from course.syllabus import syllabus

LESSONS = {lesson.slug: lesson for lesson in syllabus().lessons}


@pytest.mark.parametrize("folder", ["course/lessons", "notebooks", "solutions"])
def test_a_folder_holds_the_lessons_of_the_syllabus_and_no_other(folder):
    found = {path.stem for path in (CLONE / folder).iterdir() if path.suffix in {".py", ".ipynb"}}
    assert found == set(LESSONS)


@pytest.mark.parametrize("slug", LESSONS)
def test_a_lesson_s_source_agrees_with_course_toml(slug):
    assert render.learner_notebook(LESSONS[slug], render.LESSONS / f"{slug}.py")["cells"]


@pytest.mark.parametrize("slug", LESSONS)
def test_a_lesson_ends_with_the_way_to_the_next(slug):
    cells = render.learner_notebook(LESSONS[slug], render.LESSONS / f"{slug}.py")["cells"]
    assert cells[-1]["source"] == ["course.next()"]


@pytest.mark.parametrize("slug", LESSONS)
def test_a_lesson_s_exercises_name_bugs_and_variants_that_exist(slug):
    for exercise in LESSONS[slug].exercises:
        for name in (*exercise.bugs, *exercise.alive):
            assert load_subject(exercise.subject).bug(name)
        for name in exercise.correct:
            assert load_subject(exercise.subject).variant(name)


def imported(room, but=None):
    """The rooms that a room imports."""
    paths = [path for path in (CLONE / "course" / room).rglob("*.py") if path != but]
    text = "".join(path.read_text(encoding="utf-8") for path in paths)
    return set(re.findall(r"^\s*(?:from|import) course\.(\w+)", text, re.MULTILINE))


def test_services_know_nothing_of_the_stand_in_and_it_knows_nothing_but_them():
    assert "stand_in" not in imported("services")
    assert imported("stand_in") == {"errors", "services", "stand_in"}


def test_a_rehearsal_knows_nothing_but_services():
    proof = CLONE / "course" / "workflows" / "proof.py"  # holds them against the engine's variants
    assert imported("workflows", but=proof) == {"errors", "services", "workflows"}
    assert "workflows" not in imported("services") | imported("engine") | imported("hygiene")


def test_exercise_ids_are_unique():
    ids = [exercise.id for lesson in syllabus().everything for exercise in lesson.exercises]
    assert len(ids) == len(set(ids))
