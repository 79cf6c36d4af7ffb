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


def write_own_bug(folder):
    """A bug of a teacher's own, which no weak suite notices."""
    name = "todo_api/routes.py"
    old = (load_subject("todo_api").folder / name).read_text()
    new = old.replace('f"/todos/{todo.id}"', 'f"/elsewhere/{todo.id}"')
    diff = difflib.unified_diff(old.splitlines(True), new.splitlines(True), f"a/{name}", f"b/{name}")
    path = folder / "create" / "moves_elsewhere.patch"
    path.parent.mkdir(parents=True)
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


@pytest.mark.slow
def test_a_teacher_s_own_bug_counts_and_is_shown_after_the_deadline_only(classroom, tmp_path):
    for name in ("ada", "bob"):
        classroom.weak(tmp_path / "class" / name)
    write_own_bug(tmp_path / "bugs")
    out = tmp_path / "out"
    options = [tmp_path / "class", "--out", out, "--trust", "--only", "ada", "--bugs", tmp_path / "bugs", "--jobs", "2"]
    code, said = grade(*options)
    assert code == 0, said
    assert "bob" not in said
    ada = out / "learners" / "ada"
    bugs = json.loads((ada / "result.json").read_text())["bugs"]
    assert len(bugs) == len(load_subject("todo_api").bugs) + 1
    assert SHOWS not in (ada / "report.html").read_text()
    code, said = grade(*options, "--reveal", "--resume")
    assert code == 0, said
    assert SHOWS in (ada / "report.html").read_text()
