"""The runs behind the hygiene proofs: the suite on the right program, in circumstances that a good suite survives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from course.engine import Request, RunResult, Slot, Suite, Variant
from course.hygiene.baton import Baton
from course.hygiene.canary import Canary
from course.hygiene.default_port import DefaultPort
from course.hygiene.prepared import Prepared
from course.hygiene.snapshot import left_behind, rows_gone, take_rows, take_snapshot
from course.hygiene.trial import Case, Trial
from course.hygiene.worker import STARTED, worker_environment


def steadily(trial: Callable[[Slot], Trial]) -> Callable[[Slot], Trial]:
    """The trial, held again where tests failed: what fails once only is chance, and is not held against anyone."""

    def twice(slot: Slot) -> Trial:
        first = trial(slot)
        if not first.lost:
            return first
        second = trial(slot)
        lost = {test: first.lost[test] for test in first.lost if test in second.lost}
        return replace(first, lost=lost, attempts=first.attempts + second.attempts)

    return twice


def on_one_database(case: Case, prepared: Prepared) -> Callable[[Slot], Trial]:
    """The suite twice on one database: the second time must be like the first, and nothing is left in between."""

    def trial(slot: Slot) -> Trial:
        allowed = prepared.started(slot)
        with slot.database() as url:
            before = take_snapshot(url)
            first = slot.run_in(case.request(), url)
            after = take_snapshot(url)
            second = slot.run_in(case.request(seed="again"), url)
        alone = case.lost(first)
        lost = {test: said for test, said in case.lost(second).items() if test not in alone}
        # Each snapshot is itself a session or two; a suite that uses the database adds to them
        contained = after.sessions - before.sessions <= 1
        litter, abandoned = left_behind(before, after, allowed), after.abandoned - before.abandoned
        return Trial(lost, litter, contained=contained, abandoned=abandoned)

    return trial


def in_a_container(case: Case) -> Callable[[Slot], Trial]:
    """The suite where its `DATABASE_URL` is watched, and which containers it starts."""

    def trial(slot: Slot) -> Trial:
        with slot.database() as url, TemporaryDirectory(dir=slot.folder) as folder:
            started = Path(folder) / "started"
            started.touch()
            before = take_snapshot(url)
            slot.run_in(case.request(environment={STARTED: str(started)}), url)
            contained = take_snapshot(url).sessions - before.sessions <= 1  # each snapshot is a session itself
            return Trial(contained=contained, images=tuple(started.read_text(encoding="utf-8").splitlines()))

    return trial


def in_order(case: Case, seed: int) -> Callable[[Slot], Trial]:
    """The suite in a random order."""

    def trial(slot: Slot) -> Trial:
        run = slot.run(case.request(shuffle=seed, seed=str(seed)))
        return Trial(case.lost(run))

    return trial


def with_workers(case: Case, count: int) -> Callable[[Slot], Trial]:
    """The suite in several workers on one database: in the middle of each test of the first, the others run one each.

    Each runs all tests, beginning with another one; a suite of one test has none that could meet.
    """

    def trial(slot: Slot) -> Trial:
        tests = [test for test in case.tests if case.runnable is None or test in case.runnable]
        if len(tests) < count:
            return Trial()
        with (
            TemporaryDirectory(dir=slot.folder) as place,
            slot.database() as url,
            ThreadPoolExecutor(count) as threads,
        ):
            folder = Path(place)
            baton = Baton(folder, count)

            def run(number: int) -> RunResult:
                select = tuple(tests[number:] + tests[:number])
                request = case.request(select=select, environment=worker_environment(number, count, folder))
                patience = request.patience and request.patience * 2 * count  # each waits for all others
                baton.wait(number)
                try:
                    return slot.run_in(replace(request, seconds=request.seconds * 2 * count, patience=patience), url)
                finally:
                    baton.leave(number)

            runs = list(threads.map(run, range(count)))
        return Trial({test: said for run in runs for test, said in case.lost(run).items()})

    return trial


def beside_production(case: Case, default: DefaultPort, *, contained: bool) -> Callable[[Slot], Trial]:
    """The suite where a production database can be reached under the names that people give it."""

    def trial(slot: Slot) -> Trial:
        with ExitStack() as stack:
            canary = stack.enter_context(Canary())
            url = stack.enter_context(slot.database())
            folder = stack.enter_context(_beside(case.folder, canary.dotenv()))
            seen = stack.enter_context(default.watched(slot.folder))
            environment = canary.environment() | ({"DATABASE_URL": canary.url} if contained else {})
            # What fails here is another matter: only who was called counts
            slot.run_in(Request(
                Variant(case.subject), folder, case.subject.seconds, case.subject.patience,
                select=case.runnable, environment=environment,
            ), url)  # fmt: skip
            return Trial(attempts=tuple(sorted({*canary.attempts, *seen})))

    return trial


def on_used_database(case: Case, prepared: Prepared) -> Callable[[Slot], Trial]:
    """The suite on a database with ids from 1000 and rows of somebody else; in containers, with such ids."""

    def trial(slot: Slot) -> Trial:
        environment = {"COURSE_RUN_TEMPLATE": prepared.numbered(slot)}
        with slot.database(prepared.used(slot)) as url, prepared.counting(slot):
            before = take_rows(url)
            run = slot.run_in(case.request(environment=environment), url)
            return Trial(case.lost(run), gone=rows_gone(before, take_rows(url)))

    return trial


@contextmanager
def _beside(folder: Path, dotenv: str) -> Iterator[Path]:
    """A copy of a suite with a `.env` file in it, for as long as it is needed."""
    old = folder / ".env"
    text = old.read_text(encoding="utf-8", errors="replace") if old.is_file() and not old.is_symlink() else ""
    with TemporaryDirectory(dir=folder.parent, prefix="beside-") as name:
        Suite({".env": f"{text}\n{dotenv}"}, folder).write(Path(name))
        yield Path(name)
