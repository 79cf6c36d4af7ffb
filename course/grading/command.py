"""The command `course grade`: from a folder of submissions to a folder of reports."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from datetime import datetime

from rich.console import Console
from rich.markup import escape

from course.atomic import write_atomically
from course.engine import Fate, Patch, Prover, Step, Subject, Suite, load_subject
from course.errors import CourseError, nearest
from course.grading.batch import Batch
from course.grading.challenge import load_challenge
from course.grading.gradebooks import Gradebook, read_gradebook
from course.grading.grader import Grader
from course.grading.handed_in import read_date
from course.grading.harvest import write_harvest
from course.grading.late import Policy, read_policy
from course.grading.loading import SubmissionError
from course.grading.order import Order, TrustError
from course.grading.progress import Following, line, progress_bar
from course.grading.record import Record
from course.grading.report import write_class, write_gradebook, write_learner
from course.grading.similarity import write_similarity
from course.grading.submission import Loaded, Submission, find_submissions
from course.grading.tables import show_changes, show_records
from course.hygiene.scrub import shown
from course.services.cleanup import registry
from course.services.embedded.postgres import Embedded

STOPPED = 130
RULES = "late.toml"
# Few connections and little memory are enough for one suite at a time, and three databases on each server
SERVER_OPTIONS = {"max_connections": "60", "shared_buffers": "32MB"}


def grade(order: Order, console: Console | None = None) -> int:
    """Grade, show a table, write the reports.

    Returns:
        0, or 130 where it was stopped by Ctrl-C.

    Raises:
        CourseError: It cannot begin: no trust, no submissions, no such challenge, a file that cannot be read.
    """
    if not order.trust:
        raise TrustError
    console = console or Console()
    rules = order.late or order.out / RULES
    policy = read_policy(rules) if order.late or rules.is_file() else None
    gradebooks = [read_gradebook(path, order.column) for path in order.gradebook]
    since = read_date(order.since) if order.since else None
    registry.reap()
    ours, challenge = load_subject(order.challenge), load_challenge(order.challenge)
    subject = ours.with_bugs(order.bugs) if order.bugs else ours
    everyone = _find(order, policy, console)
    if policy:
        _say(f"Late rules: {rules}.", console)
    submissions = _chosen(everyone, order.only, since)
    with (
        Prover(Embedded(options=SERVER_OPTIONS).start, jobs=order.jobs or os.cpu_count() or 1) as prover,
        Grader(prover, subject, challenge) as grader,
    ):
        batch = Batch(grader, prover, order.out, again=order.again)
        is_done = all(map(batch.is_done, submissions))
        if not is_done:
            _warn(prover, grader, ours, subject.bugs[len(ours.bugs) :], console)
        records, whole = _grade(order, submissions, batch, policy, console, measure=not is_done)
        known = _with_others(records, everyone, batch)
        if whole:
            _hand_on(order, everyone, known, grader, prover, console)
    counted = [_counted(record, policy) for record in known]
    _write(order, counted, gradebooks, console)
    chosen = {submission.name for submission in submissions}
    show_records([record for record in counted if record["submission"] in chosen], console)
    show_changes(batch.changes, console)
    console.print(f"Reports: {escape(str(order.out / 'index.html'))}", soft_wrap=True)
    if not whole:
        console.print(f"Stopped: {len(records)} of {len(submissions)} are graded. The same command goes on from here.")
    elif len(known) < len(everyone):
        console.print(f"The class page holds {len(known)} of {len(everyone)}: the others were not graded yet.")
    return 0 if whole else STOPPED


def _find(order: Order, policy: Policy | None, console: Console) -> tuple[Submission, ...]:
    """What was handed in; what lies beside it is named, and who is in the late rules and nowhere else."""
    left_out: list[str] = []
    found = find_submissions(order.submissions, order.out, each=order.each, tell=left_out.append)
    if left_out:
        _say(f"Not handed in by anyone, and left out: {', '.join(map(shown, left_out))}.", console)
    names = [submission.name for submission in found]
    for name in sorted((policy.names if policy else set()) - set(names)):
        _say(f'The late rules name "{shown(name)}", of whom there is no submission. {nearest(name, names)}', console)
    return found


def _say(text: str, console: Console) -> None:
    console.print(escape(text), highlight=False, soft_wrap=True)


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


def _chosen(submissions: tuple[Submission, ...], only: Sequence[str], since: datetime | None) -> tuple[Submission, ...]:
    names = [submission.name for submission in submissions]
    for name in only:
        if name not in names:
            raise CourseError(f'There is no submission "{name}".', nearest(name, names))
    chosen = [submission for submission in submissions if not only or submission.name in only]
    if since:
        chosen = [each for each in chosen if datetime.fromisoformat(each.handed_in) >= since]
    if not chosen:
        newest = max(submission.handed_in for submission in submissions)
        raise CourseError(f"Nothing was handed in since {since}.", f"The newest submission is of {newest}.")
    return tuple(chosen)


def _with_others(records: Sequence[Record], everyone: Sequence[Submission], batch: Batch) -> list[Record]:
    """The records, and what earlier batches know of the others: a class page keeps what it shows."""
    graded = {record["submission"]: record for record in records}
    known = (graded.get(submission.name) or batch.known(submission) for submission in everyone)
    return [record for record in known if record is not None]


def _grade(
    order: Order, submissions: Sequence[Submission], batch: Batch, policy: Policy | None, console: Console, *,
    measure: bool,
) -> tuple[list[Record], bool]:  # fmt: skip
    following = Following()
    with progress_bar(console) as bar:
        task = bar.add_task("grading", total=len(submissions), under_way="")

        def follow(submission: Submission, news: Step | Record) -> None:
            """Move the bar, and write a learner's reports as soon as they are known."""
            following.take(submission, news)
            if not isinstance(news, Step):
                counted = _counted(news, policy)
                write_learner(counted, order.out, reveal=order.reveal)
                bar.advance(task)
                if not console.is_terminal:  # there is no bar
                    done = bar.tasks[task]
                    console.print(line(counted, done.completed, done.total), highlight=False, soft_wrap=True)
            bar.update(task, under_way=escape(str(following)))

        batch.tell = follow
        try:
            if measure:
                batch.grader.measure_reference()
        except KeyboardInterrupt:
            return [], False
        return batch.grade(submissions)


def _counted(record: Record, policy: Policy | None) -> Record:
    """The record with the points that count."""
    return policy.deduct(record) if policy else record


def _readings(everyone: Sequence[Submission], grader: Grader) -> Iterator[tuple[Submission, Loaded]]:
    """All submissions that can be read, each as long as the next is not asked for."""
    for submission in everyone:
        with contextlib.suppress(SubmissionError), grader.reading(submission) as loaded:
            yield submission, loaded


def _hand_on(
    order: Order, everyone: Sequence[Submission], records: Sequence[Record], grader: Grader, prover: Prover,
    console: Console,
) -> None:  # fmt: skip
    """Write what other programs, and the teacher's next class, can use."""
    if order.similarity:
        readings = _readings(everyone, grader)
        suites = ((submission, loaded.suite.folder) for submission, loaded in readings if loaded.suite.folder)
        for command in write_similarity(order.similarity, suites, grader.subject.name):
            _say(f"Look for copied work: {command}", console)
    if order.harvest:
        programs = ((submission.name, loaded.program) for submission, loaded in _readings(everyone, grader))
        _say(write_harvest(order.harvest, programs, records, grader.subject, prover), console)


def _write(order: Order, records: Sequence[Record], gradebooks: Sequence[Gradebook], console: Console) -> None:
    """Write the class page and grade books, and the pages of learners that say something else by now."""
    if order.late:  # from now on they hold
        write_atomically(order.out / RULES, order.late.read_bytes())
    for record in records:
        write_learner(record, order.out, reveal=order.reveal)
    write_class(records, order.out)
    for gradebook in gradebooks:
        lost = gradebook.fill(records)
        path = write_gradebook(gradebook, order.out)
        unknown = f" Not in it, or not clear who: {', '.join(lost)}." if lost else ""
        _say(f"Grades for {gradebook.platform.capitalize()}: {path}.{unknown}", console)
