"""What tests of the grader share: the made-up class, and records without a run."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from course.engine import Catch, Fate, JudgedBug, JudgedTest, Standing, Validity, Verdict, load_subject
from course.grading.challenge import load_challenge
from course.grading.record import Grading, make_record
from course.grading.score import score
from course.grading.submission import Submission
from course.hygiene import Proof


@pytest.fixture(scope="session")
def classroom():
    """The module that writes submissions."""
    spec = importlib.util.spec_from_file_location("classroom", Path(__file__).with_name("classroom.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def challenge():
    return load_challenge("todo_api")


@pytest.fixture
def verdict():
    """A suite of two tests that catches every second bug, and has a false alarm."""
    bugs = tuple(
        JudgedBug(
            bug,
            Fate.CAUGHT,
            (Catch("test_a.py::test_one", "assert 1 == 2", True, "call"),),
            frozenset({"test_a.py::test_one"}),
        )
        if number % 2 == 0
        else JudgedBug(bug, Fate.SURVIVED, ran=frozenset({"test_a.py::test_one"}))
        for number, bug in enumerate(load_subject("todo_api").bugs)
    )
    tests = (
        JudgedTest("test_a.py::test_one", Validity.VALID, seconds=0.1),
        JudgedTest("test_a.py::test_two", Validity.FALSE_ALARM, "original", "<b>at /x/slot0/run3/suite/</b>"),
    )
    return Verdict(Standing.PROVED, tests, bugs, ("looks_before_it_inserts",))


@pytest.fixture
def make(challenge, verdict):
    """Makes the record of a name and, if need be, of another verdict."""

    def make(name="ada", other=None, source=""):
        chosen = other or verdict
        proofs = tuple(Proof(rule.name, True, "seen") for rule in challenge.hygiene)
        times = {"suite_seconds": 0.5, "reference_seconds": 0.5, "ratio": 1.0, "seconds": 4.0}
        if chosen.standing is not Standing.PROVED:
            proofs, times = (), {}
        notes = (chosen.left_out,) if chosen.left_out else ()
        grading = Grading(chosen, score(challenge, chosen, proofs), proofs, {"suite": "0" * 64}, notes, times, source)
        return make_record(Submission(name, Path(name), "folder"), grading, load_subject("todo_api"), challenge, "1.0")

    return make
