"""The machine itself: what stands beside limits in seconds, since one machine is three times as fast as another."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from statistics import median

from rows import Row, row

REPEATS = 5
# What suites do most: look names up, make small objects, call functions; nothing that waits
LOOP = """
import time
started = time.perf_counter()
for _ in range(60):
    kept = {}
    for number in range(50_000):
        kept[number] = str(number)
print(time.perf_counter() - started)
"""


def plain_loop() -> Iterator[Row]:
    """One row: the time of a plain Python loop on all processors at once; there is no limit for it."""
    seconds = median(loop_seconds() for _ in range(REPEATS))
    yield row("plain_loop_s", seconds, "s")


def loop_seconds() -> float:
    """The slowest of as many processes as there are processors, in seconds."""
    command = [sys.executable, "-c", LOOP]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(os.cpu_count() or 1)]
    return max(float(process.communicate()[0]) for process in running)


MEASURES = {"machine": plain_loop}
