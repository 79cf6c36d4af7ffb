"""Runs a suite in another language than Python: its program replaces the process."""

from __future__ import annotations

import os
import sys
from typing import Any

from course.engine.worker.processors import stay_on

if sys.platform == "win32":
    import subprocess


def run_command(task: dict[str, Any], events: int) -> None:
    """Run a task's `command` in the current folder, with `environment`; on Windows, return when it has ended.

    It finds the whole task in the file that COURSE_TASK names, and the descriptor for JSON lines in COURSE_EVENTS.
    """
    stay_on(task["processor"])
    file = f"{task['folder']}.json"
    environment = {**task["environment"], "COURSE_TASK": file, "COURSE_EVENTS": str(events)}
    os.set_inheritable(events, True)
    if sys.platform == "win32":
        _relay(task["command"], environment, events)
    else:
        os.execve(task["command"][0], task["command"], environment)  # noqa: S606 - no shell is wanted


if sys.platform == "win32":

    def _relay(command: list[str], environment: dict[str, str], events: int) -> None:
        """Pass events on from standard error: on Windows Node cannot be given a descriptor."""
        environment["COURSE_EVENTS"] = "2"
        with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) as process:
            for line in process.stderr or ():
                os.write(events, line)
