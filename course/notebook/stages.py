"""The stages of the learning path: which lessons stand in which, how far each is done, and which one comes next."""

from __future__ import annotations

from dataclasses import dataclass

from course.syllabus import Lesson, Syllabus

# A lesson that is missing here stands before the first stage
STAGES = {
    "unit testing": ("01",),
    "mocking": ("02",),
    "integration testing": ("03", "04", "06", "07", "08", "09", "10", "11", "13"),
    "test containers": ("05",),
    "CI pipeline integration": ("12",),
    "challenge": ("14",),
    "what's next": ("15",),
}
LEGEND = {"✔": "done", "◐": "begun", "○": "to do", "·": "in preparation"}


@dataclass(frozen=True)
class Stage:
    """One stage of the path with its lessons, planned ones too."""

    name: str
    lessons: tuple[Lesson, ...]


def stages(course: Syllabus) -> tuple[Stage, ...]:
    """Return the stages that have lessons, in order.

    Example:
        >>> from course.syllabus import syllabus
        >>> [stage.name for stage in stages(syllabus())][:3]
        ['start', 'unit testing', 'mocking']
    """
    staged = {number for numbers in STAGES.values() for number in numbers}
    first = tuple(lesson.number for lesson in course.lessons if lesson.number not in staged)
    named = {"start": first, **STAGES}
    every = (
        Stage(name, tuple(lesson for lesson in course.everything if lesson.number in numbers))
        for name, numbers in named.items()
    )
    return tuple(stage for stage in every if stage.lessons)


def legend(course: Syllabus) -> tuple[str, ...]:
    """The signs that the path needs, each with what it means."""
    needed = LEGEND if any(lesson.planned for lesson in course.everything) else dict(list(LEGEND.items())[:-1])
    return tuple(f"{sign} {words}" for sign, words in needed.items())


def sign(lesson: Lesson, solved: frozenset[str]) -> str:
    """One of the signs of `LEGEND`: what is done of a lesson."""
    done = [exercise.id in solved for exercise in lesson.exercises]
    if lesson.planned:
        return "·"
    return "✔" if done and all(done) else "◐" if any(done) else "○"


def following(course: Syllabus, lesson: Lesson) -> Lesson | None:
    """The lesson of the path after this one, or None after the last."""
    return next((each for each in course.lessons if each.number > lesson.number), None)


def upcoming(course: Syllabus, solved: frozenset[str]) -> Lesson | None:
    """The lesson to go on with: the furthest one that was begun, else the one after it, else one that was left out.

    None where all are done.
    """
    lessons = course.lessons
    touched = [place for place, each in enumerate(lessons) if sign(each, solved) != "○"]
    furthest = touched[-1] if touched else 0
    return next((each for each in lessons[furthest:] + lessons[:furthest] if sign(each, solved) != "✔"), None)
