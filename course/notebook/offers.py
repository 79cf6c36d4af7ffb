"""What is offered to a learner who is stuck: hints, gentle ones first, then the worked example."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from course.engine import load_subject
from course.errors import CourseError
from course.notebook.panel import Row
from course.notebook.workspace import joined
from course.shipped import shipped
from course.syllabus import Exercise


def stuck(exercise: Exercise, alive: Iterable[str] = ()) -> tuple[Row, ...]:
    """The row of a board that opens one hint after the other, and the worked example behind the last."""
    hints = hints_of(exercise, alive)
    steps = [(f"hint {number} of {len(hints)}", hint) for number, hint in enumerate(hints, start=1)]
    if example := worked_example(exercise):
        steps.append(("the worked example", example))
    return (Row("Stuck?", dim=f'one hint at a time, as with `course.hint("{exercise.id}")`', steps=tuple(steps)),)


def hints_of(exercise: Exercise, alive: Iterable[str]) -> tuple[str, ...]:
    """The exercise's own hints, then those of bugs that are alive; each once."""
    return tuple(dict.fromkeys((*exercise.hints, *_of_bugs(exercise, alive))))


def is_challenge(exercise: Exercise) -> bool:
    """Whether nothing may give a bug of it away."""
    return exercise.subject is not None and (load_subject(exercise.subject).folder / "challenge.toml").is_file()


def worked_example(exercise: Exercise) -> str:
    """The cells of an exercise as they are worked through, as a page; empty where none are, and in a challenge."""
    number = exercise.id.partition(".")[0].zfill(2)
    found = sorted(shipped("solutions").glob(f"{number}_*.ipynb"))
    if not found or is_challenge(exercise):
        return ""
    empty, cells = _cells(shipped("notebooks") / found[0].name), _cells(found[0])
    own = [source for source in cells.values() if source.splitlines()[:1] == [exercise.magic]]
    shared = (exercise.conftest or "").replace("_", "-")
    if shared in cells and cells[shared] != empty.get(shared):  # the learner completes this one, too
        own.insert(0, cells[shared])
    return "\n\n".join(f"```python\n{source.rstrip()}\n```" for source in own)


def _cells(notebook: Path) -> dict[str, str]:
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        return {cell["id"]: joined(cell["source"]) for cell in cells}
    except (OSError, ValueError, KeyError):
        return {}


def _of_bugs(exercise: Exercise, alive: Iterable[str]) -> Iterator[str]:
    if exercise.subject is None or is_challenge(exercise):
        return  # in a challenge a hint is for the category
    for name in alive:
        try:
            hint = load_subject(exercise.subject).bug(name).hint
        except CourseError:
            continue  # the course has changed since that run
        if hint:
            yield hint
