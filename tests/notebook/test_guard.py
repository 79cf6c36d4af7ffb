from __future__ import annotations

import os
import signal
import socket
import threading
import time

import pytest

from course.notebook import exercise
from course.notebook.guard import Guard, Wait

SLOW = pytest.mark.slow
WAITS = (
    "%%exercise 6.1",
    "from sqlalchemy import text",
    "from sqlalchemy.orm import Session",
    "from users_api.database import engine",
    "def test_names(client):",
    "    db = Session(engine)",
    "    names = db.scalars(text('select name from users')).all()",
    "    assert names == ['Eve']",
)
MENDED = (*WAITS[:-1], "    db.close()", "    assert names == []")
LONG = "SELECT pg_sleep(600)"


def press_ctrl_c(seconds=1.5):
    threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGINT)).start()


@pytest.fixture
def limit(monkeypatch):
    """A test may take a second only."""
    monkeypatch.setattr(exercise, "LIMIT", 1.0)


@SLOW
def test_a_test_that_waits_for_its_own_lock_is_ended_and_both_sessions_are_named(lesson, limit):
    said = lesson.run(*WAITS)
    assert "assert [] == ['Eve']" in said.text
    assert "✗ Ended after" in said.text
    assert "`test_names`, line 13 of the %%conftest cell" in said.text
    assert "`DROP TABLE logins` has to wait for another session of yours" in said.text
    assert "which has run `select name from users` at line 7 and was neither committed nor closed" in said.text


@SLOW
def test_what_a_failed_test_left_open_does_not_stop_the_next_run(lesson, limit, monkeypatch):
    lesson.run(*WAITS)
    monkeypatch.setattr(exercise, "LIMIT", 30.0)
    assert "✔ passes on right code" in lesson.run(*MENDED).text


@SLOW
def test_ctrl_c_ends_a_wait_for_a_lock(lesson):
    press_ctrl_c(3)
    said = lesson.run(*WAITS)
    assert "Stopped." in said.printed
    assert "✔ passes on right code" in lesson.run(*MENDED).text


@SLOW
def test_ctrl_c_ends_a_statement_in_any_cell(lesson):
    lesson.run("import psycopg2", "db = psycopg2.connect(course.notebook.session.session()._database.dsn)")
    press_ctrl_c()
    said = lesson.run(f"db.cursor().execute({LONG!r})")
    assert isinstance(said.error, KeyboardInterrupt)
    assert lesson.run("db.rollback()").error is None


@SLOW
def test_ctrl_c_ends_a_wait_for_a_thread_that_waits(lesson):
    press_ctrl_c()
    said = lesson.run(
        "from concurrent.futures import ThreadPoolExecutor",
        "import psycopg2",
        "db = psycopg2.connect(course.notebook.session.session()._database.dsn)",
        "with ThreadPoolExecutor() as threads:",
        f"    threads.submit(db.cursor().execute, {LONG!r})",
    )
    assert isinstance(said.error, KeyboardInterrupt)


@SLOW
def test_ctrl_c_ends_a_connection_to_somebody_who_never_answers(kernel):
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        press_ctrl_c()
        said = kernel.run("import psycopg2", f"psycopg2.connect('host=127.0.0.1 port={deaf.getsockname()[1]}')")
    assert isinstance(said.error, KeyboardInterrupt)


@SLOW
def test_ctrl_c_ends_a_query_of_sqlite(kernel):
    press_ctrl_c()
    query = "WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    said = kernel.run("import sqlite3", "db = sqlite3.connect(':memory:')", f"db.execute({query!r}).fetchall()")
    assert isinstance(said.error, KeyboardInterrupt)


@SLOW
@pytest.mark.parametrize("line", ["time.sleep(600)", "while True: pass", "threading.Event().wait()"])
def test_a_test_that_never_ends_is_ended_and_its_line_is_told(kernel, limit, line):
    kernel.run("course.begin('01')")
    said = kernel.run("%%exercise 1.1", "import threading, time", "def test_it():", f"    {line}")
    assert "✗ Ended after" in said.text
    assert "`test_it`, line 4" in said.text
    assert f"> {line}" in said.text


@SLOW
def test_a_cell_that_never_ends_is_ended_as_well(kernel, limit):
    kernel.run("course.begin('01')")
    said = kernel.run("%%exercise 1.1", "import time", "time.sleep(600)")
    assert "✗ Ended after" in said.text
    assert "(line 3)" in said.text


@SLOW
def test_a_test_that_catches_everything_is_ended_nevertheless(kernel, limit):
    kernel.run("course.begin('01')")
    loop = ("    for _ in range(2):", "        try: time.sleep(600)", "        except BaseException: pass")
    assert "✗ Ended after" in kernel.run("%%exercise 1.1", "import time", "def test_it():", *loop).text


@pytest.mark.parametrize(
    ("wait", "sentence"),
    [
        (Wait("test_it", 9, "line 4"), "Your test is at line 4."),
        (Wait("", 9, "line 4"), "The cell is at line 4."),
        (Wait("test_it", 9, "line 4", " for a lock"), "Your test waits at line 4 for a lock."),
        (Wait("test_it", 9), ""),
    ],
)
def test_a_wait_is_told_only_where_one_is_known(wait, sentence):
    assert wait.sentence == sentence


def test_each_step_has_its_own_time():
    told = []
    with Guard(tell=told.append, seconds=60) as guard:
        guard._since -= 100
        guard.begin_step("test_it")
        guard._look(0.5, 60)
        assert not told
        guard._look(2, 60)
    assert [(wait.test, wait.seconds) for wait in told] == [("test_it", 2)]


def test_what_was_heard_before_is_heard_afterwards():
    with socket.socket() as other:
        other.setblocking(False)
        before = signal.set_wakeup_fd(other.fileno())
        with Guard():
            pass
        assert signal.set_wakeup_fd(before) == other.fileno()


def test_a_thread_other_than_the_main_one_is_guarded_without_a_signal():
    ended = []

    def work():
        with Guard():
            ended.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert ended


def test_waiting_for_an_image_is_no_hang(monkeypatch):
    monkeypatch.setitem(globals(), "__name__", "docker.api.image")
    with Guard(seconds=60) as guard:
        guard._look(100, 60)
        assert guard.problem is None
    assert "an image to fetch" in guard._why


def test_no_thread_stays():
    before = threading.active_count()
    with Guard():
        time.sleep(0)
    assert threading.active_count() == before
