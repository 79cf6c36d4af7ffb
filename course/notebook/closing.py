"""The panel that ends a lesson: what was learned, which bugs are still alive, and where the path goes on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

from course.engine import Patch, load_subject
from course.errors import CourseError
from course.notebook.panel import Panel, Row
from course.notebook.progress import Progress
from course.notebook.stages import following, sign
from course.syllabus import Exercise, Lesson, Syllabus

BELOW = "\u00a0"  # the label of a row that goes on with the one above
FAREWELL = (
    "This was the last lesson. Go on with a project of your own: take a bug that it has had, and write the test that "
    "would have caught it."
)


def closing_panel(course: Syllabus, lesson: Lesson, progress: Progress) -> Panel:
    """The panel of `course.next()` at the end of a lesson, whether or not anything is solved."""
    solved = progress.solved()
    ids = [exercise.id for exercise in lesson.exercises]
    done = sum(each in solved for each in ids)
    rows = (
        *_learned(lesson, solved),
        *_to_do(lesson, solved),
        *_alive(lesson, progress),
        *_alive_on_purpose(course, lesson, solved),
        _next(course, lesson, solved),
    )
    right, share = (f"{done} of {len(ids)}", done / len(ids)) if ids else ("", None)
    return Panel(f"{lesson.number} · {lesson.title}", "the end of this lesson", right, share, rows)


def _learned(lesson: Lesson, solved: frozenset[str]) -> Iterator[Row]:
    """What the lesson teaches; it counts as learned when all its exercises are solved."""
    is_done = all(exercise.id in solved for exercise in lesson.exercises)
    for place, words in enumerate(lesson.learn):
        label = ("Learned" if is_done else "To learn") if place == 0 else BELOW
        yield Row(words, "ok" if is_done else "todo", label=label)


def _to_do(lesson: Lesson, solved: frozenset[str]) -> Iterator[Row]:
    left = [f"○ {each.id} {each.title}" for each in lesson.exercises if each.id not in solved]
    if left:
        yield Row("\u2003".join(left), label="To do")


def _alive(lesson: Lesson, progress: Progress) -> Iterator[Row]:
    """The bugs that the latest run of each exercise left alive, by boundary: more would give them away."""
    label = "Alive"
    for exercise in lesson.exercises:
        names = [name for name in progress.alive(exercise.id) if name not in exercise.alive]
        boundaries = Counter(bug.boundary for name in names if (bug := _bug(exercise, name)))
        for boundary, count in boundaries.items():
            bugs = "a bug" if count == 1 else f"{count} bugs"
            hint = f'in {exercise.id}: run it again, or `course.hint("{exercise.id}")`'
            yield Row(f"{bugs} at the **{boundary}** boundary", "bad", dim=hint, label=label, tag="alive")
            label = BELOW


def _alive_on_purpose(course: Syllabus, lesson: Lesson, solved: frozenset[str]) -> Iterator[Row]:
    for exercise in lesson.exercises:
        for bug in (_bug(exercise, name) for name in exercise.alive if exercise.id in solved):
            if bug is not None:
                yield _promised(bug, catcher(course, exercise, bug.id), solved)


def _promised(bug: Patch, later: Exercise | None, solved: frozenset[str]) -> Row:
    if later is None:
        return Row(bug.shows, "todo", dim="alive on purpose", label="Alive", tag="alive")
    if later.id in solved:
        return Row(bug.shows, "ok", dim=f"alive here on purpose, and caught in {later.id}", label="Alive", tag="caught")
    return Row(bug.shows, "todo", dim=f"alive on purpose: you catch it in {later.id}", label="Alive", tag="alive")


def catcher(course: Syllabus, exercise: Exercise, bug: str) -> Exercise | None:
    """The later exercise that has to catch a bug which is alive on purpose here; None where none has."""
    every = [each for lesson in course.lessons for each in lesson.exercises]
    later = every[every.index(exercise) + 1 :]
    return next((each for each in later if each.subject == exercise.subject and bug in each.bugs), None)


def _next(course: Syllabus, lesson: Lesson, solved: frozenset[str]) -> Row:
    after = following(course, lesson)
    if after is not None:
        dim = f"{after.minutes} min · {after.summary}"
        return Row(f"**{after.number} {after.title}**", dim=dim, label="Next", link=f"{after.slug}.ipynb")
    still_open = [each.number for each in course.lessons if sign(each, solved) != "✔" and each is not lesson]
    dim = f"Not done yet: {', '.join(still_open)}; `course.path()` links to them." if still_open else ""
    return Row(FAREWELL, dim=dim, label="Next")


def _bug(exercise: Exercise, name: str) -> Patch | None:
    """A bug by its name; None where the course has it no longer."""
    with suppress(CourseError):
        return load_subject(exercise.subject or "").bug(name)
    return None
