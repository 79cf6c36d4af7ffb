"""What the fork server loads before the first run, so that no run pays for it."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import os
from functools import cache

from _pytest.config import default_plugins

from course.engine.worker.plugins import HYPOTHESIS, TAUGHT, plugins_for

PRELOAD = (
    *(f"_pytest.{name}" for name in default_plugins), "_pytest._argcomplete", *TAUGHT, "xdist.newhooks", "execnet",
    "anyio._backends._asyncio", "coverage", "faulthandler", "pdb", "readline",
    "sqlalchemy.orm", "sqlalchemy.dialects.postgresql.psycopg2", "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite.pysqlite", "sqlalchemy.ext.asyncio", "asyncpg", "psycopg2.extras", "alembic.command",
    "fastapi.testclient", "fastapi.telemetry._runtime", "pydantic.v1", "email_validator", "jwt", "python_multipart",
    "pwdlib.hashers.argon2", "uvicorn", "uvicorn.protocols.http.h11_impl", "nats.js",
    "testcontainers.community.postgres", "course.stand_in.client",
)  # fmt: skip


def preload() -> None:
    """Import what runs need; what is not installed is left out."""
    for name in PRELOAD:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    # coverage.py asks for its caller's stack when it starts; for that `inspect` looks at each module once
    inspect.stack()


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
    from hypothesis import configuration
    from hypothesis.internal.charmap import intervals_from_codec

    configuration.set_hypothesis_home_dir(os.devnull)  # keeps no files
    intervals_from_codec("utf-8")
