"""Runs pytest inside a run's own process, and reports each step in one JSON line."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from _pytest.config import _prepareconfig

from course import stand_in
from course.engine.worker.plugins import HYPOTHESIS, load_plugins, plugins_for, text_of
from course.engine.worker.processors import stay_on
from course.engine.worker.reporter import Reporter, tell_broken
from course.engine.worker.settings import ARGUMENTS, Settings, find_settings


def run(task: dict[str, Any], events: int) -> None:
    """Run the suite in the current folder and return when pytest has ended.

    Args:
        task: `tree` (folder for `sys.path`), `environment`, `select`, `reverse`, `shuffle`, `enough`, `interest`,
            `plugins`, `processor` (to stay on; may be None), `empty` (a settings file), `cache` (pytest's folder).
        events: File descriptor that takes JSON lines.
    """
    _prepare(task)
    send, settings = _sender(events), Settings()
    names = plugins_for(text_of(Path.cwd()))
    if HYPOTHESIS in names:
        # The same examples in each run, however long one takes; what it writes stays in the run's folder
        import_module("hypothesis").settings.load_profile("ci")
        import_module("hypothesis.configuration").set_hypothesis_home_dir(Path.cwd() / ".hypothesis")
    plugins = load_plugins((*names, *task["plugins"]))
    try:
        _run_pytest(_arguments(task), [*plugins, settings, Reporter(task, send, settings)])
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


def _run_pytest(arguments: list[str], plugins: list[object]) -> None:
    """Do what `pytest.main` does, and raise what it would only print."""
    config = _prepareconfig(arguments, plugins)
    try:
        config.hook.pytest_cmdline_main(config=config)
    finally:
        config._ensure_unconfigure()  # noqa: SLF001 - as `pytest.main` ends


def _prepare(task: dict[str, Any]) -> None:
    stay_on(task["processor"])
    os.environ.clear()
    os.environ.update(task["environment"])
    tempfile.tempdir = None
    here = str(Path.cwd())
    sys.argv = ["pytest"]
    # The current folder as under `python -m pytest`, behind the program
    sys.path[:] = [task["tree"], here, *(entry for entry in sys.path if entry not in ("", here))]
    sys.dont_write_bytecode = False
    stand_in.install(always=True)


def _arguments(task: dict[str, Any]) -> list[str]:
    here = Path.cwd()
    # On wrong code nobody looks at tracebacks, and to draw one takes longer than most tests
    options = ("--capture=no", "--tb=line")
    arguments = [*ARGUMENTS, *options, "--rootdir", str(here), "-o", f"cache_dir={task['cache']}"]
    # Else pytest looks for settings in the folders above, which are not the suite's
    return arguments if find_settings(here) else [*arguments, "-c", task["empty"]]
