"""The runs of one suite, on the slots of a prover that others use at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from typing import TypeVar

from course.engine import Prover, Request, RunResult, Slot
from course.errors import CourseError

T = TypeVar("T")


class CancelledError(CourseError):
    """The whole batch is ending: the results of this submission are dropped."""


class Runs:
    """Hands runs to a prover, and leaves those of other submissions alone when something goes wrong.

    Args:
        prover: Has the slots.
        cancelled: Set when the batch ends.
    """

    def __init__(self, prover: Prover, cancelled: threading.Event) -> None:
        self.prover = prover
        self.cancelled = cancelled

    def do(self, job: Callable[[Slot], T]) -> Future[T]:
        """Do `job` with the next free slot; where its server dies, again with a new one.

        Raises:
            CancelledError: The batch is ending; also from the result of the future.
        """
        self._check()
        return self.prover.submit(partial(self._survive, job))

    def run_all(self, requests: Sequence[Request], on_done: Callable[[int, RunResult], None]) -> list[RunResult]:
        """Run all, and return the results in the order of the requests; as `course.engine.Proof` wants it.

        Raises:
            CancelledError: The batch is ending.
        """

        def told(number: int, result: RunResult) -> None:
            on_done(number, result)
            self._check()

        self._check()
        return self.prover.run_all(requests, told, self._check)

    def _survive(self, job: Callable[[Slot], T], slot: Slot) -> T:
        self._check()
        return slot.survive(lambda: job(slot))

    def _check(self) -> None:
        if self.cancelled.is_set():
            raise CancelledError("The batch was stopped.")
