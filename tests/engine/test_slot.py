"""A slot survives what suites do to its server, and keeps templates."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from course.engine import Ending, Request, Variant, load_subject
from course.engine.slot import _keep_bytecode

pytestmark = pytest.mark.slow  # each of them starts programs; `make check` has the quick ones

KILLS_CONNECTIONS = """
import os, psycopg
def test_kills():
    url = os.environ["DATABASE_URL"].replace("+psycopg2", "")
    with psycopg.connect(url) as connection:
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
"""


@pytest.fixture
def request_for(tmp_path):
    def request_for(text):
        (tmp_path / "test_it.py").write_text(text)
        return Request(Variant(load_subject("users_api")), tmp_path, 60)

    return request_for


def test_a_suite_that_ends_all_connections_costs_no_server(prover, request_for):
    request = request_for(KILLS_CONNECTIONS)
    results = [prover.submit(lambda slot: slot.run(request)).result() for _ in range(2)]
    assert [result.ending for result in results] == [Ending.FINISHED] * 2


def test_a_template_is_filled_once_and_outlives_runs(prover, request_for):
    filled = []

    def fill(url):
        filled.append(url)
        with psycopg.connect(url.replace("+psycopg2", "")) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")

    def use(slot):
        slot.run(request_for("def test_one(): pass"))
        with (
            slot.database(slot.template("answer", fill)) as url,
            psycopg.connect(url.replace("+psycopg2", "")) as connection,
        ):
            return connection.execute("SELECT answer FROM kept").fetchone()

    # One at a time, so that both may come to the same slot or not: each slot fills its own once
    answers = [prover.submit(use).result() for _ in range(4)]
    assert answers == [(42,)] * 4
    assert len(filled) <= prover.jobs


def test_runs_of_two_slots_hand_on_byte_code_at_the_same_time(tmp_path):
    for number in range(20):
        suite = tmp_path / f"suite{number}"
        suite.mkdir()
        runs = [tmp_path / f"slot{slot}" / f"run{number}" / "suite" for slot in range(4)]
        for run in runs:
            (run / "__pycache__").mkdir(parents=True)
            (run / "__pycache__" / "test_it.pyc").write_bytes(b"x" * 10_000)
        with ThreadPoolExecutor() as threads:
            list(threads.map(_keep_bytecode, runs, [suite] * 4))
        assert [path.name for path in suite.rglob("*")] == ["__pycache__", "test_it.pyc"]


def test_a_job_whose_connection_was_ended_is_done_again(prover):
    tries = []

    def job(slot):
        slot.ensure()
        tries.append(slot)
        if len(tries) == 1:
            slot._admin.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        return "done"

    assert prover.submit(lambda slot: slot.survive(lambda: job(slot))).result() == "done"
    assert len(tries) == 2


def test_a_job_that_cannot_connect_on_a_sound_server_says_so(prover):
    def job(slot):
        slot.ensure()
        with psycopg.connect(slot.url("no_such_database").replace("+psycopg2", "")):
            pass

    with pytest.raises(psycopg.OperationalError, match="no_such_database"):
        prover.submit(lambda slot: slot.survive(lambda: job(slot))).result()
