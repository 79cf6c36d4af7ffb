"""The rooms agree: course.toml, sources, both notebooks, subjects and hints name the same things."""

from __future__ import annotations

import re
from graphlib import TopologicalSorter

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


# Room to the rooms it may import; the modules beside the rooms (errors, syllabus and the like) are open to all
ARROWS = {
    "services": set(),
    "javascript": {"services"},
    "stand_in": {"services"},
    "workflows": {"hygiene", "engine", "services"},
    "engine": {"services", "stand_in", "javascript"},
    "hygiene": {"engine"},
    "notebook": {"hygiene", "engine", "workflows", "javascript", "stand_in", "services"},
    "grading": {"hygiene", "engine", "services"},
    "authoring": {"hygiene", "engine", "workflows", "services"},
}


def imported(room):
    """The rooms that a room imports, itself left out."""
    text = "".join(path.read_text(encoding="utf-8") for path in (CLONE / "course" / room).rglob("*.py"))
    names = re.findall(r"^\s*(?:from course\.|import course\.|from course import )(\w+)", text, re.MULTILINE)
    return {name for name in names if name in ARROWS} - {room}


@pytest.mark.parametrize("room", ARROWS)
def test_arrows_between_rooms_point_one_way(room):
    assert imported(room) <= ARROWS[room]


ENGINE = CLONE / "course" / "engine"
# Folder of the engine to the folders it may import
FOLDERS = {
    "programs": {"programs"},
    "worker": {"worker"},
    "execution": {"execution", "programs", "worker"},
    "verdicts": {"verdicts", "execution", "programs"},
}


def modules_imported(path):
    """The modules of the course that a file imports, inside functions as well."""
    return set(re.findall(r"^\s*(?:from|import) (course[\w.]*)", path.read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize("folder", FOLDERS)
def test_inside_the_engine_arrows_point_one_way(folder):
    found = {module for path in (ENGINE / folder).glob("*.py") for module in modules_imported(path)}
    assert {module.split(".")[2] for module in found if module.startswith("course.engine")} <= FOLDERS[folder]


def test_no_modules_of_the_engine_import_each_other():
    graph = {
        ".".join(("course", *path.relative_to(CLONE / "course").with_suffix("").parts)): modules_imported(path)
        for path in ENGINE.rglob("*.py")
    }
    TopologicalSorter(graph).prepare()  # raises CycleError


def test_other_rooms_use_what_the_engine_exports_and_nothing_inside_it():
    files = {*CLONE.glob("course/**/*.py"), *CLONE.glob("tests/**/*.py")}
    outside = [path for path in files if "engine" not in path.parts]
    assert {path.name for path in outside if any("course.engine." in name for name in modules_imported(path))} == set()


def test_exercise_ids_are_unique():
    ids = [exercise.id for lesson in syllabus().everything for exercise in lesson.exercises]
    assert len(ids) == len(set(ids))
