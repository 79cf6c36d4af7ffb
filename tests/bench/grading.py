"""The grader: the matrix of one suite, a class on one job and on two, and its memory."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from course.engine import Prover, Slot, Subject, Suite, Variant, load_subject
from course.grading.batch import Batch
from course.grading.challenge import load_challenge
from course.grading.command import SERVER_OPTIONS
from course.grading.grader import Grader
from course.grading.submission import find_submissions
from course.services.embedded.postgres import Embedded

JOBS = 2
# Every so many variants one plain pytest process is timed, and the sum is scaled to all of them
SAMPLE = 8
# What takes seconds is timed so often, and the best time counts: whatever else the machine does only ever adds to it
REPEATS = 3
CLASS = 30


def measure() -> Iterator[dict[str, Any]]:
    """Rows for the table of measures."""
    subject = load_subject("todo_api")
    with prover(JOBS) as runs, Grader(runs, subject, load_challenge("todo_api")) as grader:
        runs.submit(lambda slot: slot.ensure()).result()
        whole = matrix_seconds(grader, subject)
        yield row("grade_matrix_s", min(whole), "s", at_most=15)
        plain = runs.submit(lambda slot: plain_seconds(slot, runs, subject)).result()
        yield row("grade_matrix_vs_subprocess", plain / median(whole), "x", at_least=12)
        suite = Suite.from_folder(subject.folder / "reference_suite")
        quick = [runs.prove(suite, subject, first_catch=True).seconds for _ in range(REPEATS)]
        yield row("grade_first_catch_s", min(quick), "s", at_most=6)
    with tempfile.TemporaryDirectory() as folder:
        classroom().mixed_class(Path(folder) / "class", CLASS)
        one, _ = class_seconds(Path(folder), 1)
        two, memory = class_seconds(Path(folder), JOBS)
    yield row("grade_two_jobs_speedup", one / two, "x", at_least=1.7)
    yield row("submissions_per_minute", 60 * CLASS / two, "1/min")
    yield row("grade_memory_mb", memory, "MB", at_most=700)


def prover(jobs: int) -> Prover:
    return Prover(Embedded(options=SERVER_OPTIONS).start, jobs=jobs)


def matrix_seconds(grader: Grader, subject: Subject) -> list[float]:
    """Times of everything for one suite: all variants, all hygiene proofs."""
    (submission,) = find_submissions([subject.folder / "reference_suite"])
    grader.measure_reference()  # once for each batch
    times = []
    for _ in range(1 + REPEATS):
        started = time.perf_counter()
        with grader.reading(submission) as loaded:
            grader.grade(submission, loaded)
        times.append(time.perf_counter() - started)
    return times[1:]  # processes, templates and byte-code are there after the first


def plain_seconds(slot: Slot, runs: Prover, subject: Subject) -> float:
    """Time of one pytest process for each variant, on the same server: timed on a sample and scaled."""
    variants = [Variant(subject), *(Variant(subject, patch) for patch in (*subject.correct, *subject.bugs))]
    sample = variants[::SAMPLE]
    seconds = 0.0
    for variant in sample:
        with slot.database() as url:
            started = time.perf_counter()
            environment = {**os.environ, "DATABASE_URL": url, "PYTHONPATH": str(runs.trees.path(variant))}
            command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull]
            folder = str(subject.folder / "reference_suite")
            subprocess.run([*command, "--rootdir", folder, folder], env=environment, capture_output=True, check=False)
            seconds += time.perf_counter() - started
    return seconds * len(variants) / len(sample)


def class_seconds(folder: Path, jobs: int) -> tuple[float, float]:
    """Time of a made-up class in seconds, and the most memory that the grader held in MB."""
    subject = load_subject("todo_api")
    with prover(jobs) as runs, Grader(runs, subject, load_challenge("todo_api")) as grader, peak_memory() as peak:
        started = time.perf_counter()
        grader.measure_reference()
        grader.subject = replace(grader.subject, patience=5.0)
        Batch(grader, runs, folder / f"out{jobs}").grade(find_submissions([folder / "class"]))
        return time.perf_counter() - started, max(peak)


@contextlib.contextmanager
def peak_memory() -> Iterator[list[float]]:
    """Proportional set size of this process and all below it, looked at four times a second."""
    sizes, stop = [0.0], threading.Event()

    def look() -> None:
        while not stop.wait(0.25):
            family = [psutil.Process(), *psutil.Process().children(recursive=True)]
            sizes.append(sum(map(size_of, family)) / 1e6)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield sizes
    finally:
        stop.set()
        thread.join()


def size_of(process: psutil.Process) -> float:
    with contextlib.suppress(psutil.Error):
        memory = process.memory_full_info()
        return float(getattr(memory, "pss", memory.rss))
    return 0.0


def classroom() -> Any:
    """The made-up class that tests use, too."""
    path = Path(__file__).parent.parent / "grading" / "classroom.py"
    spec = importlib.util.spec_from_file_location("classroom", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def row(
    name: str, value: float, unit: str, *, at_most: float | None = None, at_least: float | None = None
) -> dict[str, Any]:
    """One row of the table."""
    if at_most is not None:
        return {"name": name, "value": value, "unit": unit, "limit": f"≤ {at_most:g}", "ok": value <= at_most}
    limit = "" if at_least is None else f"≥ {at_least:g}"
    return {"name": name, "value": value, "unit": unit, "limit": limit, "ok": at_least is None or value >= at_least}
