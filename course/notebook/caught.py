"""`course.caught`: how many bugs the last board of each exercise shows as caught."""

from __future__ import annotations

from course.notebook.faults import guarded
from course.notebook.progress import Progress
from course.notebook.session import session
from course.syllabus import Exercise


@guarded
def caught(lesson: str = "") -> dict[str, tuple[int, int]]:
    """Count the bugs of a lesson that its exercises have caught, as they ran last.

    Args:
        lesson: Its name or its number, such as `"14"`; the one that has begun, when not given.

    Returns:
        Category to how many of its bugs are caught, and how many there are; in the order of the exercises.

    Raises:
        CourseError: There is no such lesson.
    """
    here = session()
    counts: dict[str, tuple[int, int]] = {}
    for exercise in here.lesson_meant(lesson).exercises:
        alive = alive_in(exercise, here.progress)
        for bug in exercise.bugs:
            category = bug.partition("/")[0]
            done, of = counts.get(category, (0, 0))
            counts[category] = (done + (bug not in alive), of + 1)
    return counts


def alive_in(exercise: Exercise, progress: Progress) -> frozenset[str]:
    """The bugs that an exercise has not caught: all of them as long as it has shown nothing on right code."""
    alive = frozenset(progress.alive(exercise.id))
    return alive if alive or exercise.id in progress.solved() else frozenset(exercise.bugs)
