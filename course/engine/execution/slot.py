"""Executes runs one after another, on a server of its own and in a fresh database each."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import psycopg

from course.engine.execution.broker import Broker
from course.engine.execution.databases import Databases
from course.engine.execution.monitor import Monitor
from course.engine.execution.processes import ForkedProcesses, SpawnedProcesses
from course.engine.execution.run import Ending, Request, RunResult
from course.engine.programs.variant import Trees
from course.engine.worker.processors import processor, staying_on
from course.errors import CourseError
from course.javascript import NAME as JAVASCRIPT
from course.javascript import command
from course.services.server import Server

T = TypeVar("T")
SEED, MODULES = "COURSE_RUN_SEED", "PYTHONPATH"
STOPPED = RunResult(Ending.STOPPED, detail="It was stopped.")
# A run must not see how the course itself runs, nor what a learner keeps in the environment for other servers
HIDDEN = ("COURSE_", "PG", "POSTGRES_", "PYTEST_", "COVERAGE_", "DATABASE_URL", "NATS_URL", "NODE_", "npm_")


class ServerLostError(CourseError):
    """The server died again in the second attempt."""


class Slot:
    """Runs suites on one server, one at a time.

    Args:
        start: Starts the server, when it is first needed and again after it died.
        folder: Scratch folder of this slot.
        trees: Variants as folders.
        processes: Where runs get their processes from.
        number: Of the slot: its server and its runs stay on one processor.

    Attributes:
        stop: Once set, the current run ends at once and no other begins.
    """

    def __init__(
        self,
        start: Callable[[], Server],
        *,
        folder: Path,
        trees: Trees,
        processes: ForkedProcesses | SpawnedProcesses,
        number: int,
    ) -> None:
        self.stop = threading.Event()
        self._start = start
        self.folder = folder
        self._trees = trees
        self._processes = processes
        self._processor = processor(number)
        self._broker = Broker()
        self._runs = itertools.count(1)
        self._open: Databases | None = None

    @property
    def databases(self) -> Databases:
        """What is on the server, which is started if it is not up."""
        if self._open is None:
            with staying_on(self._processor):
                self._open = Databases(self._start())
        return self._open

    def survive(self, job: Callable[[], T]) -> T:
        """Do `job`; where the server died meanwhile, or a suite ended a connection of ours, do it again, once.

        Raises:
            ServerLostError: It died both times.
            psycopg.OperationalError: It is well, and the job failed both times.
        """
        for is_last in (False, True):
            try:
                result = job()
                if self._is_well():
                    return result
            except psycopg.OperationalError:
                if self._is_well():
                    if is_last:
                        raise
                    continue
            self._end_server()
        raise ServerLostError("PostgreSQL died twice while this suite ran.")

    def run(self, request: Request) -> RunResult:
        """Run in a fresh database. A server that died meanwhile is started again, and so is the run, once."""

        def run() -> RunResult:
            with self.database() as url:
                return self.run_in(request, url)

        if self.stop.is_set():
            return STOPPED
        try:
            return self.survive(run)
        except ServerLostError as error:
            return RunResult(Ending.SERVER_LOST, detail=error.what)

    def run_in(self, request: Request, url: str) -> RunResult:
        """Run in the database at `url`, and leave it as it is then."""
        if self.stop.is_set():
            return STOPPED
        folder = self._make_folder(request)
        process = self._processes.start(self._task(request, url, folder))
        result = Monitor(process, request.seconds, self.stop, patience=request.patience).result()
        _keep_bytecode(folder / "suite", request.suite)
        shutil.rmtree(folder, ignore_errors=True)
        return result

    @contextlib.contextmanager
    def database(self, template: str = "template0") -> Iterator[str]:
        """A fresh database, with a broker beside it that holds as little."""
        self._broker.empty()
        with self.databases.database(template) as url:
            yield url

    def close(self) -> None:
        """End the broker and the server; safe to call again."""
        self._broker.close()
        self._end_server()

    def _is_well(self) -> bool:
        return self._open is None or self._open.alive()

    def _end_server(self) -> None:
        ended, self._open = self._open, None
        if ended is not None:
            ended.close()

    def _make_folder(self, request: Request) -> Path:
        """A folder for a run: a copy of the suite, a place for temporary files, and settings that say nothing."""
        folder = self.folder / f"run{next(self._runs)}"
        shutil.copytree(request.suite, folder / "suite", symlinks=True)
        (folder / "tmp").mkdir()
        (folder / "empty.ini").write_text("[pytest]\n", encoding="utf-8")
        return folder

    def _task(self, request: Request, url: str, folder: Path) -> dict[str, Any]:
        subject, tree = request.variant.subject, str(self._trees.path(request.variant))
        other = command(subject.folder, subject.package, tree, url) if subject.language == JAVASCRIPT else {}
        environment = self._environment(request, url, folder, tree) | other.pop("variables", {})
        return {
            **other,
            "folder": str(folder / "suite"),
            "tree": tree,
            "empty": str(folder / "empty.ini"),
            "cache": str(folder / "tmp" / "cache"),
            "environment": environment,
            "select": request.select,
            "reverse": request.reverse,
            "shuffle": request.shuffle,
            "enough": request.enough,
            "plugins": request.variant.subject.plugins,
            "processor": self._processor,
            "interest": {name: sorted(lines) for name, lines in request.interest.items()},
        }

    def _environment(self, request: Request, url: str, folder: Path, tree: str) -> dict[str, str]:
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith(HIDDEN)},
            "TMPDIR": str(folder / "tmp"),
            "DATABASE_URL": url,
            "COURSE_RUN_SERVER": self.databases.url(driver=None),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            SEED: request.seed,
            # A program that a suite starts is the variant, too
            MODULES: os.pathsep.join(filter(None, (tree, os.environ.get(MODULES)))),
            **({"NATS_URL": self._broker.url()} if "nats" in request.variant.subject.services else {}),
            **request.variant.subject.environment,
            **request.environment,
        }


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
