"""Runs one command and ends it, with all it started, when it is done or its owner is gone: `lifeline.py COMMAND…`.

Its standard input is the lifeline: the owner holds the other end, which closes even after `kill -9`.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading


def main() -> int:
    """Run the command and return its exit code."""
    child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, start_new_session=True)
    threading.Thread(target=_wait_for_the_owner, args=(child.pid,), daemon=True).start()
    code = child.wait()
    _end(child.pid)
    return code


def _wait_for_the_owner(group: int) -> None:
    os.read(0, 1)
    _end(group)
    os._exit(1)


def _end(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
