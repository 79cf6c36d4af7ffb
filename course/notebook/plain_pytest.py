"""What `%%pytest` does: the cell becomes a file, and plain pytest runs it in a process of its own, as in a terminal."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from course.engine import DEFAULTS, XDIST, plugins_for
from course.errors import CourseError

FILE = "test_it.py"
SECONDS = 60.0
# A short report without what differs from machine to machine; of plugins those that exercises have
OPTIONS = ("-q", "--no-header", "--tb=short", "--disable-plugin-autoload")


class OptionsError(CourseError):
    """What stands behind `%%pytest` cannot be split into options."""


class NoWorkersError(CourseError):
    """`-n 2` was asked for where pytest-xdist is not installed."""


def run_plain(options: str, source: str, *, colour: bool = False, seconds: float = SECONDS) -> str:
    """Run a cell's tests as a terminal would, and return what pytest says.

    Args:
        options: As on a command line, such as `-m "not slow" -x`.
        source: The tests.
        colour: Whether the report may hold a terminal's colours.
        seconds: After that many, pytest is ended, and the last line says so.

    Raises:
        OptionsError: A quotation mark is missing.
        NoWorkersError: Workers are asked for, and pytest-xdist is not installed.

    Example:
        >>> report = run_plain("", "def test_one(): assert 1 + 1 == 2")
        >>> report.splitlines()[-1].startswith("1 passed in")
        True
    """
    words = _words(options)
    with tempfile.TemporaryDirectory(prefix="course-pytest-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / FILE).write_text(source, encoding="utf-8")
        (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
        command = [sys.executable, "-m", "pytest", f"--color={'yes' if colour else 'no'}", *OPTIONS]
        return _run([*command, *_plugins(f" {options}\n{source}"), *words], folder, seconds)


def _words(options: str) -> list[str]:
    try:
        words = shlex.split(options)
    except ValueError as error:
        raise OptionsError(f"%%pytest cannot read {options!r}: {error}.", "Write them as in a terminal.") from None
    if not XDIST and any(re.match(r"-n\d*$|--numprocesses|--dist", word) for word in words):
        raise NoWorkersError(
            "`-n` is an option of pytest-xdist, which is not installed here.",
            "Install it with `pip install pytest-xdist`, or go on: the exercises do without.",
        )
    return words


def _plugins(text: str) -> Iterator[str]:
    """The options that load the plugins which a cell uses."""
    for plugin in plugins_for(text):
        yield from ("-p", plugin)
        if plugin in DEFAULTS:
            yield from ("-o", "=".join(DEFAULTS[plugin]))


def _run(command: list[str], folder: Path, seconds: float) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**environment, "PYTHONUTF8": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )
    try:
        report, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        _end(process)
        report = f"{process.communicate()[0]}\nStill running after {seconds:g} s: pytest was ended."
    finally:  # Ctrl-C as well
        _end(process)
        process.wait()
    return report.strip("\n")


def _end(process: subprocess.Popen[str]) -> None:
    """End pytest and whatever it has started."""
    if sys.platform == "win32":
        process.kill()
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
