"""`course.quiz`: a lesson's questions as buttons, by jupyterquiz, with nothing fetched from anywhere."""

from __future__ import annotations

from course.errors import CourseError
from course.notebook.faults import guarded
from course.notebook.session import session
from course.notebook.showing import running_shell, show
from course.syllabus import Lesson

# Our own two accents in place of jupyterquiz's many; feedback has a contrast of 4 and more on light and on dark pages
COLOURS = {
    "--jq-multiple-choice-bg": "#0b5f86",
    "--jq-many-choice-bg": "#0b5f86",
    "--jq-numeric-bg": "#0b5f86",
    "--jq-string-bg": "#0b5f86",
    "--jq-mc-button-bg": "#f6f8fa",
    "--jq-mc-button-border": "#d8dee4",
    "--jq-mc-button-inset-shadow": "#656d76",
    "--jq-correct-color": "#1c8650",
    "--jq-incorrect-color": "#bd5409",
}


class NoQuestionsError(CourseError):
    """A lesson without a quiz was asked for one."""


@guarded
def quiz(lesson: str = "") -> None:
    """Ask a lesson's questions; each answer tells why it is right or wrong.

    Args:
        lesson: Its name or its number, such as `"06"`; the one that has begun, when not given.

    Raises:
        CourseError: There is no such lesson, or it has no questions.
    """
    chosen = session().lesson_meant(lesson)
    if not chosen.questions:
        raise NoQuestionsError(f"Lesson {chosen.number} has no quiz.", "Go on with its exercises.")
    if running_shell() is None or not hasattr(running_shell(), "kernel"):
        show(as_text(chosen))
        return
    from jupyterquiz import display_quiz

    display_quiz([question.as_quiz() for question in chosen.questions], colors=COLOURS, max_width=760)


def as_text(lesson: Lesson) -> str:
    """The questions for a terminal, without the answers' feedback."""
    lines = []
    for number, question in enumerate(lesson.questions, start=1):
        lines += [f"{number}. {question.prompt}", *(f"   - {answer.text}" for answer in question.answers)]
    return "\n".join(lines)
