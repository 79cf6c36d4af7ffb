"""Whoever proves tests in JavaScript and is stopped or killed leaves no Node."""

from __future__ import annotations

import subprocess
import sys
import time

import psutil
import pytest

pytestmark = [pytest.mark.node, pytest.mark.slow]

TURNS = "test('turns', () => { require('node:fs').writeFileSync(%r, ''); while (true) {} });"
OWNER = """
import sys
from pathlib import Path
from course.engine import Prover, Suite, load_subject
from course.services.embedded.postgres import Embedded
with Prover(Embedded().start, jobs=1) as prover:
    prover.prove(Suite.from_files({"it.test.js": sys.argv[1]}), load_subject("till", Path(sys.argv[2])))
"""


def until(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "it takes more than a minute"
        time.sleep(0.05)


def running(folder):
    """The environments of the Nodes that have a witness there."""
    every = psutil.process_iter(["name", "environ"])
    nodes = [each.info["environ"] or {} for each in every if each.info["name"] == "node"]
    return [each for each in nodes if str(folder) in each.get("WITNESS", "")]


@pytest.mark.parametrize("end", ["kill", "interrupt"])
def test_no_node_outlives_its_owner(till, tmp_path, monkeypatch, end):
    witness = tmp_path / "turns"
    monkeypatch.setenv("WITNESS", str(witness))
    command = [sys.executable, "-c", OWNER, TURNS % str(witness), str(till.folder.parent)]
    owner = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    until(witness.exists)
    assert running(tmp_path)
    owner.kill() if end == "kill" else owner.send_signal(2)
    owner.wait()
    until(lambda: not running(tmp_path))
