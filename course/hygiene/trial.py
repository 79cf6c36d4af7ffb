"""A trial: one suite in one circumstance, and what it has shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from course.engine import Ending, Request, RunResult, Subject, Variant
from course.hygiene.canary import Attempt


@dataclass(frozen=True)
class Case:
    """One suite on trial.

    Attributes:
        subject: The program, with the limits and variables of a run.
        folder: The suite's files.
        tests: Ids of the tests that are believed, in the order of the suite: what fails of them is held against it.
        runnable: Ids of the tests to run, in the order of the suite; `None` for all.
    """

    subject: Subject
    folder: Path
    tests: tuple[str, ...]
    runnable: tuple[str, ...] | None = None

    def request(self, **options: Any) -> Request:
        """The suite on the right program, with options of `Request`."""
        subject = self.subject
        options = {"select": self.runnable, **options}
        return Request(Variant(subject), self.folder, subject.seconds, subject.patience, **options)

    def lost(self, *runs: RunResult) -> dict[str, str]:
        """The believed tests that did not pass, and what was said."""
        failed = {outcome.test: outcome.message for run in runs for outcome in run.failed}
        seen = {outcome.test for run in runs for outcome in run.outcomes}
        unfinished = next((run.detail for run in runs if run.ending is not Ending.FINISHED), "It did not run.")
        return {test: failed.get(test, unfinished) for test in self.tests if test in failed or test not in seen}


@dataclass(frozen=True)
class Trial:
    """What a trial has shown.

    Attributes:
        lost: Believed test to what was said, for those that failed in it.
        litter: What was left behind, as phrases.
        attempts: Who wanted to log in to the production database.
        contained: Whether the suite left its `DATABASE_URL` alone: it has a container of its own.
        images: Of the containers that it started.
        abandoned: How many connections the suite did not close.
        gone: Rows of somebody else that it has changed or deleted, as phrases.
        ratio: How many times as long a test of it takes as one of the reference suite: the median or the slowest tenth,
            whichever is more.
    """

    lost: Mapping[str, str] = field(default_factory=dict)
    litter: tuple[str, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    contained: bool = False
    images: tuple[str, ...] = ()
    abandoned: int = 0
    gone: tuple[str, ...] = ()
    ratio: float = 0.0
