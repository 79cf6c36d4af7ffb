"""Keeps what belongs together on one processor: a suite, its program's threads and its server wait for each other.

To wake a thread on another processor takes longer than most requests of a test do their work, above all on a virtual
machine; a run on one processor takes about three quarters of the time.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


def processor(number: int) -> int | None:
    """The processor for a slot; None where this system does not let anyone choose.

    Args:
        number: Of the slot, from 0; slots are dealt out to the processors that this process may use.
    """
    processors = allowed()
    return processors[number % len(processors)] if processors else None


def allowed() -> list[int]:
    """The processors that this process may use, in order; empty where the system does not tell."""
    return sorted(os.sched_getaffinity(0)) if sys.platform == "linux" else []


def stay_on(number: int | None) -> None:
    """Keep the current thread, and what it starts from now on, on one processor."""
    if sys.platform == "linux" and number is not None:
        with contextlib.suppress(OSError):
            os.sched_setaffinity(0, {number})


@contextmanager
def staying_on(number: int | None) -> Iterator[None]:
    """Keep what the current thread starts meanwhile on one processor."""
    before = allowed()
    stay_on(number)
    try:
        yield
    finally:
        if before:
            os.sched_setaffinity(0, before)
