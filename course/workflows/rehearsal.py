"""Rehearses a workflow on a commit: its jobs in the order of their needs, each in a clean copy."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from course.services.server import free_port
from course.workflows import refusals
from course.workflows.definition import Job, Workflow
from course.workflows.events import Event, starts
from course.workflows.installed import plugins
from course.workflows.job_run import JobRun, Rehearsed
from course.workflows.results import JobResult, RehearsalResult

SECONDS = 60.0
FAILED = frozenset({"failure", "cancelled"})


def rehearse(
    workflow: Workflow,
    commit: Path,
    event: Event | None = None,
    seconds: float = SECONDS,
    stop: threading.Event | None = None,
) -> RehearsalResult:
    """Run a workflow on a commit.

    Args:
        workflow: From `read_workflow`.
        commit: The project's folder, which is copied and never changed.
        event: What has happened; a pull request for main unless said otherwise.
        seconds: What the whole may take; a step that is under way then is ended.
        stop: When another thread sets it, what is under way is ended.

    Raises:
        RefusedError: A step would change this machine; nothing has run.
    """
    refusals.check(workflow)
    event = event or Event()
    if not starts(workflow, event):
        return RehearsalResult(started=False)
    stop = stop or threading.Event()
    closed, found = str(free_port()), plugins(workflow, commit)
    shared = Rehearsed(workflow, commit, event, closed, found, time.monotonic(), seconds, stop)
    return RehearsalResult(True, tuple(_jobs(shared)))


def _jobs(shared: Rehearsed) -> Iterator[JobResult]:
    left, results = list(shared.workflow.jobs), dict[str, str]()
    while left:
        job = next(each for each in left if set(each.needs) <= set(results))
        left.remove(job)
        done = list(_runs(shared, job, {need: results[need] for need in job.needs}))
        results[job.id] = _conclusion(done)
        yield from done


def _runs(shared: Rehearsed, job: Job, needed: Mapping[str, str]) -> Iterator[JobResult]:
    """One run for each combination of the matrix; the first failure cancels the rest, unless `fail-fast` is off."""
    cancelled = False
    for matrix in job.combinations():
        run = JobRun(shared, job, matrix, needed)
        result = JobResult(run.name, "cancelled") if cancelled else run.run()
        if result.conclusion in FAILED:
            cancelled = job.settings.get("strategy", {}).get("fail-fast", True)
        forgiven = result.conclusion in FAILED and job.settings.get("continue-on-error") is True
        yield JobResult(result.name, "success", result.steps) if forgiven else result


def _conclusion(runs: list[JobResult]) -> str:
    conclusions = {run.conclusion for run in runs}
    return "failure" if conclusions & FAILED else "skipped" if conclusions == {"skipped"} else "success"
