"""A place where runs happen one after another: a server for itself, and a fresh database for each run."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from course.engine.broker import Broker
from course.engine.databases import Databases, Server, ServerLostError
from course.engine.run import Ending, Request, RunResult
from course.engine.standing import MODULES, SEED, StandingSuite
from course.engine.variant import Trees, Variant
from course.engine.warm import CAN_LOAD, ColdProcesses, WarmProcess
from course.engine.watch import Watch

# A process is lost with each run that does not end by itself; how often a suite gets another that has rehearsed
REHEARSALS_AT_MOST = 4


class Slot(Databases):
    """Runs suites on one server, one at a time.

    Args:
        start: Starts the server, at the first run and again after it died.
        shared: Others use the server too: only what this slot made is dropped then.
        folder: Scratch folder of this slot.
        trees: Variants as folders.
        processes: Where runs get their processes from.
        stop: Set to end the current run at once.
        number: Of the slot: its server and its runs stay on one processor.
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
        number: int = 0,
    ) -> None:
        super().__init__(start, shared=shared, number=number)
        self.folder = folder
        self._trees = trees
        self._processes = processes
        self._stop = stop
        self._broker = Broker()
        self._runs = itertools.count(1)
        self._standing: StandingSuite | None = None
        self._alone: set[Path] = set()  # suites that are not to be forked
        self._rehearsals: dict[Path, int] = {}  # suite to how many it may still have

    def run(self, request: Request) -> RunResult:
        """Run in a fresh database. A server that died meanwhile is started again, and so is the run, once."""
        try:
            return self.survive(lambda: self._run_fresh(request))
        except ServerLostError as error:
            return RunResult(Ending.SERVER_LOST, detail=error.what)

    def run_in(self, request: Request, url: str) -> RunResult:
        """Run in the database at `url`, which is left as the run leaves it."""
        folder = self._make_folder(request)
        process = self._processes.start(self._order(request, url, folder))
        result = Watch(process, request.seconds, self._stop, patience=request.patience).result()
        _keep_bytecode(folder / "suite", request.suite)
        shutil.rmtree(folder, ignore_errors=True)
        return result

    @contextlib.contextmanager
    def named_database(self, name: str, template: str = "template0") -> Iterator[str]:
        """A fresh database, with a broker beside it that holds as little."""
        self._broker.empty()
        with super().named_database(name, template) as url:
            yield url

    def close(self) -> None:
        """End all that this slot keeps, and the server, unless others use it."""
        self.rest()
        self._broker.close()
        super().close()

    def rest(self) -> None:
        """End what is kept for runs to come, but for the server."""
        if self._standing is not None:
            self._standing.end()
            shutil.rmtree(self._standing.place, ignore_errors=True)
        self._standing = None

    def _run_fresh(self, request: Request) -> RunResult:
        may_stand = CAN_LOAD and isinstance(self._processes, WarmProcess) and request.suite not in self._alone
        if may_stand and (result := self._run_standing(request)):
            return result
        if request.rounds:
            return RunResult(Ending.FINISHED)
        with self.database() as url:
            return self.run_in(request, url)

    def _run_standing(self, request: Request) -> RunResult | None:
        """Run in a fork of the loaded suite, which is loaded first where that is due; None where that cannot be."""
        if result := self._run_fitting(request):
            return result
        if not (request.swap or request.variant.patch is None):
            return None
        if request.rehearsal and not _is_rehearsal(request) and self._may_rehearse(request):
            self._run_loading(replace(request.rehearsal, rehearsal=request.rehearsal))
            if result := self._run_fitting(request):
                return result
        return self._run_loading(request)

    def _run_fitting(self, request: Request) -> RunResult | None:
        """Run in a fork of what is loaded; None where that does not fit."""
        if (standing := self._standing) is None:
            return None
        order = self._order(request, self.url(standing.database), standing.place)
        if not standing.fits(request, order):
            return None
        with self.named_database(standing.database):
            return self._fork(standing, request, order)

    def _run_loading(self, request: Request) -> RunResult | None:
        self.rest()
        first = request if request.variant.patch is None else replace(request, variant=Variant(request.variant.subject))
        name = self.fresh_name()
        with self.named_database(name) as url:
            folder = self._make_folder(first)
            order = self._order(first, url, folder)
            assert isinstance(self._processes, WarmProcess)  # noqa: S101 - the caller has looked
            standing = self._standing = StandingSuite(self._processes, first, order, self._stop, name)
            may_fork = standing.load() and self.is_untouched(name)
            _keep_bytecode(folder / "suite", request.suite)
            if may_fork:
                return self._fork(standing, request, self._order(request, url, folder))
            self._alone.add(request.suite)
            result = standing.go_on() if first is request else None
            self.rest()
            return result

    def _fork(self, standing: StandingSuite, request: Request, order: dict[str, Any]) -> RunResult | None:
        stay = _is_rehearsal(request) and not standing.is_rehearsed and self._may_rehearse(request)
        result = standing.run(request, order, stay=stay)
        if stay:
            left = self._rehearsals.get(request.suite, REHEARSALS_AT_MOST)
            self._rehearsals[request.suite] = left - 1 if result and result.stays else 0
        return result

    def _may_rehearse(self, request: Request) -> bool:
        return self._rehearsals.get(request.suite, REHEARSALS_AT_MOST) > 0

    def _make_folder(self, request: Request) -> Path:
        """A folder for runs: a copy of the suite, a place for temporary files, and settings that say nothing."""
        folder = self.folder / f"run{next(self._runs)}"
        shutil.copytree(request.suite, folder / "suite", symlinks=True)
        (folder / "tmp").mkdir()
        (folder / "empty.ini").write_text("[pytest]\n", encoding="utf-8")
        return folder

    def _order(self, request: Request, url: str, folder: Path) -> dict[str, Any]:
        assert self._server is not None  # noqa: S101 - as in `run_in`
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
            "select": None if request.select is None else list(request.select),
            "in_order": isinstance(request.select, tuple),
            "swap": str(self._trees.swap(request.variant) or "") if request.swap else "",
            "plugins": request.variant.subject.plugins,
            "processor": self.processor,
            "shuffle": request.shuffle,
            "first_failure": request.first_failure,
            "rounds": [[each.variant.id, str(self._trees.swap(each.variant)), each.tests] for each in request.rounds],
            "interest": {name: sorted(lines) for name, lines in request.interest.items()},
        }


def _is_rehearsal(request: Request) -> bool:
    """Whether a run is its own rehearsal: the first of a suite, which is wanted for itself as well."""
    return request.rehearsal is not None and request.rehearsal == replace(request, rehearsal=None)


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
