"""Which lines of the program each test reaches, by coverage.py with one dynamic context for each test."""

from __future__ import annotations

import os
import sys
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from coverage import Coverage

# What is reached between tests, while the suite is loaded and in fixtures that tests share
SHARED = ""
STARTS = frozenset({"subprocess.Popen", "os.fork", "os.posix_spawn", "os.exec"})
# Programs of PostgreSQL, which containers and fixtures call: whatever they do, none of the program runs in them
POSTGRESQL = frozenset(
    {"postgres", "psql", "pg_isready", "createdb", "dropdb", "createuser", "dropuser", "pg_dump", "pg_restore"}
)


class LineCoverage:
    """Measures the lines of interest in all threads and greenlets.

    What another process runs, and what runs while a test has a trace function of its own, coverage.py does not see
    here: then the account is not complete.

    Args:
        tree: Folder of the program.
        interest: File, relative to `tree`, to line numbers.
    """

    def __init__(self, tree: Path, interest: Mapping[str, Sequence[int]]) -> None:
        self._files = {name: str((tree / name).resolve()) for name in interest}
        self._lines = {name: frozenset(lines) for name, lines in interest.items()}
        self._coverage = Coverage(
            data_file=None,
            config_file=False,
            include=[f"{tree.resolve()}{os.sep}*"],
            concurrency=["thread", "greenlet"],
        )
        # Python 3.14 would choose `sys.monitoring`, which knows no contexts
        self._coverage.set_option("run:core", "ctrace")
        self._is_on = False
        self._is_complete = True

    def start(self) -> None:
        """Begin, before the program is imported."""
        self._coverage.start()
        self._is_on = True
        sys.addaudithook(self._audit)

    @contextmanager
    def context(self, name: str = SHARED) -> Iterator[None]:
        """What is reached within belongs to the test of that name, or to all tests."""
        before = self._coverage.switch_context(name)
        try:
            yield
        finally:
            self._coverage.switch_context(before or SHARED)

    def result(self) -> dict[str, Any]:
        """End, and give the lines of interest by test, as JSON takes them: `shared`, `tests`, `complete`."""
        self._is_on = False
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that nothing was reached is a result, too
            self._coverage.stop()
            data = self._coverage.get_data()
        tests: dict[str, list[tuple[str, int]]] = {}
        for name, path in self._files.items():
            contexts = data.contexts_by_lineno(path)
            for line in sorted(contexts.keys() & self._lines[name]):
                for test in contexts[line]:
                    tests.setdefault(test, []).append((name, line))
        return {"shared": tests.pop(SHARED, []), "tests": tests, "complete": self._is_complete}

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in STARTS and not _is_of_postgresql(*arguments[:1]):
            self._is_complete = False
        if event == "sys.settrace" and self._is_on and threading.current_thread() is threading.main_thread():
            self._is_complete = False


def _is_of_postgresql(program: object = "") -> bool:
    return Path(str(program)).name in POSTGRESQL
