"""Runs a command, and ends all that it has started when it is done, takes too long, or this process ends."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from course.services.cleanup import lifeline

POLL = 0.1  # seconds
OUTPUT = 20_000  # characters of a step's output that are kept: its end


def run(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    seconds: float,
    log: Path,
    is_over: Callable[[], bool] = lambda: False,
) -> tuple[int | None, str]:
    """Run a command.

    Args:
        command: The program and its arguments.
        folder: Where it runs.
        environment: All its variables.
        seconds: Its deadline.
        log: A file for what it prints.
        is_over: Polled; once True, the command is ended.

    Returns:
        Its exit code, None where it was ended; and the end of what it printed.
    """
    words = [sys.executable, "-I", "-S", lifeline.__file__, *command]
    with (
        log.open("wb") as output,
        subprocess.Popen(
            words, cwd=folder, env=dict(environment), stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT
        ) as process,
    ):
        code = _wait(process, time.monotonic() + seconds, is_over)
    # Leaving the block closes the lifeline and waits
    return code, log.read_text(encoding="utf-8", errors="replace")[-OUTPUT:]


def _wait(process: subprocess.Popen[bytes], end: float, is_over: Callable[[], bool]) -> int | None:
    while not is_over() and time.monotonic() < end:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(POLL)
    return process.poll()
