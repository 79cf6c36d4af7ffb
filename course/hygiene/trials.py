"""The runs behind the hygiene proofs: the suite on the right program, in circumstances that a good suite survives."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from math import ceil
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from course.engine import Ending, Request, RunResult, Slot, Subject, Suite, Variant
from course.errors import CourseError
from course.hygiene.baton import Baton
from course.hygiene.canary import Attempt, Canary
from course.hygiene.default_port import DefaultPort
from course.hygiene.prepared import Prepared
from course.hygiene.snapshot import left_behind, rows_gone, take_rows, take_snapshot
from course.hygiene.worker import STARTED, worker_environment

# A suite that is at most so many times quicker or slower than it may be is timed more than once
NEAR, REPEATED = 2, 3


class ReferenceFailsError(CourseError):
    """The reference suite does not pass, so that nothing can be held against it."""


# Seconds; a test of the reference suite is taken to last as long at least, or noise would decide
QUICK = 0.1


@dataclass(frozen=True)
class Case:
    """One suite on trial.

    Attributes:
        subject: The program, with the limits and variables of a run.
        folder: The suite's files.
        tests: Ids of the tests that are believed, in the order of the suite: what fails of them is held against it.
        runnable: Ids of the tests to run, in the order of the suite; `None` for all.
    """

    subject: Subject
    folder: Path
    tests: tuple[str, ...]
    runnable: tuple[str, ...] | None = None

    def request(self, **options: object) -> Request:
        """The suite on the right program, with options of `Request`."""
        subject = self.subject
        options = {"select": self.runnable, **options}
        return Request(Variant(subject), self.folder, subject.seconds, subject.patience, **options)  # type: ignore[arg-type]

    def lost(self, *runs: RunResult) -> dict[str, str]:
        """The believed tests that did not pass, and what was said."""
        failed = {outcome.test: outcome.message for run in runs for outcome in run.failed}
        seen = {outcome.test for run in runs for outcome in run.outcomes}
        unfinished = next((run.detail for run in runs if run.ending is not Ending.FINISHED), "It did not run.")
        return {test: failed.get(test, unfinished) for test in self.tests if test in failed or test not in seen}


@dataclass(frozen=True)
class Trial:
    """What a trial has shown.

    Attributes:
        lost: Believed test to what was said, for those that failed in it.
        litter: What was left behind, as phrases.
        attempts: Who wanted to log in to the production database.
        contained: Whether the suite left its `DATABASE_URL` alone: it has a container of its own.
        images: Of the containers that it started.
        abandoned: How many connections the suite did not close.
        gone: Rows of somebody else that it has changed or deleted, as phrases.
        ratio: How many times as long a test of it takes as one of the reference suite: the median or the slowest tenth,
            whichever is more.
    """

    lost: Mapping[str, str] = field(default_factory=dict)
    litter: tuple[str, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    contained: bool = False
    images: tuple[str, ...] = ()
    abandoned: int = 0
    gone: tuple[str, ...] = ()
    ratio: float = 0.0


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


def beside_the_reference(case: Case, reference: Path, at_most: float) -> Callable[[Slot], Trial]:
    """The suite and the reference suite right after one another, so that what else the machine does slows both.

    A thorough suite may take long: a test of it may not, neither the median nor the slowest tenth. Where the suite is
    about as slow as it may be, it is timed more than once; the median counts.
    """

    def ratio(slot: Slot) -> float:
        mine = _seconds(slot, case.request(), case.tests)
        its = _seconds(slot, replace(case, folder=reference, runnable=None).request())
        if not its:
            raise ReferenceFailsError(f"The reference suite of {case.subject.name} fails.", "Run `course verify`.")
        pairs = zip(figures(mine), figures(its), strict=True) if mine else ()
        return max((one / max(other, QUICK) for one, other in pairs), default=0.0)

    def trial(slot: Slot) -> Trial:
        ratios = [ratio(slot)]
        if at_most / NEAR < ratios[0] < at_most * NEAR:
            ratios += [ratio(slot) for _ in range(REPEATED - 1)]
        return Trial(ratio=median(ratios))

    return trial


def _seconds(slot: Slot, request: Request, tests: Collection[str] | None = None) -> list[float]:
    """How long each test takes that passes, in seconds."""
    with slot.database() as url:
        run = slot.run_in(request, url)
    passed = [each for each in run.outcomes if each.result == "passed"]
    return [each.seconds for each in passed if tests is None or each.test in tests]


def figures(seconds: Sequence[float]) -> tuple[float, float]:
    """The median, and the quickest of the slowest tenth; for fewer than ten tests the median stands for both.

    The slowest of all is left out: it may have made a fixture that many tests share.

    Example:
        >>> figures([2.0, 0.25, 0.25, 0.75]), figures([1.0] * 18 + [5.0, 9.0])
        ((0.5, 0.5), (1.0, 5.0))
    """
    middle = median(seconds)
    slow = sorted(seconds)[-max(2, ceil(len(seconds) / 10)) :] if len(seconds) >= 10 else [middle]  # noqa: PLR2004 - a tenth
    return middle, slow[0]


@contextmanager
def _beside(folder: Path, dotenv: str) -> Iterator[Path]:
    """A copy of a suite with a `.env` file in it, for as long as it is needed."""
    old = folder / ".env"
    text = old.read_text(encoding="utf-8", errors="replace") if old.is_file() and not old.is_symlink() else ""
    with TemporaryDirectory(dir=folder.parent, prefix="beside-") as name:
        Suite({".env": f"{text}\n{dotenv}"}, folder).write(Path(name))
        yield Path(name)
