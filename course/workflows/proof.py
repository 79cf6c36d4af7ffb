"""Proves a workflow on commits: green on a good one and on what is right as well, red on each bad one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from course.engine import Catch, Fate, JudgedBug, JudgedTest, Patch, Standing, Step, Subject, Validity, Variant, Verdict
from course.hygiene import Proof
from course.workflows.definition import Workflow
from course.workflows.events import Event
from course.workflows.rehearsal import rehearse
from course.workflows.results import RehearsalResult, StepResult

AT_ONCE = 2
LINES = 12  # of a failed step's output
RED = frozenset({"failure", "cancelled"})
ENDED = "on it a step runs until it is ended: GitHub would wait for hours"


@dataclass(frozen=True)
class Proved:
    """What the rehearsals of a workflow have shown.

    Attributes:
        verdict: Its one test is the workflow; what has caught a bug is a step of it.
        good: The rehearsal on the good commit.
        fails_fast: Whether a commit that breaks a unit is red before a service starts.
    """

    verdict: Verdict
    good: RehearsalResult
    fails_fast: Proof


def prove_workflow(
    workflow: Workflow,
    subject: Subject,
    tree: Callable[[Variant], Path],
    *,
    bugs: Sequence[Patch],
    correct: Sequence[Patch],
    on_step: Callable[[Step], None] = lambda _: None,
) -> Proved:
    """Rehearse a workflow on pull requests: the good commit, correct variants and bad commits, two at a time.

    Args:
        workflow: From `read_workflow`.
        subject: The project; its `seconds` are the deadline of a rehearsal.
        tree: Gives the folder of a variant.
        bugs: Bad commits, on which it must be red.
        correct: Good commits, on which it must not.
        on_step: Told after each rehearsal.

    Raises:
        CourseError: A step would change this machine, or an expression cannot be evaluated.
    """
    began = time.monotonic()
    patches = [None, *correct, *bugs]
    results = _rehearse_all(workflow, [Variant(subject, patch) for patch in patches], tree, on_step, subject.seconds)
    good, *others = results
    judged = tuple(_bug(bug, result, good) for bug, result in zip(bugs, others[len(correct) :], strict=True))
    test = next((t for t in map(_right, ("original", *(p.id for p in correct)), results) if t), None)
    valid = JudgedTest("workflow", Validity.VALID if good.started else Validity.SKIPPED)
    verdict = Verdict(
        Standing.PROVED,
        tests=(test or valid,),
        bugs=judged,
        correct=tuple(patch.id for patch in correct),
        seconds=time.monotonic() - began,
        runs=len(results),
    )
    return Proved(verdict, good, _fails_fast(bugs, others[len(correct) :]))


def _rehearse_all(
    workflow: Workflow,
    variants: Sequence[Variant],
    tree: Callable[[Variant], Path],
    on_step: Callable[[Step], None],
    seconds: float,
) -> list[RehearsalResult]:
    stop = threading.Event()
    with ThreadPoolExecutor(AT_ONCE, "rehearsal") as pool:
        futures = {}
        for variant in variants:
            folder = tree(variant)
            futures[pool.submit(rehearse, workflow, folder, pull_request(variant, folder), seconds, stop)] = variant
        try:
            for done, future in enumerate(as_completed(futures), start=1):
                future.result()
                on_step(Step(done, len(futures), futures[future].id))
        except BaseException:
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise
    return [future.result() for future in futures]


def pull_request(variant: Variant, folder: Path) -> Event:
    """A pull request for main that changes what the patch changes; the good commit changes every file."""
    if variant.patch:
        return Event(paths=tuple(file.path for file in variant.patch.files))
    return Event(paths=tuple(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()))


def _failed(result: RehearsalResult) -> tuple[str, StepResult] | None:
    """The first step that failed, and its name with its job's."""
    for job in result.jobs:
        for step in job.steps:
            if step.conclusion in RED:
                return f"{job.name} / {step.name}", step
    return None


def _said(step: StepResult) -> str:
    return "\n".join(step.output.rstrip().splitlines()[-LINES:])


def _right(variant: str, result: RehearsalResult) -> JudgedTest | None:
    """What is wrong with a workflow that is red on a good commit; None where it is not."""
    failed = _failed(result)
    if not result.red or failed is None:
        return None
    name, step = failed
    validity = Validity.NEVER_ENDS if step.conclusion == "cancelled" else Validity.FALSE_ALARM
    return JudgedTest(name, validity, variant, _said(step))


def _bug(bug: Patch, result: RehearsalResult, good: RehearsalResult) -> JudgedBug:
    """What became of a bad commit; where the good one is red as well, that it is red shows nothing."""
    failed = _failed(result)
    if not result.started:
        return JudgedBug(bug, Fate.NOT_REACHED)
    if not result.red or failed is None:
        return JudgedBug(bug, Fate.SURVIVED)
    name, step = failed
    if step.conclusion == "cancelled":
        return JudgedBug(bug, Fate.INCONCLUSIVE, detail=ENDED)
    if good.red:
        return JudgedBug(bug, Fate.INCONCLUSIVE, detail="red on it, and on the good commit as well")
    return JudgedBug(bug, Fate.CAUGHT, (Catch(name, _said(step), assertion=True, phase="call"),))


def _fails_fast(bugs: Sequence[Patch], results: Sequence[RehearsalResult]) -> Proof:
    broken = [result for bug, result in zip(bugs, results, strict=True) if bug.boundary == "unit"]
    steps = [step for result in broken for job in result.jobs for step in job.steps]
    late = any(step.name == "Initialize containers" for step in steps) or not all(result.red for result in broken)
    seen = "a database starts for a commit that breaks a unit" if late else "no database starts for a broken unit"
    return Proof("fails_fast", not late, seen)
