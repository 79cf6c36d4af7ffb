"""`course.hint`: shows the next hint for an exercise, and remembers it."""

from __future__ import annotations

from dataclasses import replace

from course.notebook.board import other_way
from course.notebook.faults import guarded
from course.notebook.offers import hints_of, worked_example
from course.notebook.panel import Panel, Row
from course.notebook.session import Session, session
from course.notebook.showing import show
from course.syllabus import Exercise


@guarded
def hint(exercise: str = "") -> None:
    """Show the next hint for an exercise, with those that were shown before.

    It works after passing, too, and then shows one other way to solve it, where that teaches something new.

    Args:
        exercise: Its id, such as `"6.2"`; the exercise that ran last, or the first that waits, when not given.

    Raises:
        CourseError: There is no such exercise; the nearest id is suggested.
    """
    here = session()
    wanted = here.exercise_meant(str(exercise))
    shown, left = here.progress.hints(wanted.id), waiting(here, wanted)
    if left:
        here.progress.showed(wanted.id, left[0])
    panel = hint_panel(wanted, (*shown, *left[:1]), left=max(len(left) - 1, 0), is_new=bool(left))
    solved = wanted.id in here.progress.solved()
    show(replace(panel, rows=panel.rows + other_way(wanted, is_open=True)) if solved else panel)


def waiting(here: Session, exercise: Exercise) -> tuple[str, ...]:
    """The hints that were not shown yet: the exercise's own, then those of the bugs that are alive."""
    shown = set(here.progress.hints(exercise.id))
    every = hints_of(exercise, here.progress.alive(exercise.id))
    return tuple(each for each in every if each not in shown)


def hint_panel(exercise: Exercise, hints: tuple[str, ...], *, left: int, is_new: bool) -> Panel:
    """The hints shown so far, the last one in bold where it is new; `left` is how many more there are."""
    *before, newest = hints
    rows = [Row("", dim=words, label=str(number)) for number, words in enumerate(before, start=1)]
    rows.append(Row(newest, label=str(len(hints))))
    if not is_new:
        rows.append(_end(worked_example(exercise)))
    more = f"{left} more" if left else "the last one"
    return Panel(f"{exercise.id}  {exercise.title}", dim="hint", right=more, rows=tuple(rows))


def _end(example: str) -> Row:
    said = "These are all the hints."
    return Row(f"{said} The worked example:", more=example, is_open=True) if example else Row(said)
