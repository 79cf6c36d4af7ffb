"""Proves suites: the original twice, then correct variants, then bugs, in forked processes and on fresh databases."""

from __future__ import annotations

import os
import queue
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Self, TypeVar

from course.engine.execution.processes import CAN_FORK, ForkedProcesses, SpawnedProcesses
from course.engine.execution.run import Request, RunResult
from course.engine.execution.slot import Slot
from course.engine.programs.patch import Patch
from course.engine.programs.subject import Subject
from course.engine.programs.suite import Suite
from course.engine.programs.variant import Trees
from course.engine.verdicts.proof import Proof, Step
from course.engine.verdicts.verdict import Verdict
from course.services.cleanup.scratch import Scratch
from course.services.server import Server

T = TypeVar("T")


class Prover:
    """Keeps a fork server and database servers up, and proves one suite after another.

    Args:
        start: Starts a PostgreSQL server; called once for each job, when it is first needed.
        jobs: How many runs go on at once; the number of processors, but at most 4, when not given.
        folder: Where to work; without it, a temporary one, which is removed even if this process is killed.

    Example:
        >>> from course.engine import Suite, load_subject
        >>> from course.services.embedded.postgres import Embedded
        >>> suite = Suite.from_files({"test_one.py": "def test_one(: pass"})
        >>> with Prover(Embedded().start, jobs=1) as prover:
        ...     prover.prove(suite, load_subject("users_api"), bugs=[], correct=[]).standing
        <Standing.BROKEN: 'BROKEN'>
    """

    def __init__(self, start: Callable[[], Server], *, jobs: int | None = None, folder: Path | None = None) -> None:
        self.jobs = jobs or min(os.cpu_count() or 1, 4)
        self._scratch = None if folder else Scratch("prover", in_memory=False)
        self.folder = self._scratch.folder if self._scratch else Path(tempfile.mkdtemp(prefix="prover-", dir=folder))
        self.trees = Trees(self.folder / "trees")
        self._processes = ForkedProcesses() if CAN_FORK else SpawnedProcesses()
        self._stop = threading.Event()  # of all jobs that were submitted since somebody stopped the ones before
        self._threads = ThreadPoolExecutor(self.jobs, thread_name_prefix="course-slot")
        self._slots: queue.SimpleQueue[Slot] = queue.SimpleQueue()
        self._all_slots = [self._slot(start, number) for number in range(self.jobs)]
        for slot in self._all_slots:
            self._slots.put(slot)

    def prove(
        self,
        suite: Suite,
        subject: Subject,
        *,
        bugs: Sequence[Patch] | None = None,
        correct: Sequence[Patch] | None = None,
        on_step: Callable[[Step], None] | None = None,
    ) -> Verdict:
        """Prove a suite on right and on wrong variants of a subject.

        Args:
            suite: The tests.
            subject: The program.
            bugs: Which bugs to try; all when not given.
            correct: Which correct variants to hold it against; all when not given.
            on_step: Called from this thread after each run.

        Raises:
            PatchError: A patch does not apply; the learner has nothing to do with it.
            KeyboardInterrupt: Ctrl-C; nothing runs on after it.
        """
        with self.suite_folder(suite) as folder:
            proof = Proof(
                self.run_all,
                self.trees,
                folder,
                subject,
                tuple(subject.bugs if bugs is None else bugs),
                tuple(subject.correct if correct is None else correct),
                on_step=on_step,
            )
            return proof.verdict()

    @contextmanager
    def suite_folder(self, suite: Suite) -> Iterator[Path]:
        """A folder with the suite's files, for as long as they are needed."""
        with tempfile.TemporaryDirectory(prefix="suite-", dir=self.folder, ignore_cleanup_errors=True) as name:
            suite.write(folder := Path(name))
            yield folder

    def submit(self, job: Callable[[Slot], T]) -> Future[T]:
        """Do `job` with the next free slot, in the background."""
        return self._threads.submit(self._with_slot, job, self._stop)

    def run_all(
        self,
        requests: Sequence[Request],
        on_done: Callable[[int, RunResult], None],
        check: Callable[[], None] = lambda: None,
    ) -> list[RunResult]:
        """Run all, as many at once as there are slots, and return the results in the order of the requests.

        Args:
            requests: What to run.
            on_done: Told the number and the result of each request whose run has ended.
            check: Called before each run; whatever it raises ends everything.
        """

        def run(request: Request, slot: Slot) -> RunResult:
            check()
            return slot.run(request)

        futures: dict[Future[RunResult], int] = {}
        try:
            for number, request in enumerate(requests):
                futures[self.submit(partial(run, request))] = number
            for future in as_completed(futures):
                on_done(futures[future], future.result())
        except BaseException as error:
            for future in futures:
                future.cancel()
            if isinstance(error, KeyboardInterrupt):
                self.stop()
            raise
        return [future.result() for future in futures]

    def warm_up(self) -> None:
        """Start in the background what the first proof would have to wait for."""
        for _ in self._all_slots:
            self.submit(lambda slot: slot.databases)

    def stop(self) -> None:
        """End all that was submitted so far: its runs come back as stopped. Later ones run."""
        stop, self._stop = self._stop, threading.Event()
        stop.set()

    def close(self) -> None:
        """End everything that this prover has started; safe to call again."""
        self.stop()
        self._threads.shutdown(cancel_futures=True)
        with ExitStack() as stack:
            stack.callback(self._remove_folder)
            stack.callback(self._processes.close)
            for slot in self._all_slots:
                stack.callback(slot.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _remove_folder(self) -> None:
        if self._scratch:
            self._scratch.remove()
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _slot(self, start: Callable[[], Server], number: int) -> Slot:
        folder = self.folder / f"slot{number}"
        folder.mkdir()
        return Slot(start, folder=folder, trees=self.trees, processes=self._processes, number=number)

    def _with_slot(self, job: Callable[[Slot], T], stop: threading.Event) -> T:
        slot = self._slots.get()
        slot.stop = stop
        try:
            return job(slot)
        finally:
            self._slots.put(slot)
