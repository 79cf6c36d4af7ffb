"""Subjects, variants, runs and verdicts: proves a suite on right and on wrong code."""

from course.engine.patch import Patch, PatchError, read_patch
from course.engine.prover import Prover
from course.engine.run import Ending, Outcome, Request, RunResult
from course.engine.slot import Slot
from course.engine.step import Step
from course.engine.subject import Subject, SubjectError, load_subject, subject_names
from course.engine.suite import Suite
from course.engine.variant import Variant
from course.engine.verdict import Catch, Fate, JudgedBug, JudgedTest, Standing, Validity, Verdict

__all__ = [
    "Catch", "Ending", "Fate", "JudgedBug", "JudgedTest", "Outcome", "Patch", "PatchError", "Prover", "Request",
    "RunResult", "Slot", "Standing", "Step", "Subject", "SubjectError", "Suite", "Validity", "Variant", "Verdict",
    "load_subject", "read_patch", "subject_names",
]  # fmt: skip
