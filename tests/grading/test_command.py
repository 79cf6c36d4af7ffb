"""`course grade` as a teacher types it."""

from __future__ import annotations

import difflib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from course.engine import load_subject

COURSE = Path(sys.executable).with_name("course")
SHOWS = "A teacher of ours moved the new todo elsewhere."


def grade(*arguments):
    """Run the command; its exit code and what it printed."""
    ended = subprocess.run([COURSE, "grade", *map(str, arguments)], capture_output=True, text=True, check=False)
    return ended.returncode, ended.stdout + ended.stderr


def write_bug(path, old, new):
    """A bug of a teacher's own, which no weak suite notices."""
    name = "todo_api/routes.py"
    before = (load_subject("todo_api").folder / name).read_text()
    assert old in before
    after = before.replace(old, new)
    diff = difflib.unified_diff(before.splitlines(True), after.splitlines(True), f"a/{name}", f"b/{name}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"Boundary: api\nShows: {SHOWS}\nHint: Follow it.\n\n{''.join(diff)}")


def test_nothing_runs_without_trust(classroom, tmp_path):
    classroom.weak(tmp_path / "class" / "ada")
    code, said = grade(tmp_path / "class", "--out", tmp_path / "out")
    assert code != 0
    assert "--trust" in said
    assert not (tmp_path / "out").exists()


def test_a_name_that_is_not_there_is_told_with_the_nearest(classroom, tmp_path):
    classroom.weak(tmp_path / "class" / "ada")
    code, said = grade(tmp_path / "class", "--out", tmp_path / "out", "--trust", "--only", "adda")
    assert code != 0
    assert 'Did you mean "ada"?' in said


def test_the_help_has_its_options_below_headings():
    code, said = grade("--help")
    assert code == 0
    marks = [
        "Options:",
        "--trust",
        "--help",
        "Which submissions:",
        "--since",
        "What learners read:",
        "--late",
        "For other",
    ]
    places = [said.rindex(f"\n{mark}") if mark[0] != "-" else said.rindex(f" {mark} ") for mark in marks]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("option", "text", "told"),
    [
        ("--since", None, "Write 2026-05-01"),
        ("--late", "deadline = 2026-05-01T10:00:00\n", "late.toml:1: late.toml: percent_per_day is missing."),
        ("--gradebook", "name,points\n", "Download grading worksheet"),
    ],
)
def test_what_cannot_be_read_is_told_before_anything_runs(classroom, tmp_path, option, text, told):
    classroom.weak(tmp_path / "class" / "ada")
    value = "yesterday"
    if text:
        value = tmp_path / f"{option.strip('-')}.toml"
        value.write_text(text)
    code, said = grade(tmp_path / "class", "--out", tmp_path / "out", "--trust", option, value)
    assert code == 1
    assert told in said
    assert not (tmp_path / "out").exists()


def test_in_doubt_it_stops_before_grading_and_says_what_it_has_seen(classroom, tmp_path):
    for name in ("ada", "bob"):
        classroom.weak(tmp_path / "class" / name)
    (tmp_path / "class" / "conftest.py").touch()
    code, said = grade(tmp_path / "class", "--out", tmp_path / "out", "--trust")
    assert code != 0
    assert "beside them ada, bob" in said
    assert "--each" in said
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("create/old.patch", "does not apply"),
        ("misplaced.patch", "would never be read there. Move it to"),
    ],
)
def test_bugs_that_cannot_be_tried_are_told_before_anything_runs(classroom, tmp_path, path, said):
    classroom.weak(tmp_path / "class" / "ada")
    bug = tmp_path / "bugs" / path
    bug.parent.mkdir(parents=True)
    diff = "--- a/todo_api/routes.py\n+++ b/todo_api/routes.py\n@@ -1 +1 @@\n-not there\n+there\n"
    bug.write_text(f"Boundary: api\nShows: {SHOWS}\nHint: Follow it.\n\n{diff}")
    code, told = grade(tmp_path / "class", "--out", tmp_path / "out", "--trust", "--bugs", tmp_path / "bugs")
    assert code == 1
    assert said in " ".join(told.split())
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_teacher_s_own_bug_counts_and_is_shown_after_the_deadline_only(classroom, tmp_path):
    for name in ("ada", "bob"):
        classroom.weak(tmp_path / "class" / name)
    address = 'f"/todos/{todo.id}"'
    write_bug(tmp_path / "bugs" / "create" / "moves_elsewhere.patch", address, 'f"/elsewhere/{todo.id}"')
    write_bug(tmp_path / "bugs" / "create" / "changes_nothing.patch", address, 'f"/{"todos"}/{todo.id}"')
    out = tmp_path / "out"
    options = [tmp_path / "class", "--out", out, "--trust", "--only", "ada", "--bugs", tmp_path / "bugs", "--jobs", "2"]
    code, said = grade(*options)
    assert code == 0, said
    assert "bob" not in said
    assert "catches your bug create/changes_nothing" in " ".join(said.split())
    assert "your bug create/moves_elsewhere" not in said
    ada = out / "learners" / "ada"
    bugs = json.loads((ada / "result.json").read_text())["bugs"]
    assert len(bugs) == len(load_subject("todo_api").bugs) + 2
    assert SHOWS not in (ada / "report.html").read_text()
    code, said = grade(*options, "--reveal")
    assert code == 0, said
    assert SHOWS in (ada / "report.html").read_text()
