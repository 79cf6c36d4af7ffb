"""What all tests stand on: one application on a schema of its own, emptied after every test."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from sqlalchemy import URL, Connection, create_engine, inspect, make_url, text
from todo_api import create_app

Call = Callable[[], httpx2.Response]


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
def database(database_url: URL, schema: str) -> Iterator[Connection]:
    """A connection beside the application's, for what its interface cannot do."""
    engine = create_engine(database_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
        yield connection
        connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    engine.dispose()


class Client:
    """Calls the application in this process, with one step into its event loop for each request."""

    def __init__(self, portal: BlockingPortal, requests: httpx2.AsyncClient) -> None:
        self._portal = portal
        self._requests = requests

    def request(self, method: str, path: str, **rest: Any) -> httpx2.Response:
        return self._portal.call(partial(self._requests.request, method, path, **rest))

    def get(self, path: str, **params: Any) -> httpx2.Response:
        return self.request("GET", path, params=params)

    def post(self, path: str, json: Any) -> httpx2.Response:
        return self.request("POST", path, json=json)

    def patch(self, path: str, **fields: Any) -> httpx2.Response:
        return self.request("PATCH", path, json=fields)

    def delete(self, path: str) -> httpx2.Response:
        return self.request("DELETE", path)

    def add(self, title: str, **fields: Any) -> dict[str, Any]:
        """Create a todo that the test takes for granted."""
        answer = self.post("/todos", {"title": title, **fields})
        assert answer.status_code == 201, answer.text
        return answer.json()

    def list(self, **params: Any) -> dict[str, Any]:
        answer = self.get("/todos", **params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def titles(self, **params: Any) -> list[str]:
        return [todo["title"] for todo in self.list(**params)["items"]]


@pytest.fixture(scope="session")
def session_client(database: Connection, database_url: URL) -> Iterator[Client]:
    app = create_app(database_url.render_as_string(hide_password=False))
    with start_blocking_portal() as portal:
        requests = httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://todos")
        yield Client(portal, requests)
        portal.call(requests.aclose)


@pytest.fixture(scope="session")
def tables(session_client: Client, database: Connection, schema: str) -> list[str]:
    """The application's tables, those that others refer to last."""
    names = inspect(database).get_sorted_table_and_fkc_names(schema)
    return [name for name, _ in reversed(names) if name]


@pytest.fixture
def client(session_client: Client, database: Connection, tables: list[str]) -> Iterator[Client]:
    yield session_client
    for table in tables:  # on a few rows much faster than TRUNCATE
        database.execute(text(f"DELETE FROM {table}"))  # noqa: S608 -- the database told us the name


@pytest.fixture
def database_fails(client: Client, database: Connection, schema: str) -> Callable[[], AbstractContextManager[None]]:
    """While it fails, the application's tables are nowhere to be found."""

    @contextmanager
    def fails() -> Iterator[None]:
        database.execute(text(f"ALTER SCHEMA {schema} RENAME TO {schema}_away"))
        try:
            yield
        finally:
            database.execute(text(f"ALTER SCHEMA {schema}_away RENAME TO {schema}"))

    return fails


class Door:
    """Lets several requests meet: each has come as far as it can without writing before any of them may write."""

    def __init__(self, database: Connection, tables: list[str]) -> None:
        self._database = database
        self._no_writes = [f"LOCK TABLE {table} IN EXCLUSIVE MODE" for table in tables]
        self._no_changes = [f"SELECT FROM {table} FOR UPDATE" for table in tables]

    def create(self, *calls: Call) -> list[httpx2.Response]:
        return self._meet(self._no_writes, calls)

    def change(self, *calls: Call) -> list[httpx2.Response]:
        """Calls that change one row get their turn in the order given."""
        return self._meet(self._no_changes, calls)

    def _meet(self, locks: list[str], calls: tuple[Call, ...]) -> list[httpx2.Response]:
        with ThreadPoolExecutor(len(calls)) as threads:
            with self._closed(locks):
                answers: list[Future[httpx2.Response]] = []
                for call in calls:
                    answers.append(threads.submit(call))
                    self._wait_until_stopped(answers)
            return [answer.result() for answer in answers]

    @contextmanager
    def _closed(self, locks: list[str]) -> Iterator[None]:
        with (
            self._database.engine.connect() as connection,
            connection.execution_options(isolation_level="READ COMMITTED").begin(),
        ):
            for lock in locks:
                connection.execute(text(lock))
            yield

    def _wait_until_stopped(self, answers: list[Future[httpx2.Response]]) -> None:
        waiting = text(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = :us"
        )
        us = self._database.engine.url.query["application_name"]
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            on_their_way = sum(not answer.done() for answer in answers)
            if self._database.scalar(waiting, {"us": us}) >= on_their_way:
                return


@pytest.fixture
def at_once(client: Client, database: Connection, tables: list[str]) -> Door:
    return Door(database, tables)
