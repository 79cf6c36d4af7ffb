"""Late rules: read with line and fix, and applied to reports, never to what is kept."""

from __future__ import annotations

import csv
import json

import jsonschema
import pytest

from course.grading.exports import grades_csv, gradescope
from course.grading.late import read_policy
from course.grading.report import SCHEMA, learner_page, write_class
from course.manifest import ManifestError

RULES = """deadline = 2026-05-01T23:59:00+02:00
grace_minutes = 10
percent_per_day = 10
most = 25

[[learner]]
name = "bob"
deadline = 2026-05-08T23:59:00+02:00

[[learner]]
name = "cid"
handed_in = 2026-05-01T12:00:00+02:00
"""


@pytest.fixture
def policy(tmp_path):
    """Reads rules from a file."""

    def policy(text=RULES):
        (tmp_path / "late.toml").write_text(text)
        return read_policy(tmp_path / "late.toml")

    return policy


@pytest.fixture
def handed_in(make):
    """Makes a record of 50 points and something, handed in at a time."""
    return lambda time, name="ada": make(name) | {"handed_in": time}


@pytest.mark.parametrize(
    ("time", "percent"),
    [
        ("2026-05-01T23:59:00+02:00", 0),
        ("2026-05-01T22:09:00+00:00", 0),  # the last minute of grace, elsewhere in the world
        ("2026-05-02T00:10:00+02:00", 10),
        ("2026-05-02T23:59:00+02:00", 10),
        ("2026-05-03T00:00:00+02:00", 20),
        ("2026-06-01T00:00:00+02:00", 25),
    ],
)
def test_each_day_that_has_begun_costs_up_to_the_most(policy, handed_in, time, percent):
    record = handed_in(time)
    counted = policy().deduct(record)["score"]
    assert counted["points"] == pytest.approx(record["score"]["points"] * (100 - percent) / 100, abs=0.01)
    assert counted["points"] == pytest.approx(sum(line["points"] for line in counted["lines"]), abs=0.02)


def test_points_may_be_taken_and_never_below_none(policy, handed_in):
    rules = policy("deadline = 2026-05-01T12:00:00\npoints_per_day = 15\n")
    record = handed_in("2026-05-02T10:00:00+00:00")
    assert rules.deduct(record)["score"]["points"] == pytest.approx(record["score"]["points"] - 15)
    assert rules.deduct(handed_in("2027-05-02T10:00:00+00:00"))["score"]["points"] == 0


def test_a_learner_may_have_a_deadline_or_a_time_of_their_own(policy, handed_in):
    for name in ("bob", "cid"):
        record = handed_in("2026-05-07T10:00:00+02:00", name)
        assert policy().deduct(record) == record
    assert policy().names == {"bob", "cid"}


def test_every_report_says_what_was_taken_and_the_record_is_as_it_was(policy, handed_in, tmp_path):
    record = handed_in("2026-05-02T10:00:00+02:00")
    before = json.dumps(record)
    counted = policy().deduct(record)
    assert json.dumps(record) == before
    assert "1 day late, 10 % a day" in learner_page(counted)
    assert json.loads(gradescope(counted))["score"] == counted["score"]["points"]
    (row,) = csv.DictReader(grades_csv([counted]).splitlines())
    assert float(row["points"]) - float(row["late"]) == pytest.approx(record["score"]["points"])
    assert row["handed_in"] == "2026-05-02T10:00:00+02:00"
    write_class([counted], tmp_path)
    jsonschema.validate(json.loads(json.dumps(counted)), json.loads((tmp_path / SCHEMA).read_text()))


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("deadline = 2026-05-01T23:59:00+02:00", "deadline = '1 May'", 1, "2026-05-01T23:59:00+02:00"),
        ("deadline = 2026-05-01T23:59:00+02:00", "deadline = 2026-05-01", 1, "a date and a time"),
        ("deadline = 2026-05-01T23:59:00+02:00\n", "", 1, "deadline is missing"),
        ("percent_per_day = 10", "percent_a_day = 10", 1, 'Rename "percent_a_day" to percent_per_day'),
        ("most = 25", "points_per_day = 25", 4, "Keep percent_per_day or points_per_day"),
        ("most = 25", "most = -1", 4, "above zero"),
        ('name = "bob"\ndeadline', 'name = "bob"\ndeadlin', 8, 'Did you mean "deadline"'),
        ('name = "cid"', 'name = "bob"', 7, "Remove one of the two"),
        ("most = 25", "most = ten", 4, "Correct that line"),
    ],
)
def test_a_broken_rule_is_told_with_line_and_fix(policy, old, new, line, said):
    assert RULES.count(old) == 1
    with pytest.raises(ManifestError) as caught:
        policy(RULES.replace(old, new))
    assert f"late.toml:{line}: " in str(caught.value)
    assert said in str(caught.value)
