"""PostgresContainers of a run: roles and databases on the server that the run has already."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import psycopg
import pytest
from testcontainers.community.postgres import PostgresContainer

from course.services.embedded.postgres import Embedded
from course.stand_in.choice import RUN_SERVER, RUN_TEMPLATE


@pytest.fixture(scope="module")
def server():
    with Embedded().start() as started:
        yield started


@pytest.fixture
def run_server(server, stand_ins, monkeypatch):
    monkeypatch.setenv(RUN_SERVER, server.url(driver=None))
    return server


def names(server) -> set[str]:
    with psycopg.connect(server.url(driver=None)) as connection:
        found = connection.execute(
            "SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_' UNION SELECT datname FROM pg_database"
        )
        return {name for (name,) in found}


def ask(container, question: str) -> list[tuple[object, ...]]:
    with psycopg.connect(container.get_connection_url(driver=None), autocommit=True) as connection:
        cursor = connection.execute(question)
        return cursor.fetchall() if cursor.description else []


def test_a_container_is_a_role_and_a_database_until_it_stops(run_server):
    before = names(run_server)
    with PostgresContainer("postgres:16", username="ann", password="it's", dbname="shop") as container:
        assert container.get_exposed_port(5432) == run_server.port
        assert ask(container, "SELECT current_user, current_database()") == [("ann", "shop")]
        assert container.exec("psql -hlocalhost -p5432 -U ann -d shop -qtc 'select 42'").output.strip() == b"42"
        assert b"ready to accept connections" in container.get_logs()[1]
        ask(container, "CREATE DATABASE second")
        ask(container, "CREATE ROLE reader")
    assert names(run_server) == before


def test_a_second_one_of_the_same_names_has_a_server_of_its_own(run_server):
    with PostgresContainer("postgres:16") as one, PostgresContainer("postgres:16", password="other") as two:
        assert one.get_exposed_port(5432) == run_server.port
        assert two.get_exposed_port(5432) != run_server.port
        ask(one, "CREATE SCHEMA only_here")
        assert ask(two, "SELECT 1 FROM pg_namespace WHERE nspname = 'only_here'") == []


def test_names_that_the_server_has_already_are_left_alone(run_server):
    with PostgresContainer("postgres:16", username="postgres", dbname="mine") as container:
        assert container.get_exposed_port(5432) != run_server.port
    with PostgresContainer("postgres:16", dbname="postgres") as container:
        assert container.get_exposed_port(5432) != run_server.port


@pytest.mark.parametrize(
    "change",
    [
        lambda it: it.with_command("-c max_connections=9"),
        lambda it: it.with_copy_into_container(b"SELECT 1", "/docker-entrypoint-initdb.d/x.sql"),
        lambda it: it.with_env("POSTGRES_HOST_AUTH_METHOD", "trust"),
    ],
)
def test_what_asks_for_a_server_of_its_own_gets_one(run_server, change):
    with change(PostgresContainer("postgres:16")) as container:
        assert container.get_exposed_port(5432) != run_server.port


def test_what_a_killed_process_left_is_cleared_away_by_the_next(run_server):
    script = """
import os
from course.stand_in import install
install(always=True)
from testcontainers.community.postgres import PostgresContainer
PostgresContainer("postgres:16").start()
print("up", flush=True)
import time; time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, env=dict(os.environ)) as process:
        assert process.stdout.readline() == b"up\n"
        process.send_signal(signal.SIGKILL)
    assert "test" in names(run_server)
    end = time.monotonic() + 5
    while time.monotonic() < end:  # the server notices the death a moment later
        with PostgresContainer("postgres:16") as container:
            if container.get_exposed_port(5432) == run_server.port:
                break
    assert "test" not in names(run_server)


def test_a_container_may_begin_as_a_copy_of_another_database(run_server, monkeypatch):
    with psycopg.connect(run_server.url(driver=None), autocommit=True) as connection:
        connection.execute("CREATE DATABASE a_template")
    with psycopg.connect(run_server.url("a_template", driver=None), autocommit=True) as connection:
        connection.execute("CREATE TABLE todos AS SELECT 1000 AS id")
    monkeypatch.setenv(RUN_TEMPLATE, "a_template")
    with PostgresContainer("postgres:16") as container:
        assert ask(container, "SELECT id FROM todos") == [(1000,)]
