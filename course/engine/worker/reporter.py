"""A pytest plugin that selects and orders the tests, and reports what each did and which lines it reached."""

from __future__ import annotations

import random
import time
import traceback
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import pytest
from _pytest.outcomes import Failed

from course.engine.worker.coverage import LineCoverage
from course.engine.worker.lacking import lacking_packages, lacking_sentence, lacks_package, options_sentence
from course.engine.worker.reported import Reported, assertion_text
from course.engine.worker.settings import Settings

Send = Callable[[dict[str, Any]], None]
MESSAGE_LENGTH = 600


class Reporter:
    """One run's plugin.

    Args:
        task: What to run, see `course.engine.worker.session.run`.
        send: Takes events.
        settings: Knows which of the suite's options were left out.
    """

    def __init__(self, task: dict[str, Any], send: Send, settings: Settings) -> None:
        self._task = task
        self._send = send
        self._settings = settings
        self._coverage = LineCoverage(Path(task["tree"]), task["interest"]) if task["interest"] else None
        self._outcome: dict[str, Any] = {}
        self._reported = Reported()
        self._failed = 0
        self._lacking: list[str] = []
        if self._coverage:
            self._coverage.start()

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self, collector: pytest.Collector) -> Generator[None, Any, Any]:
        """Report and leave out a file that needs a missing package; collect the others."""
        report: pytest.CollectReport = yield
        call: pytest.CallInfo[Any] | None = getattr(report, "call", None)
        error = call.excinfo.value.__cause__ if call and call.excinfo else None
        if not isinstance(collector, pytest.Module) or not lacks_package(error, Path.cwd()):
            return report
        self._lacking.append(collector.nodeid)
        return pytest.CollectReport(collector.nodeid, "passed", None, [])

    def pytest_exception_interact(self, node: Any, call: pytest.CallInfo[Any]) -> None:
        if isinstance(node, pytest.Collector) and call.excinfo is not None:
            tell_broken(self._send, call.excinfo.value)

    def pytest_internalerror(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        tell_broken(self._send, excinfo.value)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, bool, bool]:
        _choose(session, self._task)
        lacking = lacking_sentence(lacking_packages(Path.cwd()), sorted(self._lacking)) if self._lacking else ""
        options = options_sentence(self._settings.dropped) if self._settings.dropped else ""
        tests = [item.nodeid for item in session.items]
        self._send({"event": "collected", "tests": tests, "lacking": lacking, "options": options})
        result = yield
        if self._coverage:
            self._send({"event": "reach", **self._coverage.result()})
        self._send({"event": "done"})
        return result

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        self._send({"event": "start", "test": item.nodeid})
        self._reported = Reported()
        self._outcome = {"test": item.nodeid}
        started = time.perf_counter()
        try:
            with self._context(item.nodeid):
                return (yield)
        finally:
            outcome = {**_told(self._reported), **self._outcome}
            self._send({"event": "test", **outcome, "seconds": round(time.perf_counter() - started, 6)})
            self._failed += self._reported.failed
            if self._failed == self._task["enough"]:
                del item.session.items[item.session.items.index(item) + 1 :]

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Generator[None, Any, Any]:
        if fixturedef.scope == "function":
            return (yield)
        with self._context():
            return (yield)

    def _context(self, test: str = "") -> AbstractContextManager[None]:
        return self._coverage.context(test) if self._coverage else nullcontext()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
        # Not `tryfirst`: the report is seen as pytest made it, before a suite's own hooks may change it
        report: pytest.TestReport = yield
        if self._reported.take(report):
            self._outcome.update(_failure(call, report))
        return report


def _choose(session: pytest.Session, task: dict[str, Any]) -> None:
    """Select the task's tests and put them in the task's order."""
    items = session.items
    if task["select"] is not None:
        place = {test: number for number, test in enumerate(task["select"])}
        items[:] = sorted((item for item in items if item.nodeid in place), key=lambda item: place[item.nodeid])
    if task["reverse"]:
        items.reverse()
    if task["shuffle"] is not None:
        random.Random(task["shuffle"]).shuffle(items)  # noqa: S311 - an order, not a secret


def _told(reported: Reported) -> dict[str, Any]:
    return {"result": reported.result, "phase": reported.phase, "message": reported.reason[:MESSAGE_LENGTH]}


def _failure(call: pytest.CallInfo[None], report: pytest.TestReport) -> dict[str, Any]:
    error = call.excinfo
    if error is None:  # a strict xfail that passed
        return {"message": str(report.longrepr)[:MESSAGE_LENGTH], "assertion": True}
    assertion = isinstance(error.value, (AssertionError, Failed))
    return {"message": _message(error), "assertion": assertion, "where": _line_of(error.value)}


def _message(error: pytest.ExceptionInfo[BaseException]) -> str:
    try:
        text = str(error.value)
    except Exception as inner:  # noqa: BLE001 - an exception of the suite may not be able to speak
        text = f"({type(inner).__name__} while it was told)"
    if not isinstance(error.value, (AssertionError, Failed)):
        return f"{type(error.value).__name__}: {text}"[:MESSAGE_LENGTH]
    return assertion_text(text)[:MESSAGE_LENGTH]


def tell_broken(send: Send, error: BaseException) -> None:
    """Say that the suite does not collect, why, and where."""
    root = error.__cause__ or getattr(error, "cause", None) or error
    if isinstance(root, SystemExit):
        message = f"The suite called sys.exit({root.code!r})."
    elif lacks_package(root, Path.cwd()):
        message = lacking_sentence(lacking_packages(Path.cwd()))
    else:
        message = f"{type(root).__name__}: {root}"[:MESSAGE_LENGTH]
    send({"event": "broken", "message": message, "where": _line_of(root)})


def _line_of(error: BaseException) -> str:
    """The last line of the suite that had a part in an error, as `file:line`."""
    here = f"{Path.cwd()}/"
    frames = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    if isinstance(error, SyntaxError):
        frames.append((error.filename or "", error.lineno or 0))
    lines = [f"{name.removeprefix(here)}:{line}" for name, line in frames if name.startswith(here)]
    return lines[-1] if lines else ""
