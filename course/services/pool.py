"""A fresh database for each test, at once: cloned ahead from a template that is built once, and put right after use."""

from __future__ import annotations

import contextlib
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import psycopg
import psycopg2  # type: ignore[import-untyped]
import psycopg2.extensions  # type: ignore[import-untyped]

from course.services import template
from course.services.connection import PoolError, connect, explain
from course.services.stock import Stock
from course.services.workshop import SECONDS, Workshop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from course.services.server import Server

__all__ = ["Database", "DatabasePool"]

_PATIENCE = 30.0  # seconds until a database must be ready
_KEPT = 20  # databases of failed tests that stay on one server, the youngest


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
    migrations, by a script. What a test does to its database (rows, sequences, tables, types, functions, settings,
    large objects, open transactions, locks) the next one does not see. Roles and tablespaces belong to the whole
    server, and so does `ALTER SYSTEM`: these a pool does not undo, and privileges on the database itself
    (`GRANT CONNECT`) are not cloned.

    It may be used by many threads. A process that was forked has a pool of its own with the same template, and what its
    parent has taken it cannot give back.

    Args:
        server: Where the databases are made. Nothing is read from `DATABASE_URL`.
        build: Fills the template; without it, databases are empty.
        name: Names the databases, for people: `course_<name>_…`.
        ahead: How many are to be ready before they are asked for.
        version: A word that changes with what `build` makes, such as a hash of the migrations. Pools with the same name
            and version share one template, also those of other processes; without it, none do.
        keep: How many databases of failed tests stay on the server.
        tell: Says where a kept database is.

    Raises:
        TemplateBuildError: `build` raised.
        ServerGoneError: The server does not answer.
        PoolError: PostgreSQL refused.

    Example:
        As pytest fixtures, in `conftest.py`; a failed test's database stays, and its URL is printed:

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

        >>> from course.services.postgres import postgres
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
        version: str | None = None,
        keep: int = _KEPT,
        tell: Callable[[str], None] = print,
    ) -> None:
        self.server = server
        self.kept: list[Database] = []
        self._tell = tell
        try:
            keeper = connect(server, seconds=SECONDS)
            with _closing_on_error(keeper):
                source = template.acquire(keeper, server, name, build, version)
                workshop = Workshop(server, source, template.prefix(name), keep=keep, keeper=keeper)
                self._stock = Stock(workshop, ahead=ahead)
        except psycopg.Error as error:
            raise explain(server, error) from error
        weakref.finalize(self, self._stock.end).atexit = False  # a pool that nobody has any longer

    def take(self, patience: float = _PATIENCE) -> Database:
        """Hand over a database that is like the template. One that is ready takes no time.

        Args:
            patience: How many seconds to wait for one.

        Raises:
            ServerGoneError: The server has ended.
            PoolTimeoutError: None became ready in time.
            PoolClosedError: The pool is closed.
        """
        clone = self._stock.take(patience)
        clone.close_session()
        return Database(clone.name, self.server.url(clone.name))

    def give_back(self, database: Database, *, keep: bool = False) -> None:
        """Take a database back after use. Sessions that are still open in it are ended.

        Args:
            database: One that this pool has handed out.
            keep: Leave it as it is, for a look at what a failed test did, and say where it is. It stays when the pool
                is closed, until its server ends or many others were kept after it.

        Raises:
            NotTakenError: The pool did not hand it out, or has it back already.
        """
        self._stock.give_back(database.name, keep=keep)
        if keep:
            self.kept.append(database)
            self._tell(f"The database of the failed test is kept: {self._address(database)}")

    @contextlib.contextmanager
    def database(self) -> Iterator[Database]:
        """A database for the length of a block. If the block fails, it is kept."""
        database = self.take()
        with self._giving_back(database):
            yield database

    @contextlib.contextmanager
    def connection(self) -> Iterator[psycopg2.extensions.connection]:
        """A new psycopg2 connection to a database of its own, for the length of a block.

        If the block fails, the database is kept. Once one was asked for, connections are opened ahead as well.

        Example:
            >>> from course.services.postgres import postgres
            >>> with postgres() as server, DatabasePool(server, name="example") as pool:
            ...     with pool.connection() as connection, connection.cursor() as cursor:
            ...         cursor.execute("SELECT 6 * 7")
            ...         cursor.fetchone()
            (42,)
        """
        clone = self._stock.take(_PATIENCE, connected=True)
        database = Database(clone.name, self.server.url(clone.name))
        try:
            connection = clone.open_session()
        except psycopg2.Error as error:
            self.give_back(database)
            raise PoolError(
                f"The server did not let a test connect ({error}).", "Close sessions, or try again."
            ) from error
        with self._giving_back(database):
            yield connection

    @contextlib.contextmanager
    def _giving_back(self, database: Database) -> Iterator[None]:
        has_failed = False
        try:
            yield
        except Exception:
            has_failed = True
            raise
        finally:
            self.give_back(database, keep=has_failed)

    def close(self) -> None:
        """Drop all databases that the pool made, kept ones excepted. A second call does nothing."""
        self._stock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _address(self, database: Database) -> str:
        """Its URL, without the password where the server is somebody's own."""
        if self.server.provider != "external":
            return database.dsn
        return f"postgresql://{self.server.user}@{self.server.host}:{self.server.port}/{database.name}"


@contextlib.contextmanager
def _closing_on_error(connection: psycopg.Connection) -> Iterator[None]:
    try:
        yield
    except BaseException:
        connection.close()
        raise
