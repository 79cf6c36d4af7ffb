"""The trials of one suite: begun as soon as it is known which tests there are, judged when all is proved."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, as_completed, wait
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from course.engine import JudgedTest, Slot, Subject, Validity, Verdict
from course.hygiene.default_port import DefaultPort
from course.hygiene.prepared import Prepared
from course.hygiene.rule import Rule
from course.hygiene.runs import Runs
from course.hygiene.speed import beside_the_reference
from course.hygiene.trial import Case, Trial
from course.hygiene.trials import (
    beside_production,
    in_a_container,
    in_order,
    on_one_database,
    on_used_database,
    steadily,
    with_workers,
)

FIRST_SEED = 7
RATIO_AT_MOST = 10.0
# What the suite's two runs on one database tell of
TWICE = (
    "cleans_its_database", "leaves_nothing_behind", "leaves_no_connection", "leaves_production_alone",
    "depends_on_no_seed",
)  # fmt: skip


@dataclass(frozen=True)
class Trials:
    """What came of them; a trial that no rule asks for has lost nothing.

    Attributes:
        twice: On one database, and beside a production database.
        used: On a database that somebody else has used.
        dealt: Dealt out to workers.
        shuffled: In random orders, beside those that the engine has tried.
        orders: In how many random orders the suite was tried in all.
        timed: Beside the reference suite.
        boxed: Where it is watched which containers it starts.
    """

    twice: Trial = field(default_factory=Trial)
    used: Trial = field(default_factory=Trial)
    dealt: Trial = field(default_factory=Trial)
    shuffled: tuple[Trial, ...] = ()
    orders: int = 0
    timed: Trial = field(default_factory=Trial)
    boxed: Trial = field(default_factory=Trial)


class TrialRuns:
    """Holds the trials of one suite on free slots; leaving waits for those that have begun and drops the others.

    Args:
        rules: Which proofs to make.
        runs: Executes the runs.
        prepared: Databases that the program has used.
        default: The canary at the usual port.
        subject: The program.
        folder: The suite's files.
        reference: The files of the reference suite.
        seen: In how many random orders the engine has the suite: one on each correct variant.
    """

    def __init__(
        self,
        rules: Sequence[Rule],
        runs: Runs,
        prepared: Prepared,
        default: DefaultPort | None,
        *,
        subject: Subject,
        folder: Path,
        reference: Path,
        seen: int,
    ) -> None:
        self._rules = {rule.name: rule for rule in rules}
        self._runs, self._prepared, self._default = runs, prepared, default
        self._subject, self._folder, self._reference = subject, folder, reference
        self._seen = seen
        self._futures: dict[str, list[Future[Trial]]] = {}

    @property
    def count(self) -> int:
        """How many trials there are."""
        return sum(len(trials) for trials in self._trials(Case(self._subject, self._folder, ())).values())

    def begin(self, tests: Iterable[JudgedTest]) -> None:
        """Order all trials; `tests` is what is known of the suite from the original program alone."""
        case = make_case(self._subject, self._folder, tests)
        for name, trials in self._trials(case).items():
            self._futures[name] = [self._runs.do(trial) for trial in trials]

    def results(self, verdict: Verdict, on_done: Callable[[], None] = lambda: None) -> Trials:
        """Wait for all; what is held against a suite are the tests that are believed in the end.

        Args:
            verdict: What the engine has proved.
            on_done: Called after each trial.
        """
        for _ in as_completed(self._every()):
            on_done()
        believed = frozenset(make_case(self._subject, self._folder, verdict.tests).tests)
        held = {
            name: tuple(_held_against(future.result(), believed) for future in futures)
            for name, futures in self._futures.items()
        }
        shuffled = held.pop("shuffled", ())
        single = {name: trials[0] for name, trials in held.items() if trials}
        return Trials(**single, shuffled=shuffled, orders=self._seen + len(shuffled))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is KeyboardInterrupt:
            self._runs.prover.stop()
        # Nobody may ever come to tell that a cancelled one has ended: only those that have begun are waited for
        wait([future for future in self._every() if not future.cancel()])

    def _every(self) -> list[Future[Trial]]:
        return [future for futures in self._futures.values() for future in futures]

    def _trials(self, case: Case) -> dict[str, list[Callable[[Slot], Trial]]]:
        """The trials that the rules ask for; the longest first, so that no slot waits for the last one."""
        trials: dict[str, list[Callable[[Slot], Trial]]] = {}
        if self._rules.keys() & set(TWICE):
            trials["twice"] = [self._twice(case)]
        if "depends_on_no_seed" in self._rules:
            trials["used"] = [steadily(on_used_database(case, self._prepared))]
        if "passes_under_two_workers" in self._rules:
            workers = int(self._setting("passes_under_two_workers", "workers", 2))
            trials["dealt"] = [steadily(with_workers(case, workers))]
        if "is_fast" in self._rules:
            at_most = self._setting("is_fast", "ratio_at_most", RATIO_AT_MOST)
            trials["timed"] = [beside_the_reference(case, self._reference, at_most)]
        if "starts_its_own_container" in self._rules:
            trials["boxed"] = [in_a_container(case)]
        if "passes_in_any_order" in self._rules:
            more = max(0, int(self._setting("passes_in_any_order", "orders", 5)) - self._seen)
            trials["shuffled"] = [steadily(in_order(case, FIRST_SEED + number)) for number in range(more)]
        return trials

    def _twice(self, case: Case) -> Callable[[Slot], Trial]:
        """Twice on one database, which tells whether the suite has a container of its own, and beside the canary."""

        def trial(slot: Slot) -> Trial:
            twice = steadily(on_one_database(case, self._prepared))(slot)
            if self._default is None:
                return twice
            beside = beside_production(case, self._default, contained=twice.contained)(slot)
            return replace(twice, attempts=beside.attempts)

        return trial

    def _setting(self, name: str, key: str, default: float) -> float:
        return float(self._rules[name].settings.get(key, default))


def make_case(subject: Subject, folder: Path, tests: Iterable[JudgedTest]) -> Case:
    """The suite as trials take it: only believed tests count, and those that never end do not run."""
    judged = tuple(tests)
    never = {test.test for test in judged if test.validity is Validity.NEVER_ENDS}
    runnable = tuple(test.test for test in judged if test.test not in never) if never else None
    # A test that fails on another right program only is sound enough to be held to its word on this one
    believed = tuple(
        test.test
        for test in judged
        if test.validity is Validity.VALID or (test.validity is Validity.FALSE_ALARM and test.variant != "original")
    )
    return Case(subject, folder, believed, runnable)


def _held_against(trial: Trial, believed: frozenset[str]) -> Trial:
    return replace(trial, lost={test: said for test, said in trial.lost.items() if test in believed})
