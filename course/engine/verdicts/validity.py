"""Judges from runs on right code which tests of a suite are valid."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from course.engine.execution.run import Ending, Outcome, RunResult
from course.engine.programs.patch import Patch
from course.engine.verdicts.verdict import JudgedTest, Validity

# From what is good to what is worst: a test keeps the worst that was seen of it. One that refuses right code and leans
# on another, too, is told the latter, which also costs it a proof of hygiene.
WORSE = (Validity.VALID, Validity.SKIPPED, Validity.FLAKY, Validity.FALSE_ALARM, Validity.ORDER_DEPENDENT,
         Validity.NEVER_ENDS)  # fmt: skip
UNENDED = (Ending.TIMED_OUT, Ending.DIED, Ending.TOO_MUCH_OUTPUT, Ending.TOO_MANY_PROCESSES)
Disputed = tuple[Outcome, Outcome]


class Validation:
    """Judges tests; a judgement may become worse, never better."""

    def __init__(self) -> None:
        self._judged: dict[str, JudgedTest] = {}

    def valid(self) -> frozenset[str]:
        """Ids of the tests that are believed."""
        return frozenset(test for test in self._judged if self.is_valid(test))

    def is_valid(self, test: str) -> bool:
        return test in self._judged and self._judged[test].validity is Validity.VALID

    def runnable(self, collected: Sequence[str]) -> tuple[str, ...]:
        """The collected tests that end by themselves; doubtful ones run, too, since others may depend on them."""
        return tuple(t for t in collected if t in self._judged and self._judged[t].validity is not Validity.NEVER_ENDS)

    def tests(self, collected: Sequence[str]) -> tuple[JudgedTest, ...]:
        """What is known of each test, in the order in which they were collected."""
        place = {test: number for number, test in enumerate(collected)}
        order = sorted(self._judged, key=lambda test: (place.get(test, len(place)), test))
        return tuple(self._judged[test] for test in order)

    def blame(self, run: RunResult, variant: str) -> None:
        """Note that the current test of a run never ended, or ended its process."""
        self._judged[run.current] = JudgedTest(run.current, Validity.NEVER_ENDS, variant, run.detail)

    def doubt(self, outcome: Outcome, validity: Validity, variant: str) -> None:
        """Note what is wrong with a test, and on which variant that was seen: the worst stays, of equals the first."""
        known = self._judged.get(outcome.test)
        if known is None or WORSE.index(validity) > WORSE.index(known.validity):
            self._judged[outcome.test] = _doubt(outcome, validity, variant)

    def take_originals(self, first: RunResult, second: RunResult) -> list[Disputed]:
        """Judge by two runs on the original, in opposite orders; the tests that failed in one of them only."""
        turned = {outcome.test: outcome for outcome in second.outcomes}
        disputed = []
        for outcome in first.outcomes:
            other = turned.get(outcome.test, outcome)
            if outcome.failed != other.failed:
                disputed.append((outcome, other))
            self._judged[outcome.test] = _judge(outcome, other)
        return disputed

    def settle(self, disputed: Iterable[Disputed], again: Sequence[RunResult]) -> None:
        """Failed in one order only: a repetition of both tells whether it is the order or chance."""
        failed = [{outcome.test for outcome in run.failed} for run in again]
        for in_order, turned in disputed:
            same = (in_order.test in failed[0]) == in_order.failed and (in_order.test in failed[1]) == turned.failed
            bad = in_order if in_order.failed else turned
            self.doubt(bad, Validity.ORDER_DEPENDENT if same else Validity.FLAKY, "original")

    def suspects(self, patch: Patch, run: RunResult) -> tuple[Outcome, ...]:
        """Valid tests that failed in a run on a correct variant, or that an end before its time kept from running."""
        if run.ending in UNENDED and self.is_valid(run.current):
            self.blame(run, patch.id)
        failed = tuple(outcome for outcome in run.failed if self.is_valid(outcome.test))
        if run.ending is Ending.FINISHED:
            return failed
        missing = sorted(self.valid() - {outcome.test for outcome in run.outcomes})
        return failed + tuple(Outcome(test, "failed", "", run.detail, where=run.where) for test in missing)

    def settle_correct(
        self, patch: Patch, suspects: Iterable[Outcome], in_order: RunResult, shuffled: RunResult
    ) -> None:
        """Failed in a random order: the suite's own order tells whether that is why, a repetition whether by chance."""
        for outcome in suspects:
            if _fails(outcome.test, in_order):
                self.doubt(outcome, Validity.FALSE_ALARM, patch.id)
            elif not outcome.phase:  # it did not fail, and was only kept from running by others
                continue
            elif _fails(outcome.test, shuffled):
                self.doubt(outcome, Validity.ORDER_DEPENDENT, patch.id)
            else:
                self.doubt(outcome, Validity.FLAKY, patch.id)


def _fails(test: str, run: RunResult) -> bool:
    """Whether a test fails in a run, or is kept from running by an end before its time, whatever is known of it."""
    result = {outcome.test: outcome.result for outcome in run.outcomes}.get(test)
    return result == "failed" or (result is None and run.ending is not Ending.FINISHED)


def _judge(in_order: Outcome, turned: Outcome) -> JudgedTest:
    if in_order.failed and turned.failed:
        return _doubt(in_order, Validity.FALSE_ALARM, "original")
    validity = Validity.SKIPPED if in_order.result == "skipped" else Validity.VALID
    return JudgedTest(in_order.test, validity, message=in_order.message, seconds=in_order.seconds)


def _doubt(outcome: Outcome, validity: Validity, variant: str) -> JudgedTest:
    return JudgedTest(outcome.test, validity, variant, outcome.message, outcome.where, outcome.seconds)
