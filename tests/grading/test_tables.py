"""What a terminal shows: grades of a class, and the lines of a single score."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from course.engine import Fate, JudgedTest, Standing, Validity, Verdict
from course.grading.summary import line
from course.grading.tables import show_records


@pytest.fixture
def shown():
    """What a terminal of 120 columns shows of some records."""

    def shown(*records):
        text = io.StringIO()
        show_records(records, Console(file=text, width=120))
        return text.getvalue()

    return shown


def test_a_single_score_is_shown_with_its_lines(make, shown):
    said = shown(make())
    assert "3 of 5 bugs caught" in said
    assert "8.75" in said
    assert "Missed most" not in said


def test_of_a_class_it_is_shown_what_it_missed_most(make, verdict, shown):
    def only_in_reading(judged):
        return replace(judged, fate=Fate.SURVIVED if judged.bug.group == "read" else Fate.CAUGHT)

    weak_in_reading = replace(verdict, bugs=tuple(map(only_in_reading, verdict.bugs)))
    said = shown(make("ada", weak_in_reading), make("bob", weak_in_reading))
    assert "Missed most: Reading 100%\n" in said
    assert "bugs caught" not in said


def test_a_suite_that_catches_nothing_shows_no_hygiene(make, verdict, shown):
    blind = replace(verdict, bugs=tuple(replace(judged, fate=Fate.SURVIVED) for judged in verdict.bugs))
    assert "0/9" in shown(make("ada", blind))
    assert "9/9" in shown(make("ada"))


def test_a_package_that_is_missing_is_told_in_the_line(make, verdict, shown):
    said = shown(make("ada", replace(verdict, left_out="No module named 'faker', so that test_a.py does not count.")))
    assert "'faker'" in said


def test_an_extension_that_is_missing_is_told_in_the_line(make, verdict):
    said = '(psycopg2.errors.FeatureNotSupported) extension "uuid-ossp" is not available\nDETAIL:  Could not open it'
    in_fixture = replace(verdict, tests=(JudgedTest("test_a.py::test_one", Validity.FALSE_ALARM, "original", said),))
    on_import = Verdict(Standing.BROKEN, detail=said)
    for other in (in_fixture, on_import):
        assert "PostgreSQL has no extension uuid-ossp here: the brief says what is there." in line(make("ada", other))


def test_tests_that_skip_themselves_without_docker_are_told_what_they_need(make, verdict):
    skipped = tuple(JudgedTest(test.test, Validity.SKIPPED, message="no Docker answers") for test in verdict.tests)
    said = line(make("ada", replace(verdict, tests=skipped)))
    assert "2 tests were skipped: no Docker answers. No Docker is needed here" in said


def test_where_nobody_caught_a_bug_no_category_was_missed_most(make, verdict, shown):
    blind = replace(verdict, bugs=tuple(replace(judged, fate=Fate.SURVIVED) for judged in verdict.bugs))
    said = shown(make("ada", blind), make("bob", blind))
    assert "Nobody caught a bug." in said
    assert "Missed most" not in said


def test_a_suite_that_waits_for_ever_is_told_what_to_do(make):
    endless = Verdict(Standing.INCONCLUSIVE, detail="It was ended after 120 s during test_a.py::test_one.")
    assert "Run it under pytest: it waits for something that never comes" in line(make("ada", endless))


def test_handed_in_late_or_again_is_told_in_the_line(make, verdict):
    for note in ("Handed in late, as its name says.", "Handed in 2 times: the newest counts."):
        for other in (verdict, Verdict(Standing.BROKEN, detail="It is empty.")):
            assert note in line(make("ada", replace(other, left_out=note)))


def test_a_fault_of_the_grader_has_no_score_to_explain(make, shown):
    said = shown(make("eve", Verdict(Standing.GRADER_ERROR, detail="PostgreSQL died twice.")))
    assert "GRADER_ERROR: PostgreSQL died twice." in said
    assert "How the score came about" not in said


def test_of_a_class_catches_and_false_alarms_are_told_apart(make, shown):
    said = shown(make("ada"), make("bob"))
    assert "Caught: 51% of the bugs. False alarms: 50% of the tests." in said
