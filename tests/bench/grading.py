"""The grader: the matrix of one suite, a class on one job and on two, and its memory."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import psutil
from rows import Row, row

from course.engine import Fate, Prover, Slot, Variant, load_subject
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
THOROUGH = 300


def matrix() -> Iterator[Row]:
    """The reference suite on every variant, with all hygiene proofs, against a plain pytest process for each."""
    subject = load_subject("todo_api")
    suite = subject.folder / "reference_suite"
    with prover(JOBS) as runs, Grader(runs, subject, load_challenge("todo_api")) as grader:
        # Processes, templates and byte-code are there after the first
        whole = matrix_seconds(grader, suite, repeats=1 + REPEATS)[1:]
        variants = [Variant(subject), *(Variant(subject, patch) for patch in (*subject.correct, *subject.bugs))]
        sample = variants[::SAMPLE]
        plain = sum(plain_seconds(runs, suite, sample)) * len(variants) / len(sample)
        yield row("grade_matrix_s", median(whole), "s")
        yield row("grade_matrix_vs_subprocess", plain / median(whole), "x", at_least=8)


def thorough() -> Iterator[Row]:
    """A suite of 300 tests that catches everything, against one plain run of it."""
    subject = load_subject("todo_api")
    with prover(JOBS) as runs, Grader(runs, subject, load_challenge("todo_api")) as grader:
        with tempfile.TemporaryDirectory() as folder:
            suite = Path(folder) / "thorough"
            many_times(subject.folder / "reference_suite", suite)
            # Once: it takes minutes. A plain run before it and one after it: a busy machine is busy for both
            plain = plain_seconds(runs, suite, [Variant(subject)])
            (whole,) = matrix_seconds(grader, suite, repeats=1)
            plain += plain_seconds(runs, suite, [Variant(subject)])
        yield row("grade_thorough_s", whole, "s")
        yield row("grade_thorough_ratio", whole / median(plain), "x", at_most=12)


def many_times(suite: Path, target: Path) -> None:
    """Write a suite whose test files are there so often that it has 300 tests or more."""
    shutil.copytree(suite, target)
    tests = sum(path.read_text().count("def test_") for path in suite.glob("test_*.py"))
    for number in range(1, -(-THOROUGH // tests)):
        for path in suite.glob("test_*.py"):
            shutil.copy(path, target / f"{path.stem}_{number}.py")


def classes() -> Iterator[Row]:
    """A made-up class on one job and on two."""
    with tempfile.TemporaryDirectory() as folder:
        classroom().mixed_class(Path(folder) / "class", CLASS)
        one, _ = class_seconds(Path(folder), 1)
        two, memory = class_seconds(Path(folder), JOBS)
    yield row("grade_two_jobs_speedup", one / two, "x", at_least=1.7)
    yield row("submissions_per_minute", 60 * CLASS / two, "1/min")
    yield row("grade_memory_mb", memory, "MB", at_most=700)


def prover(jobs: int) -> Prover:
    return Prover(Embedded(options=SERVER_OPTIONS).start, jobs=jobs)


def matrix_seconds(grader: Grader, suite: Path, repeats: int) -> list[float]:
    """Times of everything for one suite: all variants, all hygiene proofs."""
    (submission,) = find_submissions([suite])
    grader.measure_reference()  # once for each batch
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        with grader.reading(submission) as loaded:
            record = grader.grade(submission, loaded)
        times.append(time.perf_counter() - started)
        assert all(bug["fate"] == Fate.CAUGHT for bug in record["bugs"]), "the suite does not catch everything"
    return times


def plain_seconds(runs: Prover, suite: Path, variants: Sequence[Variant]) -> list[float]:
    """Times of one pytest process for each variant, on the same server."""

    def timed(slot: Slot) -> list[float]:
        return [plain_run(slot, suite, runs.trees.path(variant)) for variant in variants]

    return runs.submit(timed).result()


def plain_run(slot: Slot, suite: Path, program: Path) -> float:
    """Time of a suite under plain pytest, in seconds."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull]
    with slot.database() as url:
        environment = {**os.environ, "DATABASE_URL": url, "PYTHONPATH": str(program)}
        started = time.perf_counter()
        subprocess.run(
            [*command, "--rootdir", str(suite), str(suite)], env=environment, capture_output=True, check=False
        )
        return time.perf_counter() - started


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


MEASURES = {"matrix": matrix, "thorough": thorough, "class": classes}
