from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from course.notebook.progress import Progress

FILES = {"test_6_1.py": "def test_it(): pass\n"}


@pytest.fixture
def path(tmp_path):
    return tmp_path / ".course" / "progress.json"


def test_what_was_solved_is_there_in_the_next_session(path):
    Progress(path).ran("6.1", FILES, solved=True)
    assert Progress(path).solved() == {"6.1"}
    assert Progress(path).cells("6.1") == FILES


def test_solved_once_is_solved_and_the_passing_cell_is_kept(path):
    progress = Progress(path)
    progress.ran("6.1", FILES, solved=True)
    progress.ran("6.1", {"test_6_1.py": "broken"}, solved=False, alive=("api/x",))
    assert progress.solved() == {"6.1"}
    assert progress.cells("6.1") == FILES
    assert progress.alive("6.1") == ("api/x",)


def test_a_cell_that_never_passed_is_kept_as_it_ran_last(path):
    progress = Progress(path)
    progress.ran("6.1", {"a": "1"}, solved=False)
    progress.ran("6.1", {"a": "2"}, solved=False)
    assert progress.cells("6.1") == {"a": "2"}


def test_nothing_is_written_by_looking(path):
    assert Progress(path).solved() == frozenset()
    assert not path.parent.exists()


def test_two_sessions_lose_nothing_of_each_other(path):
    solve = (
        "import sys; from pathlib import Path; from course.notebook.progress import Progress\n"
        "for number in range(20): Progress(Path(sys.argv[1])).ran(f'{sys.argv[2]}.{number}', {}, solved=True)"
    )
    others = [subprocess.Popen([sys.executable, "-c", solve, path, lesson]) for lesson in "123"]
    assert [other.wait() for other in others] == [0, 0, 0]
    assert len(Progress(path).solved()) == 60


@pytest.mark.parametrize(
    "broken",
    ["", "{", "[]", "3", '{"exercises": []}', '{"exercises": {"6.1": 3}}', '{"exercises": {"6.1": {"hints": 1}}}'],
)
def test_a_broken_file_is_kept_aside_and_a_new_one_begun(path, broken):
    path.parent.mkdir()
    path.write_text(broken)
    progress = Progress(path)
    progress.ran("6.1", FILES, solved=True)
    assert progress.take_news() == (
        "The progress file could not be read. It is kept as progress.json.broken, and a new one is begun.",
    )
    assert progress.take_news() == ()
    assert path.with_name("progress.json.broken").read_text() == broken
    assert Progress(path).solved() == {"6.1"}


def test_a_second_broken_file_does_not_replace_the_first(path):
    path.parent.mkdir()
    for number in range(2):
        path.write_text(f"broken {number}")
        Progress(path).solved()
    assert sorted(each.read_text() for each in path.parent.glob("*.broken*")) == ["broken 0", "broken 1"]


def test_unknown_keys_of_a_newer_course_stay(path):
    path.parent.mkdir()
    path.write_text(json.dumps({"version": 9, "new": 1, "exercises": {"6.1": {"newer": 2}}}))
    Progress(path).ran("6.2", FILES, solved=True)
    content = json.loads(path.read_text())
    assert content["new"] == 1
    assert content["exercises"]["6.1"] == {"newer": 2}


def test_a_full_disk_is_told_and_the_step_is_saved_with_the_next(path, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    progress = Progress(path)
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        progress.ran("6.1", FILES, solved=True)
    assert "No space left on device" in progress.take_news()[0]
    assert progress.solved() == {"6.1"}
    assert Progress(path).solved() == frozenset()
    progress.ran("6.2", FILES, solved=True)
    assert Progress(path).solved() == {"6.1", "6.2"}


def test_a_file_that_cannot_be_read_is_never_replaced(path, monkeypatch):
    Progress(path).ran("6.1", FILES, solved=True)
    before = path.read_text()

    def refused(*_, **__):
        raise PermissionError(13, "Permission denied")

    progress = Progress(path)
    with monkeypatch.context() as patched:
        patched.setattr(type(path), "read_text", refused)
        progress.ran("6.2", FILES, solved=True)
    assert path.read_text() == before
    assert "Permission denied" in progress.take_news()[0]
    progress.ran("6.3", FILES, solved=True)
    assert Progress(path).solved() == {"6.1", "6.2", "6.3"}
