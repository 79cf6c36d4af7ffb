from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from course import cli

COURSE = Path(sys.executable).with_name("course")


def course(*arguments, cwd=None, **variables):
    return subprocess.run(
        [COURSE, *arguments],
        cwd=cwd,
        env={**os.environ, "COLUMNS": "200", **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_help_lists_every_verb_and_is_quick():
    began = time.monotonic()
    said = course("--help").stdout
    assert time.monotonic() - began < 5
    for verb in cli.cli.commands:
        assert f"  {verb} " in said


def test_help_loads_none_of_the_rooms():
    script = "import sys, course.cli; print([m for m in sys.modules if m.startswith(('rich', 'course.', 'pytest'))])"
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "['course.errors', 'course.verbs', 'course.cli']"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["labb"], 'There is no verb "labb". Did you mean "lab"?'),
        (["reset"], "Name one lesson, or give --all"),
        (["reset", "00", "--all"], "Name one lesson, or give --all"),
        (["status", "--fodler"], "--folder"),
    ],
)
def test_a_wrong_call_is_told_and_exits_with_2(arguments, sentence):
    done = course(*arguments)
    assert done.returncode == 2
    assert sentence in done.stderr


def test_a_wrong_lesson_is_one_sentence_and_exits_with_1():
    done = course("reset", "99_nothing")
    assert done.returncode == 1
    assert done.stderr.startswith('course: There is no lesson "99_nothing".')
    assert len(done.stderr.splitlines()) == 1


def test_a_folder_that_cannot_be_used_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    done = course("lab", str(tmp_path / "file"), "--no-browser")
    assert done.returncode == 1
    assert "Name another folder: course lab FOLDER" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_fault_of_ours_shows_no_traceback_and_keeps_it_in_a_file():
    try:
        _ = 1 / 0
    except ZeroDivisionError as error:
        said = cli.fault(error)
    assert "a fault of the course, not yours (ZeroDivisionError" in said
    kept = Path(said.rpartition(" ")[2])
    assert "Traceback" in kept.read_text()
    kept.unlink()


WORKFLOW = "on: push\njobs: {test: {runs-on: ubuntu-latest, steps: [{run: echo hello}, {run: %s}]}}"


@pytest.mark.parametrize(
    ("command", "event", "code", "sentence"),
    [
        ("pwd", "push", 0, "✔ Run pwd"),
        ("pwd; exit 3", "push", 1, "Error: Process completed with exit code 3."),
        ("pwd", "pull_request", 0, "GitHub starts nothing on this event"),
        ("sudo reboot", "push", 1, "course: Line 2: a rehearsal does not run `sudo reboot`"),
    ],
)
@pytest.mark.slow
def test_a_workflow_is_rehearsed_before_it_is_pushed(tmp_path, command, event, code, sentence):
    file = tmp_path / "integration.yml"
    file.write_text(WORKFLOW % command)
    done = course("rehearse", str(file), "--project", str(tmp_path), "--event", event)
    assert done.returncode == code, done.stderr
    assert sentence in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_status_shows_the_path(tmp_path):
    done = course("status", "--folder", str(tmp_path / "workspace"))
    assert done.returncode == 0, done.stderr
    assert "00 Start here" in done.stdout
    assert not (tmp_path / "workspace").exists()
