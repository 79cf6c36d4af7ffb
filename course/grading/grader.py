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

from course.engine import Patch, Prover, Standing, Step, Subject, Verdict
from course.errors import CourseError
from course.grading.challenge import Challenge
from course.grading.loading import SubmissionError
from course.grading.record import Grading, Record, make_record, refusal
from course.grading.score import score
from course.grading.submission import Loaded, Submission, load
from course.hygiene import PLUGINS, CancelledError, HygieneProver, Runs
from course.hygiene.scrub import read_source

DISTRIBUTION = "integration-testing-course"
# Limits of a run on a machine that is busy with other things follow the time of the reference suite
RUN_TIMES, TEST_TIMES = 40, 10
REFERENCE_RUNS = 3


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
        self._prover = prover
        self._hygiene = HygieneProver(Runs(prover, self.cancelled), self.subject, challenge.hygiene)
        self._folder = Path(tempfile.mkdtemp(prefix="grading-", dir=prover.folder))
        self._rules = _digests(subject, challenge)
        self.version = version(DISTRIBUTION)
        self._reference_seconds = 0.0

    @property
    def port_is_taken(self) -> bool:
        """Whether another program holds PostgreSQL's usual port, so that nothing can be watched there."""
        return self._hygiene.default is not None and self._hygiene.default.taken

    def measure_reference(self) -> None:
        """Time the reference suite, and set the limits of runs by it.

        Raises:
            ReferenceFailsError: It does not pass.
        """
        seconds = self._reference_seconds = self._hygiene.reference_seconds(REFERENCE_RUNS)
        self.subject = replace(
            self.subject,
            seconds=max(2 * self.subject.seconds, RUN_TIMES * seconds),
            patience=max(self.subject.seconds / 2, TEST_TIMES * seconds),
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

    def inputs(self, loaded: Loaded | None) -> dict[str, str]:
        """All that decides about a grade, each with a digest: the suite where it can be read, the bugs, the rules."""
        suite = {"suite": loaded.digest} if loaded else {}
        return suite | {"course": self.version} | self._rules

    def refuse(self, submission: Submission, error: SubmissionError) -> Record:
        """The record of a submission that cannot be read."""
        verdict = refusal(str(error))
        return self._record(
            submission,
            Grading(
                verdict, score(self.challenge, verdict, ()), (), self.inputs(None), tuple(sorted(submission.notes))
            ),
        )

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
        left_out = (grading.verdict.left_out,) if grading.verdict.left_out else ()
        return self._record(submission, replace(grading, inputs=self.inputs(loaded), notes=left_out + loaded.notes))

    def close(self) -> None:
        """Leave the port and the folders; the prover is not ours to close."""
        self._hygiene.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _grade(self, loaded: Loaded, on_step: Callable[[Step], None] | None) -> Grading:
        started = time.monotonic()
        subject = self.subject
        with self._prover.suite_folder(loaded.suite) as folder:
            source = read_source(folder)
            verdict, proofs = self._hygiene.prove(folder, subject, subject.bugs, subject.correct, on_step)
        times = {
            "suite_seconds": verdict.suite_seconds,
            "reference_seconds": self._reference_seconds,
            "ratio": max((proof.measured for proof in proofs), default=0.0),
            "seconds": time.monotonic() - started,
        }
        return Grading(verdict, score(self.challenge, verdict, proofs), proofs, times=times, source=source)

    def _record(self, submission: Submission, grading: Grading) -> Record:
        return make_record(submission, grading, self.subject, self.challenge, self.version)

    def _check(self) -> None:
        if self.cancelled.is_set():
            raise CancelledError("The batch was stopped.")


def _digests(subject: Subject, challenge: Challenge) -> dict[str, str]:
    """What decides about every grade of a batch, to a digest of it."""
    package = sorted((subject.folder / subject.package).rglob("*.py"))
    return {
        "rules": _sha256(repr(challenge).encode()),
        "bugs": _sha256(*map(_bytes, subject.bugs)),
        "right programs": _sha256(*map(_bytes, subject.correct)),
        "program": _sha256(*(path.read_bytes() for path in package)),
    }


def _bytes(patch: Patch) -> bytes:
    return f"{patch.id}\0{patch.diff}\0{sorted(patch.header.items())}\0".encode()


def _sha256(*parts: bytes) -> str:
    return hashlib.sha256(b"".join(parts)).hexdigest()
