"""What is kept of one graded submission: plain data, of which every report is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from course.engine import Fate, JudgedBug, JudgedTest, Standing, Subject, Verdict
from course.grading.challenge import Challenge
from course.grading.score import Score
from course.grading.submission import Submission
from course.hygiene import Proof
from course.hygiene.scrub import LONGEST, first_line, scrub, shown_line

FORMAT = 4
LATE = "late"  # part of a score: what is taken away from what was earned, which no kept record holds
# How a note begins on a record that an earlier batch has left, and that would come out anew
STALE = "Graded before a change"
Record = dict[str, Any]


@dataclass(frozen=True)
class Grading:
    """All that came of one submission.

    Attributes:
        verdict: What the engine has proved.
        score: The points; `None` where the grader failed.
        proofs: What the hygiene proofs have shown.
        inputs: What decides about a grade, such as `suite` or `bugs`, to a digest of it; empty where nothing was read.
        notes: What was left out, as sentences.
        times: Seconds, by what took them; all that may differ between two gradings of one submission.
        source: What the suite's files say: in messages it stays as it is.
    """

    verdict: Verdict
    score: Score | None
    proofs: tuple[Proof, ...] = ()
    inputs: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    times: Mapping[str, float] = field(default_factory=dict)
    source: str = ""


def make_record(
    submission: Submission, grading: Grading, subject: Subject, challenge: Challenge, version: str
) -> Record:
    """Everything about one submission as JSON takes it; nothing but `times` differs when it is graded again."""
    verdict = grading.verdict
    numbers = _numbers(subject)
    return {
        "format": FORMAT,
        "course": version,
        "subject": subject.name,
        "submission": submission.name,
        "entry": submission.entry or shown_line(submission.path.name),
        "handed_in": submission.handed_in,
        "kind": submission.kind,
        "inputs": dict(grading.inputs),
        "standing": verdict.standing.value,
        "detail": first_line(verdict.detail, grading.source),
        "where": first_line(verdict.where),
        "notes": [shown_line(note) for note in grading.notes],
        "score": _score(grading.score, grading.source),
        "tests": [_test(test, grading.source) for test in verdict.tests],
        "bugs": [
            _bug(judged, challenge, numbers[judged.bug.id], grading.source)
            for judged in _in_order(verdict.bugs, challenge)
        ],
        "correct": sorted(verdict.correct),
        "hygiene": [_proof(proof, challenge) for proof in grading.proofs],
        "times": _times(grading),
    }


def refusal(why: str) -> Verdict:
    """The verdict on a submission that cannot even be read."""
    return Verdict(Standing.BROKEN, detail=why)


def _numbers(subject: Subject) -> dict[str, int]:
    """Bug to its number in its category: how a bug is called as long as its name would give it away."""
    counts: dict[str, int] = {}
    numbers = {}
    for bug in sorted(subject.bugs, key=lambda bug: bug.id):
        counts[bug.group] = numbers[bug.id] = counts.get(bug.group, 0) + 1
    return numbers


def _in_order(bugs: Sequence[JudgedBug], challenge: Challenge) -> list[JudgedBug]:
    order = {name: number for number, name in enumerate(challenge.categories)}
    return sorted(bugs, key=lambda judged: (order.get(judged.bug.group, len(order)), judged.bug.id))


def _score(score: Score | None, source: str) -> dict[str, Any] | None:
    if score is None:
        return None
    lines = [asdict(line) | {"why": first_line(line.why, source)} for line in score.lines]
    return asdict(score) | {"why": first_line(score.why, source), "lines": lines}


def _test(test: JudgedTest, source: str) -> dict[str, str]:
    return {
        "test": shown_line(test.test),
        "validity": test.validity.value,
        "variant": test.variant,
        "message": scrub(test.message, source),
        "where": first_line(test.where),
    }


def _bug(judged: JudgedBug, challenge: Challenge, number: int, source: str) -> dict[str, Any]:
    bug = judged.bug
    catches = [
        {"test": shown_line(catch.test), "message": scrub(catch.message, source), "assertion": catch.assertion}
        for catch in sorted(judged.catches, key=lambda catch: catch.test)
    ]
    return {
        "id": bug.id,
        "label": f"{challenge.categories.get(bug.group, bug.group)} {number}",
        "category": bug.group,
        "boundary": bug.boundary,
        "fate": judged.fate.value,
        "title": bug.title,
        "shows": bug.shows,
        "hint": bug.hint,
        "diff": bug.diff,
        "catches": catches,
        "others": judged.others,
        "ran": sorted(shown_line(test) for test in judged.ran),
        "detail": first_line(judged.detail, source),
    }


def _proof(proof: Proof, challenge: Challenge) -> dict[str, Any]:
    rule = challenge.rule(proof.name)
    return {
        "name": proof.name,
        "title": rule.title if rule else proof.name,
        "passed": proof.passed,
        "evidence": proof.evidence[:LONGEST],
        "tests": [shown_line(test) for test in proof.tests],
    }


def _times(grading: Grading) -> dict[str, Any]:
    tests = {shown_line(test.test): round(test.seconds, 3) for test in grading.verdict.tests}
    times = dict.fromkeys(("ratio", "reference_seconds", "seconds", "suite_seconds"), 0.0) | dict(grading.times)
    return {name: round(value, 3) for name, value in times.items()} | {"tests": tests}


def public(record: Record, *, reveal: bool) -> Record:
    """The record as its learner may see it: of a bug that is alive, the hint only.

    Args:
        record: As `make_record` gives it.
        reveal: Show all of every bug, for after the deadline.
    """
    if reveal:
        return record
    return record | {"bugs": [bug if bug["fate"] == Fate.CAUGHT else _veiled(bug) for bug in record["bugs"]]}


def _veiled(bug: Mapping[str, Any]) -> dict[str, Any]:
    return {**bug, "id": "", "title": "", "shows": "", "diff": ""}
