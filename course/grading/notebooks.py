"""The notebook that counts, among copies of it and those of other lessons."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from course.grading.cells import Exercise, read_exercises
from course.grading.loading import SubmissionError
from course.hygiene.scrub import shown


def choose_notebook(notebooks: Sequence[Path], exercises: Collection[str], notes: list[str]) -> Path:
    """The notebook of the challenge; of copies, the one that was worked in most.

    Args:
        notebooks: All that were handed in.
        exercises: Ids of the challenge's exercises.
        notes: Takes a sentence where there was a choice.

    Raises:
        SubmissionError: There is none, or two are worked in alike and differ.
    """
    if len(notebooks) == 1:
        return notebooks[0]
    worked: dict[Path, list[Exercise]] = {}
    for path in notebooks:
        cells = challenge_cells(path, exercises)
        if cells and cells not in worked.values():
            worked[path] = cells
    if not worked:
        raise SubmissionError(
            f"None of its notebooks is the challenge's: {list_names(notebooks)}.", "Hand in that one."
        )
    done = {path: sum(not each.is_stub for each in cells) for path, cells in worked.items()}
    best = [path for path in done if done[path] == max(done.values())]
    if len(best) > 1:
        raise SubmissionError(f"It holds {len(best)} notebooks of the challenge: {list_names(best)}.", "Hand in one.")
    if len(worked) > 1:
        notes.append(
            f"Of {len(worked)} notebooks of the challenge the one that was worked in counts: {list_names(best)}."
        )
    return best[0]


def challenge_cells(path: Path, exercises: Collection[str]) -> list[Exercise]:
    """The cells of the challenge in a notebook; none where it cannot be read."""
    try:
        cells = read_exercises(path.read_text(encoding="utf-8", errors="replace"))
    except SubmissionError:
        return []
    return [each for each in cells if each.id in exercises]


def list_names(paths: Sequence[Path]) -> str:
    """Names of files or folders, safe to show."""
    return ", ".join(shown(path.name) for path in paths)
