"""The pytest plugins of other projects that every suite finds, in a notebook and in a run: those that lessons teach.

One is our own: what it changes, it changes in pytest-httpserver.
"""

from __future__ import annotations

from importlib.util import find_spec

# Gives suites the fixtures `worker_id` and `testrun_uid`, and `-n 2`; the only one that somebody may do without
XDIST = ("xdist.plugin",) if find_spec("xdist") else ()
# Modules, not names: by their names pytest would look for each of them in all that is installed
PLUGINS = (
    "anyio.pytest_plugin",
    "course.engine.stub_server",
    "pytest_asyncio.plugin",
    "pytest_httpserver.pytest_plugin",
    "pytest_socket",
    "respx.plugin",
    "time_machine",
    *XDIST,
)
# What pytest-asyncio wants to be told, where a suite has no settings of its own
SETTINGS = "[pytest]\nasyncio_default_fixture_loop_scope = function\n"
