"""Reads a learner's notebook as files: `%%conftest` cells are the conftest, `%%exercise` cells are tests."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from course.grading.loading import SubmissionError

MAGIC = re.compile(r"\s*%%(conftest|exercise)\b[ \t]*([^\n]*)\n?")


def suite_files(text: str) -> dict[str, str]:
    r"""The suite in a notebook, by file name.

    Args:
        text: The notebook, as JSON.

    Raises:
        SubmissionError: It is no notebook, or holds no such cell.

    Example:
        >>> cell = {"cell_type": "code", "source": "%%exercise 14.2\ndef test_one(): ..."}
        >>> suite_files(json.dumps({"cells": [cell]}))
        {'test_14_2.py': 'def test_one(): ...\n'}
    """
    conftest: list[str] = []
    tests: dict[str, str] = {}
    for source in _code_cells(text):
        if match := MAGIC.match(source):
            body = source[match.end() :].rstrip() + "\n"
            if match[1] == "conftest":
                conftest.append(body)
            else:
                tests[_test_name(match[2], tests)] = body
    if not tests:
        raise SubmissionError("The notebook has no %%exercise cell.", "Hand in the notebook of the challenge.")
    return ({"conftest.py": "\n\n".join(conftest)} if conftest else {}) | tests


def _code_cells(text: str) -> list[str]:
    try:
        notebook = json.loads(text)
        return [_source(cell) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise SubmissionError("The notebook is no valid .ipynb file.", "Save it again in JupyterLab.") from error


def _source(cell: Mapping[str, Any]) -> str:
    source = cell["source"]
    return source if isinstance(source, str) else "".join(str(line) for line in source)


def _test_name(words: str, taken: Mapping[str, str]) -> str:
    name = "test_" + (re.sub(r"\W+", "_", words, flags=re.ASCII).strip("_")[:60] or "exercise")
    number, candidate = 1, f"{name}.py"
    while candidate in taken:
        number += 1
        candidate = f"{name}_{number}.py"
    return candidate
