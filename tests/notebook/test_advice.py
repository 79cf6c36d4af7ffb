from __future__ import annotations

import asyncio

import psycopg
import pytest

from course.notebook.advice import advise
from course.notebook.first_run import no_running_loop
from course.services.embedded.postgres import Embedded

USER = {"name": "Ada", "email": "ada@example.org", "password": "correct horse battery"}


@pytest.fixture(scope="module")
def server():
    with Embedded().start() as server:
        yield server


def raised_by(source, **names):
    try:
        exec(source, names)
    except Exception as error:  # noqa: BLE001 - whatever it is
        return error
    raise AssertionError(source)


@pytest.mark.parametrize(
    ("source", "meant"),
    [
        ("db_sesion", "db_session"),
        ("prnt(1)", "print"),
        ("'x'.uper()", "upper"),
        ("from json import lods", "loads"),
        ("raise OSError('pull access denied for postgress, repository does not exist')", "postgres"),
    ],
)
def test_a_name_that_is_almost_right_is_suggested(source, meant):
    assert advise(raised_by(source, db_session=1)) == f"Did you mean `{meant}`?"


@pytest.mark.parametrize("source", ["quite_another_thing", "1 / 0", "(1).nothing_like_it", "from json import zzz"])
def test_nothing_is_suggested_where_nothing_is_near(source):
    assert advise(raised_by(source)) == ""


@pytest.mark.parametrize(
    ("source", "advice"),
    [
        ("[one] = later()", "put `await` before the call"),
        ("later()['x']", "put `await` before the call"),
        ("assert later() == 0, f'{later()} == 0'", "put `await` before the call"),
        ("asyncio.run(wrong())", "call it without `await`"),
    ],
)
@pytest.mark.filterwarnings("ignore:coroutine")
def test_an_await_that_is_missing_or_too_much_is_told(source, advice):
    async def later():
        return [1]

    async def wrong():
        return await len([1])

    assert advice in advise(raised_by(source, later=later, wrong=wrong, asyncio=asyncio))


@pytest.mark.parametrize(
    ("sql", "advice"),
    [
        (
            "CREATE EXTENSION pgcrypto",
            "The official postgres image has `pgcrypto`, the course's own PostgreSQL has not",
        ),
        ('CREATE EXTENSION "uuid-ossp"', "The official postgres image has `uuid-ossp`"),
        ("CREATE EXTENSION nonsense", ""),
        ("CREATE TABLE x (a int); COPY x FROM '/no/such.csv'", "`COPY` in SQL has the server open the file"),
        ("CREATE TABLE y (a int); COPY y TO '/no/such.csv'", "`psql` in the container's `exec`"),
        ("COPY nothing FROM '/no/such.csv'", ""),
    ],
)
def test_what_the_own_server_lacks_is_told(server, sql, advice):
    with psycopg.connect(server.url(driver=None), autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS x, y")
        said = advise(raised_by("connection.execute(sql)", connection=connection, sql=sql))
    assert advice in said
    assert bool(said) is bool(advice)


def test_get_event_loop_finds_no_loop_that_runs():
    async def cell():
        with no_running_loop():
            return asyncio.get_event_loop().run_until_complete(asyncio.sleep(0, "done"))

    assert asyncio.run(cell()) == "done"


@pytest.mark.slow
def test_a_fixture_that_gives_nothing_is_told(lesson):
    lesson.run("%%conftest", "import pytest", "@pytest.fixture", "def client():", "    object()")
    said = lesson.run("%%exercise 6.1", "def test_it(client): client.get('/')")
    assert "The fixture `client` gives None" in said.text


@pytest.mark.slow
def test_an_async_test_without_a_mark_is_told(lesson):
    said = lesson.run("%%exercise 6.1", "async def test_it(): pass")
    assert "This test is `async def`, and nobody awaits it. Write `def`, or put" in said.text
    assert "line 2" in said.text


@pytest.mark.slow
def test_what_the_application_raised_is_told(lesson):
    said = lesson.run(
        "%%exercise 6.1",
        "from users_api import users",
        "def test_it(client, monkeypatch):",
        "    monkeypatch.setattr(users, 'hash_password', lambda _: 1 / 0)",
        f"    assert client.post('/users', json={USER}).status_code == 201",
    )
    assert "assert 500 == 201" in said.text
    assert "the application raised ZeroDivisionError: division by zero" in said.text


@pytest.mark.slow
def test_what_the_application_raised_in_an_earlier_test_is_not_told(lesson):
    said = lesson.run(
        "%%exercise 6.1",
        "from users_api import users",
        "def test_one(client, monkeypatch):",
        "    monkeypatch.setattr(users, 'hash_password', lambda _: 1 / 0)",
        f"    client.post('/users', json={USER})",
        "def test_two(client):",
        "    assert client.get('/users/1').status_code == 200",
    )
    assert "404 == 200" in said.text
    assert "the application raised" not in said.text


@pytest.mark.slow
def test_a_misspelt_image_is_told(lesson, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent.sock")
    said = lesson.run(
        "%%exercise 6.1",
        "from testcontainers.community.postgres import PostgresContainer",
        "def test_it():",
        "    PostgresContainer('postgress:16').start()",
    )
    assert "Did you mean 'postgres:16'?" in said.text
    assert "raised in" not in said.text


@pytest.mark.slow
def test_where_pytest_raises_is_not_told(lesson):
    said = lesson.run("%%exercise 6.1", "import pytest", "def test_it():", "    with pytest.raises(ValueError): pass")
    assert "DID NOT RAISE" in said.text
    assert "raised in" not in said.text


@pytest.mark.slow
def test_no_option_is_recommended_that_a_cell_does_not_have(lesson):
    said = lesson.run("%%exercise 6.1", "def test_it(): assert list(range(30)) == list(range(1, 31))")
    assert "At index 0 diff" in said.text
    assert "-v" not in said.text
