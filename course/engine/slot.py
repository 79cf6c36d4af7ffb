"""A place where runs happen one after another: a server for itself, and a fresh database for each run."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from course.engine.broker import Broker
from course.engine.databases import Databases, Server, ServerLostError
from course.engine.monitor import Monitor
from course.engine.run import Ending, Request, RunResult
from course.engine.variant import Trees
from course.engine.warm import ColdProcesses, WarmProcess

SEED, MODULES = "COURSE_RUN_SEED", "PYTHONPATH"
STOPPED = RunResult(Ending.STOPPED, detail="It was stopped.")


class Slot(Databases):
    """Runs suites on one server, one at a time.

    Args:
        start: Starts the server, at the first run and again after it died.
        shared: Others use the server too: only what this slot made is dropped then.
        folder: Scratch folder of this slot.
        trees: Variants as folders.
        processes: Where runs get their processes from.
        number: Of the slot: its server and its runs stay on one processor.

    Attributes:
        stop: Set by whoever wants the current job to end: its run ends at once, and no other begins.
    """

    def __init__(
        self,
        start: Callable[[], Server],
        *,
        shared: bool,
        folder: Path,
        trees: Trees,
        processes: WarmProcess | ColdProcesses,
        number: int = 0,
    ) -> None:
        super().__init__(start, shared=shared, number=number)
        self.folder = folder
        self.stop = threading.Event()
        self._trees = trees
        self._processes = processes
        self._broker = Broker()
        self._runs = itertools.count(1)

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
        """Run in the database at `url`, which is left as the run leaves it."""
        if self.stop.is_set():
            return STOPPED
        folder = self._make_folder(request)
        process = self._processes.start(self._order(request, url, folder))
        result = Monitor(process, request.seconds, self.stop, patience=request.patience).result()
        _keep_bytecode(folder / "suite", request.suite)
        shutil.rmtree(folder, ignore_errors=True)
        return result

    @contextlib.contextmanager
    def database(self, template: str = "template0") -> Iterator[str]:
        """A fresh database, with a broker beside it that holds as little."""
        self._broker.empty()
        with super().database(template) as url:
            yield url

    def close(self) -> None:
        """End the broker, and the server, unless others use it."""
        self._broker.close()
        super().close()

    def _make_folder(self, request: Request) -> Path:
        """A folder for a run: a copy of the suite, a place for temporary files, and settings that say nothing."""
        folder = self.folder / f"run{next(self._runs)}"
        shutil.copytree(request.suite, folder / "suite", symlinks=True)
        (folder / "tmp").mkdir()
        (folder / "empty.ini").write_text("[pytest]\n", encoding="utf-8")
        return folder

    def _order(self, request: Request, url: str, folder: Path) -> dict[str, Any]:
        assert self._server is not None  # noqa: S101 - the run's database is on it
        tree = str(self._trees.path(request.variant))
        environment = {
            **{name: value for name, value in os.environ.items() if not _is_ours(name)},
            "TMPDIR": str(folder / "tmp"),
            "DATABASE_URL": url,
            "COURSE_RUN_SERVER": self._server.url(driver=None),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            SEED: request.seed,
            # A program that a suite starts is the variant, too
            MODULES: os.pathsep.join(filter(None, (tree, os.environ.get(MODULES)))),
            **({"NATS_URL": self._broker.url()} if "nats" in request.variant.subject.services else {}),
            **request.variant.subject.environment,
            **request.environment,
        }
        return {
            "folder": str(folder / "suite"),
            "tree": tree,
            "empty": str(folder / "empty.ini"),
            "cache": str(folder / "tmp" / "pytest_cache"),
            "environment": environment,
            "select": request.select,
            "reverse": request.reverse,
            "shuffle": request.shuffle,
            "enough": request.enough,
            "plugins": request.variant.subject.plugins,
            "processor": self.processor,
            "interest": {name: sorted(lines) for name, lines in request.interest.items()},
        }


def _is_ours(name: str) -> bool:
    # A run must not see how the course itself runs, nor what a learner keeps in the environment for other servers
    prefixes = ("COURSE_", "PG", "POSTGRES_", "PYTEST_", "COVERAGE_")
    return name.startswith(prefixes) or name in ("DATABASE_URL", "NATS_URL")


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
