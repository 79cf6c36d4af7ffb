"""Runs one step's script, and ends all that it started: when it is done, takes too long, or its owner is gone."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from course.workflows import lifeline

OUTPUT = 20_000  # characters of a step's output that are kept: its end


def run(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], seconds: float, log: Path
) -> tuple[int | None, str]:
    """Run a command.

    Args:
        command: The program and its arguments.
        folder: Where it runs.
        environment: All its variables.
        seconds: After so long it is ended.
        log: A file for what it prints.

    Returns:
        Its exit code, None where it took too long; and the end of what it printed.
    """
    words = [sys.executable, "-I", "-S", lifeline.__file__, *command]
    with (
        log.open("wb") as output,
        subprocess.Popen(
            words, cwd=folder, env=dict(environment), stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT
        ) as process,
    ):
        code: int | None
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            code = None
    # Leaving the block closes the lifeline and waits
    return code, log.read_text(encoding="utf-8", errors="replace")[-OUTPUT:]
