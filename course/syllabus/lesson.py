"""A lesson of `course.toml`, with its exercises and its quiz."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from course.manifest import Table
from course.syllabus.exercise import Exercise, read_exercise

SERVICES = ("postgresql", "nats", "docker", "node", "browser")


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
