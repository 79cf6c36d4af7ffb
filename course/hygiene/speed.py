"""How long the tests of a suite take, beside those of the reference suite."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from math import ceil
from pathlib import Path
from statistics import median

from course.engine import Request, Slot
from course.errors import CourseError
from course.hygiene.trial import Case, Trial

# A suite that is at most so many times quicker or slower than it may be is timed more than once
NEAR, REPEATED = 2, 3


class ReferenceFailsError(CourseError):
    """The reference suite does not pass, so that nothing can be held against it."""


# Seconds; a test of the reference suite is taken to last as long at least, or noise would decide
QUICK = 0.1
MANY = 10  # tests, of which one is a tenth


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
    slow = sorted(seconds)[-max(2, ceil(len(seconds) / 10)) :] if len(seconds) >= MANY else [middle]
    return middle, slow[0]
