from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import psutil
import pytest

from course.engine import Ending, Fate, Prover, Request, Suite, Variant
from course.services.embedded.postgres import Embedded

pytestmark = pytest.mark.slow  # each of them starts programs; `make check` has the quick ones


SETTINGS = """\
[pytest]
pythonpath = parts
python_files = check_*.py
addopts = --cov --strict-markers
required_plugins = pytest-cov>=1
"""


def wait_for(condition, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def strays(mark):
    processes = psutil.process_iter(["cmdline"])
    return [process.pid for process in processes if mark in " ".join(process.info["cmdline"] or [])]


def test_nothing_that_a_suite_starts_outlives_its_run(prove):
    mark = "31536123"
    prove(f"""
        import subprocess

        def test_it():
            subprocess.Popen(["sleep", "{mark}"])
            subprocess.Popen(["sleep", "{mark}"], start_new_session=True)
    """)
    wait_for(lambda: not strays(mark))


def test_databases_and_roles_that_a_suite_makes_are_dropped(prover, till):
    text = textwrap.dedent("""
        import psycopg, till

        def test_it():
            with psycopg.connect(till.url(), autocommit=True) as connection:
                connection.execute("CREATE DATABASE beside")
                connection.execute("CREATE ROLE somebody")
    """)
    with prover.suite_folder(Suite.from_files({"test_it.py": text})) as folder:
        for _ in range(3):
            run = prover.submit(lambda slot: slot.run(Request(Variant(till), folder, 5))).result()
            assert [outcome.result for outcome in run.outcomes] == ["passed"], run.outcomes


def test_the_environment_of_the_course_and_its_database_settings_are_kept_from_runs(prove, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://somebody/production")
    monkeypatch.setenv("PGHOST", "production")
    verdict = prove("""
        import os

        def test_it():
            assert "production" not in os.environ["DATABASE_URL"]
            assert "PGHOST" not in os.environ
    """)
    assert verdict.solved


def test_a_project_s_own_settings_hold_but_for_options_and_plugins(prove):
    files = {
        "pytest.ini": SETTINGS,
        "parts/prices.py": "PRICES = [1, 2]",
        "check_till.py": (
            "from prices import PRICES\nfrom till import total\n\n"
            "def test_prices_add_up():\n    assert total(PRICES) == 3\n"
        ),
    }
    verdict = prove("assert False, 'this file is no test file here'", files=files)
    assert verdict.valid == {"check_till.py::test_prices_add_up"}, verdict


def test_a_postgres_container_of_a_suite_is_a_database_on_the_runs_server(prove):
    verdict = prove(
        """
        import os, psycopg, pytest, till
        from testcontainers.community.postgres import PostgresContainer

        @pytest.fixture(scope="session", autouse=True)
        def postgres():
            with PostgresContainer("postgres:16", username="ann", password="secret", dbname="shop") as container:
                os.environ["DATABASE_URL"] = container.get_connection_url(driver=None)
                yield container

        def test_a_receipt_is_kept(postgres):
            assert "ann:secret@" in till.url()
            till.write("milk")
            assert till.read() == ["milk"]
        """,
        ["database/loses_the_receipt"],
    )
    assert verdict.solved, verdict


@pytest.mark.slow
def test_a_server_that_dies_is_started_again_and_so_is_the_run(till, tmp_path):
    text = textwrap.dedent(f"""
        import os, pathlib, signal, psycopg, till

        def test_it():
            path = pathlib.Path({str(tmp_path / "killed")!r})
            if not path.exists():
                path.touch()
                with psycopg.connect(till.url()) as connection:
                    data = connection.execute("SHOW data_directory").fetchone()[0]
                os.kill(int((pathlib.Path(data) / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
            till.write("milk")
            assert till.read() == ["milk"]
    """)
    with Prover(Embedded().start, jobs=1) as prover:
        verdict = prover.prove(Suite.from_files({"test_it.py": text}), till, bugs=[], correct=[])
    assert verdict.solved, verdict


def test_stop_ends_the_runs_that_go_on(prover, till):
    suite = Suite.from_files({"test_it.py": "import time\ndef test_it(): time.sleep(3600)"})
    with prover.suite_folder(suite) as folder:
        future = prover.submit(lambda slot: slot.run(Request(Variant(till), folder, 60)))
        threading.Timer(0.5, prover.stop).start()
        assert future.result(timeout=10).ending is Ending.STOPPED


@pytest.mark.slow
def test_nothing_is_left_after_the_owner_is_killed(tmp_path):
    code = textwrap.dedent("""
        from course.engine import Prover, Request, Suite, Variant, load_subject
        from course.services.embedded.postgres import Embedded

        prover = Prover(Embedded().start, jobs=1)
        suite = Suite.from_files({"test_it.py": "import time\\ndef test_it(): time.sleep(3600)"})
        with prover.suite_folder(suite) as folder:
            future = prover.submit(lambda s: s.run(Request(Variant(load_subject("users_api")), folder, 3600)))
            print("up", flush=True)
            future.result()
    """)
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    owner = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env=environment)
    assert owner.stdout.readline() == b"up\n"
    wait_for(lambda: list(tmp_path.rglob("run*/suite/__pycache__")), 30)
    below = [process.pid for process in psutil.Process(owner.pid).children(recursive=True)]
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    owner.stdout.close()
    wait_for(lambda: not any(psutil.pid_exists(pid) and not is_zombie(pid) for pid in below), 20)
    wait_for(lambda: not list(tmp_path.iterdir()), 20)


def is_zombie(pid):
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_a_prover_that_is_closed_leaves_no_folder(till):
    with Prover(Embedded().start, jobs=1) as prover:
        folder = prover.folder
        verdict = prover.prove(Suite.from_files({"test_it.py": "def test_it(): pass"}), till, bugs=[], correct=[])
        assert verdict.solved
    assert not Path(folder).exists()


def test_the_fork_server_is_started_again_after_it_was_killed(prove, prover):
    os.kill(prover._processes._server.pid, signal.SIGKILL)
    wait_for(lambda: is_zombie(prover._processes._server.pid))
    assert prove("def test_it(): pass").solved


def test_bugs_of_a_teachers_own_folder_stand_beside_ours(prover, till, tmp_path):
    source = next(bug for bug in till.bugs if bug.name == "gives_too_much")
    target = tmp_path / "mine" / "is_too_generous.patch"
    target.parent.mkdir()
    target.write_text(source.path.read_text())
    subject = till.with_bugs(tmp_path)
    suite = Suite.from_files({"test_it.py": "import till\ndef test_it(): assert till.discount(200) == 190"})
    verdict = prover.prove(suite, subject, bugs=[subject.bug("mine/is_too_generous")], correct=[])
    assert verdict.fates() == {"mine/is_too_generous": Fate.CAUGHT}
