"""The learning path with the learner's own progress in it: as a panel, and as a flowchart."""

from __future__ import annotations

from collections.abc import Iterator

from course.notebook.faults import guarded
from course.notebook.panel import Panel, Row
from course.notebook.session import session
from course.notebook.showing import Page, show
from course.syllabus import Lesson, Syllabus

# The stages of the path, each with its lessons; a lesson that is missing here is shown before the first stage
STAGES = {
    "unit testing": ("01",),
    "mocking": ("02",),
    "integration testing": ("03", "04", "06", "07", "08", "09", "10", "11", "13"),
    "test containers": ("05",),
    "CI pipeline integration": ("12",),
    "challenge": ("14",),
    "what's next": ("15",),
}


@guarded
def progress() -> None:
    """Show all lessons, and which of their exercises are done."""
    here = session()
    show(progress_panel(here.course, here.progress.solved(), here.progress.take_news()))


@guarded
def path() -> None:
    """Draw the learning path as a flowchart, with what is done; JupyterLab draws it, a terminal shows its source."""
    here = session()
    drawn = flowchart(here.course, here.progress.solved())
    show(Page(f"```mermaid\n{drawn}\n```", plain=drawn))


def progress_panel(course: Syllabus, solved: frozenset[str], news: tuple[str, ...] = ()) -> Panel:
    """A row for each lesson of the path.

    Args:
        course: The syllabus.
        solved: Ids of the exercises that are done.
        news: Sentences that the learner should see.
    """
    every = [exercise.id for lesson in course.lessons for exercise in lesson.exercises]
    done = sum(each in solved for each in every)
    rows = [*(_row(lesson, solved) for lesson in course.lessons), *(Row(sentence, "note") for sentence in news)]
    share = done / len(every) if every else None
    return Panel("Your progress", right=f"{done} of {len(every)} exercises", share=share, rows=tuple(rows))


def flowchart(course: Syllabus, solved: frozenset[str]) -> str:
    """The path in Mermaid's language: a node for each stage, its lessons in it with a sign for what is done.

    It stands in two rows, without frames: in one row its words would be too small to read.
    """
    nodes = [f's{number}["{node}"]' for number, node in enumerate(_nodes(course, solved))]
    half = (len(nodes) + 1) // 2
    rows = [*_row_of_nodes("first", nodes[:half]), *_row_of_nodes("second", nodes[half:])]
    return "\n".join(["flowchart TB", *rows, "  first --> second"])


def _row_of_nodes(name: str, nodes: list[str]) -> Iterator[str]:
    yield f'  subgraph {name}[" "]'
    yield "    direction LR"
    yield f"    {' --> '.join(nodes)}"
    yield "  end"
    yield f"  style {name} fill:none,stroke:none"


def _nodes(course: Syllabus, solved: frozenset[str]) -> Iterator[str]:
    staged = {number for numbers in STAGES.values() for number in numbers}
    first = tuple(lesson.number for lesson in course.lessons if lesson.number not in staged)
    for stage, numbers in {"start": first, **STAGES}.items():
        lessons = [lesson for lesson in course.everything if lesson.number in numbers]
        if lessons:
            lines = (f"{sign(lesson, solved)} {lesson.number} {lesson.title}" for lesson in lessons)
            yield "<br>".join([f"<b>{stage}</b>", *lines]).replace('"', "'")


def sign(lesson: Lesson, solved: frozenset[str]) -> str:
    """✔ for a lesson that is done, ◐ for one that is begun, ○ for one that waits, · for one that is not written yet."""
    done = [exercise.id in solved for exercise in lesson.exercises]
    if lesson.planned:
        return "·"
    return "✔" if done and all(done) else "◐" if any(done) else "○"


def _row(lesson: Lesson, solved: frozenset[str]) -> Row:
    ids = [exercise.id for exercise in lesson.exercises]
    parts = [f"✔ {each}" if each in solved else f"○ {each}" for each in ids]
    title = f"**{lesson.title}**" if sign(lesson, solved) == "◐" else lesson.title
    return Row(f"{sign(lesson, solved)} {title}", dim="\u2003".join(parts), label=lesson.number)
