"""The request for one run and its result, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from course.engine.programs.variant import Variant


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
class Request:
    """One suite against one variant.

    Attributes:
        variant: The program.
        suite: Folder of the suite; copied for the run.
        seconds: Deadline of the whole run, in seconds.
        patience: How long one test may take, in seconds; `None` where only the deadline of the run counts.
        select: Ids of the tests to run, in this order; `None` for all, in the order of the files.
        reverse: Turn that order round.
        shuffle: Seed of a random order instead.
        enough: End once so many tests have failed; `None` for never.
        seed: Seeds `random`, as `COURSE_RUN_SEED`.
        interest: File of the program to its lines to watch; what each test reached of them is reported.
        environment: Variables beside the subject's own.
    """

    variant: Variant
    suite: Path
    seconds: float
    patience: float | None = None
    select: tuple[str, ...] | None = None
    reverse: bool = False
    shuffle: int | None = None
    enough: int | None = None
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
        shared: Lines reached while the suite is loaded or in a fixture that tests share: every test stands on them.
        tests: Test id to lines.
        complete: False where something ran that cannot be measured, such as a process that a test started.
    """

    shared: frozenset[tuple[str, int]] = frozenset()
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
        reach: Which of the lines of interest each test reached.
        seconds: Wall time, in seconds.
        output: The last of what the process printed, at most 4,000 characters.
        left_out: What was left out for lack of packages, in sentences.
    """

    ending: Ending
    outcomes: tuple[Outcome, ...] = ()
    detail: str = ""
    where: str = ""
    collected: tuple[str, ...] = ()
    current: str = ""
    reach: Reach = field(default_factory=Reach)
    seconds: float = 0.0
    output: str = ""
    left_out: str = ""

    @property
    def failed(self) -> tuple[Outcome, ...]:
        return tuple(outcome for outcome in self.outcomes if outcome.failed)
