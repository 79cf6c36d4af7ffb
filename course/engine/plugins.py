"""The pytest plugins of other projects that every suite finds, in a notebook and in a run: those that lessons teach.

One is our own: what it changes, it changes in pytest-httpserver.
"""

from __future__ import annotations

# Modules, not names: by their names pytest would look for each of them in all that is installed
PLUGINS = (
    "anyio.pytest_plugin",
    "course.engine.stub_server",
    "pytest_asyncio.plugin",
    "pytest_httpserver.pytest_plugin",
    "pytest_socket",
    "respx.plugin",
    "time_machine",
)
# What pytest-asyncio wants to be told, where a suite has no settings of its own
SETTINGS = "[pytest]\nasyncio_default_fixture_loop_scope = function\n"
