"""A pytest plugin that chooses and orders the tests, and tells what each did and which lines it reached."""

from __future__ import annotations

import random
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from _pytest.outcomes import Failed
from _pytest.skipping import xfailed_key

from course.engine.sink import Sink
from course.engine.tracer import Tracer

MESSAGE_LENGTH = 600


class Reporter:
    """One run's plugin.

    Args:
        order: The run's order, see `course.engine.child.run`.
        sink: Where events go.
    """

    def __init__(self, order: dict[str, Any], sink: Sink) -> None:
        self._order = order
        self._sink = sink
        self._tracer = Tracer(Path(order["tree"]), order["interest"]) if order["interest"] else None
        self._outcome: dict[str, Any] = {}
        if self._tracer:
            self._tracer.start()

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self, collector: pytest.Collector) -> Generator[None, Any, Any]:
        report = yield
        if report.failed:
            self._sink.send({"event": "broken", **_collect_error(collector, report)})
        return report

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        wanted = self._order["select"]
        if wanted is not None:
            wanted = set(wanted)
            items[:] = [item for item in items if item.nodeid in wanted]
        if self._order["shuffle"] is not None:
            random.Random(self._order["shuffle"]).shuffle(items)  # noqa: S311 - an order, not a secret

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, bool, bool]:
        self._sink.send({"event": "collected", "tests": [item.nodeid for item in session.items]})
        result = yield
        if self._tracer:
            self._sink.send({"event": "reach", **self._tracer.result()})
        self._sink.send({"event": "done"})
        return result

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        self._sink.send({"event": "start", "test": item.nodeid})
        self._outcome = {"test": item.nodeid, "result": "passed", "phase": "call"}
        started = time.perf_counter()
        if self._tracer:
            self._tracer.enter(item.nodeid)
        try:
            return (yield)
        finally:
            if self._tracer:
                self._tracer.leave()
            seconds = round(time.perf_counter() - started, 6)
            self._sink.send({"event": "test", **self._outcome, "seconds": seconds})

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Generator[None, Any, Any]:
        if not self._tracer or fixturedef.scope == "function":
            return (yield)
        with self._tracer.shared():
            return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
        # What was raised decides, not the report: a suite's own hooks may have changed that
        report = yield
        if call.excinfo is not None and self._outcome["result"] != "failed":
            self._outcome.update(_outcome(item, call))
        elif call.excinfo is None and call.when == "call" and item.stash.get(xfailed_key, None):
            self._outcome["result"] = "skipped"
        return report


def _outcome(item: pytest.Item, call: pytest.CallInfo[None]) -> dict[str, Any]:
    error = call.excinfo
    assert error is not None  # noqa: S101 - the caller has looked; this tells the type checker
    if isinstance(error.value, pytest.skip.Exception) or (
        call.when != "teardown" and item.stash.get(xfailed_key, None)
    ):
        return {"result": "skipped", "phase": call.when, "message": str(error.value)[:MESSAGE_LENGTH]}
    return {
        "result": "failed",
        "phase": call.when,
        "message": _message(error),
        "assertion": isinstance(error.value, (AssertionError, Failed)),
        "where": _where(error),
    }


def _message(error: pytest.ExceptionInfo[BaseException]) -> str:
    try:
        text = str(error.value)
    except Exception as inner:  # noqa: BLE001 - an exception of the suite may not be able to speak
        text = f"({type(inner).__name__} while it was told)"
    if not isinstance(error.value, (AssertionError, Failed)):
        text = f"{type(error.value).__name__}: {text}"
    return text[:MESSAGE_LENGTH]


def _where(error: pytest.ExceptionInfo[BaseException]) -> str:
    here = f"{Path.cwd()}/"
    lines = [
        f"{str(entry.path).removeprefix(here)}:{entry.lineno + 1}"
        for entry in error.traceback
        if str(entry.path).startswith(here)
    ]
    return lines[-1] if lines else ""


def _collect_error(collector: pytest.Collector, report: Any) -> dict[str, str]:
    text = str(getattr(report.longrepr, "reprcrash", None) or report.longrepr)
    lines = [line for line in text.splitlines() if line.strip()]
    raised = [line[4:].strip() for line in lines if line.startswith("E   ")] or lines[-1:]
    here = f"{Path.cwd()}/"
    wheres = [line.removeprefix(here) for line in lines if line.startswith(here)] or [collector.nodeid]
    return {"message": " ".join(raised)[:MESSAGE_LENGTH], "where": wheres[-1].split(": ")[0]}
