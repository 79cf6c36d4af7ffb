"""What the events of a run add up to, and how the run ended."""

from __future__ import annotations

import contextlib
import time
from typing import Any

from course.engine.execution.run import Ending, Outcome, Reach, RunResult

# How much a run may print, and how many processes it may have
OUTPUT_BYTES = 16 << 20
PROCESSES = 64


class Events:
    """What a run has reported so far. Its events come from a learner's process, and none is trusted.

    Args:
        seconds: How long the run may take.
        patience: How long one test may take; `None` where only the run as a whole counts.
    """

    def __init__(self, seconds: float, patience: float | None) -> None:
        self.exit: int | None = None
        self._seconds = seconds
        self._patience = patience
        self._started = time.monotonic()
        self._outcomes: dict[str, Outcome] = {}
        self._collected: tuple[str, ...] = ()
        self._current = ""
        self._since = 0.0
        self._broken: list[dict[str, Any]] = []
        self._lacking = self._options = ""
        self._reach = Reach()
        self._done = False

    def take(self, event: dict[str, Any]) -> None:
        """Add one event; malformed ones are ignored."""
        with contextlib.suppress(KeyError, TypeError, ValueError):
            match event.get("event"):
                case "collected":
                    self._collected = tuple(map(str, event["tests"]))
                    self._lacking, self._options = str(event["lacking"]), str(event["options"])
                case "start":
                    self._current, self._since = str(event["test"]), time.monotonic()
                case "test":
                    self._current = ""
                    outcome = _outcome(event)
                    self._outcomes[outcome.test] = outcome
                case "broken":
                    self._broken.append(event)
                case "reach":
                    self._reach = _reach(event)
                case "done":
                    self._done = True

    @property
    def late(self) -> bool:
        """Whether the run, or its current test, takes too long."""
        return self._elapsed >= self._seconds or self._endless

    @property
    def _elapsed(self) -> float:
        return time.monotonic() - self._started

    @property
    def _endless(self) -> bool:
        """Whether the current test has been running for longer than one test may."""
        busy = time.monotonic() - self._since if self._current else 0.0
        return self._patience is not None and busy >= self._patience

    def result(self, cut: Ending | None, output: str) -> RunResult:
        """The result of the run.

        Args:
            cut: Why it was cut off, if it was.
            output: The last of what it printed.
        """
        limit = self._patience if self._patience and self._elapsed < self._seconds else self._seconds
        if cut is Ending.TIMED_OUT and self._patience and not self._endless:
            self._current = ""  # all tests together took too long, which is not this one's fault
        ending, detail, where = self._ending(cut, limit)
        return RunResult(
            ending,
            outcomes=tuple(self._outcomes.values()),
            detail=detail,
            where=where,
            collected=self._collected,
            current=self._current,
            reach=self._reach,
            seconds=round(self._elapsed, 4),
            output=output,
            left_out=" ".join(filter(None, (self._lacking, self._options))),
        )

    def _ending(self, cut: Ending | None, limit: float) -> tuple[Ending, str, str]:
        if cut and not (self._done and cut is Ending.TIMED_OUT):
            return cut, _sentence(cut, limit, self._current), ""
        if self._broken:
            first = self._broken[0]
            return Ending.NOT_COLLECTED, str(first.get("message", ""))[:600], str(first.get("where", ""))[:200]
        if self._done:
            if not self._collected and self._lacking:
                return Ending.NOT_COLLECTED, self._lacking, ""
            return (Ending.FINISHED, "", "") if self._collected else (Ending.NO_TESTS, "There are no tests.", "")
        during = f" during {self._current}" if self._current else ""
        return Ending.DIED, f"The process ended by itself with status {self.exit}{during}.", ""


def _outcome(event: dict[str, Any]) -> Outcome:
    result = str(event["result"])
    if result not in ("passed", "failed", "skipped"):
        raise ValueError(result)
    return Outcome(
        test=str(event["test"]),  # whole: by it a test is found again in other runs
        result=result,
        phase=str(event.get("phase", "call")),
        message=str(event.get("message", ""))[:600],
        assertion=event.get("assertion") is True,
        seconds=float(event.get("seconds", 0)),
        where=str(event.get("where", ""))[:200],
    )


def _reach(event: dict[str, Any]) -> Reach:
    def lines(pairs: list[tuple[str, int]]) -> frozenset[tuple[str, int]]:
        return frozenset((str(name), int(number)) for name, number in pairs)

    tests = {str(test): lines(pairs) for test, pairs in event["tests"].items()}
    return Reach(lines(event["shared"]), tests, event.get("complete") is True)


def _sentence(cut: Ending, limit: float, current: str) -> str:
    during = f" during {current}" if current else ""
    return {
        Ending.TIMED_OUT: f"It was ended after {limit:.0f} s{during}.",
        Ending.TOO_MUCH_OUTPUT: f"It printed more than {OUTPUT_BYTES >> 20} MB{during} and was ended.",
        Ending.TOO_MANY_PROCESSES: f"It started {PROCESSES} or more processes{during} and was ended.",
        Ending.STOPPED: "It was stopped.",
    }[cut]
