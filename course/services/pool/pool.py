"""A fresh database for each test, at once: cloned ahead from a template that is built once, and put right after use."""

from __future__ import annotations

import contextlib
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Self

from course.services.pool.clones import Clone, Clones
from course.services.pool.connection import is_open
from course.services.pool.errors import PoolError
from course.services.server import Server

_PATIENCE = 30.0  # seconds until a database must be ready


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

    `build` is called once, with the URL of an empty database, in which it creates tables and rows: by `create_all`, by
    migrations, by a script. Clones of that template are made ahead, in the background. A used one comes back: what was
    written to is emptied, and if more than rows has changed, the database is dropped and another one made. So what a
    test does to its database, the next one does not see. Roles belong to the whole server, and so does `ALTER SYSTEM`:
    these a pool does not undo. PostgreSQL clones what is in a database, and not what is said of it (`GRANT CONNECT`,
    `ALTER DATABASE … SET`).

    Many threads may use it, in the process that made it: one that was forked makes its own.

    Args:
        server: Where the databases are made. Nothing is read from `DATABASE_URL`.
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
        self,
        server: Server,
        build: Callable[[str], None] | None = None,
        *,
        name: str,
        ahead: int = 2,
    ) -> None:
        self._server, self._ahead, self._owner = server, ahead, os.getpid()
        self._change = threading.Lock()
        self._used: dict[str, Clone] = {}
        self._ready: deque[Future[Clone]] = deque()  # in the order in which the worker makes them
        self._clones = Clones(server, name, build)
        self._worker = ThreadPoolExecutor(1, f"pool {name}")  # all work in the background, one thing after another
        self._end = weakref.finalize(self, _end, server, self._clones, self._worker, self._ready, self._owner)
        self._make_ahead()
        self._worker.submit(self._clones.drop_orphans)

    def take(self, patience: float = _PATIENCE) -> Database:
        """Hand over a database that is like the template. One that is ready takes no time.

        Args:
            patience: How many seconds to wait for one.

        Raises:
            ServerGoneError: The server has ended.
            PoolError: None became ready in time, the pool is closed, or another process has made it.
        """
        end = time.monotonic() + patience
        while not is_open((clone := self._next(end, patience)).connection):  # its server may have gone
            self._worker.submit(self._clones.drop, clone)
        self._used[clone.name] = clone
        return Database(clone.name, self._server.url(clone.name))

    def give_back(self, database: Database, *, keep: bool = False) -> None:
        """Take a database back after use. Sessions that are still open in it are ended.

        Args:
            database: One that this pool has handed out.
            keep: Leave it as it is, for a look at what a failed test did, and say where it is. It outlives the pool.

        Raises:
            PoolError: The pool did not hand it out, or has it back already.
        """
        self._require_owner()
        clone = self._used.pop(database.name, None)
        if clone is None:
            raise PoolError(
                f"This pool has not handed out the database {database.name!r}: it is neither reset nor dropped.",
                "Give back, once, what pool.take() returned.",
            )
        with self._change:
            if not self._end.alive:  # all were dropped when it was closed
                return
            if not keep:
                self._ready.append(self._worker.submit(self._clones.renew, clone))
                return
            self._worker.submit(self._clones.keep, clone)
        print(f"The database of the failed test is kept: {self._address(database)}")  # noqa: T201 - below the test

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

    def _address(self, database: Database) -> str:
        """Its URL, without the password where the server is somebody's own."""
        if self._server.provider != "external":
            return database.dsn
        return f"postgresql://{self._server.user}@{self._server.host}:{self._server.port}/{database.name}"

    def _require_owner(self) -> None:
        if os.getpid() != self._owner:
            raise PoolError("A forked process cannot use its parent's database pool.", "Make a new DatabasePool.")

    def _next(self, end: float, patience: float) -> Clone:
        """Wait for the one that is ready next."""
        self._require_owner()
        with self._change:
            if not self._end.alive:
                raise PoolError("The database pool is closed.", "Make a new DatabasePool.")
            self._make_ahead()
            future = self._ready.popleft()
        try:
            return future.result(max(0.0, end - time.monotonic()))
        except CancelledError:
            raise PoolError("The database pool was closed meanwhile.", "Make a new DatabasePool.") from None
        except TimeoutError:
            raise PoolError(
                f"No database became ready within {patience:g} s ({len(self._used)} are in use).",
                "Give databases back after use; if there are none, the server hangs: start it again.",
            ) from None
        finally:
            if not future.done():  # the next one waits for it, then
                self._ready.appendleft(future)

    def _make_ahead(self) -> None:
        """Have as many made as are wanted after the next one is taken; what failed is tried again."""
        while self._ready and self._ready[0].done() and self._ready[0].exception():
            self._ready.popleft()
        while len(self._ready) <= self._ahead:
            self._ready.append(self._worker.submit(self._clones.make))


def _end(
    server: Server, clones: Clones, worker: ThreadPoolExecutor, ready: Iterable[Future[Clone]], owner: int
) -> None:
    """Drop what was made; not in a forked process, nor on a server that is gone."""
    if os.getpid() != owner:
        return
    for future in ready:
        future.cancel()
    is_there = server.alive()
    with contextlib.suppress(RuntimeError):  # the worker itself may be here, when it collects garbage
        worker.shutdown(wait=is_there)
    clones.end() if is_there else clones.leave()
