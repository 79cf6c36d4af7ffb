"""One proof from the first run to the verdict: which tests may be believed, and which bugs they catch."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from course.engine.glance import caught_in, plan_rounds
from course.engine.patch import Patch
from course.engine.promise import promising_first
from course.engine.reach import interest, reaching, watched_lines
from course.engine.rehearsal import WORTHWHILE_FROM, is_alike
from course.engine.run import Ending, Outcome, Request, Round, RunResult
from course.engine.step import Step
from course.engine.subject import Subject
from course.engine.variant import Trees, Variant
from course.engine.verdict import Catch, Fate, JudgedBug, JudgedTest, Standing, Validity, Verdict

RunAll = Callable[[Sequence[Request], Callable[[int, RunResult], None]], list[RunResult]]
SEED = 20_241
AGAIN = "again"  # names the run on the original after a rehearsal
# A test that ends the process or never ends is left out and the rest is tried again, this often
LEFT_OUT_AT_MOST = 3
STANDINGS = {
    Ending.NOT_COLLECTED: Standing.BROKEN,
    Ending.NO_TESTS: Standing.BROKEN,
    Ending.SERVER_LOST: Standing.GRADER_ERROR,
}
UNENDED = (Ending.TIMED_OUT, Ending.DIED, Ending.TOO_MUCH_OUTPUT, Ending.TOO_MANY_PROCESSES)


class Proof:
    """One suite on one subject.

    Args:
        run_all: Runs requests, several at once, and tells of each that has ended.
        trees: Variants as folders.
        suite: Folder of the suite.
        subject: The program.
        bugs: Bugs to try, in the order of the verdict.
        correct: Correct variants to hold the suite against.
        first_catch: Leave a bug at the first test that catches it.
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
        first_catch: bool = False,
        on_step: Callable[[Step], None] | None = None,
    ) -> None:
        self._run_all = run_all
        self._suite = suite
        self._subject = subject
        self._bugs = bugs
        self._correct = correct
        self._first_catch = first_catch
        self._on_step = on_step
        self._original = Variant(subject)
        self._trees = trees
        program = trees.path(self._original)
        self._watched = {patch.id: watched_lines(patch, program) for patch in (*bugs, *correct)}
        self._done = 0
        self._total = 2 + len(bugs) + len(correct)
        self._judged: dict[str, JudgedTest] = {}
        self._is_rehearsed = len(bugs) >= WORTHWHILE_FROM

    def verdict(self, on_originals: Callable[[tuple[JudgedTest, ...]], None] = lambda _: None) -> Verdict:
        """Run what is needed and judge it.

        Args:
            on_originals: Told what the runs on the original say of each test, before the variants run.
        """
        started = time.monotonic()
        verdict = self._prove(on_originals)
        return replace(verdict, seconds=round(time.monotonic() - started, 4), runs=self._done)

    def _prove(self, on_originals: Callable[[tuple[JudgedTest, ...]], None]) -> Verdict:
        first, second = self._originals()
        for run in (first, second):
            if run.ending is not Ending.FINISHED:
                return self._broken(run)
        self._judge_originals(first, second)
        self._is_rehearsed = first.stays or second.stays
        on_originals(self._tests(first))
        judge = self._judge_quickly if self._first_catch else self._judge_together
        judged, bugs = dict(self._judged), judge(first)
        if bugs is None:
            self._judged, self._is_rehearsed = judged, False
            bugs = judge(first)
            assert bugs is not None  # noqa: S101 - it is None after a rehearsal only
        return Verdict(
            Standing.PROVED,
            self._tests(first),
            bugs,
            tuple(patch.name for patch in self._correct),
            suite_seconds=min(first.seconds, second.seconds),
            output=first.output,
        )

    # The original

    def _originals(self) -> tuple[RunResult, RunResult]:
        """Both runs on the original; tests that never end, or end the process, are left out and judged as such."""
        left_out: set[str] = set()
        rest: frozenset[str] | None = None
        while True:
            requests = [replace(self._original_request(order), select=rest) for order in (None, SEED)]
            first, second = self._run(requests)
            if second.rehearsed and (second.failed or second.ending is not Ending.FINISHED):
                self._is_rehearsed = False  # it is to be known what fails without one
                self._total += 2
                continue
            bad = {run.current for run in (first, second) if run.ending in UNENDED and run.current}
            if not bad or len(left_out | bad) > LEFT_OUT_AT_MOST:
                return first, second
            left_out |= bad
            self._leave_out(first, second, bad)
            rest = frozenset(first.collected or second.collected) - left_out
            if not rest:
                return first, second
            self._total += 2

    def _original_request(self, shuffle: int | None) -> Request:
        watched = interest(self._watched.values())
        return self._request(self._original, interest=watched, shuffle=shuffle, rehearsed=self._is_rehearsed)

    def _leave_out(self, first: RunResult, second: RunResult, bad: Iterable[str]) -> None:
        for test in bad:
            run = first if first.current == test else second
            self._judged[test] = JudgedTest(test, Validity.NEVER_ENDS, "original", run.detail)

    def _judge_originals(self, first: RunResult, second: RunResult) -> None:
        shuffled = {outcome.test: outcome for outcome in second.outcomes}
        disputed = []
        for outcome in first.outcomes:
            other = shuffled.get(outcome.test, outcome)
            if outcome.failed != other.failed:
                disputed.append((outcome, other))
            self._judged[outcome.test] = _judge(outcome, other)
        if disputed:
            self._settle(disputed)

    def _settle(self, disputed: list[tuple[Outcome, Outcome]]) -> None:
        """Failed in one order only: a repetition of both tells whether it is the order or chance."""
        again = self._run([self._request(self._original), self._request(self._original, shuffle=SEED)], extra=True)
        failed = [{outcome.test for outcome in run.failed} for run in again]
        for in_order, shuffled in disputed:
            same = (in_order.test in failed[0]) == in_order.failed and (in_order.test in failed[1]) == shuffled.failed
            bad = in_order if in_order.failed else shuffled
            validity = Validity.ORDER_DEPENDENT if same else Validity.FLAKY
            self._judged[bad.test] = _doubt(bad, validity, "original")

    # The correct variants

    def _right_requests(self, first: RunResult) -> dict[str, Request]:
        """A run on each, each in a random order of its own: on right code the order must not matter either."""
        requests = {
            patch.id: self._correct_request(number, swap=self._may_swap(patch, first), rehearsed=self._is_rehearsed)
            for number, patch in enumerate(self._correct)
        }
        return requests | ({AGAIN: self._original_request(SEED)} if self._is_rehearsed else {})

    def _correct_request(self, number: int, **options: object) -> Request:
        variant = Variant(self._subject, self._correct[number])
        return self._request(variant, **{"select": self._runnable(), "shuffle": SEED + 1 + number, **options})

    def _stands(self, first: RunResult, runs: dict[str, RunResult]) -> bool:
        """Judge the tests by the runs on right code; False where that shows that a rehearsal has changed something."""
        suspects: dict[int, tuple[Outcome, ...]] = {}
        for number, patch in enumerate(self._correct):
            run = runs[patch.id]
            if run.ending in UNENDED and self._is_valid(run.current):
                self._judged[run.current] = JudgedTest(run.current, Validity.NEVER_ENDS, patch.id, run.detail)
            if bad := self._not_held(run):
                suspects[number] = bad
        if AGAIN in runs and not is_alike(first, runs[AGAIN], self._valid(), self._watched.values()):
            return False
        return self._settle_correct(suspects)

    def _not_held(self, run: RunResult) -> tuple[Outcome, ...]:
        """Valid tests that failed in a run on right code, or that an end before its time kept from running."""
        failed = tuple(outcome for outcome in run.failed if self._is_valid(outcome.test))
        if run.ending is Ending.FINISHED:
            return failed
        missing = sorted(self._valid() - {outcome.test for outcome in run.outcomes})
        return failed + tuple(Outcome(test, "failed", "", run.detail, where=run.where) for test in missing)

    def _settle_correct(self, suspects: dict[int, tuple[Outcome, ...]]) -> bool:
        """Failed in a random order: the suite's own order tells whether that is why, a repetition whether by chance.

        Both run without a rehearsal; what fails after one alone says nothing of the test, but of the rehearsal.
        """
        requests = [
            self._correct_request(number, shuffle=order) for number in suspects for order in (None, SEED + 1 + number)
        ]
        runs = iter(self._run(requests, extra=True))
        for number, bad in suspects.items():
            in_order, again = ({outcome.test for outcome in self._not_held(next(runs))} for _ in range(2))
            for outcome in bad:
                if outcome.test in in_order:
                    validity = Validity.FALSE_ALARM
                elif not outcome.phase:  # it did not fail, and was only kept from running by others
                    continue
                elif outcome.test not in again and self._is_rehearsed:
                    return False
                else:
                    validity = Validity.ORDER_DEPENDENT if outcome.test in again else Validity.FLAKY
                self._judged[outcome.test] = _doubt(outcome, validity, self._correct[number].id)
        return True

    # The bugs

    def _judge_together(self, first: RunResult) -> tuple[JudgedBug, ...] | None:
        """Right code and bugs in one go: catches of tests that turn out to be doubtful are struck afterwards.

        None where a rehearsal has changed something, and nothing is known.
        """
        right, todo = self._right_requests(first), self._bug_requests(first)
        self._total += len(right) - len(self._correct) + len(todo) - len(self._bugs)
        runs = self._run_named(right | todo)
        return self._bug_verdicts(first, runs) if self._stands(first, runs) else None

    def _judge_quickly(self, first: RunResult) -> tuple[JudgedBug, ...] | None:
        """Right code, quick looks, and bugs that allow none, in one go; what is open then gets its own run."""
        right, todo = self._right_requests(first), self._bug_requests(first)
        rounds = plan_rounds(todo, self._watched, first.reach)
        looked_at = {each.variant.id for part in rounds for each in part}
        others = {bug: request for bug, request in todo.items() if bug not in looked_at}
        looks = {f"round {number}": self._rounds_request(part) for number, part in enumerate(rounds)}
        self._total += len(right) - len(self._correct) + len(others) + len(looks) - len(self._bugs)
        runs = self._run_named(right | others | looks)
        if not self._stands(first, runs):
            return None
        found = {bug: runs[bug] for bug in others} | caught_in(runs[look] for look in looks)
        rest = {bug: request for bug, request in self._bug_requests(first).items() if self._is_open(found.get(bug))}
        found |= dict(zip(rest, self._run(list(rest.values()), extra=True), strict=True))
        return self._bug_verdicts(first, found)

    def _rounds_request(self, rounds: tuple[Round, ...]) -> Request:
        tests = frozenset(test for each in rounds for test in each.tests)
        return self._request(self._original, rounds=rounds, select=tests, rehearsed=self._is_rehearsed)

    def _is_open(self, run: RunResult | None) -> bool:
        """Whether nothing is known of a bug: no round caught it, or a test did that is not believed any more."""
        return run is None or (bool(run.failed) and not any(self._is_valid(outcome.test) for outcome in run.failed))

    def _bug_requests(self, first: RunResult) -> dict[str, Request]:
        requests = {}
        for bug in self._bugs:
            tests = reaching(self._valid(), self._watched[bug.id], first.reach)
            if tests:
                requests[bug.id] = self._request(
                    Variant(self._subject, bug),
                    select=self._promising_first(bug, tests, first) if self._first_catch else tests,
                    first_failure=self._first_catch,
                    swap=self._may_swap(bug, first),
                    rehearsed=self._is_rehearsed,
                )
        # The longest first, so that no slot waits for the last one
        return dict(sorted(requests.items(), key=lambda item: (item[1].swap, -len(item[1].select or ()))))

    def _promising_first(self, bug: Patch, tests: frozenset[str], first: RunResult) -> tuple[str, ...]:
        in_order = [test for test in first.collected if test in tests]
        seconds = {test: self._judged[test].seconds for test in in_order}
        return promising_first(bug, in_order, seconds, self._watched[bug.id], first.reach)

    def _may_swap(self, patch: Patch, first: RunResult) -> bool:
        """Whether nothing of what is changed has run when the suite was loaded, and all can be changed later."""
        watched, reach = self._watched[patch.id], first.reach
        if reach is None or not reach.complete or not watched.known or reach.loading & watched.lines:
            return False
        return self._trees.swap(Variant(self._subject, patch)) is not None

    def _bug_verdicts(self, first: RunResult, runs: dict[str, RunResult]) -> tuple[JudgedBug, ...]:
        def judge(bug: Patch) -> JudgedBug:
            if bug.id not in runs:
                return JudgedBug(bug, Fate.NOT_REACHED if self._valid() else Fate.SURVIVED)
            ran = reaching(self._valid(), self._watched[bug.id], first.reach)
            return self._judge_bug(bug, runs[bug.id], ran)

        return tuple(judge(bug) for bug in self._bugs)

    def _judge_bug(self, bug: Patch, run: RunResult, ran: frozenset[str]) -> JudgedBug:
        catches = tuple(
            Catch(outcome.test, outcome.message, outcome.assertion, outcome.phase)
            for outcome in run.failed
            if self._is_valid(outcome.test)
        )
        if catches:
            return JudgedBug(bug, Fate.CAUGHT, catches, ran)
        if run.ending is not Ending.FINISHED:
            return JudgedBug(bug, Fate.INCONCLUSIVE, ran=ran, detail=run.detail)
        return JudgedBug(bug, Fate.SURVIVED, ran=ran)

    # What they share

    def _request(self, variant: Variant, **options: object) -> Request:
        return Request(variant, self._suite, self._subject.seconds, self._subject.patience, **options)  # type: ignore[arg-type]

    def _run_named(self, requests: dict[str, Request]) -> dict[str, RunResult]:
        """Run all by name: what needs a process of its own first, right code last, so that nothing runs later.

        Where something matters that only time tells, it would show there.
        """
        right = {self._original.id, *(patch.id for patch in self._correct)}
        alone = {name for name, each in requests.items() if not (each.swap or each.rounds or name == AGAIN)}
        last = {name for name, each in requests.items() if each.variant.id in right and not each.rounds}
        order = sorted(requests, key=lambda name: (name not in alone, name in last))
        return dict(zip(order, self._run([requests[name] for name in order]), strict=True))

    def _run(self, requests: list[Request], *, extra: bool = False) -> list[RunResult]:
        self._total += len(requests) if extra else 0

        def tell(number: int, _: RunResult) -> None:
            self._done += 1
            if self._on_step:
                self._on_step(Step(self._done, max(self._total, self._done), requests[number].variant.id))

        return self._run_all(requests, tell) if requests else []

    def _is_valid(self, test: str) -> bool:
        return test in self._judged and self._judged[test].validity is Validity.VALID

    def _valid(self) -> frozenset[str]:
        return frozenset(test for test in self._judged if self._is_valid(test))

    def _runnable(self) -> frozenset[str]:
        """Tests that end by themselves; doubtful ones run along, since others may lean on them."""
        return frozenset(t for t, judged in self._judged.items() if judged.validity is not Validity.NEVER_ENDS)

    def _tests(self, first: RunResult) -> tuple[JudgedTest, ...]:
        """What is known of each test, in the order of the files."""
        collected = {test: number for number, test in enumerate(first.collected)}
        order = sorted(self._judged, key=lambda test: (collected.get(test, len(collected)), test))
        return tuple(self._judged[test] for test in order)

    def _broken(self, run: RunResult) -> Verdict:
        detail = run.detail or "The tests do not collect."
        bugs = tuple(JudgedBug(bug, Fate.INCONCLUSIVE, detail=detail) for bug in self._bugs)
        tests = tuple(self._judged.values())
        standing = STANDINGS.get(run.ending, Standing.INCONCLUSIVE)
        return Verdict(standing, tests, bugs, detail=detail, where=run.where, output=run.output)


def _judge(in_order: Outcome, shuffled: Outcome) -> JudgedTest:
    if in_order.failed and shuffled.failed:
        return _doubt(in_order, Validity.FALSE_ALARM, "original")
    validity = Validity.SKIPPED if in_order.result == "skipped" else Validity.VALID
    return JudgedTest(in_order.test, validity, message=in_order.message, seconds=in_order.seconds)


def _doubt(outcome: Outcome, validity: Validity, variant: str) -> JudgedTest:
    return JudgedTest(outcome.test, validity, variant, outcome.message, outcome.where, outcome.seconds)
