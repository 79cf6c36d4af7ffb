"""A pytest plugin for the grader's runs: chance that repeats itself, and a run that is one of several workers."""

from __future__ import annotations

import os
import random
import sys

import pytest

COUNT, RUN = "PYTEST_XDIST_WORKER_COUNT", "PYTEST_XDIST_TESTRUNUID"
WORKER = "PYTEST_XDIST_WORKER"
# What a run is drawn from, beside the program that it runs on
SEED = "GRADER_SEED"
# pytest-xdist gives suites the fixtures `worker_id` and `testrun_uid`
ENVIRONMENT = {"PYTEST_PLUGINS": f"xdist.plugin,{__name__}"}


def worker_environment(number: int, count: int) -> dict[str, str]:
    """What pytest-xdist sets for a worker.

    Args:
        number: Of the worker, from 0.
        count: Of all workers.
    """
    return {WORKER: f"gw{number}", COUNT: str(count), RUN: "grader"}


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Draw the same each time the same is run, and give xdist's fixtures what they look at in a real worker."""
    random.seed("|".join((sys.path[0].rpartition("/")[2], os.environ.get(SEED, ""), os.environ.get(WORKER, ""))))
    if WORKER in os.environ:
        config.workerinput = {  # type: ignore[attr-defined] # set by pytest-xdist in the same way
            "workerid": os.environ[WORKER],
            "workercount": int(os.environ[COUNT]),
            "testrunuid": os.environ[RUN],
        }
