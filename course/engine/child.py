"""What happens inside a run's own process: pytest runs the suite, and each step is told in one JSON line."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from course.engine.plugins import PLUGINS
from course.engine.processors import stay_on
from course.engine.reporter import Reporter, ShortReports, tell_broken

SETTINGS_FILES = ("pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml", "pyproject.toml", "tox.ini", "setup.cfg")
# Reports for people, and what a suite in a fresh process never needs; each costs start-up time
WITHOUT = ("cacheprovider", "terminal", "pastebin", "junitxml", "doctest", "faulthandler", "stepwise", "setuponly")


def run(order: dict[str, Any], events: int) -> None:
    """Run the suite in the current folder and return when pytest has ended.

    Args:
        order: `tree` (folder for `sys.path`), `environment`, `select`, `reverse`, `shuffle`, `enough`, `interest`,
            `plugins`, `processor` (to stay on; may be None).
        events: File descriptor that takes JSON lines.
    """
    _settle(order)
    send = _sender(events)
    try:
        _run_pytest(_arguments(order), [*_plugins(order), Reporter(order, send), ShortReports()])
    except BaseException as error:  # noqa: BLE001 - whatever a conftest raises while pytest starts
        tell_broken(send, error)


def _sender(events: int) -> Callable[[dict[str, Any]], None]:
    """What writes events as whole lines, so that a reader never sees half of one."""
    owner = os.getpid()

    def send(event: dict[str, Any]) -> None:
        if os.getpid() != owner:  # a process that the suite forked has nothing to tell
            return
        line = json.dumps(event).encode() + b"\n"
        while line:
            line = line[os.write(events, line) :]

    return send


def _plugins(order: dict[str, Any]) -> list[object]:
    """Plugins as modules; by their names, pytest would look for each of them in all that is installed."""
    plugins: list[object] = []
    for name in (*PLUGINS, *order["plugins"]):
        with contextlib.suppress(ImportError):
            plugins.append(importlib.import_module(name))
    return plugins


def _run_pytest(arguments: list[str], plugins: list[object]) -> None:
    """Do what `pytest.main` does, and let out what it would only print."""
    from _pytest.config import _prepareconfig  # noqa: PLC0415 - see above

    config = _prepareconfig(arguments, plugins)
    try:
        config.hook.pytest_cmdline_main(config=config)
    finally:
        config._ensure_unconfigure()  # noqa: SLF001 - as `pytest.main` ends


def _settle(order: dict[str, Any]) -> None:
    stay_on(order["processor"])
    os.environ.clear()
    os.environ.update(order["environment"])
    tempfile.tempdir = None
    here = str(Path.cwd())
    sys.argv = ["pytest"]
    sys.path[:] = [order["tree"], *(entry for entry in sys.path if entry not in ("", here))]
    sys.dont_write_bytecode = False
    if order["environment"].get("COURSE_RUN_SERVER"):
        from course.services import stand_in  # noqa: PLC0415 - only a run on a server needs it

        stand_in.install(always=True)


def _arguments(order: dict[str, Any]) -> list[str]:
    here = str(Path.cwd())
    # Options and plugins that a project wants for itself may not be here, and its tests are judged without
    arguments = [here, "--rootdir", here, "-o", "addopts=", "-o", "required_plugins=", "--capture=no"]
    for plugin in WITHOUT:
        arguments += ["-p", f"no:{plugin}"]
    if not any(Path(name).is_file() for name in SETTINGS_FILES):
        # Else pytest looks for settings in the folders above, which are not the suite's
        arguments += ["-c", order["empty"]]
    return arguments
