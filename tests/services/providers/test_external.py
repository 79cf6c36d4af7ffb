"""A server that somebody else runs: found by one variable only, and never harmed."""

from __future__ import annotations

import socket
import threading

import psycopg
import pytest

from course.services.embedded.postgres import Embedded
from course.services.providers.external import External, ExternalAddressError
from course.services.providers.postgres import postgres
from course.services.server import ServerStartError, free_port


@pytest.fixture(scope="module")
def somebodys():
    with Embedded(user="somebody", password="p@ss/word").start() as server:
        with psycopg.connect(server.url(driver=None), autocommit=True) as connection:
            connection.execute("CREATE ROLE reader LOGIN PASSWORD 'reader'")
        yield server


@pytest.fixture
def production():
    """A server that notes who connects."""
    calls = []
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.settimeout(0.2)

        def note():
            while True:
                try:
                    calls.append(listener.accept())
                except TimeoutError:
                    continue
                except OSError:
                    return

        threading.Thread(target=note, daemon=True).start()
        yield f"postgresql://root:root@127.0.0.1:{listener.getsockname()[1]}/customers", calls
    for connection, _ in calls:
        connection.close()


@pytest.mark.parametrize("provider", [None, "embedded", "external"])
def test_a_database_url_in_the_environment_is_never_connected_to(provider, production, monkeypatch, somebodys):
    url, calls = production
    for name in ("DATABASE_URL", "POSTGRES_URL", "SQLALCHEMY_DATABASE_URI"):
        monkeypatch.setenv(name, url)
    monkeypatch.setenv("COURSE_DATABASE_URL", somebodys.url())
    with postgres(provider) as server:
        assert server.alive()
    assert calls == []


def test_libpqs_own_variables_do_not_lead_the_course_elsewhere(production, monkeypatch, somebodys):
    url, calls = production
    monkeypatch.setenv("PGHOST", "127.0.0.1")
    monkeypatch.setenv("PGPORT", url.rpartition(":")[2].partition("/")[0])
    monkeypatch.setenv("PGDATABASE", "customers")
    monkeypatch.setenv("COURSE_DATABASE_URL", somebodys.url())
    with Embedded(user="ann", database="shop").start(), External().start() as server:
        assert server.port == somebodys.port
    assert calls == []


def test_without_the_variable_it_says_what_to_set(monkeypatch):
    monkeypatch.delenv("COURSE_DATABASE_URL", raising=False)
    with pytest.raises(ExternalAddressError, match=r"COURSE_DATABASE_URL is not set\. Set it to a server for learning"):
        External()


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("mysql://ann@localhost/x", "does not begin with postgresql://"),
        ("sqlite:///x.db", "does not begin with postgresql://"),
        ("postgresql:///x", "names no host or no user"),
        ("postgresql://localhost/x", "names no host or no user"),
        ("postgresql://ann@localhost:port/x", "is not a URL"),
        ("postgresql://ann@[::1/x", "is not a URL"),
    ],
)
def test_an_address_that_cannot_be_read_is_told(url, what):
    with pytest.raises(ExternalAddressError, match=what):
        External(url)


def test_its_url_may_name_a_driver_and_options(somebodys):
    url = somebodys.url(driver="asyncpg") + "?application_name=course%20of%20tests"
    with External(url).start() as server, psycopg.connect(server.url(driver=None)) as connection:
        assert connection.execute("SHOW application_name").fetchone() == ("course of tests",)


def test_nobody_there_is_told_without_the_password(monkeypatch):
    with pytest.raises(ServerStartError, match=r"does not let the course in: .*refused") as error:
        External(f"postgresql://ann:secret@127.0.0.1:{free_port()}/x").start()
    assert "secret" not in str(error.value)


def test_a_wrong_password_is_told(somebodys):
    with pytest.raises(ServerStartError, match="password authentication failed"):
        External(somebodys.url().replace("p%40ss", "wrong")).start()


def test_a_role_that_may_not_create_databases_is_told_how_to(somebodys):
    with pytest.raises(ServerStartError, match='ALTER ROLE "reader" CREATEDB'):
        External(f"postgresql://reader:reader@127.0.0.1:{somebodys.port}/postgres").start()
