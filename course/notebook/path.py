"""Shows the learning path and the learner's progress: as a list, as a drawing, and at the end of a lesson."""

from __future__ import annotations

import html
from typing import Any

from course.notebook.closing import closing_panel
from course.notebook.faults import guarded
from course.notebook.panel import Panel, Row, framed
from course.notebook.session import NotBegunError, session
from course.notebook.showing import show
from course.notebook.stages import Stage, legend, sign, stages, upcoming
from course.syllabus import Lesson, Syllabus


@guarded
def progress() -> None:
    """Show all lessons, and which of their exercises are done."""
    here = session()
    show(progress_panel(here.course, here.progress.solved(), here.progress.take_news()))


@guarded
def path() -> None:
    """Draw the learning path with what is done; a terminal shows it as a Mermaid flowchart."""
    here = session()
    show(Drawing(here.course, here.progress.solved()))


@guarded
def next(lesson: str | None = None) -> None:  # noqa: A001 - what a learner types, as `course.next()`
    """Show what this lesson has taught, which bugs are still alive, and the way to the next notebook.

    Args:
        lesson: Its name or its number, such as `"06"`; the one that has begun in this kernel when not given.

    Raises:
        CourseError: There is no such lesson, or none has begun.
    """
    here = session()
    chosen = here.course.lesson(lesson) if lesson is not None else here.lesson
    if chosen is None:
        fix = 'Run the cell with `course.begin` first, or name a lesson: `course.next("06")`.'
        raise NotBegunError("No lesson has begun in this kernel.", fix)
    show(closing_panel(here.course, chosen, here.progress))


def progress_panel(course: Syllabus, solved: frozenset[str], news: tuple[str, ...] = ()) -> Panel:
    """A row for each lesson of the path; `solved` are ids of exercises, `news` sentences for the learner."""
    rows = (*(_row(lesson, solved) for lesson in course.lessons), *(Row(sentence, "note") for sentence in news))
    return _headed("Your progress", course, solved, rows)


class Drawing:
    """The path as boxes that arrows join: HTML that wraps at any width and takes its colours from the page.

    Mermaid scales its picture, words and all, to the width of the page, and keeps the colours of the theme in which it
    was drawn. So its text is only the plain form.

    Args:
        course: The syllabus.
        solved: Ids of exercises.
    """

    def __init__(self, course: Syllabus, solved: frozenset[str]) -> None:
        self.course = course
        self.solved = solved
        self.upcoming = upcoming(course, solved)

    def __str__(self) -> str:
        return flowchart(self.course, self.solved)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        del include, exclude  # IPython picks from what it gets
        return {"text/html": self.html(), "text/plain": str(self)}

    def html(self) -> str:
        """The drawing in a panel's frame."""
        boxes = '<div class="course-arrow"></div>'.join(self._box(stage) for stage in stages(self.course))
        signs = "".join(f"<span>{each}</span>" for each in legend(self.course))
        head = _headed("The path", self.course, self.solved).head()
        return framed(head, f'<div class="course-path">{boxes}</div><div class="course-legend">{signs}</div>')

    def _box(self, stage: Stage) -> str:
        here = " course-here" if self.upcoming in stage.lessons else ""
        lessons = "".join(self._stop(lesson) for lesson in stage.lessons)
        return f'<div class="course-stage{here}"><b>{html.escape(stage.name)}</b><div>{lessons}</div></div>'

    def _stop(self, lesson: Lesson) -> str:
        words = html.escape(f"{lesson.number} {lesson.title}")
        if lesson.planned:
            return f'<span class="course-dim">{sign(lesson, self.solved)} {words}</span>'
        tag = ' <span class="course-tag course-ok">next</span>' if lesson is self.upcoming else ""
        return f'<span>{sign(lesson, self.solved)} <a href="{lesson.slug}.ipynb">{words}</a>{tag}</span>'


def flowchart(course: Syllabus, solved: frozenset[str]) -> str:
    """The path in Mermaid's language: a node for each stage, its lessons in it with a sign for what is done."""
    nodes = [f'  s{number}["{_node(stage, solved)}"]' for number, stage in enumerate(stages(course))]
    arrows = " --> ".join(f"s{number}" for number in range(len(nodes)))
    return "\n".join(["flowchart TB", f"  %% {'  '.join(legend(course))}", *nodes, f"  {arrows}"])


def _node(stage: Stage, solved: frozenset[str]) -> str:
    lines = (f"{sign(lesson, solved)} {lesson.number} {lesson.title}" for lesson in stage.lessons)
    return "<br>".join([f"<b>{stage.name}</b>", *lines]).replace('"', "'")


def _headed(title: str, course: Syllabus, solved: frozenset[str], rows: tuple[Row, ...] = ()) -> Panel:
    every = [exercise.id for lesson in course.lessons for exercise in lesson.exercises]
    done = sum(each in solved for each in every)
    share = done / len(every) if every else None
    return Panel(title, right=f"{done} of {len(every)} exercises", share=share, rows=rows)


def _row(lesson: Lesson, solved: frozenset[str]) -> Row:
    ids = [exercise.id for exercise in lesson.exercises]
    parts = [f"✔ {each}" if each in solved else f"○ {each}" for each in ids]
    title = f"**{lesson.title}**" if sign(lesson, solved) == "◐" else lesson.title
    return Row(f"{sign(lesson, solved)} {title}", dim="\u2003".join(parts), label=lesson.number)
