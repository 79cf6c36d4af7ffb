"""Hygiene rules and their proofs, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from course.syllabus import Exercise

# Name of each rule to what holds where a suite keeps it
TITLES: Mapping[str, str] = {
    "cleans_its_database": "passes twice on one database",
    "leaves_nothing_behind": "leaves the database as it was",
    "leaves_no_connection": "closes its connections",
    "leaves_production_alone": "does not call the production database",
    "takes_any_address": "passes on another port and another database name",
    "starts_its_own_container": "runs in a container that it starts itself",
    "depends_on_no_seed": "passes with ids from 1000 and rows of somebody else, which stay",
    "tests_error_answers": "catches bugs in error answers",
    "is_fast": "is as fast as such a suite can be",
    "passes_in_any_order": "passes in random orders",
    "passes_under_two_workers": "passes with two workers at once",
    "fails_fast": "is red for a broken unit before a database starts",
}


@dataclass(frozen=True)
class Rule:
    """One hygiene proof, and what it is worth where there are points.

    Attributes:
        name: Such as `cleans_its_database`; one of `TITLES`.
        title: What holds of a suite that passes.
        points: For passing it.
        settings: Options of the proof, such as `{"orders": 50}`.
    """

    name: str
    title: str
    points: float = 0.0
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Proof:
    """What a hygiene proof has shown.

    Attributes:
        name: Name of its rule.
        passed: Whether the suite passes it.
        evidence: What was seen, as a sentence without anything that differs from run to run.
        tests: Ids of the tests that it was seen in, sorted.
        measured: How many times as long as a test of the reference suite one of this takes, where that was measured; it
            differs from run to run, and so is no part of the sentence.
    """

    name: str
    passed: bool
    evidence: str
    tests: tuple[str, ...] = ()
    measured: float = 0.0


def rules_of(exercise: Exercise) -> tuple[Rule, ...]:
    """What an exercise's suite is held to, as `course.toml` names it."""
    return tuple(Rule(each.name, TITLES[each.name], settings=each.settings) for each in exercise.hygiene)
