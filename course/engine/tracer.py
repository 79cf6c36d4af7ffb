"""Which lines of the program each test reaches, told by probes."""

from __future__ import annotations

import builtins
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from course.engine.probes import NAME, ProbingFinder

# What is reached between tests and in fixtures that tests share, and what while the suite or a module is loaded
SHARED, LOADING = "", "loading"
STARTS = frozenset({"subprocess.Popen", "os.fork", "os.posix_spawn", "os.exec"})
# Programs of PostgreSQL, which containers and fixtures call: whatever they do, none of the program runs in them
POSTGRESQL = frozenset(
    {"postgres", "psql", "pg_isready", "createdb", "dropdb", "createuser", "dropuser", "pg_dump", "pg_restore"}
)


class Tracer:
    """Watches the lines of interest, one context for each test, in all threads.

    Args:
        tree: Folder of the program.
        interest: File, relative to `tree`, to line numbers.

    Attributes:
        is_blind: Something has run where there are no probes.
    """

    def __init__(self, tree: Path, interest: Mapping[str, Sequence[int]]) -> None:
        self._files = list(interest)
        lines = {str((tree / name).resolve()): frozenset(numbers) for name, numbers in interest.items()}
        packages = {Path(name).parts[0].removesuffix(".py") for name in interest}
        self._finder = ProbingFinder(lines, packages, self.loading)
        self._reached: set[tuple[str, int, int]] = set()
        self._loaded: frozenset[tuple[str, int, int]] = frozenset()
        self._context = LOADING
        self.is_blind = False

    def start(self) -> None:
        """Begin, before the program is imported; what is reached before the suite is loaded is shared by all."""
        setattr(builtins, NAME, self._reach)
        sys.meta_path.insert(0, self._finder)
        sys.addaudithook(self._audit)

    def loaded(self) -> None:
        """The suite is loaded."""
        self._loaded = frozenset(self._reached)
        self._context = SHARED

    def forget(self) -> None:
        """Begin again as it was when all was loaded."""
        self._reached = set(self._loaded)

    def enter(self, test: str) -> None:
        self._context = test

    def leave(self) -> None:
        self._context = SHARED

    def shared(self) -> AbstractContextManager[None]:
        """What is reached within belongs to all tests."""
        return self._within(SHARED)

    def loading(self) -> AbstractContextManager[None]:
        """What is reached within is done once, whoever comes first, and belongs to all tests."""
        return self._within(LOADING)

    @contextmanager
    def _within(self, context: str) -> Iterator[None]:
        before, self._context = self._context, context
        try:
            yield
        finally:
            self._context = before

    def result(self) -> dict[str, Any]:
        """Lines of interest by test, as JSON takes them: `shared`, `loading`, `tests`, `complete`."""
        tests: dict[str, list[tuple[str, int]]] = {}
        for test, file, line in sorted(self._reached):
            tests.setdefault(test, []).append((self._files[file], line))
        loading = tests.pop(LOADING, [])
        shared = [*tests.pop(SHARED, []), *loading]
        return {"shared": shared, "loading": loading, "tests": tests, "complete": not self.is_blind}

    def _reach(self, file: int, *lines: int) -> None:
        for line in lines:
            self._reached.add((self._context, file, line))

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        # What runs in another process, or is not imported, has no probes: then nothing may be settled by reach
        if (event in STARTS and not _is_of_postgresql(*arguments[:1])) or (
            event == "exec" and self._finder.misses(arguments[0])
        ):
            self.is_blind = True


def _is_of_postgresql(program: object = "") -> bool:
    return os.path.basename(str(program)) in POSTGRESQL  # noqa: PTH119 - it may be a number, too
