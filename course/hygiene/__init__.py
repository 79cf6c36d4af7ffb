"""Proves by running it that a suite is clean and quick, and passes in any order, in parallel and beside other data.

The grader holds hand-ins to these rules, and lessons 08 and 13 hold a learner's cells to them: it is the same code.
"""

from course.hygiene.default_port import DefaultPort
from course.hygiene.judges import Hygiene, judge_errors
from course.hygiene.prepared import Prepared
from course.hygiene.prove import HygieneProver, prove_suite
from course.hygiene.rule import TITLES, Proof, Rule, rules_of
from course.hygiene.runs import CancelledError, Runs
from course.hygiene.speed import ReferenceFailsError
from course.hygiene.trial_runs import TrialRuns
from course.hygiene.worker import PLUGINS

__all__ = [
    "PLUGINS", "TITLES", "CancelledError", "DefaultPort", "Hygiene", "HygieneProver", "Prepared", "Proof",
    "ReferenceFailsError", "Rule", "Runs", "TrialRuns", "judge_errors", "prove_suite", "rules_of",
]  # fmt: skip
