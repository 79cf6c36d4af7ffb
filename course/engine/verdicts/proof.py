"""Makes one proof from the first run to the verdict: which tests are valid, and which bugs they catch."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from course.engine.execution.run import Ending, Reach, Request, RunResult
from course.engine.programs.patch import Patch
from course.engine.programs.subject import Subject
from course.engine.programs.variant import Trees, Variant
from course.engine.verdicts.impact import interest, narrow_first, reach_of, reaching, watched_lines
from course.engine.verdicts.validity import UNENDED, Validation
from course.engine.verdicts.verdict import Catch, Fate, JudgedBug, JudgedTest, Standing, Verdict

RunAll = Callable[[Sequence[Request], Callable[[int, RunResult], None]], list[RunResult]]
SEED = 20_241
# A run on a bug ends at its third catch: what a thorough suite costs follows its tests, not tests times bugs
CATCHES = 3
# A test that ends the process or never ends is left out and the rest is tried again, this often
LEFT_OUT_AT_MOST = 3
STANDINGS = {
    Ending.NOT_COLLECTED: Standing.BROKEN,
    Ending.NO_TESTS: Standing.BROKEN,
    Ending.SERVER_LOST: Standing.GRADER_ERROR,
}


@dataclass(frozen=True)
class Step:
    """One run of a proof has ended.

    Attributes:
        done: Runs that have ended.
        total: Runs that are planned so far.
        what: Id of the variant whose run has ended.
    """

    done: int
    total: int
    what: str


class Proof:
    """One suite on one subject.

    Args:
        run_all: Runs requests, several at once, and tells of each that has ended.
        trees: Variants as folders.
        suite: Folder of the suite.
        subject: The program.
        bugs: Bugs to try, in the order of the verdict.
        correct: Correct variants to hold the suite against.
        on_step: Told after each run.
    """

    def __init__(
        self,
        run_all: RunAll,
        trees: Trees,
        suite: Path,
        subject: Subject,
        bugs: tuple[Patch, ...],
        correct: tuple[Patch, ...],
        *,
        on_step: Callable[[Step], None] | None = None,
    ) -> None:
        self._run_all = run_all
        self._suite = suite
        self._subject = subject
        self._bugs = bugs
        self._correct = correct
        self._on_step = on_step
        self._original = Variant(subject)
        program = trees.path(self._original)
        self._watched = {patch.id: watched_lines(patch, program) for patch in bugs}
        self._done = 0
        self._total = 2 + len(bugs) + len(correct)
        self._validation = Validation()

    def verdict(self, on_originals: Callable[[tuple[JudgedTest, ...]], None] = lambda _: None) -> Verdict:
        """Run what is needed and judge it.

        Args:
            on_originals: Told what the runs on the original say of each test, before the variants run.
        """
        started = time.monotonic()
        verdict = self._prove(on_originals)
        return replace(verdict, seconds=round(time.monotonic() - started, 4), runs=self._done)

    def _prove(self, on_originals: Callable[[tuple[JudgedTest, ...]], None]) -> Verdict:
        first, turned = self._run_originals()
        for run in (first, turned):
            if run.ending is not Ending.FINISHED:
                return self._broken(run)
        if disputed := self._validation.take_originals(first, turned):
            again = [self._request(self._original, reverse=reverse) for reverse in (False, True)]
            self._validation.settle(disputed, self._run(again, extra=True))
        on_originals(self._validation.tests(first.collected))
        self._run_correct(first.collected)
        bugs = self._run_bugs(first.collected, reach_of(first.reach, turned.reach))
        return Verdict(
            Standing.PROVED,
            self._validation.tests(first.collected),
            bugs,
            tuple(patch.name for patch in self._correct),
            suite_seconds=min(first.seconds, turned.seconds),
            left_out=first.left_out,
            output=first.output,
        )

    def _run_originals(self) -> tuple[RunResult, RunResult]:
        """Both runs on the original; tests that never end, or end the process, are left out and judged as such."""
        left_out: set[str] = set()
        select: tuple[str, ...] | None = None
        lines = interest(self._watched.values())
        while True:
            orders = [
                self._request(self._original, interest=lines, select=select, reverse=reverse)
                for reverse in (False, True)
            ]
            first, turned = self._run(orders)
            bad = {run.current: run for run in (turned, first) if run.ending in UNENDED and run.current}
            if not bad or len(left_out | bad.keys()) > LEFT_OUT_AT_MOST:
                return first, turned
            left_out |= bad.keys()
            for run in bad.values():
                self._validation.blame(run, "original")
            select = tuple(test for test in first.collected or turned.collected if test not in left_out)
            if not select:
                return first, turned
            self._total += 2

    # Right code

    def _run_correct(self, collected: Sequence[str]) -> None:
        """Judge the tests on each correct variant, each in a random order, which must not matter on right code."""
        runnable = self._validation.runnable(collected)
        requests = [
            self._request(Variant(self._subject, patch), select=runnable, shuffle=SEED + number)
            for number, patch in enumerate(self._correct)
        ]
        suspects = [
            self._validation.suspects(patch, run) for patch, run in zip(self._correct, self._run(requests), strict=True)
        ]
        runnable = self._validation.runnable(collected)
        numbers = [number for number, bad in enumerate(suspects) if bad]
        again = [
            replace(requests[number], select=runnable, shuffle=shuffle)
            for number in numbers
            for shuffle in (None, SEED + number)
        ]
        runs = iter(self._run(again, extra=True))
        for number in numbers:
            self._validation.settle_correct(self._correct[number], suspects[number], next(runs), next(runs))

    # The bugs

    def _run_bugs(self, collected: Sequence[str], reach: Reach) -> tuple[JudgedBug, ...]:
        valid = self._validation.valid()
        reaches = {bug.id: reaching(valid, self._watched[bug.id], reach) for bug in self._bugs}
        in_order = narrow_first(collected, reach)
        requests = [
            self._request(
                Variant(self._subject, bug),
                select=tuple(test for test in in_order if test in reaches[bug.id]),
                enough=CATCHES,
            )
            for bug in sorted(self._bugs, key=lambda bug: len(reaches[bug.id]), reverse=True)
            if reaches[bug.id]
        ]
        self._total += len(requests) - len(self._bugs)
        runs = dict(zip((each.variant.id for each in requests), self._run(requests), strict=True))
        unreached = Fate.NOT_REACHED if valid else Fate.SURVIVED
        return tuple(
            _judge(bug, runs[bug.id], valid) if bug.id in runs else JudgedBug(bug, unreached) for bug in self._bugs
        )

    # What they share

    def _request(self, variant: Variant, **options: Any) -> Request:
        return Request(variant, self._suite, self._subject.seconds, self._subject.patience, **options)

    def _run(self, requests: list[Request], *, extra: bool = False) -> list[RunResult]:
        self._total += len(requests) if extra else 0

        def tell(number: int, _: RunResult) -> None:
            self._done += 1
            if self._on_step:
                self._on_step(Step(self._done, max(self._total, self._done), requests[number].variant.id))

        return self._run_all(requests, tell) if requests else []

    def _broken(self, run: RunResult) -> Verdict:
        detail = run.detail or "The tests do not collect."
        bugs = tuple(JudgedBug(bug, Fate.INCONCLUSIVE, detail=detail) for bug in self._bugs)
        tests = self._validation.tests(run.collected)
        standing = STANDINGS.get(run.ending, Standing.INCONCLUSIVE)
        return Verdict(standing, tests, bugs, detail=detail, where=run.where, output=run.output)


def _judge(bug: Patch, run: RunResult, valid: frozenset[str]) -> JudgedBug:
    catches = tuple(
        Catch(outcome.test, outcome.message, outcome.assertion, outcome.phase)
        for outcome in run.failed
        if outcome.test in valid
    )
    ran = valid & {outcome.test for outcome in run.outcomes}
    if catches:
        others = len(catches) >= CATCHES and len(ran) < len(run.collected)
        return JudgedBug(bug, Fate.CAUGHT, catches, ran, others=others)
    if run.ending is not Ending.FINISHED:
        return JudgedBug(bug, Fate.INCONCLUSIVE, ran=ran, detail=run.detail)
    return JudgedBug(bug, Fate.SURVIVED, ran=ran)
