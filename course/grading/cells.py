"""Reads a learner's notebook as files: `%%conftest` cells are the conftest, `%%exercise` cells are tests."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from course.grading.loading import SubmissionError

MAGIC = re.compile(r"\s*%%(conftest|exercise)\b[ \t]*([^\n]*)\n?")
STUB = re.compile(r"^\s*raise NotImplementedError\(\"TODO ", re.MULTILINE)


@dataclass(frozen=True)
class Exercise:
    """One cell of a notebook.

    Attributes:
        id: What stands behind `%%exercise`.
        source: The tests.
        conftest: The conftest cell that it stands on: the last one above; empty where there is none.
    """

    id: str
    source: str
    conftest: str

    @property
    def is_stub(self) -> bool:
        """Whether nobody has worked on it."""
        return bool(STUB.search(self.source))


def read_exercises(text: str) -> list[Exercise]:
    """The exercise cells of a notebook; none where it has none.

    Args:
        text: The notebook, as JSON.

    Raises:
        SubmissionError: It is no notebook.
    """
    conftest = ""
    exercises = []
    for source in _code_cells(text):
        if match := MAGIC.match(source):
            body = source[match.end() :].rstrip() + "\n"
            if match[1] == "conftest":
                conftest = body
            else:
                exercises.append(Exercise(match[2].strip(), body, conftest))
    return exercises


def suite_files(text: str) -> dict[str, str]:
    r"""The suite in a notebook, by file name. Where exercises stand on several conftest cells, each has its folder.

    Args:
        text: The notebook, as JSON.

    Raises:
        SubmissionError: It is no notebook, or holds no exercise.

    Example:
        >>> cell = {"cell_type": "code", "source": "%%exercise 14.2\ndef test_one(): ..."}
        >>> suite_files(json.dumps({"cells": [cell]}))
        {'test_14_2.py': 'def test_one(): ...\n'}
    """
    exercises = read_exercises(text)
    if not exercises:
        raise SubmissionError("The notebook has no %%exercise cell.", "Hand in the notebook of the challenge.")
    conftests = list(dict.fromkeys(exercise.conftest for exercise in exercises))
    files: dict[str, str] = {}
    names: set[str] = set()
    for exercise in exercises:
        name = _test_name(exercise.id, names)
        names.add(name)
        folder = f"conftest_{conftests.index(exercise.conftest) + 1}/" if len(conftests) > 1 else ""
        if exercise.conftest:
            files[f"{folder}conftest.py"] = exercise.conftest
        files[f"{folder}{name}"] = exercise.source
    return files


def _code_cells(text: str) -> list[str]:
    try:
        notebook = json.loads(text)
        return [_source(cell) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise SubmissionError("The notebook is no valid .ipynb file.", "Save it again in JupyterLab.") from error


def _source(cell: Mapping[str, Any]) -> str:
    source = cell["source"]
    return source if isinstance(source, str) else "".join(str(line) for line in source)


def _test_name(words: str, taken: Collection[str]) -> str:
    name = "test_" + (re.sub(r"\W+", "_", words, flags=re.ASCII).strip("_")[:60] or "exercise")
    number, candidate = 1, f"{name}.py"
    while candidate in taken:
        number += 1
        candidate = f"{name}_{number}.py"
    return candidate
