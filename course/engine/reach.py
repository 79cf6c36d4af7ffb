"""Which tests can notice which change: a change whose lines no test reaches is settled without a run."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from course.engine.patch import Patch
from course.engine.run import Reach


@dataclass(frozen=True)
class Watched:
    """Lines of the original that a change stands on.

    Attributes:
        lines: Pairs of file and line; a test that reaches none of them runs the same program with and without it.
        known: False where that cannot be told, as in another language than Python.
    """

    lines: frozenset[tuple[str, int]]
    known: bool = True


def watched_lines(patch: Patch, program: Path) -> Watched:
    """The lines of the original program that a patch stands on.

    A removed line counts with the whole statement that it is part of. An added one counts with the statements before
    and after it: an addition can only run if one of these runs.

    Args:
        patch: The change.
        program: Folder of the original program.
    """
    lines: set[tuple[str, int]] = set()
    for file in patch.files:
        if not file.path.endswith(".py"):
            return Watched(frozenset(), known=False)
        statements = _statements(program / file.path)
        for number in _touched(file):
            lines |= {(file.path, line) for line in _around(number, statements)}
    return Watched(frozenset(lines))


def interest(watched: Iterable[Watched]) -> Mapping[str, frozenset[int]]:
    """All watched lines by file, as a run takes them."""
    files: dict[str, set[int]] = {}
    for one in watched:
        for name, line in one.lines:
            files.setdefault(name, set()).add(line)
    return {name: frozenset(lines) for name, lines in files.items()}


def reaching(tests: Iterable[str], watched: Watched, reach: Reach | None) -> frozenset[str]:
    """The tests that may notice the change; all of them where that is not known."""
    if reach is None or not reach.complete or not watched.known or reach.shared & watched.lines:
        return frozenset(tests)
    return frozenset(test for test in tests if reach.tests.get(test, frozenset()) & watched.lines)


def _touched(file: Iterable[Iterable[object]]) -> list[float]:
    """Numbers of removed lines; an addition between lines 4 and 5 is 4.5."""
    numbers: list[float] = []
    for hunk in file:
        last = hunk.source_start - 1  # type: ignore[attr-defined] # unidiff's hunk; typed as what is iterated
        for line in hunk:
            if line.is_added:  # type: ignore[attr-defined]
                numbers.append(last + 0.5)
            elif line.source_line_no:  # type: ignore[attr-defined]
                last = line.source_line_no  # type: ignore[attr-defined]
                if line.is_removed:  # type: ignore[attr-defined]
                    numbers.append(float(last))
    return numbers


def _around(number: float, statements: tuple[tuple[int, int], ...]) -> set[int]:
    inside = [span for span in statements if span[0] <= number <= span[1]]
    if inside and number == int(number):
        return _all(inside)
    before = [span for span in statements if span[1] < number]
    after = [span for span in statements if span[0] > number]
    return _all([*inside, *before[-1:], *after[:1]])


def _all(spans: Iterable[tuple[int, int]]) -> set[int]:
    return {line for first, last in spans for line in range(first, last + 1)}


@cache
def _statements(path: Path) -> tuple[tuple[int, int], ...]:
    """First and last line of each simple statement and of each head of a compound one, in order."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    spans = {_span(node) for node in ast.walk(tree) if isinstance(node, ast.stmt | ast.excepthandler | ast.match_case)}
    return tuple(sorted(spans))


def _span(node: ast.AST) -> tuple[int, int]:
    first = min((item.lineno for item in getattr(node, "decorator_list", [])), default=_line(node))
    body = getattr(node, "body", None)
    if isinstance(body, list) and body:
        return first, max(first, _first_line(body[0]) - 1)
    return first, getattr(node, "end_lineno", first) or first


def _first_line(node: ast.AST) -> int:
    return min((item.lineno for item in getattr(node, "decorator_list", [])), default=_line(node))


def _line(node: ast.AST) -> int:
    if isinstance(node, ast.match_case):
        return node.pattern.lineno
    line: int = node.lineno  # type: ignore[attr-defined] # every statement has one
    return line
