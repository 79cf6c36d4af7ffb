"""What all tests share: a missing service is a skip on a laptop and a failure in CI."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

# No test modules, and no examples in them: benchmarks, and a conftest that a test lays beside a suite
collect_ignore_glob = ["bench/*", "subjects/*_on_sqlite.py"]


def require(present: bool, what: str) -> None:
    """Skip the test where a service is missing, and fail it in CI, which must have them all."""
    if present:
        return
    if os.environ.get("CI"):
        pytest.fail(f"CI must have {what}", pytrace=False)
    pytest.skip(f"{what} is not here")


@pytest.fixture(scope="session")
def docker_engine() -> None:
    """Needs a Docker engine that answers."""
    import docker  # noqa: PLC0415 - half a second, for those tests only that need it
    from docker.errors import DockerException  # noqa: PLC0415 - the same

    try:
        docker.from_env(timeout=3).ping()
        answers = True
    except DockerException:
        answers = False
    require(answers, "a Docker engine")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """An installed Chromium or Chrome, as Playwright drives it; each test opens pages of its own.

    Playwright keeps an event loop running in this thread, where other modules' tests start theirs: it ends with each.
    """
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - for those tests only that need it

    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    require(path is not None, "Chromium")
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-background-networking", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def keyboard() -> Iterator[int]:
    """The end of a terminal that a program reads from, where nobody types.

    Jupyter Server handles Ctrl-C only at a terminal: elsewhere a task of its own may swallow it.
    """
    screen, end = pytest.importorskip("pty").openpty()
    yield end
    os.close(end)
    os.close(screen)
