"""A run in an interpreter of its own, where the system cannot fork: `python -m …worker.spawned TASK HANDLE`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from course.engine.worker.command import run_command
from course.engine.worker.limits import limit_resources
from course.engine.worker.session import run

if sys.platform == "win32":
    import msvcrt


def main() -> None:
    """Read the task from its file and run it."""
    task, handle = Path(sys.argv[1]), int(sys.argv[2])
    if sys.platform == "win32":
        handle = msvcrt.open_osfhandle(handle, 0)
    asked = json.loads(task.read_text(encoding="utf-8"))
    limit_resources()
    start = run_command if "command" in asked else run
    start(asked, handle)


if __name__ == "__main__":
    main()
