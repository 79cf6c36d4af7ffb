"""Subjects, variants, runs and verdicts: proves a suite on right and on wrong code."""

from course.engine.lacking import START as LACKING
from course.engine.patch import Patch, PatchError, read_patch
from course.engine.proof import Proof, Step
from course.engine.prover import Prover
from course.engine.run import Ending, Outcome, Request, RunResult
from course.engine.slot import Slot
from course.engine.subject import SUBJECTS, Subject, SubjectError, load_subject, subject_names
from course.engine.suite import NOT_COPIED, Suite
from course.engine.variant import Variant
from course.engine.verdict import Catch, Fate, JudgedBug, JudgedTest, Standing, Validity, Verdict

__all__ = [
    "LACKING", "NOT_COPIED", "SUBJECTS", "Catch", "Ending", "Fate", "JudgedBug", "JudgedTest", "Outcome", "Patch",
    "PatchError", "Proof", "Prover", "Request", "RunResult", "Slot", "Standing", "Step", "Subject", "SubjectError",
    "Suite", "Validity", "Variant", "Verdict", "load_subject", "read_patch", "subject_names",
]  # fmt: skip
