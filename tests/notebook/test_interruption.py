"""What an exercise leaves when it is stopped, or when something around it fails."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

pytestmark = pytest.mark.slow  # each of them starts programs; `make check` has the quick ones

SOLVED = (
    "%%exercise 6.1",
    "def test_a_missing_user_is_not_found(client):",
    "    answer = client.get(f'/users/{9**5}')",
    "    assert answer.status_code == 404",
    "    assert answer.json()['detail'] == 'User not found'",
)


def test_what_the_shell_says_to_pytest_does_not_matter(lesson, monkeypatch):
    monkeypatch.setenv("PYTEST_ADDOPTS", "--no-such-option")
    assert "solved" in lesson.run(*SOLVED).text
    assert os.environ["PYTEST_ADDOPTS"] == "--no-such-option"


def test_the_kernel_is_as_it_was_after_a_run(lesson):
    before = (sys.path[:], Path.cwd(), dict(os.environ))
    lesson.run(*SOLVED)
    assert (sys.path, Path.cwd(), dict(os.environ)) == before


def press_ctrl_c_when(path):
    """Press Ctrl-C once that file is there."""

    def press():
        while not path.exists():
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=press, daemon=True).start()


def test_ctrl_c_stops_a_proof_and_leaves_nothing_running(lesson, tmp_path):
    assert "solved" in lesson.run(*SOLVED).text  # so that whatever a proof starts once is there
    before = {each.pid for each in psutil.Process().children(recursive=True)}
    press_ctrl_c_when(tmp_path / "runs")
    said = lesson.run(
        "%%exercise 6.1",
        "import os, pathlib, time",
        "def test_it():",
        f"    if os.getpid() != {os.getpid()}:",
        f"        pathlib.Path({str(tmp_path / 'runs')!r}).touch()",
        "        time.sleep(600)",
    )
    assert isinstance(said.error, KeyboardInterrupt)
    assert "Stopped." in said.printed
    while {each.pid for each in psutil.Process().children(recursive=True)} - before:
        time.sleep(0.05)
    assert "solved" in lesson.run(*SOLVED).text


@pytest.mark.parametrize("catches", [False, True], ids=["", "a test that catches it"])
def test_ctrl_c_stops_the_kernel_s_own_run(lesson, tmp_path, catches):
    press_ctrl_c_when(tmp_path / "runs")
    said = lesson.run(
        "%%exercise 6.1",
        "import contextlib, pathlib, time",
        "def test_it():",
        f"    pathlib.Path({str(tmp_path / 'runs')!r}).touch()",
        f"    with contextlib.suppress({'KeyboardInterrupt' if catches else ''}):",
        "        time.sleep(600)",
        "    time.sleep(600)",
    )
    assert isinstance(said.error, KeyboardInterrupt)
    assert "solved" in lesson.run(*SOLVED).text


def test_a_fault_of_the_course_is_no_traceback(lesson, monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def broken(*_, **__):
        raise ZeroDivisionError("inside")

    monkeypatch.setattr(lesson.session.progress, "ran", broken)
    said = lesson.run(*SOLVED)
    assert said.printed.startswith("FaultError: The course has failed, not you: ZeroDivisionError")
    assert "Traceback" not in said.printed


def test_a_full_disk_is_told_and_loses_nothing(lesson, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device", "cells")

    monkeypatch.setattr("course.notebook.exercise.prove", full)
    said = lesson.run(*SOLVED)
    assert "NoRoomError: There is no room left on the disk" in said.printed


def test_a_database_server_that_was_killed_is_told_and_begin_heals_it(lesson):
    lesson.session.server.stop()
    said = lesson.run(*SOLVED)
    assert "course.begin" in said.text
    assert "PostgreSQL" in said.text
    lesson.run("course.begin('06')")
    assert "solved" in lesson.run(*SOLVED).text


def test_what_an_async_test_leaves_open_ends_with_its_cell_and_in_silence(lesson, capfd):
    lines = (
        "import asyncio, pytest, sys",
        "class Connection:",
        "    def __init__(self): self.me = self",
        "    def __del__(self):",
        "        sys.stderr.write('a page of warnings')",
        "        ENDED.append(1)",
        "ENDED = []",
        "@pytest.mark.asyncio",
        "async def test_it():",
        "    Connection()",
        "    assert False",
    )
    lesson.run("%%exercise 6.2", *lines)
    assert sys.modules["test_6_2"].ENDED == [1]
    assert "warnings" not in capfd.readouterr().err
