"""What is asked of one run, and what came of it: plain data, in and out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from course.engine.variant import Variant


class Ending(StrEnum):
    """How a run ended. Only `FINISHED` says anything about every test."""

    FINISHED = "finished"
    NO_TESTS = "no tests"
    NOT_COLLECTED = "not collected"
    TIMED_OUT = "timed out"
    DIED = "died"
    TOO_MUCH_OUTPUT = "too much output"
    TOO_MANY_PROCESSES = "too many processes"
    SERVER_LOST = "server lost"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Round:
    """A quick look at one bug, see `course.engine.rounds`.

    Attributes:
        variant: The bug's.
        tests: Ids of the tests to try, in this order.
    """

    variant: Variant
    tests: tuple[str, ...]


@dataclass(frozen=True)
class Request:
    """One suite against one variant.

    Attributes:
        variant: The program.
        suite: Folder of the suite; copied for the run.
        seconds: Deadline of the whole run, in seconds.
        patience: How long one test may take, in seconds; `None` where only the deadline of the run counts.
        select: Ids of the tests to run; `None` for all. A tuple has them run in its order, a set in that of the files.
        shuffle: Seed of a random order; `None` keeps the order of the files.
        first_failure: End after the first test that fails.
        swap: Where the suite is loaded with the original, the variant may be made of that by giving functions other
            code: nothing of what differs has run on import.
        rehearsal: What may have run once in the process that this run is a fork of, and runs there where the suite is
            loaded for this run; on the original.
        rounds: What to try instead of the suite; all bugs may be swapped. Where that cannot be, nothing is tried.
        seed: What chance is drawn from, as `COURSE_RUN_SEED`; a run with another one needs no loading again.
        interest: File of the program to its lines to watch; what each test reached of them is reported.
        environment: Variables beside the subject's own.
    """

    variant: Variant
    suite: Path
    seconds: float
    patience: float | None = None
    select: frozenset[str] | tuple[str, ...] | None = None
    shuffle: int | None = None
    first_failure: bool = False
    swap: bool = False
    rehearsal: Request | None = None
    rounds: tuple[Round, ...] = ()
    seed: str = ""
    interest: Mapping[str, frozenset[int]] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """How one test went in one run.

    Attributes:
        test: Its id, `test_users.py::test_a_user_is_created[admin]`.
        result: `passed`, `failed` or `skipped` (an expected failure counts as skipped).
        phase: `setup`, `call` or `teardown`: where it failed.
        message: First lines of the exception, at most 600 characters.
        assertion: The failure is an assertion's, not an accident's.
        seconds: Duration of all phases, in seconds.
        where: `test_users.py:12`, the line of the suite that failed.
    """

    test: str
    result: str
    phase: str = "call"
    message: str = ""
    assertion: bool = False
    seconds: float = 0.0
    where: str = ""

    @property
    def failed(self) -> bool:
        return self.result == "failed"


@dataclass(frozen=True)
class Reach:
    """Which watched lines each test reached.

    Attributes:
        shared: Lines reached while importing or in a fixture that tests share: every test stands on them.
        loading: Those of them reached while the suite was loaded, or later a module of the program.
        tests: Test id to lines.
        complete: False where a test started a process of its own, which cannot be watched.
    """

    shared: frozenset[tuple[str, int]] = frozenset()
    loading: frozenset[tuple[str, int]] = frozenset()
    tests: Mapping[str, frozenset[tuple[str, int]]] = field(default_factory=dict)
    complete: bool = False


@dataclass(frozen=True)
class RunResult:
    """All that is known after a run.

    Attributes:
        ending: How it ended.
        outcomes: One for each test that was reported.
        detail: One sentence on an ending other than `FINISHED`.
        where: `test_users.py:3` for a file that does not collect.
        collected: Ids of the tests that were to run, in order.
        current: The test that was running when the process ended, if that test is to blame.
        reach: What was watched; `None` without an interest.
        seconds: Wall time, in seconds.
        output: The last of what the process printed, at most 4,000 characters.
        caught: Id of a variant to the outcome that caught it, for those that were caught in a round.
        rehearsed: The suite had run once in the process that this run was a fork of.
        stays: This run was a rehearsal: others are forks of its process.
        left_out: What was left out, since the packages for it are not here, in sentences; empty where there is nothing.
    """

    ending: Ending
    outcomes: tuple[Outcome, ...] = ()
    detail: str = ""
    where: str = ""
    collected: tuple[str, ...] = ()
    current: str = ""
    reach: Reach | None = None
    seconds: float = 0.0
    output: str = ""
    caught: Mapping[str, Outcome] = field(default_factory=dict)
    rehearsed: bool = False
    stays: bool = False
    left_out: str = ""

    def ids(self, result: str) -> frozenset[str]:
        """Ids of the tests with that result."""
        return frozenset(outcome.test for outcome in self.outcomes if outcome.result == result)

    @property
    def failed(self) -> tuple[Outcome, ...]:
        return tuple(outcome for outcome in self.outcomes if outcome.failed)
