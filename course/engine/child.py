"""What happens inside a run's own process: pytest runs the suite, and each step is told in one JSON line."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from course.engine.plugins import PLUGINS
from course.engine.processors import stay_on
from course.engine.sink import Sink
from course.engine.zygote import Zygote

SETTINGS_FILES = ("pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml", "pyproject.toml", "tox.ini", "setup.cfg")
# Reports for people, and what a suite in a fresh process never needs; each costs start-up time
WITHOUT = ("cacheprovider", "terminal", "pastebin", "junitxml", "doctest", "faulthandler", "stepwise", "setuponly")


def run(order: dict[str, Any], events: int, orders: int | None = None) -> None:
    """Run the suite in the current folder and return when pytest has ended.

    Args:
        order: `tree` (folder for `sys.path`), `environment`, `select`, `shuffle`, `first_failure`, `rounds`,
            `interest`, `plugins`, `processor` (to stay on; may be None).
        events: File descriptor that takes JSON lines.
        orders: Socket of further orders for the suite once it is loaded, see `course.engine.zygote.Zygote`.
    """
    _settle(order)
    from course.engine.reporter import Reporter, ShortReports, tell_broken  # noqa: PLC0415 - loaded already in a warm process
    from course.engine.rounds import Rounds  # noqa: PLC0415 - likewise

    sink = Sink(events)
    zygote = None if orders is None else Zygote(orders, order, sink)
    reporter = Reporter(order, sink, zygote)
    try:
        _run_pytest(_arguments(order), [*_plugins(order), reporter, Rounds(reporter, zygote), ShortReports()])
    except BaseException as error:  # noqa: BLE001 - whatever a conftest raises while pytest starts
        tell_broken(sink, error)


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
        from course import stand_in  # noqa: PLC0415 - only a run on a server needs it

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
