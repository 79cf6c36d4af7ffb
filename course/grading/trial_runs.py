"""The trials of one submission: begun as soon as it is known which tests there are, judged when all is proved."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future, wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from course.engine import JudgedTest, Slot, Subject, Validity, Verdict
from course.grading.challenge import Challenge
from course.grading.default_port import DefaultPort
from course.grading.prepared import Prepared
from course.grading.runs import Runs
from course.grading.trials import (
    Case,
    Trial,
    beside_production,
    in_order,
    on_one_database,
    on_used_database,
    steadily,
    with_workers,
)

FIRST_SEED = 7


@dataclass(frozen=True)
class Trials:
    """What came of them.

    Attributes:
        twice: On one database, and beside a production database.
        used: On a database that somebody else has used.
        dealt: Dealt out to workers.
        shuffled: In random orders, beside those that the engine has tried.
        orders: In how many random orders the suite was tried in all.
    """

    twice: Trial
    used: Trial
    dealt: Trial
    shuffled: tuple[Trial, ...]
    orders: int


class TrialRuns:
    """Holds the trials of one suite on free slots; leaving waits for those that have begun and drops the others.

    Args:
        challenge: Which trials there are.
        runs: Where they run.
        prepared: Databases that the program has used.
        default: The canary at the usual port.
        subject: The program.
        folder: The suite's files.
    """

    def __init__(
        self,
        challenge: Challenge,
        runs: Runs,
        prepared: Prepared,
        default: DefaultPort,
        *,
        subject: Subject,
        folder: Path,
    ) -> None:
        self._challenge, self._runs, self._prepared, self._default = challenge, runs, prepared, default
        self._subject, self._folder = subject, folder
        # The engine has the suite in a random order on each right program
        self._seen = 1 + len(subject.correct)
        self._futures: list[Future[Trial]] = []

    def begin(self, tests: Iterable[JudgedTest]) -> None:
        """Order all trials; `tests` is what is known of the suite from the original program alone."""
        case = make_case(self._subject, self._folder, tests)
        orders = max(0, int(self._setting("passes_in_any_order", "orders", 5)) - self._seen)
        workers = int(self._setting("passes_under_two_workers", "workers", 2))
        # The longest first, so that no slot waits for the last one
        for trial in (
            _then_beside_production(case, self._prepared, self._default),
            steadily(on_used_database(case, self._prepared)),
            steadily(with_workers(case, workers)),
            *(steadily(in_order(case, FIRST_SEED + number)) for number in range(orders)),
        ):
            self._futures.append(self._runs.do(trial))

    def results(self, verdict: Verdict) -> Trials:
        """Wait for all; what is held against a suite are the tests that are believed in the end."""
        believed = frozenset(make_case(self._subject, self._folder, verdict.tests).tests)
        twice, used, dealt, *shuffled = (_held_against(future.result(), believed) for future in self._futures)
        return Trials(twice, used, dealt, tuple(shuffled), self._seen + len(shuffled))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # Nobody may ever come to tell that a cancelled one has ended: only those that have begun are waited for
        wait([future for future in self._futures if not future.cancel()])

    def _setting(self, name: str, key: str, default: float) -> float:
        rule = self._challenge.rule(name)
        return float(rule.settings.get(key, default)) if rule else 0


def make_case(subject: Subject, folder: Path, tests: Iterable[JudgedTest]) -> Case:
    """The suite as trials take it: only believed tests count, and those that never end do not run."""
    judged = tuple(tests)
    never = {test.test for test in judged if test.validity is Validity.NEVER_ENDS}
    runnable = frozenset(test.test for test in judged if test.test not in never) if never else None
    # A test that fails on another right program only is sound enough to be held to its word on this one
    believed = tuple(
        test.test
        for test in judged
        if test.validity is Validity.VALID or (test.validity is Validity.FALSE_ALARM and test.variant != "original")
    )
    return Case(subject, folder, believed, runnable)


def _then_beside_production(case: Case, prepared: Prepared, default: DefaultPort) -> Callable[[Slot], Trial]:
    """Twice on one database, which tells whether the suite has a container of its own, and then beside the canary."""

    def trial(slot: Slot) -> Trial:
        twice = steadily(on_one_database(case, prepared))(slot)
        beside = beside_production(case, default, contained=twice.contained)(slot)
        return replace(twice, attempts=beside.attempts)

    return trial


def _held_against(trial: Trial, believed: frozenset[str]) -> Trial:
    return replace(trial, lost={test: said for test, said in trial.lost.items() if test in believed})
