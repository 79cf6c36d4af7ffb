"""A fresh database for each test, at once: cloned ahead from a template that is built once, and put right after use."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Self

from course.services.pool.clones import Clone, Clones, PoolError, is_open
from course.services.server import Server


@dataclass(frozen=True)
class Database:
    """A database that a pool has handed out.

    Attributes:
        name: Its name on the server.
        url: Its SQLAlchemy URL, for the driver psycopg2.
    """

    name: str
    url: str

    @property
    def dsn(self) -> str:
        """Its URL without a driver's name, as psql, psycopg and asyncpg read it.

        Example:
            >>> Database("shop", "postgresql+psycopg2://ann:pw@localhost:5432/shop").dsn
            'postgresql://ann:pw@localhost:5432/shop'
        """
        return f"postgresql://{self.url.partition('://')[2]}"


class DatabasePool:
    """Databases that all begin as one template, each for one test at a time.

    `build` gets the URL of an empty database, once, and creates tables and rows in it. A background thread clones this
    template ahead. A used database comes back: the pool empties and refills the tables that were written to; if more
    than rows has changed, it drops the database and makes another. It undoes neither roles nor `ALTER SYSTEM`, which
    belong to the whole server. PostgreSQL clones what is in a database, not what is said of it (`GRANT CONNECT`,
    `ALTER DATABASE … SET`). Many threads may use a pool; a forked process makes its own.

    Args:
        server: Where the databases are made. `DATABASE_URL` is not read.
        build: Fills the template; without it, databases are empty.
        name: Names the databases, for people: `course_<name>_…`.
        ahead: How many are made before they are asked for.

    Raises:
        ServerGoneError: The server does not answer.
        PoolError: `build` raised, or PostgreSQL refused.

    Example:
        As fixtures, in `conftest.py`; a failed test's database stays, and its URL is printed:

        ```python
        @pytest.fixture(scope="session")
        def pool():
            with postgres() as server, DatabasePool(server, create_tables, name="users") as pool:
                yield pool

        @pytest.fixture
        def database_url(pool, request):
            failed_before = request.session.testsfailed
            database = pool.take()
            yield database.url
            pool.give_back(database, keep=request.session.testsfailed > failed_before)
        ```

        >>> import psycopg
        >>> from course.services.providers.postgres import postgres
        >>> def build(url):
        ...     with psycopg.connect(url.replace("+psycopg2", "")) as connection:
        ...         _ = connection.execute("CREATE TABLE words (word text)")
        >>> with postgres() as server, DatabasePool(server, build, name="example") as pool:
        ...     with pool.database() as database, psycopg.connect(database.dsn) as connection:
        ...         connection.execute("SELECT count(*) FROM words").fetchone()
        (0,)
    """

    def __init__(
        self, server: Server, build: Callable[[str], None] | None = None, *, name: str, ahead: int = 2
    ) -> None:
        self._server, self._ahead, self._change = server, ahead, threading.Lock()
        self._used: dict[str, Clone] = {}
        self._ready: deque[Future[Clone]] = deque()  # in the order in which the worker makes them
        self._clones = Clones(server, name, build)
        self._worker = ThreadPoolExecutor(1, f"pool {name}")  # all work in the background, one thing after another
        self._end = weakref.finalize(self, _end, server, self._clones, self._worker, self._ready)
        if hasattr(os, "register_at_fork"):  # to a forked process its parent's pool is closed
            os.register_at_fork(after_in_child=self._end.detach)
        self._make_ahead()
        self._worker.submit(self._clones.drop_orphans)

    def take(self, patience: float = 30.0) -> Database:
        """Hand over a database that is like the template. One that is ready takes no time.

        Args:
            patience: How many seconds to wait for one.

        Raises:
            ServerGoneError: The server has ended.
            PoolError: None became ready in time, or the pool is closed.
        """
        with self._change:
            if not self._end.alive:
                raise PoolError("This database pool is closed, or another process has made it.", "Make a new one.")
            self._make_ahead()
            future = self._ready.popleft()
        try:
            clone = future.result(patience)
        except (TimeoutError, CancelledError):
            self._ready.appendleft(future)
            raise PoolError(
                f"No database became ready within {patience:g} s ({len(self._used)} are in use).",
                "Give databases back after use; if there are none, the server hangs: start it again.",
            ) from None
        self._used[clone.name] = clone
        return Database(clone.name, self._server.url(clone.name))

    def give_back(self, database: Database, *, keep: bool = False) -> None:
        """Take a database back after use, and end the sessions that are still open in it.

        Args:
            database: One that this pool has handed out.
            keep: Leave it as it is, for a look at what a failed test did, and print where it is. It outlives the pool.

        Raises:
            PoolError: The pool did not hand it out, or has it back already.
        """
        clone = self._used.pop(database.name, None)
        if clone is None:
            raise PoolError(
                f"This pool has not handed out the database {database.name!r}: it is neither reset nor dropped.",
                "Give back, once, what pool.take() returned.",
            )
        with self._change:
            if not self._end.alive:  # closing has dropped all
                return
            if not keep:
                self._ready.append(self._worker.submit(self._clones.renew, clone))
                return
            self._worker.submit(self._clones.keep, clone)
        is_ours = self._server.provider != "external"  # where it is not, nobody prints its password
        place = database.dsn if is_ours else f"{database.name} at {self._server.host}:{self._server.port}"
        sys.stdout.write(f"The database of the failed test is kept: {place}\n")

    @contextlib.contextmanager
    def database(self) -> Iterator[Database]:
        """A database for the length of a block. If the block fails, it is kept."""
        database, has_failed = self.take(), False
        try:
            yield database
        except Exception:
            has_failed = True
            raise
        finally:
            self.give_back(database, keep=has_failed)

    def close(self) -> None:
        """Drop all databases that the pool made, kept ones excepted. A second call does nothing."""
        self._end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _make_ahead(self) -> None:
        """Have as many made as are wanted after the next one is taken; what failed is tried again."""
        while self._ready and self._ready[0].done() and not _is_well(self._ready[0]):
            self._ready.popleft()
        while len(self._ready) <= self._ahead:
            self._ready.append(self._worker.submit(self._clones.make))


def _is_well(future: Future[Clone]) -> bool:
    return not future.exception() and is_open(future.result().connection)


def _end(server: Server, clones: Clones, worker: ThreadPoolExecutor, ready: Iterable[Future[Clone]]) -> None:
    """Drop what was made; on a server that is gone there is nothing to drop."""
    for future in ready:
        future.cancel()
    is_there = server.alive()
    with contextlib.suppress(RuntimeError):  # the worker itself may be here, when it collects garbage
        worker.shutdown(wait=is_there)
    clones.end() if is_there else clones.leave()
