"""Points: each category weighs the same, hygiene beside it, and a reason for everything."""

from __future__ import annotations

from dataclasses import replace

import pytest

from course.engine import Fate, JudgedBug, Standing, Verdict, load_subject
from course.grading.challenge import ChallengeError, load_challenge
from course.grading.score import score
from course.hygiene import Proof


def proved(fate_of, verdict):
    bugs = tuple(JudgedBug(bug, fate_of(bug)) for bug in load_subject("todo_api").bugs)
    return replace(verdict, bugs=bugs)


def all_passed(challenge):
    return [Proof(rule.name, True, "seen") for rule in challenge.hygiene]


def test_a_suite_that_catches_and_keeps_everything_has_full_points(challenge, verdict):
    found = score(challenge, proved(lambda _: Fate.CAUGHT, verdict), all_passed(challenge))
    assert (found.points, found.of) == (100, 100)


def test_a_category_weighs_the_same_however_many_bugs_it_has(challenge, verdict):
    def only(group):
        caught = proved(lambda bug: Fate.CAUGHT if bug.group == group else Fate.SURVIVED, verdict)
        return score(challenge, caught, []).points

    assert only("create") == only("boundary") == pytest.approx(70 / 8, abs=0.01)


def test_the_points_are_the_sum_of_the_lines(challenge, verdict):
    found = score(challenge, verdict, all_passed(challenge)[:3])
    assert found.points == pytest.approx(sum(line.points for line in found.lines), abs=0.01)
    assert all(line.why for line in found.lines)


def test_doing_no_harm_earns_nothing_without_a_catch(challenge, verdict):
    found = score(challenge, proved(lambda _: Fate.SURVIVED, verdict), all_passed(challenge))
    assert found.points == 0


def test_hygiene_earns_as_much_of_its_points_as_the_bugs_do(challenge, verdict):
    some = proved(lambda bug: Fate.CAUGHT if bug.group in ("create", "read") else Fate.SURVIVED, verdict)
    found = score(challenge, some, all_passed(challenge))
    assert found.points == 25
    assert "counts for 25%" in found.lines[-1].why
    assert sum("the suite's part of the points for bugs" in line.why for line in found.lines) == 1


@pytest.mark.parametrize("standing", [Standing.BROKEN, Standing.INCONCLUSIVE])
def test_what_does_not_run_has_no_points_and_the_reason(challenge, standing):
    found = score(challenge, Verdict(standing, detail="It is empty."), [])
    assert (found.points, found.why) == (0, "It is empty.")


def test_a_fault_of_the_grader_costs_the_learner_nothing(challenge):
    assert score(challenge, Verdict(Standing.GRADER_ERROR), []) is None


def test_a_subject_without_a_challenge_is_told_by_name():
    with pytest.raises(ChallengeError, match="todo_api"):
        load_challenge("users_api")


def test_how_much_a_score_depends_on_a_single_bug_is_told_from_both_sides(challenge, verdict):
    caught = proved(lambda bug: Fate.SURVIVED if bug.id == "create/answers_200" else Fate.CAUGHT, verdict)
    found = score(challenge, caught, all_passed(challenge))
    assert found.highest == 100  # without the one that got away
    assert 90 < found.lowest < found.points < found.highest


def test_a_bug_that_carries_a_proof_of_hygiene_takes_its_points_with_it(challenge, verdict):
    """The only caught bug in answers of status 409."""
    conflicts = [bug for bug in load_subject("todo_api").bugs if "409" in bug.header.get("Error", "")]
    caught = proved(lambda bug: Fate.SURVIVED if bug in conflicts[1:] else Fate.CAUGHT, verdict)
    found = score(challenge, caught, all_passed(challenge))
    errors = next(line for line in found.lines if line.name == "tests_error_answers")
    assert found.points - found.lowest > errors.points


def test_where_there_are_no_points_no_bug_makes_a_difference(challenge):
    found = score(challenge, Verdict(Standing.BROKEN, detail="It is empty."), [])
    assert (found.lowest, found.highest) == (0, 0)
