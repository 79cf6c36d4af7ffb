"""Tells which tests can notice a change: one whose lines no test reaches needs no run."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path

from unidiff.patch import PatchedFile

from course.engine.execution.run import Reach
from course.engine.programs.patch import Patch

Line = tuple[str, int]
Statement = tuple[int, int, int]
Node = ast.stmt | ast.excepthandler | ast.match_case


@dataclass(frozen=True)
class Watched:
    """Lines of the original that a change touches.

    Attributes:
        lines: Pairs of file and line; a test that reaches none of them runs the same program with and without it.
        known: False where that cannot be told, as in another language than Python.
    """

    lines: frozenset[Line]
    known: bool = True


def watched_lines(patch: Patch, program: Path) -> Watched:
    """The lines of the original program that a patch touches.

    A removed line counts with the whole statement that it is part of, and what takes its place in the same block runs
    where it ran. A mere addition counts with its neighbours: of the statements before and after it those that stand in
    the same block, or both. An added `except` may run where no neighbour does: such a change is not known. Imports
    provide for the rest of a change and count by what uses them; a change of nothing else is not known.

    Args:
        patch: The change.
        program: Folder of the original program.
    """
    lines: set[Line] = set()
    for file in patch.files:
        blocks = list(_blocks(file))
        if not file.path.endswith(".py") or any(block.adds_handler for block in blocks):
            return Watched(frozenset(), known=False)
        statements = _statements(program / file.path)
        changes = [block for block in blocks if not block.is_import]
        lines |= {(file.path, line) for block in changes for line in block.stands_on(statements)}
    return Watched(frozenset(lines), known=bool(lines))


def interest(watched: Iterable[Watched]) -> Mapping[str, frozenset[int]]:
    """All watched lines by file, as a run takes them."""
    files: dict[str, set[int]] = {}
    for one in watched:
        for name, line in one.lines:
            files.setdefault(name, set()).add(line)
    return {name: frozenset(lines) for name, lines in files.items()}


def reach_of(first: Reach, turned: Reach) -> Reach:
    """What each test reaches, by two runs in opposite orders.

    What runs once, such as an import or the filling of a cache, counts for the test that comes first, but all tests
    depend on it. Such a line is reached by another test in the opposite order, and so belongs to all.
    """
    nothing: frozenset[Line] = frozenset()
    tests = {*first.tests, *turned.tests}
    both = {test: (first.tests.get(test, nothing), turned.tests.get(test, nothing)) for test in tests}
    once = {line for one, other in both.values() for line in one ^ other}
    return Reach(
        first.shared | turned.shared | once,
        {test: one | other for test, (one, other) in both.items()},
        first.complete and turned.complete,
    )


def reaching(tests: Iterable[str], watched: Watched, reach: Reach) -> frozenset[str]:
    """The tests that may notice the change; all of them where that is not known."""
    if not reach.complete or not watched.known or reach.shared & watched.lines:
        return frozenset(tests)
    return frozenset(test for test in tests if reach.tests.get(test, frozenset()) & watched.lines)


def narrow_first(tests: Iterable[str], reach: Reach) -> list[str]:
    """Tests that reach the fewest changed lines come first: they are about little else, and mostly quick.

    The order depends on reach alone, so that the same tests are named for the same suite.
    """
    return sorted(tests, key=lambda test: len(reach.tests.get(test, frozenset())))


@dataclass(frozen=True)
class _Block:
    """Changed lines without an unchanged one between them.

    Attributes:
        after: Number of the unchanged line before them.
        removed: Numbers and texts of removed lines.
        added: Texts of added lines.
    """

    after: int
    removed: list[tuple[int, str]]
    added: list[str]

    @property
    def adds_handler(self) -> bool:
        return not self.removed and any(line.lstrip().startswith(("except", "finally")) for line in self.added)

    @property
    def is_import(self) -> bool:
        return all(line.startswith(("from ", "import ", "\n")) for line in (*self.added, *dict(self.removed).values()))

    def stands_on(self, statements: tuple[Statement, ...]) -> set[int]:
        lines = {line for number, _ in self.removed for line in _statement_at(number, statements)}
        added = [line for line in self.added if line.strip()]
        if added and not (lines and _indent(added[0]) == min(map(_indent, added)) == _indent(self.removed[0][1])):
            last = self.removed[-1][0] if self.removed else self.after
            lines |= _neighbours(self.after, last, _indent(added[0]), statements)
        return lines


def _blocks(file: PatchedFile) -> Iterator[_Block]:
    for hunk in file:
        after = hunk.source_start - 1
        for is_changed, group in groupby(hunk, key=lambda line: line.is_added or line.is_removed):
            lines = list(group)
            if is_changed:
                removed = [(line.source_line_no or 0, line.value) for line in lines if line.is_removed]
                yield _Block(after, removed, [line.value for line in lines if line.is_added])
            else:
                after = lines[-1].source_line_no or after


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _statement_at(number: int, statements: tuple[Statement, ...]) -> set[int]:
    return {line for first, last, _ in statements if first <= number <= last for line in range(first, last + 1)}


def _neighbours(before: int, last: int, indent: int, statements: tuple[Statement, ...]) -> set[int]:
    inside = [each for each in statements if each[0] <= before and last < each[1]]
    near = [each for each in statements if each[1] <= before][-1:] + [each for each in statements if each[0] > last][:1]
    chosen = inside + ([each for each in near if each[2] == indent] or near)
    return {line for first, end, _ in chosen for line in range(first, end + 1)}


@cache
def _statements(path: Path) -> tuple[Statement, ...]:
    """First line, last line and indent of each simple statement and of each head of a compound one, in order."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return tuple(sorted({(*_span(node), getattr(node, "col_offset", 0)) for node in nodes if isinstance(node, Node)}))


def _span(node: Node) -> tuple[int, int]:
    """First and last line of a simple statement, or of a compound one's head with its decorators."""
    first = _first_line(node)
    body = getattr(node, "body", None) or getattr(node, "cases", None)
    if body:
        return first, max(first, _first_line(body[0]) - 1)
    return first, getattr(node, "end_lineno", first)


def _first_line(node: Node) -> int:
    if isinstance(node, ast.match_case):
        return node.pattern.lineno
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min(part.lineno for part in (node, *decorators))
