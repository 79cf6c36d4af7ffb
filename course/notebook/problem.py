"""Why a cell is red."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """Why a cell is red.

    Attributes:
        what: One sentence, or what an assertion said.
        line: Line of the cell, 0 where there is none.
        source: That line.
        test: The test that failed; empty where it is not one test's.
        cell: `conftest` where the line stands in that cell.
        is_todo: A stub that waits to be filled in.
        printed: What the test printed.
        detail: More lines of what happened.
    """

    what: str
    line: int = 0
    source: str = ""
    test: str = ""
    cell: str = ""
    is_todo: bool = False
    printed: str = ""
    detail: str = ""
