"""Grades one submission: read, proved, held to the hygiene proofs, scored."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Self

from course.engine import JudgedTest, Prover, Slot, Standing, Step, Subject, Suite, Verdict
from course.engine.proof import Proof as EngineProof
from course.errors import CourseError
from course.grading.challenge import Challenge
from course.grading.default_port import DefaultPort
from course.grading.hygiene import Hygiene
from course.grading.loading import SubmissionError
from course.grading.prepared import Prepared
from course.grading.record import Grading, Record, make_record, refusal
from course.grading.runs import CancelledError, Runs
from course.grading.score import Proof, score
from course.grading.submission import Loaded, Submission, load
from course.grading.trial_runs import FIRST_SEED, TrialRuns
from course.grading.trials import Case
from course.grading.worker import PLUGINS

DISTRIBUTION = "integration-testing-course"
# Limits of a run on a machine that is busy with other things follow the time of the reference suite
RUN_TIMES, TEST_TIMES = 40, 10
REFERENCE_RUNS = 3


class ReferenceFailsError(CourseError):
    """The reference suite does not pass, so that nothing can be held against it."""


class Grader:
    """Grades submissions of one challenge on the slots of a prover; from several threads, if need be.

    Args:
        prover: Runs suites.
        subject: The program, with a teacher's own bugs where there are some.
        challenge: The rules.
    """

    def __init__(self, prover: Prover, subject: Subject, challenge: Challenge) -> None:
        self.cancelled = threading.Event()
        self.subject = replace(subject, plugins=(*subject.plugins, *PLUGINS))
        self.challenge = challenge
        self.default = DefaultPort()
        self._prover = prover
        self._runs = Runs(prover, self.cancelled)
        self._folder = Path(tempfile.mkdtemp(prefix="grading-", dir=prover.folder))
        rule = challenge.rule("depends_on_no_seed")
        self._prepared = Prepared(self.subject, {**challenge.seed, **(rule.settings if rule else {})}, self._folder)
        self._rules = _rules_digest(subject, challenge)
        self.version = version(DISTRIBUTION)
        self.reference_seconds = 0.0

    def measure_reference(self) -> None:
        """Time the reference suite, and set the limits of runs by it.

        Raises:
            ReferenceFailsError: It does not pass.
        """
        folder = self.subject.folder / "reference_suite"
        with self._prover.suite_folder(Suite.from_folder(folder)) as copy:
            case = Case(self.subject, copy, ())
            futures = [self._runs.do(_timed(case, FIRST_SEED + number)) for number in range(REFERENCE_RUNS)]
            self.reference_seconds = min(future.result() for future in futures)
        self.subject = replace(
            self.subject,
            seconds=max(2 * self.subject.seconds, RUN_TIMES * self.reference_seconds),
            patience=max(self.subject.seconds / 2, TEST_TIMES * self.reference_seconds),
        )

    @contextmanager
    def reading(self, submission: Submission) -> Iterator[Loaded]:
        """A submission in a folder of ours, for as long as it is needed.

        Raises:
            SubmissionError: It cannot be read.
        """
        folder = Path(tempfile.mkdtemp(dir=self._folder))
        try:
            yield load(submission, folder / "files", self.subject.package)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def digest(self, loaded: Loaded) -> str:
        """A digest of all that decides about a grade: the submission, the bugs, the rules and the course."""
        words = f"{loaded.digest}|{self._rules}|{self.version}"
        return hashlib.sha256(words.encode()).hexdigest()

    def refuse(self, submission: Submission, error: SubmissionError) -> Record:
        """The record of a submission that cannot be read."""
        verdict = refusal(str(error))
        return self._record(submission, Grading(verdict, score(self.challenge, verdict, ())))

    def grade(self, submission: Submission, loaded: Loaded, on_step: Callable[[Step], None] | None = None) -> Record:
        """Prove and score a submission. A fault of ours becomes a record that costs the learner nothing.

        Raises:
            CancelledError: The batch is ending.
        """
        try:
            grading = self._grade(loaded, on_step)
        except CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - one submission must never stop the batch
            self._check()
            what = error.what if isinstance(error, CourseError) else f"{type(error).__name__}: {error}"
            grading = Grading(Verdict(Standing.GRADER_ERROR, detail=f"The grader failed: {what}"), None)
        self._check()
        return self._record(submission, replace(grading, digest=self.digest(loaded), notes=loaded.notes))

    def close(self) -> None:
        """Leave the port and the folder; the prover is not ours to close."""
        self.default.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _grade(self, loaded: Loaded, on_step: Callable[[Step], None] | None) -> Grading:
        started = time.monotonic()
        with self._prover.suite_folder(loaded.suite) as folder, self._trials(folder) as trials:
            verdict = self._prove(folder, on_step, trials.begin)
            times = {"suite_seconds": verdict.suite_seconds, "reference_seconds": self.reference_seconds}
            proofs: tuple[Proof, ...] = ()
            if verdict.standing is Standing.PROVED and verdict.tests:
                proofs = Hygiene(self.challenge, verdict, trials.results(verdict), self.reference_seconds).proofs()
        times["ratio"] = times["suite_seconds"] / max(self.reference_seconds, 0.001)
        times["seconds"] = time.monotonic() - started
        return Grading(verdict, score(self.challenge, verdict, proofs), proofs, times=times)

    def _prove(
        self,
        folder: Path,
        on_step: Callable[[Step], None] | None,
        on_originals: Callable[[tuple[JudgedTest, ...]], None],
    ) -> Verdict:
        subject = self.subject
        return EngineProof(
            self._runs.run_all, self._prover.trees, folder, subject, subject.bugs, subject.correct, on_step=on_step
        ).verdict(on_originals)  # fmt: skip

    def _trials(self, folder: Path) -> TrialRuns:
        return TrialRuns(self.challenge, self._runs, self._prepared, self.default, subject=self.subject, folder=folder)

    def _record(self, submission: Submission, grading: Grading) -> Record:
        return make_record(submission, grading, self.subject, self.challenge, self.version)

    def _check(self) -> None:
        if self.cancelled.is_set():
            raise CancelledError("The batch was stopped.")


def _timed(case: Case, seed: int) -> Callable[[Slot], float]:
    def timed(slot: Slot) -> float:
        run = slot.run(case.request(shuffle=seed))
        if run.failed or not run.outcomes:
            why = run.failed[0].message if run.failed else run.detail
            raise ReferenceFailsError(
                f"The reference suite of {case.subject.name} fails: {why}.", "Run `course verify`."
            )
        return run.seconds

    return timed


def _rules_digest(subject: Subject, challenge: Challenge) -> str:
    total = hashlib.sha256(repr(challenge).encode())
    for patch in (*subject.bugs, *subject.correct):
        total.update(f"{patch.id}\0{patch.diff}\0{sorted(patch.header.items())}\0".encode())
    for path in sorted((subject.folder / subject.package).rglob("*.py")):
        total.update(path.read_bytes())
    return total.hexdigest()
