"""Subjects, variants, runs and verdicts: proves a suite on right and on wrong code.

Other rooms import from here only. Inside, arrows point one way: `prover -> verdicts -> execution -> programs`. What is
in `worker` runs in the learner's process and knows nothing of the rest.
"""

from course.engine.execution.run import Ending, Outcome, Request, RunResult
from course.engine.execution.slot import Slot
from course.engine.programs.patch import Patch, PatchError, read_patch
from course.engine.programs.subject import SUBJECTS, Subject, SubjectError, load_subject, subject_names
from course.engine.programs.suite import NOT_COPIED, Suite
from course.engine.programs.variant import Variant
from course.engine.prover import Prover
from course.engine.verdicts.proof import Proof, Step
from course.engine.verdicts.verdict import Catch, Fate, JudgedBug, JudgedTest, Standing, Validity, Verdict
from course.engine.worker.lacking import START as LACKING
from course.engine.worker.plugins import DEFAULTS, XDIST, load_plugins, plugins_for
from course.engine.worker.reported import Reported, assertion_text
from course.engine.worker.settings import NAMES as SETTINGS_FILES
from course.engine.worker.settings import Settings, find_settings

__all__ = [
    "DEFAULTS", "LACKING", "NOT_COPIED", "SETTINGS_FILES", "SUBJECTS", "XDIST", "Catch", "Ending", "Fate", "JudgedBug",
    "JudgedTest", "Outcome", "Patch", "PatchError", "Proof", "Prover", "Reported", "Request", "RunResult", "Settings",
    "Slot", "Standing", "Step", "Subject", "SubjectError", "Suite", "Validity", "Variant", "Verdict", "assertion_text",
    "find_settings", "load_plugins", "load_subject", "plugins_for", "read_patch", "subject_names",
]  # fmt: skip
