"""Which lines of the program each test reaches, by coverage.py's tracer."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import coverage

SHARED = ""
STARTS = frozenset({"subprocess.Popen", "os.fork", "os.posix_spawn", "os.exec"})


class Tracer:
    """Watches the lines of interest, one context for each test.

    Coverage.py does the watching: its C tracer follows threads too, where an ASGI test client runs the program.

    Args:
        tree: Folder of the program.
        interest: File, relative to `tree`, to line numbers.
    """

    def __init__(self, tree: Path, interest: Mapping[str, Sequence[int]]) -> None:
        self._interest = {str((tree / name).resolve()): (name, frozenset(lines)) for name, lines in interest.items()}
        self._coverage = _coverage(list(self._interest))
        self._context = SHARED
        self._processes = 0

    def start(self) -> None:
        """Begin; what is reached before the first test is shared by all."""
        self._coverage.start()
        sys.addaudithook(self._audit)

    def enter(self, test: str) -> None:
        self._switch(test)

    def leave(self) -> None:
        self._switch(SHARED)

    @contextmanager
    def shared(self) -> Iterator[None]:
        """What is reached within belongs to all tests."""
        before = self._context
        self._switch(SHARED)
        try:
            yield
        finally:
            self._switch(before)

    def result(self) -> dict[str, Any]:
        """Lines of interest by test, as JSON takes them: `shared`, `tests`, `complete`."""
        self._coverage.stop()
        tests: dict[str, list[tuple[str, int]]] = {}
        data = self._coverage.get_data()
        for path, (name, lines) in self._interest.items():
            for line, contexts in data.contexts_by_lineno(path).items():
                if line in lines:
                    for context in contexts:
                        tests.setdefault(context, []).append((name, line))
        return {"shared": tests.pop(SHARED, []), "tests": tests, "complete": not self._processes}

    def _switch(self, context: str) -> None:
        self._context = context
        self._coverage.switch_context(context)

    def _audit(self, event: str, _: tuple[Any, ...]) -> None:
        # Code in another process cannot be watched: then nothing may be settled by reach
        if event in STARTS:
            self._processes += 1


def rehearse() -> None:
    """Start and stop once, which fills caches: 0.1 s that a process forked after it need not spend."""
    watching = _coverage(["nothing.py"])
    watching.start()
    watching.stop()


def _coverage(files: list[str]) -> coverage.Coverage:
    watching = coverage.Coverage(data_file=None, config_file=False, include=files, messages=False)
    watching.set_option("run:core", "ctrace")  # the only one that keeps contexts apart
    return watching
