"""The command `course grade`: from a folder of submissions to a folder of reports."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Column

from course.engine import Fate, Patch, Prover, Step, Subject, Suite, load_subject
from course.errors import CourseError, nearest
from course.grading.batch import Batch, Following
from course.grading.challenge import load_challenge
from course.grading.grader import Grader
from course.grading.record import Record
from course.grading.report import write_class, write_learner
from course.grading.submission import Submission, find_submissions
from course.grading.summary import row
from course.grading.tables import show_records
from course.hygiene.scrub import shown
from course.services.cleanup import registry
from course.services.embedded.postgres import Embedded

STOPPED = 130
# The speed of the last so many seconds tells how long it may take: a suite that hangs takes a minute
ESTIMATE_SECONDS = 600.0
# Few connections and little memory are enough for one suite at a time, and three databases on each server
SERVER_OPTIONS = {"max_connections": "60", "shared_buffers": "32MB"}


class TrustError(CourseError):
    """Strangers' code would run, and nobody has said that it may."""

    def __init__(self) -> None:
        super().__init__(
            "Grading runs the submissions' code with all rights that you have on this machine: it can read, change and "
            "send away your files. The limits on time and memory keep accidents in, not attacks.",
            "Grade in a container or an account that holds nothing else, then say so with --trust.",
        )


@dataclass(frozen=True)
class Order:
    """What a teacher asked for.

    Attributes:
        submissions: Folders of submissions, or single ones.
        out: Folder of reports.
        challenge: Name of the subject.
        jobs: How many runs go on at once; the number of processors when not given.
        only: Names of submissions to grade; all when empty.
        resume: Take over what is done.
        bugs: Folder of a teacher's own bugs.
        reveal: Show learners what they missed.
        trust: The submissions' code may run here.
        each: Each entry of a folder is one submission, whatever is in it.
    """

    submissions: Sequence[Path]
    out: Path
    challenge: str = "todo_api"
    jobs: int | None = None
    only: Sequence[str] = field(default_factory=tuple)
    resume: bool = False
    bugs: Path | None = None
    reveal: bool = False
    trust: bool = False
    each: bool = False


def grade(order: Order, console: Console | None = None) -> int:
    """Grade, show a table, write the reports.

    Returns:
        0, or 130 where it was stopped by Ctrl-C.

    Raises:
        CourseError: It cannot begin: no trust, no submissions, no such challenge.
    """
    if not order.trust:
        raise TrustError
    console = console or Console()
    registry.reap()
    ours, challenge = load_subject(order.challenge), load_challenge(order.challenge)
    subject = ours.with_bugs(order.bugs) if order.bugs else ours
    everyone = _find(order, console)
    submissions = _chosen(everyone, order.only)
    jobs = order.jobs or os.cpu_count() or 1
    with (
        Prover(Embedded(options=SERVER_OPTIONS).start, jobs=jobs) as prover,
        Grader(prover, subject, challenge) as grader,
    ):
        _warn(prover, grader, ours, subject.bugs[len(ours.bugs) :], console)
        records, whole = _grade(order, submissions, prover, grader, console)
        known = _with_others(records, everyone, Batch(grader, prover, order.out))
    write_class(known, order.out)
    show_records(records, console)
    console.print(f"Reports: {escape(str(order.out / 'index.html'))}", soft_wrap=True)
    if not whole:
        console.print(f"Stopped: {len(records)} of {len(submissions)} are graded. --resume goes on from here.")
    elif len(known) < len(everyone):
        console.print(f"The class page holds {len(known)} of {len(everyone)}: the others were not graded like this.")
    return 0 if whole else STOPPED


def _find(order: Order, console: Console) -> tuple[Submission, ...]:
    """What was handed in; what lies beside it is named."""
    left_out: list[str] = []
    found = find_submissions(order.submissions, order.out, each=order.each, tell=left_out.append)
    if left_out:
        names = ", ".join(shown(name) for name in left_out)
        console.print(f"Not handed in by anyone, and left out: {escape(names)}.", highlight=False, soft_wrap=True)
    return found


def _warn(prover: Prover, grader: Grader, ours: Subject, own: Sequence[Patch], console: Console) -> None:
    """Say what a teacher should know before the class is graded."""
    if grader.port_is_taken:
        console.print("Port 5432 is in use: a suite that goes there unasked reaches the server behind it.")
    for bug in _uncaught(prover, ours, own):
        console.print(f"No test of the reference suite catches your bug {escape(bug)}: can it be caught by the brief?")


def _uncaught(prover: Prover, subject: Subject, own: Sequence[Patch]) -> list[str]:
    """Ids of a teacher's own bugs that no test of the reference suite catches: perhaps nobody could."""
    if not own:
        return []
    suite = Suite.from_folder(subject.folder / "reference_suite")
    verdict = prover.prove(suite, subject, bugs=own, correct=())
    return [judged.bug.id for judged in verdict.bugs if judged.fate is not Fate.CAUGHT]


def _chosen(submissions: tuple[Submission, ...], only: Sequence[str]) -> tuple[Submission, ...]:
    names = [submission.name for submission in submissions]
    for name in only:
        if name not in names:
            raise CourseError(f'There is no submission "{name}".', nearest(name, names))
    return tuple(submission for submission in submissions if not only or submission.name in only)


def _with_others(records: Sequence[Record], everyone: Sequence[Submission], batch: Batch) -> list[Record]:
    """The records, and what earlier batches know of the others: a class page keeps what it shows."""
    graded = {record["submission"]: record for record in records}
    known = (graded.get(submission.name) or batch.known(submission) for submission in everyone)
    return [record for record in known if record is not None]


def _grade(
    order: Order, submissions: Sequence[Submission], prover: Prover, grader: Grader, console: Console
) -> tuple[list[Record], bool]:
    with _bar(console) as bar:
        task = bar.add_task("grading", total=len(submissions), under_way="")
        follow = _Follow(bar, task, order)
        batch = Batch(grader, prover, order.out, resume=order.resume, tell=follow)
        try:
            grader.measure_reference()
        except KeyboardInterrupt:
            return [], False
        return batch.grade(submissions)


def _bar(console: Console) -> Progress:
    """How many are done, how long it took and may take, and who is under way as far as there is room."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("left"),
        TextColumn("[dim]{task.fields[under_way]}[/dim]", table_column=Column(no_wrap=True, overflow="ellipsis")),
        console=console,
        speed_estimate_period=ESTIMATE_SECONDS,
    )


class _Follow:
    """Moves the bar, and writes a learner's reports as soon as they are known."""

    def __init__(self, bar: Progress, task: TaskID, order: Order) -> None:
        self._bar, self._task, self._order = bar, task, order
        self._following = Following()

    def __call__(self, submission: Submission, news: Step | Record) -> None:
        self._following.take(submission, news)
        if not isinstance(news, Step):
            write_learner(news, self._order.out, reveal=self._order.reveal)
            self._bar.advance(self._task)
            if not self._bar.console.is_terminal:  # there is no bar
                self._bar.console.print(self._line(news), highlight=False, soft_wrap=True)
        self._bar.update(self._task, under_way=escape(str(self._following)))

    def _line(self, record: Record) -> str:
        figures, task = row(record), self._bar.tasks[self._task]
        points = "no points" if figures["points"] is None else f"{figures['points']:.2f} points"
        return escape(f"{task.completed:g}/{task.total:g} {figures['name']}: {points} {figures['line']}".rstrip())
