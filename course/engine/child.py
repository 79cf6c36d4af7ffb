"""What happens inside a run's own process: pytest runs the suite, and each step is told in one JSON line."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from course.engine.plugins import HYPOTHESIS, load_plugins, plugins_for, text_of
from course.engine.processors import stay_on
from course.engine.reporter import Reporter, ShortReports, tell_broken
from course.engine.settings import Settings


def run(order: dict[str, Any], events: int) -> None:
    """Run the suite in the current folder and return when pytest has ended.

    Args:
        order: `tree` (folder for `sys.path`), `environment`, `select`, `reverse`, `shuffle`, `enough`, `interest`,
            `plugins`, `processor` (to stay on; may be None).
        events: File descriptor that takes JSON lines.
    """
    _settle(order)
    send, settings = _sender(events), Settings()
    names = plugins_for(text_of(Path.cwd()))
    if HYPOTHESIS in names:
        _settle_hypothesis()
    plugins = load_plugins((*names, *order["plugins"]))
    try:
        _run_pytest(_arguments(order), [*plugins, settings, Reporter(order, send, settings), ShortReports()])
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
    """Do what `pytest.main` does, and let out what it would only print."""
    from _pytest.config import _prepareconfig  # noqa: PLC0415 - see above

    config = _prepareconfig(arguments, plugins)
    try:
        config.hook.pytest_cmdline_main(config=config)
    finally:
        config._ensure_unconfigure()  # noqa: SLF001 - as `pytest.main` ends


def _settle_hypothesis() -> None:
    """Have it try the same examples in each run, however long one takes: by its own settings for CI."""
    from hypothesis import settings  # noqa: PLC0415 - takes a while, and few suites need it

    settings.load_profile("ci")


def _settle(order: dict[str, Any]) -> None:
    stay_on(order["processor"])
    os.environ.clear()
    os.environ.update(order["environment"])
    tempfile.tempdir = None
    here = str(Path.cwd())
    sys.argv = ["pytest"]
    # The current folder as under `python -m pytest`, behind the program
    sys.path[:] = [order["tree"], here, *(entry for entry in sys.path if entry not in ("", here))]
    sys.dont_write_bytecode = False
    if order["environment"].get("COURSE_RUN_SERVER"):
        from course import stand_in  # noqa: PLC0415 - only a run on a server needs it

        stand_in.install(always=True)


def _arguments(order: dict[str, Any]) -> list[str]:
    from course.engine.settings import ARGUMENTS, find_settings  # noqa: PLC0415 - see above

    here = Path.cwd()
    arguments = [*ARGUMENTS, "--rootdir", str(here), "-o", f"cache_dir={order['cache']}", "--capture=no"]
    # Else pytest looks for settings in the folders above, which are not the suite's
    return arguments if find_settings(here) else [*arguments, "-c", order["empty"]]
