"""A pytest plugin for runs under rules: chance that repeats itself, one of several workers, containers noted."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import wrapt

from course.hygiene.baton import Baton
from course.hygiene.turns import FirstWorker, OtherWorker

COUNT, RUN = "PYTEST_XDIST_WORKER_COUNT", "PYTEST_XDIST_TESTRUNUID"
WORKER = "PYTEST_XDIST_WORKER"
BATON = "COURSE_RUN_BATON"
STARTED = "COURSE_RUN_STARTED"  # a file: the image of each container that the suite starts, one a line
SEED = "COURSE_RUN_SEED"  # set by the engine, see `course.engine.Request.seed`
PLUGINS = (__name__,)


def worker_environment(number: int, count: int, baton: Path) -> dict[str, str]:
    """What pytest-xdist sets for a worker, and where it waits for its turn.

    Args:
        number: Of the worker, from 0.
        count: Of all workers.
        baton: Folder of their `course.hygiene.baton.Baton`.
    """
    return {WORKER: f"gw{number}", COUNT: str(count), RUN: "grader", BATON: str(baton)}


def draw_again() -> None:
    """Have chance repeat itself each time the same suite runs on the same program in the same role."""
    random.seed("|".join((sys.path[0].rpartition("/")[2], os.environ.get(SEED, ""), os.environ.get(WORKER, ""))))


def _note_containers(file: Path) -> None:
    def noted(start: Callable[..., Any], container: Any, args: Any, options: Any) -> Any:
        with file.open("a", encoding="utf-8") as lines:
            lines.write(f"{container.image}\n")
        return start(*args, **options)

    wrapt.wrap_function_wrapper("testcontainers.core.container", "DockerContainer.start", noted)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    """Draw anew, also where the suite was loaded for another run."""
    draw_again()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Draw the same while the suite is loaded, and give xdist's fixtures what they look at in a real worker."""
    draw_again()
    if STARTED in os.environ:
        _note_containers(Path(os.environ[STARTED]))
    if WORKER in os.environ:
        config.workerinput = {  # type: ignore[attr-defined] # set by pytest-xdist in the same way
            "workerid": os.environ[WORKER],
            "workercount": int(os.environ[COUNT]),
            "testrunuid": os.environ[RUN],
        }
    if BATON in os.environ:
        number = int(os.environ[WORKER].removeprefix("gw"))
        baton = Baton(Path(os.environ[BATON]), int(os.environ[COUNT]))
        # Registered now and so the outermost: a test's time begins when it is its turn
        config.pluginmanager.register((OtherWorker if number else FirstWorker)(baton, number), "course-turns")
