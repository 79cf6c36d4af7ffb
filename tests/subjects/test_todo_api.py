"""The program of the challenge: its figures agree, and it can be reached in every way that the brief promises."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
import threading
import time
import tomllib
from collections import Counter

import httpx2
import pytest
import uvicorn
from sqlalchemy import create_engine, text
from starlette.testclient import TestClient

from course.engine import Fate, Prover, Suite, load_subject
from course.services.embedded.postgres import Embedded
from course.services.pool.pool import DatabasePool

SUBJECT = load_subject("todo_api")
CHALLENGE = tomllib.loads((SUBJECT.folder / "challenge.toml").read_text())
BRIEF = (SUBJECT.folder / "brief.md").read_text()
REFERENCE = SUBJECT.folder / "reference_suite"


@pytest.fixture(scope="module")
def server():
    with Embedded().start() as server:
        yield server


@pytest.fixture(scope="module")
def pool(server):
    with DatabasePool(server, name="todo_api") as pool:
        yield pool


@pytest.fixture
def url(pool):
    with pool.database() as database:
        yield database.url


@pytest.fixture
def create_app(monkeypatch):
    monkeypatch.syspath_prepend(SUBJECT.folder)
    return importlib.import_module("todo_api").create_app


def test_the_points_add_up_and_the_brief_says_the_same():
    score = CHALLENGE["score"]
    assert score["bugs"] + score["hygiene"] == 100
    assert sum(proof["points"] for proof in CHALLENGE["hygiene"]) == score["hygiene"]
    assert f"**{score['bugs']} points for bugs.**" in BRIEF
    assert f"**{score['hygiene']} points for hygiene.**" in BRIEF
    told = {name: (int(points), text) for name, points, text in re.findall(r"\| `(\w+)` \| (\d+) \| (.+) \|", BRIEF)}
    assert told.keys() == {proof["name"] for proof in CHALLENGE["hygiene"]}
    for proof in CHALLENGE["hygiene"]:
        points, words = told[proof["name"]]
        assert points == proof["points"]
        figures = {key: value for key, value in proof.items() if key not in {"name", "title", "points"}}
        for value in (one for figure in figures.values() for one in (figure if isinstance(figure, list) else [figure])):
            assert f"{value:g}" in words


def test_the_brief_names_the_categories_of_the_bugs():
    assert CHALLENGE["categories"].keys() == {bug.group for bug in SUBJECT.bugs}
    assert ", ".join(CHALLENGE["categories"]) in BRIEF


def test_there_are_as_many_bugs_as_the_challenge_needs():
    sizes = Counter(bug.group for bug in SUBJECT.bugs)
    assert sizes["boundary"] >= 13
    assert min(sizes.values()) >= 5
    assert len(SUBJECT.bugs) >= 48
    assert sum(bug.needs == "postgresql" for bug in SUBJECT.bugs) >= 10
    assert len(SUBJECT.correct) >= 8


def test_each_status_of_an_error_has_a_bug():
    (proof,) = (proof for proof in CHALLENGE["hygiene"] if proof["name"] == "tests_error_answers")
    assert {int(bug.header["Error"]) for bug in SUBJECT.bugs if "Error" in bug.header} == set(proof["statuses"])


def test_an_application_answers_without_being_started(create_app, url):
    client = TestClient(create_app(url))
    assert client.post("/todos", json={"title": "Walk"}).status_code == 201


def test_a_server_error_is_an_answer_in_process_and_over_http(create_app, url):
    app = create_app(url)
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE todos"))
    engine.dispose()
    with TestClient(app) as client:
        assert client.get("/todos").status_code == 500
    with served(app) as address:
        answer = httpx2.get(f"{address}/todos")
    assert (answer.status_code, answer.json()) == (500, {"detail": "Something went wrong on our side"})


class served:  # noqa: N801 -- reads as a verb where it is used
    """The application over HTTP, on a free port."""

    def __init__(self, app):
        self._server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical"))
        self._thread = threading.Thread(target=self._server.run)

    def __enter__(self):
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}"

    def __exit__(self, *_):
        self._server.should_exit = True
        self._thread.join()


def test_many_applications_share_few_connections_that_hold_no_locks(create_app, url):
    apps = [create_app(url) for _ in range(30)]
    for app in apps:
        assert TestClient(app).get("/todos").status_code == 200
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("SET lock_timeout = '1s'"))
        open_now = connection.scalar(text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"))
        connection.execute(text("DROP TABLE todos"))
    engine.dispose()
    assert open_now <= 4


@pytest.mark.slow
def test_two_processes_may_start_on_an_empty_database_at_once(url):
    start = "import sys; from todo_api import create_app; create_app(sys.argv[1])"
    starts = [subprocess.Popen([sys.executable, "-c", start, url], cwd=SUBJECT.folder) for _ in range(2)]
    assert [process.wait() for process in starts] == [0, 0]


@pytest.mark.slow
def test_the_reference_suite_passes_under_two_workers_and_leaves_nothing_behind(url, tmp_path):
    Suite.from_folder(REFERENCE).write(tmp_path / "suite")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "xdist", "-n", "2", "--rootdir", "."]
    environment = {"DATABASE_URL": url, "PYTHONPATH": str(SUBJECT.folder), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(
        command, cwd=tmp_path / "suite", env=os.environ | environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    engine = create_engine(url)
    with engine.connect() as connection:
        left = connection.scalars(text("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'todo_tests%'")).all()
    engine.dispose()
    assert left == []


OWN_SCHEMA = """
import os
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import create_engine, make_url, text
from todo_api import create_app

@pytest.fixture
def service():
    schema = f"s_{uuid4().hex}"
    url = make_url(os.environ["DATABASE_URL"]).update_query_dict({"options": f"-csearch_path={schema}"})
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
        with TestClient(create_app(url.render_as_string(hide_password=False))) as client:
            yield client, connection
        connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    engine.dispose()

@pytest.fixture
def client(service):
    return service[0]
"""


@pytest.mark.slow
def test_what_the_brief_leaves_open_no_test_may_hold_the_program_to():
    over = (SUBJECT.folder.parents[2] / "tests/subjects/todo_api_over_specified.py").read_text()
    with Prover(Embedded().start) as prover:
        suite = Suite.from_files({"conftest.py": OWN_SCHEMA, "test_over.py": over})
        verdict = prover.prove(suite, SUBJECT, bugs=[])
    refused = {test.name: (test.validity, test.variant) for test in verdict.tests}
    believed = [name for name, (kind, by) in refused.items() if (kind, by != "original") != ("false alarm", True)]
    assert believed == []


@pytest.mark.slow
def test_sqlite_does_not_show_the_bugs_that_need_postgresql():
    files = {path.name: path.read_text() for path in REFERENCE.glob("*.py")}
    files["on_postgresql.py"] = files["conftest.py"]
    files["conftest.py"] = (SUBJECT.folder.parents[2] / "tests/subjects/todo_api_on_sqlite.py").read_text()
    shown = SUBJECT.bug("create/forgets_to_commit")
    needy = [bug for bug in SUBJECT.bugs if bug.needs == "postgresql"]
    with Prover(Embedded().start) as prover:
        verdict = prover.prove(Suite.from_files(files), SUBJECT, bugs=[shown, *needy], correct=[])
    fates = {judged.bug.id: judged.fate for judged in verdict.bugs}
    assert fates.pop(shown.id) is Fate.CAUGHT
    assert set(fates.values()) <= {Fate.SURVIVED, Fate.NOT_REACHED}
