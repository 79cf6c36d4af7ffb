"""Proves what ships: patches are caught or passed as they should be, exercises red as shipped and green as solved."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console

from course.authoring.render import LESSONS
from course.authoring.suites import exercise_files, is_sick
from course.engine import Fate, Patch, Prover, Standing, Subject, Suite, Verdict, load_subject, subject_names
from course.errors import CourseError, nearest
from course.hygiene import Proof, prove_suite, rules_of
from course.services.embedded.postgres import Embedded
from course.services.machine.browser import lacking
from course.syllabus import Exercise, Lesson, syllabus
from course.workflows import read_workflow
from course.workflows.proof import Proved, prove_workflow

WORKFLOW = "integration.yml"  # in a reference suite: the project has tests of its own, and this runs them
PATIENCE = 6  # times the deadline of a run: proofs are about right and wrong, and a busy machine is neither

NAME_IT = "Put it into the `bugs` of one in course.toml, or remove it."


class VerifyError(CourseError):
    """There is nothing of that name to prove."""


def verify(names: tuple[str, ...], console: Console | None = None) -> int:
    """Prove subjects, single bugs and lessons, and print a line for each.

    Args:
        names: Subjects, lessons, and single patches such as `users_api/api/sends_the_password_hash` or
            `users_api/correct/looks_before_it_inserts`; all subjects and lessons where none is named.
        console: Where to print.

    Returns:
        0 where everything is proved, else 1.

    Raises:
        CourseError: A name is none of them.
    """
    console = console or Console()
    patches = [patch_of(name) for name in names if "/" in name]
    whole = tuple(name for name in names if "/" not in name)
    subjects, lessons = chosen(whole) if whole or not patches else ([], [])
    faults = 0
    with Prover(Embedded().start) as prover:
        for owner, patch in patches:
            faults += told(console, f"{owner.name}/{patch.id}", reference_faults(patient(owner), prover, [patch]))
        for subject in subjects:
            faults += told(console, subject, reference_faults(patient(load_subject(subject)), prover))
            for bug in unnamed_bugs(load_subject(subject)):
                console.print(f"    {bug.path}: no exercise names it. {NAME_IT}", highlight=False, soft_wrap=True)
        for lesson in lessons:
            faults += told(console, lesson.slug, lesson_faults(lesson, prover))
            for exercise in filter(lambda each: lacking(each.needs), lesson.exercises):
                console.print(f"    {exercise.id} was left out: no browser is here", highlight=False, soft_wrap=True)
    return 1 if faults else 0


def chosen(names: tuple[str, ...]) -> tuple[list[str], list[Lesson]]:
    subjects = [name for name in subject_names() if not names or name in names]
    lessons = [lesson for lesson in syllabus().lessons if not names or {lesson.slug, lesson.number} & set(names)]
    known = [*subject_names(), *(lesson.slug for lesson in syllabus().lessons)]
    for name in names:
        if name not in subjects and not any(name in {lesson.slug, lesson.number} for lesson in lessons):
            raise VerifyError(f'There is no subject and no lesson "{name}".', nearest(name, known))
    return subjects, lessons


def patch_of(name: str) -> tuple[Subject, Patch]:
    """The subject and the patch of `subject/group/name`.

    Raises:
        CourseError: There is no such subject, or no such patch of it; the nearest is suggested.
    """
    subject = load_subject(name.partition("/")[0])
    id_ = name.partition("/")[2]
    return subject, subject.variant(id_) if id_.startswith("correct/") else subject.bug(id_)


def patient(subject: Subject, seconds: float | None = None) -> Subject:
    return dataclasses.replace(subject, seconds=(seconds or subject.seconds) * PATIENCE)


def told(console: Console, name: str, faults: Iterator[str]) -> int:
    """Print what is wrong with something, or that nothing is; return how many faults there are."""
    with console.status(f"Proving {name} …"):
        found = list(faults)
    console.print(f"{'✗' if found else '✔'} {name}", highlight=False, soft_wrap=True)
    for fault in found:
        console.print(f"    {fault}", highlight=False, markup=False, soft_wrap=True)
    return len(found)


def unnamed_bugs(subject: Subject) -> list[Patch]:
    """The bugs that nobody meets: no exercise of any lesson names them, and the subject is no challenge."""
    if (subject.folder / "challenge.toml").is_file():
        return []
    exercises = [each for lesson in syllabus().everything for each in lesson.exercises if each.subject == subject.name]
    named = {name for exercise in exercises for name in (*exercise.bugs, *exercise.alive)}
    return [bug for bug in subject.bugs if bug.id not in named]


def reference_faults(subject: Subject, prover: Prover, patches: Sequence[Patch] | None = None) -> Iterator[str]:
    """Yield which bugs the reference suite misses, and which correct variants it refuses.

    Args:
        subject: The program.
        prover: Proves suites.
        patches: Bugs and correct variants; all of the subject when not given, which may take minutes.
    """
    patches = (*subject.bugs, *subject.correct) if patches is None else patches
    bugs, correct = ([each for each in patches if each.is_bug is kind] for kind in (True, False))
    reference = subject.folder / "reference_suite"
    if (reference / WORKFLOW).is_file():
        text = (reference / WORKFLOW).read_text(encoding="utf-8")
        proved = commits_proved(text, subject, prover, bugs, correct)
        yield from verdict_faults(proved.verdict, [bug.id for bug in bugs])
        return
    suite = Suite.from_folder(reference)
    verdict = prover.prove(suite, subject, bugs=bugs, correct=correct)
    yield from suite_faults(verdict)
    if verdict.standing is not Standing.PROVED:
        return
    for judged in verdict.bugs:
        if judged.fate is not Fate.CAUGHT:
            yield f"{judged.bug.path}: {judged.fate}. Give the reference suite a test that catches it. {judged.detail}"
        elif not any(catch.assertion for catch in judged.catches):
            test = judged.catches[0].name
            yield f"{judged.bug.path}: {test} breaks on it, and no assertion fails. Assert what it shows."


def lesson_faults(lesson: Lesson, prover: Prover, folder: Path = LESSONS) -> Iterator[str]:
    """Yield what is wrong with a lesson's exercises."""
    path = folder / f"{lesson.slug}.py"
    for exercise in lesson.exercises:
        if lacking(exercise.needs):
            continue
        try:
            subject = patient(load_subject(exercise.subject or subject_names()[0]), exercise.seconds)
            yield from (f"{exercise.id}: {fault}" for fault in exercise_faults(lesson, exercise, subject, prover, path))
        except CourseError as error:
            yield f"{exercise.id}: {error}"


def exercise_faults(lesson: Lesson, exercise: Exercise, subject: Subject, prover: Prover, path: Path) -> Iterator[str]:
    """Yield what is wrong with an exercise: as shipped, as the author solved it, and as `other_way` does."""
    shipped = exercise_files(lesson, exercise, path, as_shipped=True)
    if is_sick(lesson, exercise, path):
        if not any(solution_faults(exercise, shipped, subject, prover)):
            yield "as shipped, it is solved: what stands below INSTEAD is not sick by any bug or proof of hygiene."
    elif exercise.language != "workflow" and (
        green := prover.prove(Suite.from_files(shipped), subject, bugs=[], correct=[]).valid
    ):
        yield f"as shipped, {', '.join(sorted(green))} passes: put what the test asserts into the solution region."
    yield from solution_faults(exercise, exercise_files(lesson, exercise, path), subject, prover)
    if exercise.other_way:
        files = exercise_files(lesson, exercise, path, otherwise_solved=True)
        yield from (f"other_way: {fault}" for fault in solution_faults(exercise, files, subject, prover))


def solution_faults(exercise: Exercise, files: dict[str, str], subject: Subject, prover: Prover) -> Iterator[str]:
    """Yield why a suite does not solve an exercise, and which bugs it catches that course.toml calls alive."""
    bugs = [subject.bug(name) for name in (*exercise.bugs, *exercise.alive)]
    correct = [subject.variant(name) for name in exercise.correct]
    hygiene: tuple[Proof, ...]
    if exercise.language == "workflow":
        proved = commits_proved(files[exercise.file], subject, prover, bugs, correct)
        verdict, hygiene = proved.verdict, (proved.fails_fast,) if exercise.hygiene else ()
    else:
        suite, rules = Suite.from_files(files), rules_of(exercise)
        verdict, hygiene = prove_suite(prover, suite, subject, bugs=bugs, correct=correct, rules=rules)
    yield from (f"{proof.name}: {proof.evidence}." for proof in hygiene if not proof.passed)
    yield from verdict_faults(verdict, exercise.bugs)


def commits_proved(
    text: str, subject: Subject, prover: Prover, bugs: Sequence[Patch], correct: Sequence[Patch]
) -> Proved:
    """What a workflow shows on commits."""
    return prove_workflow(read_workflow(text), subject, prover.trees.path, bugs=bugs, correct=correct)


def verdict_faults(verdict: Verdict, bugs: Sequence[str]) -> Iterator[str]:
    """Yield why a suite cannot be believed, which of these bugs it misses, and which others it catches."""
    yield from suite_faults(verdict)
    for name, fate in verdict.fates().items() if verdict.standing is Standing.PROVED else ():
        if (fate is Fate.CAUGHT) != (name in bugs):
            yield f"{name}: {fate}. It is listed in `{'bugs' if name in bugs else 'alive'}`."


def suite_faults(verdict: Verdict) -> Iterator[str]:
    """Yield why a suite, or a test of it, cannot be believed."""
    if verdict.standing is not Standing.PROVED:
        yield f"the suite is {verdict.standing}: {verdict.detail} {verdict.where}".rstrip()
    elif not verdict.valid:
        yield "no test of it passes on right code."
    for test in verdict.doubtful:
        yield f"{test.test}: {test.validity} on {test.variant}: {test.message}"
