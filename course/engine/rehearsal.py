"""Whether a suite still does what it did, once it has run in the same process.

Runs in which everything is slow for the first time are most of what a matrix costs. After a rehearsal they are quicker;
but what a suite keeps in its process may hide a bug, or make up one. So a proof that has had one holds a run on the
original, and the correct variants, against what ran without. Where they differ, all is run again without a rehearsal.
"""

from __future__ import annotations

from collections.abc import Collection

from course.engine.reach import Watched, reaching
from course.engine.run import Ending, RunResult

# From so many bugs on a rehearsal is worth the run that shows that it changes nothing
WORTHWHILE_FROM = 15


def is_alike(first: RunResult, again: RunResult, tests: frozenset[str], watched: Collection[Watched]) -> bool:
    """Compare a run on the original after a rehearsal with one without.

    Args:
        first: The run without.
        again: The run after.
        tests: Ids of the tests that are believed.
        watched: What each change stands on.

    Returns:
        Whether all passed, and reached whatever they had reached of each change.
    """
    if not again.rehearsed or again.ending is not Ending.FINISHED or again.reach is None or first.reach is None:
        return False
    if again.reach.complete != first.reach.complete or any(outcome.test in tests for outcome in again.failed):
        return False
    return all(reaching(tests, each, first.reach) <= reaching(tests, each, again.reach) for each in watched)
