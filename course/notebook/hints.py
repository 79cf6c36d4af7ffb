"""`course.hint`: the next hint for an exercise, one at a time; what was shown is remembered."""

from __future__ import annotations

from dataclasses import replace

from course.engine import load_subject
from course.errors import CourseError
from course.notebook.board import other_way
from course.notebook.faults import guarded
from course.notebook.panel import Panel, Row
from course.notebook.session import Session, session
from course.notebook.showing import show
from course.syllabus import Exercise


@guarded
def hint(exercise: str) -> None:
    """Show the next hint for an exercise, with those that were shown before.

    It works after passing, too, and then shows one other way to solve it, where that teaches something new.

    Args:
        exercise: Its id, such as `"6.2"`.

    Raises:
        CourseError: There is no such exercise; the nearest id is suggested.
    """
    here = session()
    wanted = here.course.exercise(str(exercise))
    shown, left = here.progress.hints(wanted.id), waiting(here, wanted)
    if left:
        here.progress.showed(wanted.id, left[0])
    panel = hint_panel(wanted, (*shown, *left[:1]), left=max(len(left) - 1, 0), is_new=bool(left))
    solved = wanted.id in here.progress.solved()
    show(replace(panel, rows=panel.rows + other_way(wanted, is_open=True)) if solved else panel)


def waiting(here: Session, exercise: Exercise) -> tuple[str, ...]:
    """The hints that were not shown yet: the exercise's own, then those of the bugs that are alive."""
    shown = set(here.progress.hints(exercise.id))
    return tuple(each for each in (*exercise.hints, *_of_bugs(here, exercise)) if each not in shown)


def hint_panel(exercise: Exercise, hints: tuple[str, ...], *, left: int, is_new: bool) -> Panel:
    """A panel with the hints so far, the newest one last and loudest.

    Args:
        exercise: The exercise.
        hints: Those to show.
        left: How many there are still.
        is_new: Whether the last one is shown for the first time.
    """
    *before, newest = hints
    rows = [Row("", dim=words, label=str(number)) for number, words in enumerate(before, start=1)]
    rows.append(Row(newest, label=str(len(hints))))
    if not is_new:
        rows.append(Row("", dim="These are all the hints. The worked example stands in the folder `solutions`."))
    more = f"{left} more" if left else "the last one"
    return Panel(f"{exercise.id}  {exercise.title}", dim="hint", right=more, rows=tuple(rows))


def _of_bugs(here: Session, exercise: Exercise) -> tuple[str, ...]:
    if exercise.subject is None:
        return ()
    subject, hints = load_subject(exercise.subject), []
    if (subject.folder / "challenge.toml").is_file():
        return ()  # in a challenge a hint is for the category, and none gives a bug away
    for name in here.progress.alive(exercise.id):
        try:
            hints.append(subject.bug(name).hint)
        except CourseError:
            continue  # the course has changed since that run
    return tuple(each for each in hints if each)
