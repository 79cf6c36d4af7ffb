"""What the runs of a suite prove: per test, per bug, and for the suite as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from course.engine.programs.patch import Patch


class Standing(StrEnum):
    """The state of a suite."""

    PROVED = "PROVED"
    BROKEN = "BROKEN"
    INCONCLUSIVE = "INCONCLUSIVE"
    GRADER_ERROR = "GRADER_ERROR"


class Fate(StrEnum):
    """What became of a bug. Only `CAUGHT` counts for the suite, and only `SURVIVED` and `NOT_REACHED` against it."""

    CAUGHT = "CAUGHT"
    SURVIVED = "SURVIVED"
    NOT_REACHED = "NOT_REACHED"
    INCONCLUSIVE = "INCONCLUSIVE"


class Validity(StrEnum):
    """Whether a test may be believed: only a `VALID` one counts on bugs."""

    VALID = "valid"
    FALSE_ALARM = "false alarm"
    FLAKY = "flaky"
    ORDER_DEPENDENT = "order-dependent"
    SKIPPED = "skipped"
    NEVER_ENDS = "never ends"


@dataclass(frozen=True)
class JudgedTest:
    """One test of the suite.

    Attributes:
        test: Its id.
        validity: Whether it may be believed.
        variant: For a false alarm, the right program that it failed on: `original` or `correct/…`.
        message: What it said there.
        where: The line of the suite that failed there.
        seconds: Time on the original, in seconds.
    """

    test: str
    validity: Validity
    variant: str = ""
    message: str = ""
    where: str = ""
    seconds: float = 0.0

    @property
    def name(self) -> str:
        """The id without its file."""
        return self.test.rpartition("::")[2]


@dataclass(frozen=True)
class Catch:
    """A valid test that failed on a bug.

    Attributes:
        test: Its id.
        message: What it said.
        assertion: An assertion failed, rather than an accident happened.
        phase: `setup`, `call` or `teardown`.
    """

    test: str
    message: str
    assertion: bool
    phase: str

    @property
    def name(self) -> str:
        """The id without its file."""
        return self.test.rpartition("::")[2]


@dataclass(frozen=True)
class JudgedBug:
    """One bug, and what became of it.

    Attributes:
        bug: The patch.
        fate: What became of it.
        catches: The first valid tests that failed on it.
        ran: Ids of the valid tests that ran on it.
        detail: For an inconclusive one, what happened.
        others: There are tests that did not run on it, since it was caught before.
    """

    bug: Patch
    fate: Fate
    catches: tuple[Catch, ...] = ()
    ran: frozenset[str] = frozenset()
    detail: str = ""
    others: bool = False


@dataclass(frozen=True)
class Verdict:
    """All that is proved of one suite on one subject.

    Attributes:
        standing: `PROVED` where the bugs were tried.
        tests: In the order of the files.
        bugs: In the order they were asked for.
        correct: Names of the correct variants that were run.
        detail: For a broken suite, what is wrong.
        where: For a suite that does not collect, `file:line`.
        seconds: Wall time of everything, in seconds.
        suite_seconds: Time of the suite on the original, in seconds.
        runs: Number of runs.
        left_out: Files and options that do not count for lack of packages, in sentences.
    """

    standing: Standing
    tests: tuple[JudgedTest, ...] = ()
    bugs: tuple[JudgedBug, ...] = ()
    correct: tuple[str, ...] = ()
    detail: str = ""
    where: str = ""
    seconds: float = 0.0
    suite_seconds: float = 0.0
    runs: int = 0
    left_out: str = ""
    output: str = field(default="", compare=False)

    @property
    def is_proved(self) -> bool:
        """Whether the bugs were tried."""
        return self.standing is Standing.PROVED

    @property
    def valid(self) -> frozenset[str]:
        """Ids of the tests that count."""
        return frozenset(test.test for test in self.tests if test.validity is Validity.VALID)

    @property
    def doubtful(self) -> tuple[JudgedTest, ...]:
        """Tests that cannot be believed; skipped ones are only skipped."""
        return tuple(t for t in self.tests if t.validity not in (Validity.VALID, Validity.SKIPPED))

    @property
    def alive(self) -> tuple[JudgedBug, ...]:
        return tuple(bug for bug in self.bugs if bug.fate is not Fate.CAUGHT)

    @property
    def solved(self) -> bool:
        """Every test holds on right code, and every bug is caught."""
        return self.standing is Standing.PROVED and bool(self.valid) and not self.doubtful and not self.alive

    def fates(self) -> Mapping[str, Fate]:
        """Bug id to its fate."""
        return {judged.bug.id: judged.fate for judged in self.bugs}
