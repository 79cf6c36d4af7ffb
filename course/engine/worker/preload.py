"""What the fork server loads before the first run, so that no run pays for it."""

from __future__ import annotations

import contextlib
import importlib
import os
from functools import cache

from course.engine.worker.plugins import HYPOTHESIS, TAUGHT, plugins_for

PRELOAD = (
    "pytest", "_pytest.assertion.rewrite", "_pytest.unittest", "_pytest.recwarn", "_pytest.monkeypatch",
    "_pytest.capture", "_pytest.logging", "_pytest.skipping", "_pytest.raises", *TAUGHT,
    "anyio._backends._asyncio", "_pytest.terminal", "_pytest.cacheprovider", "_pytest.junitxml", "_pytest.doctest",
    "_pytest.stepwise", "_pytest.faulthandler", "_pytest.setuponly", "_pytest.pastebin", "coverage", "sqlalchemy",
    "sqlalchemy.orm", "sqlalchemy.dialects.postgresql.psycopg2", "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite.pysqlite", "psycopg2", "psycopg", "fastapi", "fastapi.testclient",
    "fastapi.security", "fastapi.responses", "starlette.middleware.base", "httpx", "pydantic",
    "pydantic.networks", "email_validator", "jwt", "pwdlib.hashers.argon2", "python_multipart", "uvicorn",
    "uvicorn.protocols.http.h11_impl", "concurrent.futures", "concurrent.futures.thread",
    "testcontainers.community.postgres", "course.stand_in.client",
    "multiprocessing", "uuid", "pydantic.v1", "fastapi.telemetry._runtime", "psycopg2.extras",
    "psycopg2._ipaddress", "pdb", "_pytest.helpconfig", "_pytest.setupplan", "_pytest.threadexception",
    "_pytest.unraisableexception", "_pytest.warnings", "_pytest._argcomplete", "_pytest.tmpdir",
    "sqlalchemy.dialects.postgresql", "jwt.algorithms", "nats.js", "anyio.from_thread", "csv", "alembic.command",
    "alembic.context", "sqlalchemy.ext.asyncio", "sqlalchemy.dialects.postgresql.asyncpg", "asyncpg",
)  # fmt: skip


def preload() -> None:
    """Import what runs need; what is not installed is left out."""
    for name in PRELOAD:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


def preload_for(suite: str) -> None:
    """Import what only some suites need, before the first run of such a one.

    Args:
        suite: All that its files say.
    """
    if HYPOTHESIS in plugins_for(suite):
        _hypothesis()


@cache
def _hypothesis() -> None:
    """Have Hypothesis make its table of all characters, which takes two seconds, and four under coverage."""
    from hypothesis import configuration  # noqa: PLC0415 - most suites need none of it
    from hypothesis.internal.charmap import intervals_from_codec  # noqa: PLC0415 - the same

    configuration.set_hypothesis_home_dir(os.devnull)  # keeps no files
    intervals_from_codec("utf-8")
