"""What a change comes down to in a program that is loaded already: functions with other code, and a few more imports.

A suite and its program take longer to load than most tests run. Where a change lies in functions alone, it can be made
in a copy of the loaded process; where it lies in what runs on import, it cannot.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType

OPTIMIZED = 0x1  # set on the code of functions, not on that of modules and classes
# What makes two pieces of code the same, wherever in the file they stand
SAME = (
    "co_code", "co_names", "co_varnames", "co_freevars", "co_cellvars", "co_flags", "co_argcount",
    "co_posonlyargcount", "co_kwonlyargcount", "co_exceptiontable", "co_qualname",
)  # fmt: skip
# These run where they stand: that their code is another one does not change what came of them
AT_ONCE = ("<genexpr>", "<listcomp>", "<setcomp>", "<dictcomp>")


@dataclass(frozen=True)
class Swap:
    """New code for a loaded program.

    Attributes:
        functions: File, qualified name, first line of the old code, and the new code.
        required: Those of them that must be found, since nothing around them changes.
        imports: File and text of each import that is new in it.
    """

    functions: tuple[tuple[str, str, int, CodeType], ...]
    required: frozenset[tuple[str, str, int]]
    imports: tuple[tuple[str, str], ...]


def find_swap(before: Path, after: Path, files: Iterable[str]) -> Swap | None:
    """Find what is to be swapped to make one program into another; None where the change is not in functions alone.

    Args:
        before: Folder of the program that is loaded.
        after: Folder of the other one.
        files: The files that differ, relative to the folders.
    """
    functions: list[tuple[str, str, int, CodeType]] = []
    required: set[tuple[str, str, int]] = set()
    imports: list[tuple[str, str]] = []
    for file in files:
        pair = _read(before / file, after / file) if file.endswith(".py") else None
        if pair is None:
            return None
        old, new = pair
        found = Differences()
        if not (harmless_imports(old, new) and found.compare(_compile(old, file), _compile(new, file))):
            return None
        functions += [(file, code.co_qualname, code.co_firstlineno, other) for code, other in found.functions]
        required |= {(file, code.co_qualname, code.co_firstlineno) for code in found.outermost}
        imports += [(file, text) for text in _imports(new) if text not in _imports(old)]
    return Swap(tuple(functions), frozenset(required), tuple(imports))


def harmless_imports(before: ast.Module, after: ast.Module) -> bool:
    """Whether two files import what each needs, and nothing else follows from the difference.

    A name that is new was not there before in any other sense, and one that is gone is not used any more.
    """
    old, new = _imports(before), _imports(after)
    added = {name for text, name in new.items() if text not in old}
    gone = {name for text, name in old.items() if text not in new}
    if "*" in added | gone:
        return False
    return not (added & (_names(before) | set(old.values())) or gone & (_names(after) | set(new.values())))


def import_lines(tree: ast.Module) -> frozenset[int]:
    """The lines of a file's imports at its top."""
    return frozenset(
        line
        for node in tree.body
        if _is_import(node)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    )


class Differences:
    """Compares code and remembers the functions that differ.

    Attributes:
        functions: Pairs of old and new code, those within others included.
        outermost: Old code that no other that changes stands around.
    """

    def __init__(self) -> None:
        self.functions: list[tuple[CodeType, CodeType]] = []
        self.outermost: list[CodeType] = []

    def compare(self, old: CodeType, new: CodeType) -> bool:
        """Whether the difference is in functions alone, of the same names and the same signatures."""
        if _equal(old, new):
            return True
        if old.co_flags & OPTIMIZED:
            return self._take(old, new)
        if not _same(old, new):
            return False
        return all(self.compare(one, other) for one, other in _codes(old, new) if not _equal(one, other))

    def _take(self, old: CodeType, new: CodeType) -> bool:
        if old.co_name in AT_ONCE or not _replaceable(old, new):
            return False
        self.outermost.append(old)
        self._take_inner(old, new)
        return True

    def _take_inner(self, old: CodeType, new: CodeType) -> None:
        self.functions.append((old, new))
        # What was made of the old code before, such as a function within a function, is changed as well
        others = {code.co_qualname: code for code in new.co_consts if isinstance(code, CodeType)}
        for code in old.co_consts:
            if isinstance(code, CodeType) and (other := others.get(code.co_qualname)) and _replaceable(code, other):
                self._take_inner(code, other)


def _replaceable(old: CodeType, new: CodeType) -> bool:
    def signature(code: CodeType) -> tuple[object, ...]:
        count = code.co_argcount + code.co_kwonlyargcount
        kind = code.co_flags & ~0x10  # whether it stands within another function is told by the names that it shares
        return code.co_qualname, kind, code.co_varnames[:count], code.co_posonlyargcount, code.co_freevars

    return signature(old) == signature(new)


def _same(old: CodeType, new: CodeType) -> bool:
    """Whether two pieces of code do the same, but for the code that they hold."""
    if len(old.co_consts) != len(new.co_consts) or any(getattr(old, name) != getattr(new, name) for name in SAME):
        return False
    return all(
        isinstance(one, CodeType) == isinstance(other, CodeType)
        and (isinstance(one, CodeType) or (type(one) is type(other) and repr(one) == repr(other)))
        for one, other in zip(old.co_consts, new.co_consts, strict=True)
    )


def _equal(old: CodeType, new: CodeType) -> bool:
    return _same(old, new) and all(_equal(one, other) for one, other in _codes(old, new))


def _codes(old: CodeType, new: CodeType) -> Iterator[tuple[CodeType, CodeType]]:
    for one, other in zip(old.co_consts, new.co_consts, strict=True):
        if isinstance(one, CodeType) and isinstance(other, CodeType):
            yield one, other


def _read(before: Path, after: Path) -> tuple[ast.Module, ast.Module] | None:
    try:
        return ast.parse(before.read_text(encoding="utf-8")), ast.parse(after.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return None


def _compile(tree: ast.Module, file: str) -> CodeType:
    """Compile a file without its imports; lines stay where they are."""
    body = [each for each in tree.body if not _is_import(each)]
    code: CodeType = compile(ast.Module(body, tree.type_ignores), file, "exec", dont_inherit=True)
    return code


def _is_import(node: ast.stmt) -> bool:
    return isinstance(node, ast.Import) or (isinstance(node, ast.ImportFrom) and node.module != "__future__")


def _imports(tree: ast.Module) -> dict[str, str]:
    """What a file imports at its top: each import as a text, and the name that it binds."""
    result: dict[str, str] = {}
    for node in tree.body:
        if isinstance(node, ast.Import):
            result |= {
                ast.unparse(ast.Import([each])): each.asname or each.name.partition(".")[0] for each in node.names
            }
        elif _is_import(node):
            assert isinstance(node, ast.ImportFrom)  # noqa: S101 - `_is_import` has looked
            for each in node.names:
                result[ast.unparse(ast.ImportFrom(node.module, [each], node.level))] = each.asname or each.name
    return result


def _names(tree: ast.Module) -> set[str]:
    """All names that a file uses or binds, apart from those at its top that it imports."""
    result: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            result.add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            result.add(node.name)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
            result.add(node.value)  # in `__all__`, or an annotation
    return result
