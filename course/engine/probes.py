"""Puts a call before each statement of interest while a program is imported, so that watching it costs next to nothing.

A tracer sees every line of every library; a probe runs where something is asked, and nowhere else. Line numbers, names
and docstrings stay as they are.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager, nullcontext
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, ModuleType
from typing import Any, TypeVar

from course.engine.reach import span

NAME = "__course_reached__"  # of the function that probes call, among the builtins


class Probing(ast.NodeTransformer):
    """Adds the probes to one syntax tree.

    What a lambda or a generator does later is not done where its statement stands: it gets a probe of its own.

    Args:
        file: The file's number in the probe's call.
        lines: Lines of interest.
    """

    def __init__(self, file: int, lines: Collection[int]) -> None:
        self._file = file
        self._interest = frozenset(lines)
        self._lines: list[int] = []

    def generic_visit(self, node: ast.AST) -> ast.AST:
        for name, value in ast.iter_fields(node):
            if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
                setattr(node, name, self._block(value, may_have_docstring=name == "body" and _has_docstring(node)))
            elif isinstance(value, list):
                setattr(node, name, [self.visit(each) if isinstance(each, ast.AST) else each for each in value])
            elif isinstance(value, ast.AST):
                setattr(node, name, self.visit(value))
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.Lambda:
        self.generic_visit(node)
        node.body = self._probed(node.body)
        return node

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> ast.GeneratorExp:
        self.generic_visit(node)
        node.elt = self._probed(node.elt)
        return node

    def _block(self, statements: list[ast.stmt], *, may_have_docstring: bool) -> list[ast.stmt]:
        result: list[ast.stmt] = []
        for number, statement in enumerate(statements):
            before, self._lines = self._lines, sorted(self._interest & _lines_of(statement))
            if self._lines and not (number == 0 and may_have_docstring) and not _is_future(statement):
                result.append(_located(ast.Expr(self._call()), statement))
            result.append(self.visit(statement))
            self._lines = before
        return result

    def _probed(self, value: ast.expr) -> ast.expr:
        if not self._lines:
            return value
        both = ast.Tuple([self._call(), value], ast.Load())
        return _located(ast.Subscript(both, ast.Constant(1), ast.Load()), value)

    def _call(self) -> ast.Call:
        arguments: list[ast.expr] = [ast.Constant(self._file), *map(ast.Constant, self._lines)]
        return ast.Call(ast.Name(NAME, ast.Load()), arguments, [])


class ProbingLoader(SourceFileLoader):
    """Compiles a file with probes; byte-code on the disk is left alone."""

    def __init__(self, name: str, path: str, number: int, lines: Collection[int], finder: ProbingFinder) -> None:
        super().__init__(name, path)
        self._number, self._lines, self._finder = number, lines, finder

    def exec_module(self, module: ModuleType) -> None:
        """Run the module's body, which is done once: by no test more than by another."""
        with self._finder.loading():
            super().exec_module(module)

    def get_code(self, fullname: str) -> CodeType:
        """Compile the source; the finder remembers what came of it."""
        del fullname
        tree = Probing(self._number, self._lines).visit(ast.parse(self.get_data(self.path), self.path))
        code: CodeType = compile(tree, self.path, "exec", dont_inherit=True)
        self._finder.made.append(code)
        return code


class ProbingFinder(MetaPathFinder):
    """Finds the modules of interest and has them loaded with probes.

    Args:
        lines: Resolved path of a file to its lines of interest; the order gives the files their numbers.
        packages: The first parts of the names of their modules.
        loading: Entered while the body of such a module runs.
    """

    def __init__(
        self,
        lines: Mapping[str, Collection[int]],
        packages: Collection[str],
        loading: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self.loading = loading
        self._lines = lines
        self._numbers = {path: number for number, path in enumerate(lines)}
        self._packages = packages
        self._names = {os.path.basename(path) for path in lines}  # noqa: PTH119 - texts, and often
        self.made: list[CodeType] = []

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Find a module of interest; None for all others."""
        if name.partition(".")[0] not in self._packages:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.origin is not None and (real := self.watched(spec.origin)):
            spec.loader = ProbingLoader(name, spec.origin, self._numbers[real], self._lines[real], self)
        return spec

    def watched(self, path: str) -> str | None:
        """The resolved path, if it is one of those of interest."""
        if os.path.basename(path) not in self._names:  # noqa: PTH119 - as above
            return None
        real = os.path.realpath(path)
        return real if real in self._lines else None

    def misses(self, code: object) -> bool:
        """Whether a file of interest is about to run without probes: it was not imported in the usual way."""
        return (
            isinstance(code, CodeType)
            and code.co_name == "<module>"
            and self.watched(code.co_filename) is not None
            and not any(code is each for each in self.made)
        )


def _lines_of(statement: ast.stmt) -> frozenset[int]:
    """Lines that run with a statement: its own, without those of the statements in it, and its branches' heads."""
    heads = [*getattr(statement, "handlers", []), *getattr(statement, "cases", [])]
    spans = [span(node) for node in (statement, *heads)]
    return frozenset(line for first, last in spans for line in range(first, last + 1))


def _has_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and (
        ast.get_docstring(node, clean=False) is not None
    )


def _is_future(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.ImportFrom) and statement.module == "__future__"


N = TypeVar("N", bound=ast.AST)


def _located(new: N, old: ast.AST) -> N:
    ast.copy_location(new, old)
    return ast.fix_missing_locations(new)
