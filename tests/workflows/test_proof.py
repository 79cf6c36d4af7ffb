"""A workflow is right when it is green on good commits and red on each bad one."""

from __future__ import annotations

import dataclasses

import pytest

from course.engine import Fate, Validity, Variant, load_subject
from course.workflows import read_workflow
from course.workflows.proof import prove_workflow

SUBJECT = load_subject("guestbook")
BUGS = [SUBJECT.bug("unit/keeps_double_spaces"), SUBJECT.bug("database/forgets_to_commit")]
CORRECT = [SUBJECT.variant("splits_by_hand")]
UNIT = "run: python -m pytest tests/unit/"


@pytest.fixture
def prove(tmp_path, job):
    """Proves a workflow of one job, from its steps."""

    def tree(variant: Variant):
        folder = tmp_path / variant.id.replace("/", "-")
        variant.subject.copy(folder)
        if variant.patch:
            variant.patch.apply(folder)
        return folder

    def proved(*steps, seconds=60.0, bugs=BUGS, correct=(), on_step=lambda _: None, **how):
        workflow = read_workflow(job("uses: actions/checkout@v5", *steps, **how))
        subject = dataclasses.replace(SUBJECT, seconds=seconds)
        return prove_workflow(workflow, subject, tree, bugs=bugs, correct=correct, on_step=on_step)

    return proved


def fates(proved):
    return [judged.fate for judged in proved.verdict.bugs]


@pytest.mark.slow
def test_a_bad_commit_is_caught_by_the_step_that_fails_on_it(prove):
    proved = prove(UNIT, correct=CORRECT)
    caught, alive = proved.verdict.bugs
    assert proved.verdict.valid
    assert proved.verdict.correct == ("correct/splits_by_hand",)
    assert (caught.fate, alive.fate) == (Fate.CAUGHT, Fate.SURVIVED)
    assert caught.catches[0].name == f"test / {UNIT.replace('run:', 'Run')}"
    assert "1 failed" in caught.catches[0].message
    assert proved.fails_fast.passed


@pytest.mark.parametrize(
    ("step", "on", "fate"),
    [
        ("run: pwd", "pull_request", Fate.SURVIVED),
        ("run: exit 1", "push", Fate.NOT_REACHED),
        ("run: exit 1", "{pull_request: {paths: ['tests/**', '*.toml']}}", Fate.NOT_REACHED),
    ],
)
def test_a_bad_commit_that_nothing_stops_is_let_in(prove, step, on, fate):
    assert fates(prove(step, on=on)) == [fate, fate]


def test_red_on_a_good_commit_is_a_false_alarm(prove):
    proved = prove("name: Deploy\nrun: exit 3")
    assert fates(proved) == [Fate.INCONCLUSIVE, Fate.INCONCLUSIVE]
    (test,) = proved.verdict.doubtful
    assert (test.validity, test.variant, test.name) == (Validity.FALSE_ALARM, "original", "test / Deploy")
    assert "exit code 3" in test.message


def test_red_on_another_good_commit_is_a_false_alarm_as_well(prove):
    proved = prove("run: grep -q 'join(words' guestbook/text.py", bugs=[], correct=CORRECT)
    assert [test.variant for test in proved.verdict.doubtful] == ["correct/splits_by_hand"]


def test_a_commit_on_which_a_step_never_ends_is_not_settled(prove):
    proved = prove("run: grep -q 'join(words' guestbook/text.py || sleep 3600", seconds=1, bugs=BUGS[:1])
    assert fates(proved) == [Fate.INCONCLUSIVE]


def test_what_an_interrupt_finds_under_way_is_ended(prove, tmp_path):
    def interrupt(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prove(f"run: mkdir {tmp_path}/first || sleep 3600", on_step=interrupt)


@pytest.mark.slow
def test_a_database_before_the_unit_tests_is_late(prove, good):
    services = good[good.index("    services:") : good.index("    steps:")]
    proved = prove(UNIT, before=services.rstrip(), bugs=BUGS[:1])
    assert fates(proved) == [Fate.CAUGHT]
    assert not proved.fails_fast.passed
