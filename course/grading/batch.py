"""Grades many submissions at once, keeps what is done, and goes on where it was stopped."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course.atomic import write_atomically
from course.engine import Prover, Standing, Step
from course.grading.grader import Grader
from course.grading.loading import SubmissionError
from course.grading.record import FORMAT, Record
from course.grading.submission import Loaded, Submission
from course.hygiene.runs import CancelledError

# Where full records are kept below the folder of reports: what a teacher may know and a learner may not
KEPT = ".course"
Tell = Callable[[Submission, "Step | Record"], None]


@dataclass
class Batch:
    """Submissions on their way to records.

    Args:
        grader: Grades one of them.
        prover: The grader's prover, to be stopped when the batch is.
        out: Folder of reports.
        resume: Take over what an earlier batch has finished.
        tell: Called after each run and for each record, from any thread.
    """

    grader: Grader
    prover: Prover
    out: Path
    resume: bool = False
    tell: Tell | None = None

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
        """What an earlier batch has found out about a submission; None where it was not graded as it is now."""
        if not self._path(submission).is_file():
            return None
        try:
            with self.grader.reading(submission) as loaded:
                return self._kept(submission, loaded)
        except SubmissionError as error:
            return self.grader.refuse(submission, error)

    def _cancel(self, futures: Iterable[Future[Record]]) -> None:
        self.grader.cancelled.set()
        for future in futures:
            future.cancel()
        self.prover.stop()

    def _one(self, submission: Submission) -> Record:
        try:
            with self.grader.reading(submission) as loaded:
                kept = self._kept(submission, loaded) if self.resume else None
                record = kept or self.grader.grade(submission, loaded, lambda step: self._tell(submission, step))
        except SubmissionError as error:
            record = self.grader.refuse(submission, error)
        self._keep(submission, record)
        self._tell(submission, record)
        return record

    def _tell(self, submission: Submission, news: Step | Record) -> None:
        if self.tell:
            self.tell(submission, news)

    def _kept(self, submission: Submission, loaded: Loaded) -> Record | None:
        """What an earlier batch has found out about the very same; a fault of ours is tried again."""
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            record: Any = json.loads(self._path(submission).read_text(encoding="utf-8"))
            known = isinstance(record, dict) and record.get("format") == FORMAT
            if (
                known
                and record.get("digest") == self.grader.digest(loaded)
                and record.get("standing") != Standing.GRADER_ERROR
                and record.get("submission") == submission.name
            ):
                return dict(record) | {"entry": submission.entry}
        return None

    def _keep(self, submission: Submission, record: Record) -> None:
        write_atomically(self._path(submission), json.dumps(record))

    def _path(self, submission: Submission) -> Path:
        return self.out / KEPT / f"{submission.folder}.json"


def _as_they_end(futures: Iterable[Future[Record]]) -> Iterable[Future[Record]]:
    """Futures as they end; waits in short steps, since a wait without end does not notice Ctrl-C everywhere."""
    waiting = set(futures)
    while waiting:
        done, waiting = wait(waiting, timeout=0.5, return_when=FIRST_COMPLETED)
        yield from done


class Following:
    """Who is under way, for a progress bar; safe from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: dict[str, Step] = {}

    def take(self, submission: Submission, news: Step | Record) -> None:
        """Note a step, or the end of a submission."""
        with self._lock:
            if isinstance(news, Step):
                self._under_way[submission.name] = news
            else:
                self._under_way.pop(submission.name, None)

    def __str__(self) -> str:
        with self._lock:
            return ", ".join(f"{name} {step.done}/{step.total}" for name, step in sorted(self._under_way.items())[:3])
