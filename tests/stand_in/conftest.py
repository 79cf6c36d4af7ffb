"""Testcontainers on stand-ins, whether or not a Docker engine answers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from course.stand_in import install, uninstall
from course.stand_in.choice import RUN_SERVER


@pytest.fixture
def stand_ins(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Installed for one test."""
    monkeypatch.delenv(RUN_SERVER, raising=False)
    install(always=True)
    yield
    uninstall()


@pytest.fixture
def no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine where no Docker engine answers."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")
    monkeypatch.setenv("TESTCONTAINERS_RYUK_DISABLED", "true")
