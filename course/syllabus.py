"""The syllabus: `course.toml` becomes frozen dataclasses, checked when they are loaded."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from course.errors import CourseError, nearest
from course.manifest import Table, read_manifest

COURSE_TOML = Path(__file__).parent / "course.toml"
SERVICES = ("postgresql", "nats", "docker", "node", "browser")
# The rules of `course.hygiene`, and what their proofs may be told
HYGIENE = (
    "cleans_its_database", "leaves_nothing_behind", "leaves_no_connection", "leaves_production_alone",
    "takes_any_address", "depends_on_no_seed", "tests_error_answers", "is_fast", "passes_in_any_order",
    "passes_under_two_workers", "starts_its_own_container", "fails_fast",
)  # fmt: skip
SETTINGS = ("orders", "workers", "ratio_at_most")
BUG = r"[a-z0-9_]+/[a-z0-9_]+"
CODE_BLOCK = re.compile(r"^```[a-z]+\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class UnknownLessonError(CourseError):
    """No lesson has this name."""


class UnknownExerciseError(CourseError):
    """No exercise has this id."""


@dataclass(frozen=True)
class Language:
    """What an exercise is written in.

    Attributes:
        magic: The cell magic above it.
        comment: What a comment in it begins with.
        file: The name of its file, with the exercise's number in place of `{}`.
    """

    magic: str
    comment: str
    file: str


LANGUAGES = {
    "python": Language("exercise", "#", "test_{}.py"),
    "workflow": Language("workflow", "#", "workflow_{}.yml"),
}


@dataclass(frozen=True)
class Hygiene:
    """A rule that a suite is held to by running it; see `course.hygiene`.

    Attributes:
        name: Such as `"passes_in_any_order"`; one of `HYGIENE`.
        settings: What the proof is told, such as `{"orders": 50}`.
    """

    name: str
    settings: Mapping[str, float | str]


@dataclass(frozen=True)
class Exercise:
    """What a learner completes: one test cell, with a shared `conftest` cell before it where one is named.

    Attributes:
        id: `"6.2"`: lesson number without leading zero, then 1, 2, 3 …
        title: A few words, as the board shows them.
        subject: The program under test, or None where the exercise only has to pass.
        bugs: Names `group/misbehaviour` that have to be caught.
        alive: Bugs that this way of testing cannot show: they are on the board, and stay alive on purpose.
        correct: Names of correct variants that have to be passed.
        hints: From gentle to plain, one at least.
        conftest: Name of the conftest cell that the exercise runs with, or None.
        seconds: Deadline of one run, or None for the subject's own.
        hygiene: What the suite is held to beside its bugs.
        other_way: Another solution that teaches something new, shown once this one is solved: text in Markdown with one
            block of code, which may stand in place of the solution region. None for none.
        language: A key of `LANGUAGES`.
        needs: `"browser"` where it cannot run without one, else None.
    """

    id: str
    title: str
    subject: str | None
    bugs: tuple[str, ...]
    alive: tuple[str, ...]
    correct: tuple[str, ...]
    hints: tuple[str, ...]
    conftest: str | None
    seconds: float | None
    hygiene: tuple[Hygiene, ...] = ()
    other_way: str | None = None
    language: str = "python"
    needs: str | None = None

    @property
    def file(self) -> str:
        """The name of its cell as a file: `test_6_2.py`."""
        return LANGUAGES[self.language].file.format(self.id.replace(".", "_"))

    @property
    def magic(self) -> str:
        """The line above its cell: `%%exercise 6.2`."""
        return f"%%{LANGUAGES[self.language].magic} {self.id}"

    @property
    def other_code(self) -> str:
        """The block of code in `other_way`."""
        block = CODE_BLOCK.search(self.other_way or "")
        return block[1] if block else ""


@dataclass(frozen=True)
class Answer:
    """One answer to a question, and what the learner is told who chooses it."""

    text: str
    correct: bool
    feedback: str


@dataclass(frozen=True)
class Question:
    """A quiz question with two answers or more."""

    prompt: str
    answers: tuple[Answer, ...]

    def as_quiz(self) -> dict[str, Any]:
        """Return the question in jupyterquiz's form: several right answers make it a many-choice question."""
        several = sum(answer.correct for answer in self.answers) > 1
        return {
            "question": self.prompt,
            "type": "many_choice" if several else "multiple_choice",
            "answers": [
                {"answer": answer.text, "correct": answer.correct, "feedback": answer.feedback}
                for answer in self.answers
            ],
        }


@dataclass(frozen=True)
class Lesson:
    """One notebook of the path.

    Attributes:
        slug: `"06_test_an_api"`: the name of its source and of both notebooks.
        title: As headings show it.
        minutes: How long it takes.
        summary: One sentence: what it teaches.
        subject: The program under test, where all exercises share one.
        services: What it needs beside Python; see `SERVICES`.
        do: What the learner will do, one sentence.
        learn: What the learner can do afterwards.
        need: What has to be there, one sentence.
        exercises: In order.
        questions: Quiz questions, in order.
        planned: True while the lesson is not written; it is listed, and not yet part of the path.
    """

    slug: str
    title: str
    minutes: int
    summary: str
    subject: str | None
    services: tuple[str, ...]
    do: str
    learn: tuple[str, ...]
    need: str
    exercises: tuple[Exercise, ...]
    questions: tuple[Question, ...]
    planned: bool

    @property
    def number(self) -> str:
        """The two digits the slug starts with: `"06"`."""
        return self.slug[:2]


@dataclass(frozen=True)
class Syllabus:
    """All lessons in order, and how to find one by what a learner may type."""

    everything: tuple[Lesson, ...]

    @property
    def lessons(self) -> tuple[Lesson, ...]:
        """The path: the lessons that are written."""
        return tuple(lesson for lesson in self.everything if not lesson.planned)

    def lesson(self, name: str, *, planned: bool = False) -> Lesson:
        """Find a lesson by slug, number or file name: `"06_test_an_api"`, `"06"`, `"6"`.

        Args:
            name: What a learner typed.
            planned: Look among the planned ones as well.

        Raises:
            UnknownLessonError: There is none; the nearest name is suggested.
        """
        wanted = str(name).strip().removesuffix(".ipynb")
        known = self.everything if planned else self.lessons
        for lesson in known:
            if wanted == lesson.slug or wanted.zfill(2) == lesson.number:
                return lesson
        raise UnknownLessonError(f'There is no lesson "{name}".', nearest(wanted, [each.slug for each in known]))

    def exercise(self, name: str) -> Exercise:
        """Find an exercise of the path by id; `"06.2"` is `"6.2"`.

        Raises:
            UnknownExerciseError: There is none; the nearest id is suggested.
        """
        wanted = re.sub(r"^0+(?=\d)", "", str(name).strip())
        known = {exercise.id: exercise for lesson in self.lessons for exercise in lesson.exercises}
        if wanted not in known:
            beside = [each for each in known if each.partition(".")[0] == wanted.partition(".")[0]]
            longer = [each for each in beside if wanted.startswith(each)]
            told = nearest(wanted, known if not beside else longer) if longer or not beside else there_are(beside)
            raise UnknownExerciseError(f'There is no exercise "{name}".', told)
        return known[wanted]

    def lesson_of(self, exercise: Exercise | str) -> Lesson:
        """Return the lesson that an exercise stands in."""
        found = exercise if isinstance(exercise, Exercise) else self.exercise(exercise)
        return next(lesson for lesson in self.everything if found in lesson.exercises)


def there_are(ids: list[str]) -> str:
    """Which exercises a lesson has, one at least, as a sentence."""
    return f"This lesson has {ids[0]} to {ids[-1]}." if ids[1:] else f"This lesson has {ids[0]} only."


@cache
def syllabus() -> Syllabus:
    """Return the course's own syllabus, loaded once.

    Example:
        >>> syllabus().everything[0].slug
        '00_start_here'
    """
    return load(COURSE_TOML)


def load(path: Path) -> Syllabus:
    """Read and check a `course.toml`.

    Raises:
        ManifestError: It cannot be read or breaks a rule; file, line and fix are named.
    """
    root = read_manifest(path)
    lessons: list[Lesson] = []
    for table in root.tables("lesson", at_least=1):
        lesson = read_lesson(table)
        if lessons and lesson.number <= lessons[-1].number:
            fix = "Order the lessons by their numbers and use each number once."
            raise table.error(f"it comes after {lessons[-1].slug}.", fix)
        lessons.append(lesson)
    root.done()
    return Syllabus(tuple(lessons))


def read_lesson(table: Table) -> Lesson:
    slug = table.name_by("slug", pattern=r"\d\d(_[a-z0-9]+)+", example="06_test_an_api")
    subject = table.text("subject", default=None)
    lesson = Lesson(
        slug=slug,
        title=table.text("title"),
        minutes=table.number("minutes", kind=int),
        summary=table.text("summary"),
        subject=subject,
        services=table.texts("services", known=SERVICES),
        do=table.text("do"),
        learn=table.texts("learn", at_least=1),
        need=table.text("need"),
        exercises=tuple(read_exercise(each, subject) for each in table.tables("exercise")),
        questions=tuple(read_question(each) for each in table.tables("question")),
        planned=table.flag("planned", default=False),
    )
    table.done()
    for place, exercise in enumerate(lesson.exercises, start=1):
        expected = f"{int(lesson.number)}.{place}"
        if exercise.id != expected:
            raise table.error(f'exercise {place} has the id "{exercise.id}".', f'Write id = "{expected}".')
    return lesson


def read_exercise(table: Table, subject: str | None) -> Exercise:
    exercise = Exercise(
        id=table.name_by("id", pattern=r"\d+\.\d+", example="6.2"),
        title=table.text("title"),
        subject=table.text("subject", default=subject),
        bugs=table.texts("bugs", pattern=BUG),
        alive=table.texts("alive", pattern=BUG),
        correct=table.texts("correct", pattern=r"[a-z0-9_]+"),
        hints=table.texts("hints", at_least=1),
        conftest=table.text("conftest", default=None),
        seconds=table.number("seconds", kind=float, default=None),
        hygiene=tuple(read_hygiene(each) for each in table.tables("hygiene")),
        other_way=table.text("other_way", default=None),
        language=table.text("language", default="python") or "python",
        needs=table.text("needs", default=None),
    )
    table.done()
    if exercise.language not in LANGUAGES:
        raise table.error(f'there is no language "{exercise.language}".', nearest(exercise.language, LANGUAGES))
    if exercise.needs not in (None, "browser"):
        raise table.error(
            f'nothing is known of needs = "{exercise.needs}".', 'Write needs = "browser", or leave it out.'
        )
    if exercise.other_way and len(CODE_BLOCK.findall(exercise.other_way)) != 1:
        fix = f"Put the lines that may stand in place of the solution into one block: ```{exercise.language} … ```."
        raise table.error("other_way does not hold one block of code.", fix)
    proved = exercise.bugs or exercise.alive or exercise.correct or exercise.hygiene
    if proved and exercise.subject is None:
        raise table.error("it names variants, and no subject.", 'Add subject = "users_api" to the lesson.')
    return exercise


def read_hygiene(table: Table) -> Hygiene:
    name = table.name_by("name")
    if name not in HYGIENE:
        raise table.error("there is no such rule.", nearest(name, HYGIENE))
    settings = {key: table.number(key, kind=float, default=None) for key in SETTINGS} | {
        "image": table.text("image", None)
    }
    table.done()
    return Hygiene(name, {key: value for key, value in settings.items() if value is not None})


def read_question(table: Table) -> Question:
    question = Question(prompt=table.name_by("prompt"), answers=tuple(read_answers(table)))
    table.done()
    if not any(answer.correct for answer in question.answers):
        raise table.error("no answer is correct.", "Add correct = true to one.")
    return question


def read_answers(table: Table) -> Iterator[Answer]:
    for each in table.tables("answers", at_least=2):
        yield Answer(each.name_by("text"), each.flag("correct", default=False), each.text("feedback"))
        each.done()
