"""The conftest that puts todo_api's reference suite on SQLite, where some bugs cannot be seen."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager

import pytest
from on_postgresql import *  # noqa: F403 -- all fixtures of the reference suite but those below
from sqlalchemy import make_url


@pytest.fixture(scope="session")
def schema():
    return None


@pytest.fixture(scope="session")
def database_url(tmp_path_factory):
    return make_url(f"sqlite:///{tmp_path_factory.mktemp('sqlite')}/todos.db")


@pytest.fixture(scope="session")
def database(database_url):
    with closing(sqlite3.connect(database_url.database, isolation_level=None)) as connection:
        yield connection


@pytest.fixture(scope="session")
def tables(session_client, database):
    names = database.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    return [name for (name,) in names]


@pytest.fixture
def database_fails(client, database, tables):
    @contextmanager
    def fails():
        for table in tables:
            database.execute(f"ALTER TABLE {table} RENAME TO {table}_away")
        yield
        for table in tables:
            database.execute(f"ALTER TABLE {table}_away RENAME TO {table}")

    return fails


class OneAfterTheOther:
    """SQLite lets one transaction write at a time, so this is what becomes of two at once."""

    def create(self, *calls):
        return [call() for call in calls]

    change = create


@pytest.fixture
def at_once():
    return OneAfterTheOther()
