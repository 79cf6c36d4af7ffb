"""Plans quick looks: which bugs one process can try, one after another, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from course.engine.reach import Watched
from course.engine.run import Ending, Reach, Request, Round, RunResult

# How many bugs one process takes a look at, and how many tests each may have
BUGS, TESTS = 10, 16


def plan_rounds(
    requests: Mapping[str, Request], watched: Mapping[str, Watched], reach: Reach | None
) -> list[tuple[Round, ...]]:
    """Deal out the bugs that may be swapped in and out while a suite's shared fixtures stand.

    Args:
        requests: Bug to the run that it would have, the most promising tests first.
        watched: Bug to what it stands on.
        reach: What each test reaches; a bug that a shared fixture reaches has done its work before the first round.

    Returns:
        The rounds of each process.
    """
    shared = reach.shared if reach else frozenset()
    rounds = [
        Round(request.variant, tuple(request.select or ())[:TESTS])
        for bug, request in requests.items()
        if request.swap and not shared & watched[bug].lines
    ]
    # Bugs that take long stand beside each other: each process gets as many of them
    processes = -(-len(rounds) // BUGS)
    return [tuple(rounds[start::processes]) for start in range(processes)]


def caught_in(runs: Iterable[RunResult]) -> dict[str, RunResult]:
    """Bug to a run in which it was caught, for those that were caught in a round."""
    return {bug: RunResult(Ending.FINISHED, (outcome,)) for run in runs for bug, outcome in run.caught.items()}
