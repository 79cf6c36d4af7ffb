"""Databases are copied, labelled and dropped; what the course has not labelled it refuses."""

from __future__ import annotations

import time

import psycopg
import pytest

from course.services import databases
from course.services.databases import ForeignDatabaseError, Label
from course.services.embedded.postgres import Embedded


@pytest.fixture(scope="module")
def connection():
    with Embedded().start() as server, psycopg.connect(server.url(driver=None), autocommit=True) as connection:
        for name in ("theirs", "commented"):
            connection.execute(f"CREATE DATABASE {name}")
        connection.execute("COMMENT ON DATABASE commented IS 'course: we teach with this, do not touch'")
        databases.create(connection, "ours", label=Label("clone", "4f1c9a02"))
        yield connection


def names(connection):
    return {name for (name,) in connection.execute("SELECT datname FROM pg_database")}


@pytest.mark.parametrize("database", ["theirs", "commented", "postgres", "template1"])
def test_a_database_without_our_label_is_not_dropped(connection, database):
    with pytest.raises(ForeignDatabaseError, match="was not created by the course"):
        databases.drop(connection, database)
    assert database in names(connection)


@pytest.mark.parametrize("database", ["theirs", "commented", "postgres", "template1", "missing", "Ours", 'x"; DROP'])
def test_a_database_without_our_label_gets_none(connection, database):
    with pytest.raises(ForeignDatabaseError, match="was not created by the course"):
        databases.change_label(connection, database, Label("clone", "x"))


def test_only_ours_are_listed(connection):
    assert databases.labels(connection) == {"ours": Label("clone", "4f1c9a02")}


def test_a_copy_of_a_labelled_database_is_not_ours_by_itself(connection):
    connection.execute("CREATE DATABASE copied TEMPLATE ours")
    assert "copied" not in databases.labels(connection)


def test_a_database_is_dropped_whoever_is_connected_even_a_template(connection):
    databases.create(connection, "busy", label=Label("clone", "x"))
    session = psycopg.connect(connection.info.dsn, dbname="busy", password=connection.info.password)
    databases.drop(connection, "busy")
    databases.drop(connection, "busy")
    databases.create(connection, "source", label=Label("clone", "x"))
    databases.make_template(connection, "source")
    databases.drop(connection, "source")
    assert not {"busy", "source"} & names(connection)
    session.close()


def test_a_lock_is_free_once_its_holder_is_gone(connection):
    again = {"conninfo": connection.info.dsn, "password": connection.info.password, "autocommit": True}
    with psycopg.connect(**again) as holder:
        databases.hold(holder, "4f1c9a02")
        with databases.alone(connection, "4f1c9a02") as is_free:
            assert not is_free
    for _ in range(1000):  # a session goes on for a moment after its client has gone
        with databases.alone(connection, "4f1c9a02") as is_free:
            if is_free:
                return
        time.sleep(0.01)
    pytest.fail("the lock stays")
