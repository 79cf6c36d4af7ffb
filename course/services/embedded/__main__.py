"""Runs a command beside a PostgreSQL that DATABASE_URL names: `python -m course.services.embedded npm test`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from course.services.embedded.postgres import Embedded
from course.services.machine import node


def main() -> int:
    """Run it, with the Node that lessons run on first on the PATH, and return its exit code."""
    path = os.pathsep.join((str(Path(node.find().program).parent), os.environ.get("PATH", "")))
    with Embedded().start() as server:
        environment = {**os.environ, "PATH": path, "DATABASE_URL": server.url(driver=None)}
        return subprocess.run(sys.argv[1:], env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
