"""What all tests stand on: one application on a schema of its own, emptied after every test."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from uuid import uuid4

import psycopg2
import pytest
from anyio.from_thread import start_blocking_portal
from client import Client
from door import Door
from psycopg2 import extensions
from sqlalchemy import URL, make_url
from todo_api import create_app

# Those that others refer to come last, so that all can be emptied in this order
TABLES = """
    SELECT relname FROM pg_class
    WHERE relkind = 'r' AND relnamespace = current_schema::regnamespace
    ORDER BY (SELECT count(*) FROM pg_constraint WHERE confrelid = pg_class.oid)
"""


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """A database that is given to us, or a container of our own where none is."""
    if url := os.environ.get("DATABASE_URL"):
        yield url
        return
    from testcontainers.community.postgres import PostgresContainer  # noqa: PLC0415 -- only where a container is needed

    with PostgresContainer("postgres:16") as postgres:
        yield postgres.get_connection_url()


@pytest.fixture(scope="session")
def schema() -> str:
    """A name that no other worker and no other run has: what else the database holds is not our business."""
    return f"todo_tests_{uuid4().hex[:12]}"


@pytest.fixture(scope="session")
def database_url(server_url: str, schema: str) -> URL:
    options = {"options": f"-csearch_path={schema}", "application_name": schema}
    return make_url(server_url).update_query_dict(options)


@pytest.fixture(scope="session")
def database(database_url: URL, schema: str) -> Iterator[extensions.cursor]:
    """A connection beside the application's, for what its interface cannot do."""
    address = database_url.set(drivername="postgresql").render_as_string(hide_password=False)
    with closing(psycopg2.connect(address)) as connection:
        connection.autocommit = True
        database = connection.cursor()
        database.execute(f"CREATE SCHEMA {schema}")
        yield database
        database.execute(f"DROP SCHEMA {schema} CASCADE")


@pytest.fixture(scope="session")
def session_client(database: extensions.cursor, database_url: URL) -> Iterator[Client]:
    app = create_app(database_url.render_as_string(hide_password=False))
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(app.router.lifespan_context(app)):
        yield Client(app, portal)


@pytest.fixture(scope="session")
def tables(session_client: Client, database: extensions.cursor) -> list[str]:
    database.execute(TABLES)
    return [name for (name,) in database]


@pytest.fixture
def client(session_client: Client, database: extensions.cursor, tables: list[str]) -> Iterator[Client]:
    yield session_client
    for table in tables:  # on a few rows much faster than TRUNCATE
        database.execute(f"DELETE FROM {table}")  # noqa: S608 -- the database told us the name


@pytest.fixture
def database_fails(
    client: Client, database: extensions.cursor, schema: str
) -> Callable[[], AbstractContextManager[None]]:
    """While it fails, the application's tables are nowhere to be found."""

    @contextmanager
    def fails() -> Iterator[None]:
        database.execute(f"ALTER SCHEMA {schema} RENAME TO {schema}_away")
        try:
            yield
        finally:
            database.execute(f"ALTER SCHEMA {schema}_away RENAME TO {schema}")

    return fails


@pytest.fixture
def at_once(client: Client, database: extensions.cursor, tables: list[str]) -> Door:
    return Door(database, tables)
