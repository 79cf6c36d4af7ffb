"""A slot survives what suites do to its server, and keeps templates."""

from __future__ import annotations

import textwrap
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from course.engine import Ending, Fate, Request, Suite, Variant, load_subject
from course.engine.execution.slot import _keep_bytecode

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


@pytest.fixture
def runs(one_slot, till):
    """Run a suite several times, each time as the options say."""

    def runs(text, *options):
        with one_slot.suite_folder(Suite.from_files({"test_it.py": textwrap.dedent(text)})) as folder:
            requests = [
                Request(**{"variant": Variant(till), "suite": folder, "seconds": 10, **each}) for each in options
            ]
            return one_slot.run_all(requests, lambda *_: None)

    return runs


def passed(result):
    return sum(outcome.result == "passed" for outcome in result.outcomes)


def test_a_suite_that_writes_beside_itself_finds_nothing_of_it_in_the_next_run(runs):
    text = """
        import os
        from pathlib import Path
        def test_it():
            for place in (Path("left"), Path(os.environ["TMPDIR"], "left")):
                assert not place.exists()
                place.write_text("here")
    """
    assert [passed(result) for result in runs(text, {}, {})] == [1, 1]


@pytest.mark.parametrize(
    ("statement", "ending"),
    [
        ("os._exit(0)", Ending.DIED),
        ("os.kill(os.getppid(), 9); threading.Event().wait()", Ending.DIED),
        ("while True: pass", Ending.TIMED_OUT),
    ],
    ids=["ends itself", "ends its parent", "never ends"],
)
def test_a_run_that_does_not_end_as_it_should_takes_nothing_along(runs, statement, ending):
    text = f"import os, threading\ndef test_good(): pass\ndef test_bad():\n    {statement}"
    good = {"select": ("test_it.py::test_good",)}
    results = runs(text, good, {"seconds": 2}, good)
    assert [(each.ending, passed(each)) for each in results] == [
        (Ending.FINISHED, 1), (ending, 1), (Ending.FINISHED, 1),
    ]  # fmt: skip


def test_a_run_cannot_tell_how_it_ended(runs):
    text = """
        import os, time
        def test_it():
            for descriptor in range(3, 100):
                try:
                    os.write(descriptor, b"exit 0\\n")
                except OSError:
                    pass
            time.sleep(0.3)
            os._exit(3)
    """
    (result,) = runs(text, {})
    assert result.ending is Ending.DIED
    assert "status 3" in result.detail


def test_tests_run_in_the_order_that_is_asked_for_until_enough_have_failed(runs):
    text = "def test_a(): pass\ndef test_b(): assert False\ndef test_c(): pass\ndef test_d(): assert False"
    order = tuple(f"test_it.py::test_{letter}" for letter in "cbad")
    orders = ({}, {"reverse": True}, {"select": order}, {"select": order, "enough": 1}, {"select": order, "enough": 2})
    results = runs(text, *orders)
    ran = ["".join(outcome.test[-1] for outcome in result.outcomes) for result in results]
    assert ran == ["abcd", "dcba", "cbad", "cb", "cbad"]
    assert {result.ending for result in results} == {Ending.FINISHED}


def test_a_file_that_a_program_opens_by_its_path_is_that_of_the_variant(one_slot, tmp_path):
    folder = tmp_path / "shop"
    (folder / "bugs" / "api").mkdir(parents=True)
    (folder / "shop.py").write_text(
        "from pathlib import Path\ndef price(): return (Path(__file__).parent / 'p').read_text()"
    )
    (folder / "p").write_text("2\n")
    (folder / "subject.toml").write_text('package = "shop"\n')
    header = "Boundary: api\nShows: It is wrong.\nHint: Look.\n\n"
    (folder / "bugs" / "api" / "raises.patch").write_text(header + "--- a/p\n+++ b/p\n@@ -1 +1 @@\n-2\n+3\n")
    shop = load_subject("shop", tmp_path)
    suite = Suite.from_files({"test_it.py": "import shop\ndef test_it(): assert shop.price() == '2\\n'"})
    assert one_slot.prove(suite, shop).fates() == {"api/raises": Fate.CAUGHT}


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
            slot.database(slot.databases.template("answer", fill)) as url,
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
        databases = slot.databases
        tries.append(slot)
        if len(tries) == 1:
            databases._admin.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        return "done"

    assert prover.submit(lambda slot: slot.survive(lambda: job(slot))).result() == "done"
    assert len(tries) == 2


def test_a_job_that_cannot_connect_on_a_sound_server_says_so(prover):
    def job(slot):
        with psycopg.connect(slot.databases.url("no_such_database").replace("+psycopg2", "")):
            pass

    with pytest.raises(psycopg.OperationalError, match="no_such_database"):
        prover.submit(lambda slot: slot.survive(lambda: job(slot))).result()
