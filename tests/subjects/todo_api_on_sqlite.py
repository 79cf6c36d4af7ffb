"""The conftest that puts todo_api's reference suite on SQLite, where some bugs cannot be seen."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from on_postgresql import *  # noqa: F403 -- all fixtures of the reference suite but those below
from sqlalchemy import create_engine, make_url, text


@pytest.fixture(scope="session")
def schema():
    return None


@pytest.fixture(scope="session")
def database_url(tmp_path_factory):
    return make_url(f"sqlite:///{tmp_path_factory.mktemp('sqlite')}/todos.db")


@pytest.fixture(scope="session")
def database(database_url):
    engine = create_engine(database_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@pytest.fixture
def database_fails(client, database, tables):
    @contextmanager
    def fails():
        for table in tables:
            database.execute(text(f"ALTER TABLE {table} RENAME TO {table}_away"))
        yield
        for table in tables:
            database.execute(text(f"ALTER TABLE {table}_away RENAME TO {table}"))

    return fails


class OneAfterTheOther:
    """SQLite lets one transaction write at a time, so this is what becomes of two at once."""

    def create(self, *calls):
        return [call() for call in calls]

    change = create


@pytest.fixture
def at_once():
    return OneAfterTheOther()
