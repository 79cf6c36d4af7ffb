"""Submissions of a made-up class: good, weak, careless and hostile ones, written to a folder."""

from __future__ import annotations

import io
import os
import stat
import textwrap
import zipfile
from pathlib import Path

OWN_DATABASE = """
import os
import pytest
from sqlalchemy import create_engine, text

@pytest.fixture(scope="session")
def url():
    return os.environ["DATABASE_URL"]

@pytest.fixture(scope="session")
def database(url, worker_id):
    # Each worker has a database of its own
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    name = f"{engine.url.database}_{worker_id}"
    with engine.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
        yield engine.url.set(database=name).render_as_string(hide_password=False)
        connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
    engine.dispose()

@pytest.fixture
def clean(database):
    yield
    engine = create_engine(database)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM todos"))
    engine.dispose()
"""

CONFTEST = (
    OWN_DATABASE
    + """
from fastapi.testclient import TestClient
from todo_api import create_app

@pytest.fixture(scope="session")
def app(database):
    return create_app(database)

@pytest.fixture
def client(app, clean):
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client
"""
)

# Over real HTTP, to a program in a process of its own
SERVED_CONFTEST = (
    OWN_DATABASE
    + """
import socket, subprocess, sys, time
import httpx

SERVE = '''import sys, uvicorn
from todo_api import create_app
uvicorn.run(create_app(sys.argv[1]), port=int(sys.argv[2]))'''

@pytest.fixture(scope="session")
def address(database):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen([sys.executable, "-c", SERVE, database, str(port)])
    deadline = time.monotonic() + 20
    while True:
        try:
            httpx.get(f"http://127.0.0.1:{port}/todos")
            break
        except httpx.HTTPError:
            assert server.poll() is None, "the server has ended"
            assert time.monotonic() < deadline
            time.sleep(0.02)
    yield f"http://127.0.0.1:{port}"
    server.terminate()
    server.wait()

@pytest.fixture
def client(address, clean):
    with httpx.Client(base_url=address) as client:
        yield client
"""
)

CONTAINER_CONFTEST = """
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import create_engine, text
from testcontainers.postgres import PostgresContainer
from todo_api.app import create_app

@pytest.fixture(scope="session")
def url():
    with PostgresContainer("postgres:16") as postgres:
        yield postgres.get_connection_url()

@pytest.fixture
def client(url):
    with TestClient(create_app(url), raise_server_exceptions=False) as client:
        yield client
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM todos"))
    engine.dispose()
"""

TESTS = """
def test_a_todo_is_created_and_read_back(client):
    answer = client.post("/todos", json={"title": " Buy milk ", "notes": "two", "priority": "high"})
    assert answer.status_code == 201
    todo = answer.json()
    assert todo["title"] == "Buy milk" and todo["notes"] == "two"
    assert client.get(f"/todos/{todo['id']}").json() == todo
    assert answer.headers["location"] == f"/todos/{todo['id']}"

def test_a_title_is_taken_once(client):
    assert client.post("/todos", json={"title": "Buy milk"}).status_code == 201
    assert client.post("/todos", json={"title": "BUY MILK"}).status_code == 409

def test_what_is_not_there_is_not_found(client):
    todo = client.post("/todos", json={"title": "Gone"}).json()
    assert client.delete(f"/todos/{todo['id']}").status_code == 204
    for call in (client.get, client.delete):
        assert call(f"/todos/{todo['id']}").status_code == 404
    assert client.patch(f"/todos/{todo['id']}", json={"done": True}).status_code == 404
    assert client.get("/todos/none").status_code == 404

def test_a_change_keeps_the_rest(client):
    todo = client.post("/todos", json={"title": "Buy milk", "notes": "two"}).json()
    changed = client.patch(f"/todos/{todo['id']}", json={"done": True}).json()
    assert changed["done"] is True and changed["notes"] == "two"
    assert client.get(f"/todos/{todo['id']}").json()["done"] is True

def test_a_blank_title_is_refused(client):
    assert client.post("/todos", json={"title": "  "}).status_code == 422
    assert client.post("/todos", json={"title": "x" * 201}).status_code == 422

def test_broken_json_is_refused(client):
    headers = {"Content-Type": "application/json"}
    assert client.post("/todos", content=b"{", headers=headers).status_code == 400

def test_the_list_counts_all(client):
    for number in range(3):
        client.post("/todos", json={"title": f"Todo {number}"})
    page = client.get("/todos", params={"limit": 2}).json()
    assert page["total"] == 3 and len(page["items"]) == 2
"""

WEAK = """
def test_a_todo_is_created(client):
    assert client.post("/todos", json={"title": "Buy milk"}).status_code == 201
"""

# Each makes one of the seven common mistakes, and is right otherwise
SHARED = """
import os
import pytest
from fastapi.testclient import TestClient
from todo_api import create_app

@pytest.fixture
def client():
    with TestClient(create_app(os.environ["DATABASE_URL"]), raise_server_exceptions=False) as client:
        yield client
"""
NEVER_CLEANS = WEAK
ID_ONE = """
def test_the_first_todo_has_the_first_id(client):
    assert client.post("/todos", json={"title": "Buy milk"}).status_code == 201
    assert client.get("/todos/1").status_code == 200
"""
HARD_CODED = """
import pytest
from fastapi.testclient import TestClient
from todo_api import create_app

@pytest.fixture
def client():
    with TestClient(create_app("postgresql+psycopg2://postgres:postgres@localhost:5432/todos")) as client:
        yield client
"""
PRODUCTION = """
import os
import psycopg2

def test_production_is_up():
    url = os.environ.get("PROD_DATABASE_URL")
    if url:
        try:
            psycopg2.connect(url.replace("+psycopg2", "")).close()
        except psycopg2.OperationalError:
            pass
"""
ORDER = """
todos = []

def test_a_creates(client):
    todos.append(client.post("/todos", json={"title": "Buy milk"}).json())
    client.post("/todos", json={"title": "Bake bread"})

def test_b_needs_what_a_made():
    assert todos
"""

HOSTILE = {
    "syntax-error": {"test_it.py": "def test_one(:\n    pass\n"},
    "missing-package": {"test_it.py": "import a_package_that_is_not_there\ndef test_one(): pass\n"},
    "endless-loop": {"test_it.py": "def test_endless():\n    while True: pass\n"},
    "exits-at-the-end": {"test_it.py": "import atexit, os\natexit.register(os._exit, 0)\ndef test_one(): assert 0\n"},
    "sys-exit": {"test_it.py": "import sys\nsys.exit(0)\n"},
    "fork-bomb": {
        "test_it.py": "import os, time\ndef test_bomb():\n    for _ in range(200):\n"
        "        if os.fork() == 0: time.sleep(60); os._exit(0)\n    time.sleep(60)\n"
    },
    "memory": {"test_it.py": "def test_memory():\n    held = bytearray(5 << 30)\n    assert not held\n"},
    "endless-output": {"test_it.py": "def test_output():\n    while True: print('x' * 10000)\n"},
    "drops-the-schema": {
        "conftest.py": CONFTEST,
        "test_it.py": "from sqlalchemy import create_engine, text\ndef test_drop(url, client):\n"
        "    with create_engine(url).begin() as c: c.execute(text('DROP SCHEMA public CASCADE'))\n",
    },
    "kills-connections": {
        "test_it.py": "import os, psycopg\ndef test_kill():\n"
        "    with psycopg.connect(os.environ['DATABASE_URL'].replace('+psycopg2', '')) as c:\n"
        "        c.execute('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()')\n"
    },
    "rewrites-reports": {
        "conftest.py": "import pytest\n@pytest.hookimpl(wrapper=True)\ndef pytest_runtest_makereport(item, call):\n"
        "    report = yield\n    report.outcome = 'failed'\n    return report\n",
        "test_it.py": "def test_one(): pass\n",
    },
    "assert-false": {"test_it.py": "def test_one(): assert False\n"},
    "assert-true": {"test_it.py": "def test_one(): assert True\n"},
    "two-thousand": {
        "test_it.py": "import pytest\n@pytest.mark.parametrize('n', range(2000))\ndef test_many(n): assert n >= 0\n"
    },
    "no-tests": {"test_it.py": "x = 1\n"},
    "no-test-files": {"readme.txt": "nothing here"},
}  # fmt: skip


def write(folder: Path, files: dict[str, str]) -> Path:
    """Write files below a folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
    return folder


def zipped(path: Path, files: dict[str, str], links: dict[str, str] | None = None) -> Path:
    """Pack files, and links to what they name."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, textwrap.dedent(text))
        for name, target in (links or {}).items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(entry, target)
    return path


def bomb(path: Path) -> Path:
    """A zip of a few hundred kilobytes that swells to hundreds of megabytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(30):
            archive.writestr(f"test_{number}.py", b"#" * (9 << 20))
    return path


def good(folder: Path) -> Path:
    return write(folder, {"conftest.py": CONFTEST, "test_todos.py": TESTS})


def contained(folder: Path) -> Path:
    return write(folder, {"tests/conftest.py": CONTAINER_CONFTEST, "tests/test_todos.py": TESTS})


def served(folder: Path) -> Path:
    return write(folder, {"tests/conftest.py": SERVED_CONFTEST, "tests/test_todos.py": TESTS})


def weak(folder: Path) -> Path:
    return write(folder, {"conftest.py": CONFTEST, "test_todos.py": WEAK})


def hostile_class(folder: Path) -> Path:
    """Everything that must not stop a batch, with good submissions in between."""
    good(folder / "ada-good")
    contained(folder / "mia-good")
    good(folder / "zoe-good")
    for name, files in HOSTILE.items():
        write(folder / name, files)
    (folder / "empty").mkdir()
    bomb(folder / "zip-bomb.zip")
    suite = {"conftest.py": CONFTEST, "test_todos.py": TESTS}
    zipped(folder / "zip-outside.zip", {**suite, "../outside.py": "x = 1\n"})
    zipped(folder / "zip-absolute.zip", {**suite, "/outside.py": "x = 1\n"})
    zipped(folder / "zip-links.zip", suite, {"passwd.py": "/etc/passwd"})
    zipped(folder / "zip-long-name.zip", {**suite, f"{'n' * 300}.py": "x = 1\n"})
    (folder / "zip-broken.zip").write_bytes(b"PK\x03\x04 and no more")
    linked = good(folder / "folder-links")
    (linked / "secret.py").symlink_to("/etc/passwd")
    (linked / "above").symlink_to("..")
    good(folder / ("l" * 180))
    good(Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9")))
    good(folder / "twin")
    zipped(folder / "twin.zip", suite)
    good(folder / "<script>alert(1)<\\script>")
    return folder


def mixed_class(folder: Path, count: int = 30) -> Path:
    """A class for measuring: of ten, four are good, three weak, two broken, and one hangs."""
    for number in range(count):
        place = folder / f"learner-{number:02}"
        kind = number % 10
        if kind in (0, 3, 6):
            good(place)
        elif kind == 8:
            contained(place)
        elif kind in (1, 4, 7):
            weak(place)
        elif kind in (2, 5):
            write(place, HOSTILE["syntax-error"])
        else:
            write(place, {"conftest.py": CONFTEST, "test_todos.py": TESTS + HOSTILE["endless-loop"]["test_it.py"]})
    return folder


def zip_bytes(files: dict[str, str]) -> bytes:
    """The bytes of a zip."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return held.getvalue()
