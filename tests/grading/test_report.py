"""Reports: what a learner may see, for people and for programs; names from submissions are only ever text."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from importlib.resources import files
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from course.engine import Fate, Standing, Verdict
from course.grading.exports import grades_csv, gradescope, junit
from course.grading.record import public
from course.grading.report import class_page, learner_page, write_class, write_learner

EVIL = "<script>alert(1)</script>"


@pytest.fixture
def broken(make):
    return make("bob", Verdict(Standing.BROKEN, detail="It is empty."))


@pytest.fixture
def ours(make):
    return make("eve", Verdict(Standing.GRADER_ERROR, detail="PostgreSQL died twice while this suite ran."))


def test_a_result_is_as_its_schema_says(make, broken, ours):
    schema = json.loads(files("course.grading").joinpath("result.schema.json").read_text())
    for record in (make(), broken, ours):
        for reveal in (False, True):
            jsonschema.validate(json.loads(json.dumps(public(record, reveal=reveal))), schema)


def test_of_a_bug_that_is_alive_a_learner_sees_the_hint_only(make):
    record = make()
    alive = next(bug for bug in record["bugs"] if bug["fate"] == "SURVIVED")
    page = learner_page(public(record, reveal=False))
    shown = json.dumps(public(record, reveal=False))
    assert alive["id"] not in shown
    assert alive["shows"] not in page
    assert alive["title"] in learner_page(public(record, reveal=True))


def test_names_and_messages_are_escaped_everywhere(make, verdict):
    record = make(EVIL)
    for page in (learner_page(public(record, reveal=True)), class_page([record])):
        assert EVIL not in page
        assert "<b>at" not in page
        assert "&lt;script&gt;" in page


def test_pages_need_nothing_from_elsewhere(make):
    for page in (learner_page(make()), class_page([make()])):
        assert "http:" not in page
        assert "https:" not in page
        assert "<script" not in page


def test_pages_of_what_does_not_run_say_why(broken, ours):
    assert "It is empty." in learner_page(broken)
    assert "no fault of yours" in learner_page(ours)
    assert "It is empty." in class_page([broken, ours])


def test_a_spreadsheet_gets_no_formula(make):
    rows = list(csv.reader(grades_csv([make("=1+1")]).splitlines()))
    assert rows[1][0] == "'=1+1"


def test_notes_and_the_entry_stand_in_the_grades(make, verdict):
    late = replace(verdict, left_out="Handed in late, as its name says.")
    record = make("Ada (2)", late) | {"entry": "Ada_222_101_suite.zip"}
    (row,) = csv.DictReader(grades_csv([record]).splitlines())
    assert (row["entry"], row["notes"]) == ("Ada_222_101_suite.zip", "Handed in late, as its name says.")
    page = class_page([record])
    assert "Ada_222_101_suite.zip" in page
    assert "Handed in late" in page
    page = learner_page(public(record, reveal=False))
    assert "How it was handed in" in page
    assert "What was left out" not in page


def test_where_nobody_caught_a_bug_the_class_page_says_so_and_blames_no_subject(make, verdict):
    bugs = tuple(replace(bug, fate=Fate.SURVIVED, catches=()) for bug in verdict.bugs)
    said = "No suite that ran has caught a bug"
    page = class_page([make("ada", replace(verdict, bugs=bugs))])
    assert said in page
    assert "100 %" not in page
    assert said not in class_page([make()])


def test_how_much_a_grade_depends_on_a_single_bug_stands_in_all_reports(make):
    record = make()
    low, high = (f"{record['score'][key]:g}" for key in ("lowest", "highest"))
    assert f"{low}\u2013{high}" in class_page([record])
    assert f"it would be {low} to {high} points" in learner_page(record)
    (row,) = csv.DictReader(grades_csv([record]).splitlines())
    assert (row["lowest"], row["highest"], row["false_alarms"]) == (low, high, "1")


def test_the_learner_s_own_values_stand_in_a_message(make, verdict):
    own = "assert '2026-11-01T09:00:00' == '2026-12-24T18:00:00'"
    said = replace(verdict, tests=(replace(verdict.tests[1], message=own),))
    assert "2026-11-01T09:00:00" in learner_page(make("ada", said, source='due="2026-11-01T09:00:00"'))


def test_gradescope_gets_a_score_with_its_lines(make):
    results = json.loads(gradescope(make()))
    assert results["score"] == pytest.approx(sum(test["score"] for test in results["tests"]), abs=0.01)
    assert {test["status"] for test in results["tests"]} <= {"passed", "failed"}


def test_gradescope_gets_no_score_where_the_grader_failed(ours):
    assert "score" not in json.loads(gradescope(ours))


def test_junit_is_xml_whatever_names_hold(make, broken):
    root = ET.fromstring(junit([make("a\x00\x1b<&>"), broken]))  # noqa: S314 - we have just made it
    first, second = root.findall("testsuite")
    assert int(first.get("failures")) == len(first.findall("testcase/failure")) > 0
    assert second.get("errors") == "1"


def test_all_files_are_written(make, tmp_path):
    write_learner(make(), tmp_path, reveal=False)
    write_class([make()], tmp_path)
    written = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    learner = {f"learners/ada/{name}" for name in ("report.html", "result.json", "results.json")}
    assert written == learner | {"index.html", "grades.csv", "junit.xml", "result.schema.json"}
