"""Which tests can notice which change: a change whose lines no test reaches is settled without a run."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from unidiff.patch import PatchedFile

from course.engine.execution.run import Reach
from course.engine.programs.patch import Patch

Line = tuple[str, int]
Statement = tuple[int, int, int]


@dataclass(frozen=True)
class Watched:
    """Lines of the original that a change stands on.

    Attributes:
        lines: Pairs of file and line; a test that reaches none of them runs the same program with and without it.
        known: False where that cannot be told, as in another language than Python.
    """

    lines: frozenset[Line]
    known: bool = True


def watched_lines(patch: Patch, program: Path) -> Watched:
    """The lines of the original program that a patch stands on.

    A removed line counts with the whole statement that it is part of, and what takes its place in the same block runs
    where it ran. A mere addition counts with its neighbours: of the statements before and after it those that stand in
    the same block, or both. An added `except` may run where no neighbour does: such a change is not known.

    Args:
        patch: The change.
        program: Folder of the original program.
    """
    lines: set[Line] = set()
    texts = patch.texts(program)
    for file in patch.files:
        if not file.path.endswith(".py"):
            return Watched(frozenset(), known=False)
        statements = _statements(program / file.path)
        imports = _provided(program / file.path, texts[file.path])
        for block in _blocks(file):
            if block.is_within(*imports):
                continue
            if block.adds_handler:
                return Watched(frozenset(), known=False)
            lines |= {(file.path, line) for line in block.stands_on(statements)}
    return Watched(frozenset(lines))


def interest(watched: Iterable[Watched]) -> Mapping[str, frozenset[int]]:
    """All watched lines by file, as a run takes them."""
    files: dict[str, set[int]] = {}
    for one in watched:
        for name, line in one.lines:
            files.setdefault(name, set()).add(line)
    return {name: frozenset(lines) for name, lines in files.items()}


def reach_of(first: Reach, turned: Reach) -> Reach:
    """What each test reaches, by two runs in opposite orders.

    What is done once, such as an import or whatever fills a cache, counts for the test that comes first, and the
    others stand on it as well. Such a line another test reaches when the order is turned round: so it is told, and
    belongs to all.
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


@dataclass
class _Block:
    """Changed lines without an unchanged one between them.

    Attributes:
        after: Number of the unchanged line before them.
        removed: Numbers and texts of removed lines.
        added: Texts of added lines.
        added_at: Numbers of the added lines in the changed file.
    """

    after: int
    removed: list[tuple[int, str]]
    added: list[str]
    added_at: list[int]

    def is_within(self, before: frozenset[int], after: frozenset[int]) -> bool:
        """Whether it changes nothing but lines of `before` into lines of `after`."""
        return {number for number, _ in self.removed} <= before and set(self.added_at) <= after

    @property
    def adds_handler(self) -> bool:
        return not self.removed and any(line.lstrip().startswith(("except", "finally")) for line in self.added)

    def stands_on(self, statements: tuple[Statement, ...]) -> set[int]:
        lines = {line for number, _ in self.removed for line in _statement_at(number, statements)}
        added = [line for line in self.added if line.strip()]
        if added and not (lines and _indent(added[0]) == min(map(_indent, added)) == _indent(self.removed[0][1])):
            last = self.removed[-1][0] if self.removed else self.after
            lines |= _neighbours(self.after, last, _indent(added[0]), statements)
        return lines


def _blocks(file: PatchedFile) -> Iterator[_Block]:
    for hunk in file:
        block = _Block(hunk.source_start - 1, [], [], [])
        for line in hunk:
            if line.is_added:
                block.added.append(line.value)
                block.added_at.append(line.target_line_no or 0)
            elif line.is_removed:
                block.removed.append((line.source_line_no or 0, line.value))
            else:
                yield from [block] if block.added or block.removed else []
                block = _Block(line.source_line_no or 0, [], [], [])
        yield from [block] if block.added or block.removed else []


def _provided(path: Path, text: str) -> tuple[frozenset[int], frozenset[int]]:
    """The lines of imports before and after a change, where they do no more than provide for the rest of it.

    A name that is new was not there before in any other sense, and one that is gone is not used any more.
    """
    try:
        before, after = ast.parse(path.read_text(encoding="utf-8")), ast.parse(text)
    except (SyntaxError, ValueError):
        return frozenset(), frozenset()
    old, new = _imported(before), _imported(after)
    added, gone = ({name for _, name in one - other} for one, other in ((new, old), (old, new)))
    if (added | gone) & {"*"} or added & _names(before, old) or gone & _names(after, new):
        return frozenset(), frozenset()
    return _import_lines(before), _import_lines(after)


def _imports(tree: ast.Module) -> Iterator[ast.Import | ast.ImportFrom]:
    return (node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom))


def _import_lines(tree: ast.Module) -> frozenset[int]:
    return frozenset(line for node in _imports(tree) for line in range(node.lineno, (node.end_lineno or 0) + 1))


def _imported(tree: ast.Module) -> set[tuple[str, str]]:
    """What a file imports at its top: where each name comes from, and what it is called."""
    return {
        (
            f"{getattr(node, 'level', '')} {getattr(node, 'module', '')} {each.name}",
            each.asname or each.name.split(".")[0],
        )
        for node in _imports(tree)
        for each in node.names
    }


def _names(tree: ast.Module, imported: set[tuple[str, str]]) -> set[str]:
    """All names that a file uses or binds, and those that it imports."""
    names = {name for _, name in imported}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            names.add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            names.add(node.value)  # in `__all__`, or an annotation
    return names


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
    tree = ast.parse(path.read_text(encoding="utf-8"))
    spans = {
        (*span(node), _column(node))
        for node in ast.walk(tree)
        if isinstance(node, ast.stmt | ast.excepthandler | ast.match_case)
    }
    return tuple(sorted(spans))


def span(node: ast.AST) -> tuple[int, int]:
    """First and last line of a simple statement, or of a compound one's head with its decorators."""
    first = min((item.lineno for item in getattr(node, "decorator_list", [])), default=_line(node))
    body = getattr(node, "body", None) or getattr(node, "cases", None)
    if isinstance(body, list) and body:
        return first, max(first, _first_line(body[0]) - 1)
    return first, getattr(node, "end_lineno", first) or first


def _column(node: ast.AST) -> int:
    column: int = getattr(node, "col_offset", 0)
    return column


def _first_line(node: ast.AST) -> int:
    return min((item.lineno for item in getattr(node, "decorator_list", [])), default=_line(node))


def _line(node: ast.AST) -> int:
    if isinstance(node, ast.match_case):
        return node.pattern.lineno
    line: int = node.lineno  # type: ignore[attr-defined] # every statement has one
    return line
