"""A place where runs happen one after another: a server for itself, and a fresh database for each run."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, TypeVar

import psycopg
from psycopg import sql

from course.engine.run import Ending, Request, RunResult
from course.engine.variant import Trees
from course.engine.warm import ColdProcesses, WarmProcess
from course.engine.watch import Watch
from course.errors import CourseError

T = TypeVar("T")
# How long a server may need to come back by itself, after one of its processes was killed, in seconds
RECOVERY_SECONDS = 5.0


class ServerLostError(CourseError):
    """The server died again in the second attempt."""


class Server(Protocol):
    """What a slot needs of a PostgreSQL server; `course.services.server.Server` is one."""

    @property
    def provider(self) -> str: ...
    def url(self, database: str = "postgres", driver: str | None = "psycopg2") -> str: ...
    def stop(self) -> None: ...


class Slot:
    """Runs suites on one server, one at a time.

    Args:
        start: Starts the server, at the first run and again after it died.
        shared: Others use the server too: only what this slot made is dropped then.
        folder: Scratch folder of this slot.
        trees: Variants as folders.
        processes: Where runs get their processes from.
        stop: Set to end the current run at once.
        ahead: How many empty databases `stock_up` makes ready. A suite can reach them: only where all suites are
            one person's.
    """

    def __init__(
        self,
        start: Callable[[], Server],
        *,
        shared: bool,
        folder: Path,
        trees: Trees,
        processes: WarmProcess | ColdProcesses,
        stop: threading.Event,
        ahead: int = 0,
    ) -> None:
        self._start = start
        self._shared = shared
        self.folder = folder
        self._trees = trees
        self._processes = processes
        self._stop = stop
        self._numbers = itertools.count(1)
        self._server: Server | None = None
        self._admin: psycopg.Connection[Any] | None = None
        self._kept_databases: frozenset[str] = frozenset()
        self._kept_roles: frozenset[str] = frozenset()
        self._templates: dict[str, str] = {}
        self._ahead = 0 if shared else ahead
        self._ready: list[str] = []

    def run(self, request: Request) -> RunResult:
        """Run in a fresh database. A server that died meanwhile is started again, and so is the run, once."""
        try:
            return self.survive(lambda: self._run_fresh(request))
        except ServerLostError as error:
            return RunResult(Ending.SERVER_LOST, detail=error.what)

    def survive(self, job: Callable[[], T]) -> T:
        """Do `job`; where the server died meanwhile, start it again and do the job again, once.

        Raises:
            ServerLostError: It died both times.
        """
        for _ in range(2):
            try:
                result = job()
                if self.alive():
                    return result
            except psycopg.OperationalError:
                if self.alive():
                    raise
            self.restart()
        raise ServerLostError("PostgreSQL died twice while this suite ran.")

    @contextmanager
    def database(self, template: str = "template0") -> Iterator[str]:
        """A fresh database as a URL, empty or as `template` is; what was made beside it is dropped with it."""
        self.ensure()
        assert self._server is not None  # noqa: S101 - tells the type checker what `ensure` has done
        name = self._ready.pop() if self._ready and template == "template0" else self._create(template)
        try:
            yield self._server.url(name)
        finally:
            with contextlib.suppress(psycopg.OperationalError):
                self._sweep(name)

    def stock_up(self) -> None:
        """Make empty databases ready, while there is nothing else to do."""
        self.ensure()
        while len(self._ready) < self._ahead and not self._stop.is_set():
            self._ready.append(self._create("template0"))

    def url(self, database: str) -> str:
        """The address of a database of that name on this slot's server, for the server's superuser."""
        self.ensure()
        assert self._server is not None  # noqa: S101 - tells the type checker what `ensure` has done
        return self._server.url(database)

    def template(self, name: str, fill: Callable[[str], None]) -> str:
        """A database that stays, to be a `template`: filled by `fill(url)` when it is first asked for.

        Args:
            name: What it holds; each slot has its own.
            fill: Fills the empty database; nothing may be connected to it afterwards.

        Returns:
            The database's name.
        """
        self.ensure()
        if name not in self._templates:
            assert self._server is not None  # noqa: S101 - as in `database`
            database = f"course_template_{os.getpid()}_{next(self._numbers)}"
            self._execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(database)))
            self._kept_databases |= {database}
            fill(self._server.url(database))
            self._empty(database)
            self._templates[name] = database
        return self._templates[name]

    def run_in(self, request: Request, url: str) -> RunResult:
        """Run in the database at `url`, which is left as the run leaves it."""
        assert self._server is not None  # noqa: S101 - a database at hand means a server at hand
        folder = self.folder / f"run{next(self._numbers)}"
        shutil.copytree(request.suite, folder / "suite", symlinks=True)
        (folder / "tmp").mkdir()
        (folder / "empty.ini").write_text("[pytest]\n", encoding="utf-8")
        process = self._processes.start(self._order(request, url, folder))
        result = Watch(process, request.seconds, self._stop, patience=request.patience).result()
        _keep_bytecode(folder / "suite", request.suite)
        shutil.rmtree(folder, ignore_errors=True)
        return result

    def alive(self) -> bool:
        """Whether the server answers; a suite may have ended our connection and left the server well."""
        try:
            self._execute(sql.SQL("SELECT 1"))
        except psycopg.OperationalError:
            return self._reconnect()
        return True

    def restart(self) -> None:
        """Start the server again, after it died."""
        self.close()
        self.ensure()

    def close(self) -> None:
        """End the server, unless others use it."""
        if self._admin is not None:
            self._admin.close()
        if self._server is not None and not self._shared:
            self._server.stop()
        self._admin = self._server = None
        self._templates, self._ready = {}, []

    def ensure(self) -> None:
        """Start the server, if it is not up."""
        if self._admin is not None:
            return
        self._server = self._server or self._start()
        self._admin = self._connect()
        self._kept_databases, self._kept_roles = self._databases(), self._roles()

    def _create(self, template: str) -> str:
        name = f"course_run_{os.getpid()}_{next(self._numbers)}"
        order = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        self._execute(order.format(sql.Identifier(name), sql.Identifier(template)))
        return name

    def _run_fresh(self, request: Request) -> RunResult:
        with self.database() as url:
            return self.run_in(request, url)

    def _connect(self) -> psycopg.Connection[Any]:
        assert self._server is not None  # noqa: S101 - called after `ensure` only
        return psycopg.connect(self._server.url(driver=None), autocommit=True, connect_timeout=10)

    def _reconnect(self) -> bool:
        """Connect again; a server that lost one of its processes says for a moment that it is recovering."""
        deadline = time.monotonic() + RECOVERY_SECONDS
        while self._server is not None:
            try:
                self._admin = self._connect()
            except psycopg.OperationalError as error:
                if "refused" in str(error) or time.monotonic() > deadline:
                    return False
                time.sleep(0.05)
            else:
                return True
        return False

    def _order(self, request: Request, url: str, folder: Path) -> dict[str, Any]:
        assert self._server is not None  # noqa: S101 - as in `run_in`
        environment = {
            **{name: value for name, value in os.environ.items() if not _is_ours(name)},
            "TMPDIR": str(folder / "tmp"),
            "DATABASE_URL": url,
            "COURSE_RUN_SERVER": self._server.url(driver=None),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            **request.variant.subject.environment,
            **request.environment,
        }
        return {
            "folder": str(folder / "suite"),
            "tree": str(self._trees.path(request.variant)),
            "empty": str(folder / "empty.ini"),
            "environment": environment,
            "select": sorted(request.select) if request.select is not None else None,
            "shuffle": request.shuffle,
            "first_failure": request.first_failure,
            "interest": {name: sorted(lines) for name, lines in request.interest.items()},
        }

    def _sweep(self, name: str) -> None:
        """Drop the run's database and, on a server of our own, all else that the run made there."""
        there = self._databases()
        self._ready = [each for each in self._ready if each in there]
        doomed = {name} if self._shared else there - self._kept_databases - frozenset(self._ready)
        for database in doomed:
            self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)))
        if not self._shared:
            for role in self._roles() - self._kept_roles:
                self._execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(role)))

    def _empty(self, database: str) -> None:
        """End what is still connected, and wait until it is gone: else nothing can be copied from the database."""
        query = sql.SQL("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = {}")
        assert self._admin is not None  # noqa: S101 - called after `ensure` only
        while self._admin.execute(query.format(sql.Literal(database))).fetchone() != (0,):
            time.sleep(0.005)

    def _databases(self) -> frozenset[str]:
        return self._names("SELECT datname FROM pg_database")

    def _roles(self) -> frozenset[str]:
        return self._names("SELECT rolname FROM pg_roles")

    def _names(self, query: str) -> frozenset[str]:
        assert self._admin is not None  # noqa: S101 - called after `ensure` only
        return frozenset(row[0] for row in self._admin.execute(query.encode()).fetchall())

    def _execute(self, query: sql.Composed | sql.SQL) -> None:
        if self._admin is None:
            raise psycopg.OperationalError("there is no connection")
        self._admin.execute(query)


def _is_ours(name: str) -> bool:
    # A run must not see how the course itself runs, nor what a learner keeps in the environment for other databases
    return name.startswith(("COURSE_", "PG", "POSTGRES_", "PYTEST_", "COVERAGE_")) or name == "DATABASE_URL"


def _keep_bytecode(run: Path, suite: Path) -> None:
    """Let later runs have the byte-code that this one compiled, test files with rewritten assertions included."""
    for number, cache in enumerate(run.rglob("__pycache__")):
        target = suite / cache.relative_to(run)
        if cache.is_symlink() or target.exists() or not target.parent.is_dir():
            continue
        # Beside the run, which is this slot's own: whoever copies the suite meanwhile sees all of it or nothing
        half = run.parent / f"bytecode{number}"
        shutil.copytree(cache, half, symlinks=True)
        with contextlib.suppress(OSError):  # another run was quicker
            half.rename(target)
