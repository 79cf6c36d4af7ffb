"""A rehearsal whose owner is killed leaves no step, no server and no folder."""

from __future__ import annotations

import subprocess
import sys
import time

import psutil
import pytest

from course.services.cleanup import registry

OWNER = """
import sys
from pathlib import Path
from course.workflows import read_workflow, rehearse
rehearse(read_workflow(sys.stdin.read()), Path(sys.argv[1]))
"""


def until(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "it takes more than a minute"
        time.sleep(0.05)


def running(*words):
    """Whether a process has one of these in its command line."""
    lines = [" ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"])]
    return any(word in line for word in words for line in lines)


@pytest.mark.slow
def test_a_killed_owner_leaves_nothing(good, project, tmp_path):
    witness = tmp_path / "running"
    text = good.replace("python -m pytest tests/unit/", f"touch {witness}; sleep 3599.25")
    owner = subprocess.Popen([sys.executable, "-c", OWNER, project], stdin=subprocess.PIPE, text=True)
    owner.stdin.write(text)
    owner.stdin.close()
    until(witness.exists)
    started = {each.kind: each.folder for each in registry.entries() if each.owner.pid == owner.pid}
    assert set(started) == {"workflow", "postgres"}
    assert running("sleep 3599.25")
    owner.kill()
    owner.wait()
    until(lambda: not running("sleep 3599.25", str(started["postgres"])))
    registry.reap()
    assert not any(folder.exists() for folder in started.values())
