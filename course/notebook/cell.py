"""A learner's cell as the file that it stands for: same lines, same names, the assertions rewritten as pytest does."""

from __future__ import annotations

import ast
import gc
import linecache
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType


@dataclass(frozen=True)
class Cell:
    r"""The source below a cell magic.

    Attributes:
        magic: The magic's line, such as `%%exercise 6.2`: line 1 of the cell.
        source: The lines after it.
        module: Name of the module that it becomes: `conftest` or `test_6_2`.
        title: The comment that takes the magic's place in the file, so that all line numbers agree.

    Example:
        >>> cell = Cell("%%exercise 6.2", "x = 1\n", "test_6_2", "Exercise 6.2")
        >>> print(cell.text)
        # Exercise 6.2
        x = 1
        <BLANKLINE>
        >>> cell.run().x
        1
    """

    magic: str
    source: str
    module: str
    title: str

    @property
    def file(self) -> str:
        """Name of its file, `test_6_2.py`."""
        return f"{self.module}.py"

    @property
    def text(self) -> str:
        """The file's content; line `n` of the cell is line `n` of the file."""
        return f"# {self.title}\n{self.source.rstrip()}\n"

    @property
    def filename(self) -> str:
        """What its frames say they come from."""
        return f"<{self.magic.strip()}>"

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree.

        Raises:
            SyntaxError: It is not Python; magics and shell commands are not, in a test file.
        """
        with uncollected():
            return ast.parse(self.text, self.filename)

    def line(self, number: int) -> str:
        """One line of the cell, without space around it; empty where there is none."""
        lines = self.text.splitlines()
        return lines[number - 1].strip() if 0 < number <= len(lines) else ""

    def run(self) -> ModuleType:
        """Execute it as a fresh module, which `import` finds from now on.

        Raises:
            BaseException: Whatever the learner's code raises.
        """
        module = types.ModuleType(self.module)
        # Tracebacks, `inspect` and pytest read the lines from here
        linecache.cache[self.filename] = (len(self.text), None, self.text.splitlines(keepends=True), self.filename)
        with uncollected():
            code = compile(self._rewritten(), self.filename, "exec", dont_inherit=True)
        sys.modules[self.module] = module
        exec(code, vars(module))  # noqa: S102 - a learner's cell, run where cells are run
        return module

    def _rewritten(self) -> ast.Module:
        from _pytest.assertion.rewrite import rewrite_asserts  # noqa: PLC0415 - half a second, and only for a run

        tree = ast.parse(self.text, self.filename)
        rewrite_asserts(tree, self.text.encode())
        return tree


@contextmanager
def uncollected() -> Iterator[None]:
    """Collect no garbage for a while.

    What dies while Python 3.11 parses may parse in its turn, as a traceback that is logged does: that ends in
    `SystemError: AST constructor recursion depth mismatch`.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def public_names(module: ModuleType) -> dict[str, object]:
    """Names that a module defines, without those of the machinery."""
    return {name: value for name, value in vars(module).items() if not name.startswith(("__", "@"))}
