"""Grades many submissions at once, keeps what is done, and goes on where it was stopped."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from course.atomic import write_atomically
from course.engine import Prover, Standing, Step
from course.grading.changes import Change, compare, differing, note
from course.grading.grader import Grader
from course.grading.loading import SubmissionError
from course.grading.record import FORMAT, STALE, Record
from course.grading.submission import Submission
from course.hygiene.runs import CancelledError

# Where full records are kept below the folder of reports: what a teacher may know and a learner may not
KEPT = ".course"
Tell = Callable[[Submission, "Step | Record"], None]


@dataclass
class Batch:
    """Submissions on their way to records.

    Args:
        grader: Grades one of them.
        prover: The grader's prover; it stops when the batch does.
        out: Folder of reports.
        again: Grade anew what an earlier batch has graded by the same rules, too.
        tell: Called after each run and for each record, from any thread.

    Attributes:
        changes: What differs from the grades of earlier batches, as the records become known.
    """

    grader: Grader
    prover: Prover
    out: Path
    again: bool = False
    tell: Tell | None = None
    changes: list[Change] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def grade(self, submissions: Sequence[Submission]) -> tuple[list[Record], bool]:
        """Grade all; a few are under way at once, so that no slot waits for the last runs of one submission.

        Returns:
            The records by the order of the submissions, and whether all are there: Ctrl-C leaves some out.
        """
        records: dict[str, Record] = {}
        with ThreadPoolExecutor(self.prover.jobs + 1, thread_name_prefix="course-grading") as threads:
            todo: dict[Future[Record], Submission] = {}
            try:
                for submission in submissions:
                    todo[threads.submit(self._one, submission)] = submission
                for future in _as_they_end(todo):
                    records[todo[future].name] = future.result()
            except KeyboardInterrupt:
                self._cancel(todo)
        done = [(todo[future].name, future) for future in todo if future.done() and not future.cancelled()]
        for name, future in done:
            with contextlib.suppress(CancelledError):
                records[name] = future.result()
        ordered = [records[submission.name] for submission in submissions if submission.name in records]
        return ordered, len(ordered) == len(submissions)

    def known(self, submission: Submission) -> Record | None:
        """What an earlier batch has found out about a submission, with a note where it is not up to date."""
        stored = self._stored(submission)
        what = differing(stored["inputs"], self._inputs(submission)) if stored else set()
        if stored is None or not what:
            return stored
        return stored | {"notes": [f"{STALE} of {', '.join(sorted(what))}.", *stored["notes"]]}

    def is_done(self, submission: Submission) -> bool:
        """Whether an earlier batch has graded the same files by the same rules; a `GRADER_ERROR` is tried again."""
        stored = None if self.again else self._stored(submission)
        return stored is not None and self._is_same(stored, self._inputs(submission))

    def _cancel(self, futures: Iterable[Future[Record]]) -> None:
        self.grader.cancelled.set()
        for future in futures:
            future.cancel()
        self.prover.stop()

    def _one(self, submission: Submission) -> Record:
        old = self._stored(submission)
        try:
            with self.grader.reading(submission) as loaded:
                if old and not self.again and self._is_same(old, self.grader.inputs(loaded)):
                    record = old
                else:
                    record = self.grader.grade(submission, loaded, lambda step: self._tell(submission, step))
        except SubmissionError as error:
            record = self.grader.refuse(submission, error)
        self._keep(submission, record, old)
        self._tell(submission, record)
        return record

    def _tell(self, submission: Submission, news: Step | Record) -> None:
        if self.tell:
            self.tell(submission, news)

    def _stored(self, submission: Submission) -> Record | None:
        """The record that an earlier batch has left, however it was graded."""
        with contextlib.suppress(OSError, ValueError):
            record: Any = json.loads(self._path(submission).read_text(encoding="utf-8"))
            if isinstance(record, dict) and (record.get("format"), record.get("submission")) == (
                FORMAT,
                submission.name,
            ):
                return record | {"entry": submission.entry, "handed_in": submission.handed_in}
        return None

    def _inputs(self, submission: Submission) -> dict[str, str]:
        """What would decide about the grade now."""
        try:
            with self.grader.reading(submission) as loaded:
                return self.grader.inputs(loaded)
        except SubmissionError:
            return self.grader.inputs(None)

    @staticmethod
    def _is_same(record: Record | None, inputs: dict[str, str]) -> bool:
        return record is not None and record["standing"] != Standing.GRADER_ERROR and record["inputs"] == inputs

    def _keep(self, submission: Submission, record: Record, old: Record | None) -> None:
        with self._lock:
            if old and (change := compare(old, record)):
                self.changes.append(change)
                note(change, self.out)
        write_atomically(self._path(submission), json.dumps(record))

    def _path(self, submission: Submission) -> Path:
        return self.out / KEPT / f"{submission.folder}.json"


def _as_they_end(futures: Iterable[Future[Record]]) -> Iterable[Future[Record]]:
    """Futures as they end; waits in short steps, since a wait without end does not notice Ctrl-C everywhere."""
    waiting = set(futures)
    while waiting:
        done, waiting = wait(waiting, timeout=0.5, return_when=FIRST_COMPLETED)
        yield from done
