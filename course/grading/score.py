"""From what was proved to points, and why: pure arithmetic, explained line by line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from course.engine import Fate, JudgedBug, Standing, Verdict
from course.grading.challenge import Challenge
from course.hygiene import Proof, Rule, judge_errors

WHOLE = 0.9999  # points are rounded
ERRORS = "tests_error_answers"  # the proof that looks at bugs


@dataclass(frozen=True)
class Line:
    """One line of a score.

    Attributes:
        part: `bugs` or `hygiene`.
        name: The category, or the name of the proof.
        title: The same for people.
        points: Points that were earned.
        of: Points that there are.
        why: How the points came about, as a sentence.
    """

    part: str
    name: str
    title: str
    points: float
    of: float
    why: str


@dataclass(frozen=True)
class Score:
    """Points and how they came about; `points` is the sum of the lines.

    Attributes:
        points: Points that were earned, rounded to two places.
        of: Points that there are.
        lines: One for each category and each hygiene proof.
        why: Why there are no points at all; empty else.
        lowest: Points if the bug that has brought most were left out of the challenge, the others being the same.
        highest: Points if the bug that has cost most were left out.
    """

    points: float
    of: float
    lines: tuple[Line, ...]
    why: str = ""
    lowest: float = 0.0
    highest: float = 0.0


def score(challenge: Challenge, verdict: Verdict, proofs: Sequence[Proof]) -> Score | None:
    """Count the points of a suite.

    Args:
        challenge: The rules.
        verdict: What the engine has proved.
        proofs: What the hygiene proofs have shown.

    Returns:
        The score; `None` where the grader failed, which never costs the learner anything.
    """
    if verdict.standing is Standing.GRADER_ERROR:
        return None
    without = [_count(challenge, *_leave_out(challenge, verdict, proofs, bug)).points for bug in verdict.bugs]
    whole = _count(challenge, verdict, proofs)
    return replace(whole, lowest=min(without, default=whole.points), highest=max(without, default=whole.points))


def _leave_out(
    challenge: Challenge, verdict: Verdict, proofs: Sequence[Proof], bug: JudgedBug
) -> tuple[Verdict, list[Proof]]:
    """The same as if one bug were no part of the challenge."""
    others = replace(verdict, bugs=tuple(judged for judged in verdict.bugs if judged is not bug))
    errors = challenge.rule(ERRORS)
    return others, [judge_errors(errors, others) if errors and proof.name == ERRORS else proof for proof in proofs]


def _count(challenge: Challenge, verdict: Verdict, proofs: Sequence[Proof]) -> Score:
    why = _nothing(verdict)
    categories = _by_category(challenge, verdict.bugs)
    bugs = [_bug_line(challenge, name, bugs, len(categories), why) for name, bugs in categories.items()]
    share = sum(line.points for line in bugs) / (sum(line.of for line in bugs) or 1.0)
    passed = [proof.name for proof in proofs if proof.passed]
    lines = [*bugs, *(_hygiene_line(rule, proofs, why, share, passed) for rule in challenge.hygiene)]
    return Score(round(sum(line.points for line in lines), 2), challenge.total, tuple(lines), why)


def _nothing(verdict: Verdict) -> str:
    if verdict.standing is not Standing.PROVED:
        return verdict.detail or "The suite does not run."
    if not verdict.valid:
        return "No test passes on right code, so that none can count."
    return ""


def _by_category(challenge: Challenge, bugs: Sequence[JudgedBug]) -> dict[str, list[JudgedBug]]:
    """Bugs by category, in the order of the challenge; a teacher's further categories come last."""
    groups: dict[str, list[JudgedBug]] = {name: [] for name in challenge.categories}
    for judged in sorted(bugs, key=lambda judged: judged.bug.id):
        groups.setdefault(judged.bug.group, []).append(judged)
    return {name: found for name, found in groups.items() if found}


def _bug_line(challenge: Challenge, name: str, bugs: Sequence[JudgedBug], categories: int, why: str) -> Line:
    of = challenge.bug_points / categories
    caught = 0 if why else sum(judged.fate is Fate.CAUGHT for judged in bugs)
    title = challenge.categories.get(name, name.replace("_", " ").capitalize())
    points = round(of * caught / len(bugs), 4)
    return Line("bugs", name, title, points, round(of, 4), f"{caught} of {len(bugs)} bugs caught")


def _hygiene_line(rule: Rule, proofs: Sequence[Proof], why: str, share: float, passed: Sequence[str]) -> Line:
    """Doing no harm is worth something in a suite that tests: as much as it has earned of the points for bugs.

    The first line of those that are passed says so.
    """
    proof = next((proof for proof in proofs if proof.name == rule.name), None)
    if why or proof is None:
        return Line("hygiene", rule.name, rule.title, 0.0, rule.points, why or "not proved")
    if not proof.passed:
        return Line("hygiene", rule.name, rule.title, 0.0, rule.points, proof.evidence)
    counts = "" if share > WHOLE else f"; counts for {share:.0%}"
    if counts and rule.name == passed[0]:
        counts += ", as all hygiene does: this is the suite's part of the points for bugs"
    return Line("hygiene", rule.name, rule.title, round(rule.points * share, 4), rule.points, proof.evidence + counts)
