"""What happens inside a run's own process: pytest runs the suite, and each step is told in one JSON line."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from course.engine.plugins import HYPOTHESIS, load_plugins, plugins_for, text_of
from course.engine.processors import stay_on
from course.engine.sink import Sink
from course.engine.zygote import Zygote


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
    from course.engine.settings import Settings  # noqa: PLC0415 - likewise

    sink = Sink(events)
    zygote = None if orders is None else Zygote(orders, order, sink)
    settings = Settings()
    reporter = Reporter(order, sink, zygote, settings)
    names = plugins_for(text_of(Path.cwd()))
    if HYPOTHESIS in names:
        _settle_hypothesis()
    plugins = load_plugins((*names, *order["plugins"]))
    try:
        _run_pytest(_arguments(order), [*plugins, settings, reporter, Rounds(reporter, zygote), ShortReports()])
    except BaseException as error:  # noqa: BLE001 - whatever a conftest raises while pytest starts
        tell_broken(sink, error)


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
