"""A pytest plugin for the grader's runs: chance that repeats itself, and a run that is one of several workers."""

from __future__ import annotations

import os
import random
import sys
import time
from pathlib import Path

import pytest

COUNT, RUN = "PYTEST_XDIST_WORKER_COUNT", "PYTEST_XDIST_TESTRUNUID"
WORKER = "PYTEST_XDIST_WORKER"
SEED = "COURSE_RUN_SEED"  # set by the engine, see `course.engine.Request.seed`
PLUGINS = (__name__,)
# A folder with a file for each worker that has not come yet
GATE = "COURSE_RUN_GATE"
GATE_SECONDS = 5.0  # how long the first worker waits for the last


def make_gate(folder: Path, count: int) -> dict[str, str]:
    """Have workers begin their tests at the same moment, so that it is not chance whether they meet.

    Args:
        folder: An empty one.
        count: Of the workers that will come.

    Returns:
        What each of them has in its environment.
    """
    for number in range(count):
        (folder / f"gw{number}").touch()
    return {GATE: str(folder)}


def meet() -> None:
    """Wait for the other workers, where there is a gate."""
    gate = Path(os.environ.get(GATE, os.devnull))
    if not gate.is_dir():
        return
    (gate / os.environ[WORKER]).unlink(missing_ok=True)
    until = time.monotonic() + GATE_SECONDS
    while any(gate.iterdir()) and time.monotonic() < until:
        time.sleep(0.001)


def worker_environment(number: int, count: int) -> dict[str, str]:
    """What pytest-xdist sets for a worker.

    Args:
        number: Of the worker, from 0.
        count: Of all workers.
    """
    return {WORKER: f"gw{number}", COUNT: str(count), RUN: "grader"}


def draw_again() -> None:
    """Have chance repeat itself each time the same suite runs on the same program in the same role."""
    random.seed("|".join((sys.path[0].rpartition("/")[2], os.environ.get(SEED, ""), os.environ.get(WORKER, ""))))


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    """Draw anew, also where the suite was loaded for another run, and begin when all workers are there."""
    draw_again()
    meet()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Draw the same while the suite is loaded, and give xdist's fixtures what they look at in a real worker."""
    draw_again()
    if WORKER in os.environ:
        config.workerinput = {  # type: ignore[attr-defined] # set by pytest-xdist in the same way
            "workerid": os.environ[WORKER],
            "workercount": int(os.environ[COUNT]),
            "testrunuid": os.environ[RUN],
        }
