"""One proof from the first run to the verdict: which tests may be believed, and which bugs they catch."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from course.engine.belief import UNENDED, Belief
from course.engine.glance import caught_in, plan_rounds
from course.engine.patch import Patch
from course.engine.promise import promising_first
from course.engine.reach import interest, reaching, watched_lines
from course.engine.rehearsal import WORTHWHILE_FROM, is_alike
from course.engine.run import Ending, Outcome, Request, Round, RunResult
from course.engine.step import Step
from course.engine.subject import Subject
from course.engine.variant import Trees, Variant
from course.engine.verdict import Catch, Fate, JudgedBug, JudgedTest, Standing, Verdict

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
        self._belief = Belief()
        self._select: frozenset[str] | None = None  # where some tests never end: the others
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
        if disputed := self._belief.take_originals(first, second):
            again = self._run([self._request(self._original, shuffle=order) for order in (None, SEED)], extra=True)
            self._belief.settle(disputed, again)
        self._is_rehearsed = first.stays or second.stays
        on_originals(self._belief.tests(first.collected))
        bugs = self._judge(first)
        return Verdict(
            Standing.PROVED,
            self._belief.tests(first.collected),
            bugs,
            tuple(patch.name for patch in self._correct),
            suite_seconds=min(first.seconds, second.seconds),
            left_out=first.left_out,
            output=first.output,
        )

    # The original

    def _originals(self) -> tuple[RunResult, RunResult]:
        """Both runs on the original; tests that never end, or end the process, are left out and judged as such."""
        left_out: set[str] = set()
        while True:
            requests = [self._original_request(order) for order in (None, SEED)]
            if self._is_rehearsed:  # each is its own
                requests = [replace(request, rehearsal=request) for request in requests]
            first, second = self._run(requests)
            if second.rehearsed and (second.failed or second.ending is not Ending.FINISHED):
                self._is_rehearsed = False  # it is to be known what fails without one
                self._total += 2
                continue
            bad = {run.current: run for run in (second, first) if run.ending in UNENDED and run.current}
            if not bad or len(left_out | bad.keys()) > LEFT_OUT_AT_MOST:
                return first, second
            left_out |= bad.keys()
            for run in bad.values():
                self._belief.blame(run, "original")
            self._select = frozenset(first.collected or second.collected) - left_out
            if not self._select:
                return first, second
            self._total += 2

    def _original_request(self, shuffle: int | None) -> Request:
        watched = interest(self._watched.values())
        return self._request(self._original, interest=watched, select=self._select, shuffle=shuffle)

    def _rehearsal(self) -> Request | None:
        """What runs once in the processes that others are forks of; None where they want no such thing."""
        return self._original_request(None) if self._is_rehearsed else None

    # Right code and bugs

    def _judge(self, first: RunResult) -> tuple[JudgedBug, ...]:
        """Judge tests and bugs; where a rehearsal turns out to change something, once more without one."""
        judge = self._judge_quickly if self._first_catch else self._judge_together
        belief = self._belief.copy()
        bugs = judge(first)
        if bugs is None:
            self._belief, self._is_rehearsed = belief, False
            self._total = self._done + len(self._bugs) + len(self._correct)
            bugs = judge(first)
        assert bugs is not None  # noqa: S101 - without a rehearsal nothing is put down to one
        return bugs

    def _judge_together(self, first: RunResult) -> tuple[JudgedBug, ...] | None:
        """Right code and bugs in one go: catches of tests that turn out to be doubtful are struck afterwards.

        None where a rehearsal has changed something, and nothing is known.
        """
        right, todo = self._right_requests(first), self._bug_requests(first)
        self._total += len(right) - len(self._correct) + len(todo) - len(self._bugs)
        runs = self._run_named(right, todo)
        return self._bug_verdicts(first, runs) if self._stands(first, runs) else None

    def _judge_quickly(self, first: RunResult) -> tuple[JudgedBug, ...] | None:
        """Right code, quick looks, and bugs that allow none, in one go; what is open then gets its own run."""
        right, todo = self._right_requests(first), self._bug_requests(first)
        rounds = plan_rounds(todo, self._watched, first.reach)
        looked_at = {each.variant.id for part in rounds for each in part}
        others = {bug: request for bug, request in todo.items() if bug not in looked_at}
        looks = {f"round {number}": self._rounds_request(part) for number, part in enumerate(rounds)}
        self._total += len(right) - len(self._correct) + len(others) + len(looks) - len(self._bugs)
        runs = self._run_named(right, others | looks)
        if not self._stands(first, runs):
            return None
        found = {bug: runs[bug] for bug in others} | caught_in(runs[look] for look in looks)
        rest = {bug: request for bug, request in self._bug_requests(first).items() if self._is_open(found.get(bug))}
        found |= dict(zip(rest, self._run(list(rest.values()), extra=True), strict=True))
        return self._bug_verdicts(first, found)

    def _run_named(self, right: dict[str, Request], wrong: dict[str, Request]) -> dict[str, RunResult]:
        """Run all by name: what shows whether a rehearsal changes anything first, then what has to be loaded anew.

        Right code is last, so that no bug is tried in a process that is older than those of right code.
        """

        def place(name: str) -> tuple[bool, bool, bool]:
            return name != AGAIN, requests[name].swap or bool(requests[name].rounds), name in right

        requests = wrong | right
        order = sorted(requests, key=place)
        return dict(zip(order, self._run([requests[name] for name in order]), strict=True))

    # Right code

    def _right_requests(self, first: RunResult) -> dict[str, Request]:
        """A run on each correct variant, in a random order of its own: on right code the order must not matter either.

        After a rehearsal also one on the original, to be held against the first.
        """
        requests = {
            patch.id: replace(
                self._correct_request(number), swap=self._may_swap(patch, first), rehearsal=self._rehearsal()
            )
            for number, patch in enumerate(self._correct)
        }
        if rehearsal := self._rehearsal():
            requests[AGAIN] = replace(self._original_request(SEED), rehearsal=rehearsal)
        return requests

    def _correct_request(self, number: int) -> Request:
        variant = Variant(self._subject, self._correct[number])
        return self._request(variant, select=self._belief.runnable(), shuffle=SEED + 1 + number)

    def _stands(self, first: RunResult, runs: dict[str, RunResult]) -> bool:
        """Judge the tests by the runs on right code; False where that shows that a rehearsal has changed something."""
        suspects = [self._belief.suspects(patch, runs[patch.id]) for patch in self._correct]
        any_rehearsed = any(run.rehearsed for run in runs.values())
        if any_rehearsed and not is_alike(first, runs[AGAIN], self._belief.valid(), self._watched.values()):
            return False
        return self._settle_correct(suspects) or not any_rehearsed

    def _settle_correct(self, suspects: Sequence[tuple[Outcome, ...]]) -> bool:
        """Repeat what failed on right code, without a rehearsal; whether all that failed does so again."""
        numbers = [number for number, bad in enumerate(suspects) if bad]
        requests = [
            replace(self._correct_request(number), shuffle=order)
            for number in numbers
            for order in (None, SEED + 1 + number)
        ]
        runs = iter(self._run(requests, extra=True))
        by_chance = [
            self._belief.settle_correct(self._correct[number], suspects[number], next(runs), next(runs))
            for number in numbers
        ]
        return not any(by_chance)

    # The bugs

    def _rounds_request(self, rounds: tuple[Round, ...]) -> Request:
        tests = frozenset(test for each in rounds for test in each.tests)
        return self._request(self._original, rounds=rounds, select=tests, rehearsal=self._rehearsal())

    def _is_open(self, run: RunResult | None) -> bool:
        """Whether nothing is known of a bug: no round caught it, or a test did that is not believed any more."""
        return run is None or (
            bool(run.failed) and not any(self._belief.is_valid(outcome.test) for outcome in run.failed)
        )

    def _bug_requests(self, first: RunResult) -> dict[str, Request]:
        requests, rehearsal = {}, self._rehearsal()
        for bug in self._bugs:
            tests = reaching(self._belief.valid(), self._watched[bug.id], first.reach)
            if tests:
                requests[bug.id] = self._request(
                    Variant(self._subject, bug),
                    select=self._promising_first(bug, tests, first) if self._first_catch else tests,
                    first_failure=self._first_catch,
                    swap=self._may_swap(bug, first),
                    rehearsal=rehearsal,
                )
        # The longest first, so that no slot waits for the last one
        return dict(sorted(requests.items(), key=lambda item: (item[1].swap, -len(item[1].select or ()))))

    def _promising_first(self, bug: Patch, tests: frozenset[str], first: RunResult) -> tuple[str, ...]:
        in_order = [test for test in first.collected if test in tests]
        seconds = {test: self._belief[test].seconds for test in in_order}
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
                return JudgedBug(bug, Fate.NOT_REACHED if self._belief.valid() else Fate.SURVIVED)
            ran = reaching(self._belief.valid(), self._watched[bug.id], first.reach)
            return self._judge_bug(bug, runs[bug.id], ran)

        return tuple(judge(bug) for bug in self._bugs)

    def _judge_bug(self, bug: Patch, run: RunResult, ran: frozenset[str]) -> JudgedBug:
        catches = tuple(
            Catch(outcome.test, outcome.message, outcome.assertion, outcome.phase)
            for outcome in run.failed
            if self._belief.is_valid(outcome.test)
        )
        if catches:
            return JudgedBug(bug, Fate.CAUGHT, catches, ran)
        if run.ending is not Ending.FINISHED:
            return JudgedBug(bug, Fate.INCONCLUSIVE, ran=ran, detail=run.detail)
        return JudgedBug(bug, Fate.SURVIVED, ran=ran)

    # What they share

    def _request(self, variant: Variant, **options: object) -> Request:
        return Request(variant, self._suite, self._subject.seconds, self._subject.patience, **options)  # type: ignore[arg-type]

    def _run(self, requests: list[Request], *, extra: bool = False) -> list[RunResult]:
        self._total += len(requests) if extra else 0

        def tell(number: int, _: RunResult) -> None:
            self._done += 1
            if self._on_step:
                self._on_step(Step(self._done, max(self._total, self._done), requests[number].variant.id))

        return self._run_all(requests, tell) if requests else []

    def _broken(self, run: RunResult) -> Verdict:
        detail = run.detail or "The tests do not collect."
        bugs = tuple(JudgedBug(bug, Fate.INCONCLUSIVE, detail=detail) for bug in self._bugs)
        tests = self._belief.tests(run.collected)
        standing = STANDINGS.get(run.ending, Standing.INCONCLUSIVE)
        return Verdict(standing, tests, bugs, detail=detail, where=run.where, output=run.output)
