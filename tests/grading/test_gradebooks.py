"""Exports of Canvas and Moodle come back with grades: to the right learners, and nothing else is touched."""

from __future__ import annotations

import csv

import pytest

from course.grading.gradebooks import GradebookError, read_gradebook

CANVAS = """Student,ID,SIS User ID,SIS Login ID,Section,Todo challenge (991),Essay (992),Current Score
    Points Possible,,,,,20.00,10.00,(read only)
"Lovelace, Ada",4711,u1,ada@uni.edu,A,1.00,9.00,80
"Hopper, Grace",4712,u2,grace,A,2.00,,80
"Liskov, Barbara",4713,u3,barbara,A,3.00,,80
"Student, Test",4714,,x9,A,,,
"""
WORKSHEET = """Identifier,"Full name","Email address",Status,Grade,"Maximum Grade","Last modified (grade)"
"Participant 11","Ada Lovelace",ada@uni.edu,Submitted,,50.00,-
"Participant 12","Grace Hopper",grace@uni.edu,Submitted,7.00,50.00,-
"Participant 13","Grace Hopper",g2@uni.edu,Submitted,,50.00,-
"""
MOODLE = """\ufeff"First name";"Last name";"Email address";"Todo challenge (Real)";"Course total (Real)"
Ada;Lovelace;ada@uni.edu;-;-
Grace;Hopper;grace@uni.edu;-;-
"""


@pytest.fixture
def fill(make, tmp_path):
    """Fills an export with records of half of the points, by name or by the entry that a platform has named."""

    def fill(text, *entries, column="", score=True):
        (tmp_path / "export.csv").write_text(text, encoding="utf-8")
        gradebook = read_gradebook(tmp_path / "export.csv", column)
        half = {"points": 50.0, "of": 100.0} if score else None
        records = [make(entry.partition("_")[0]) | {"entry": entry, "score": half} for entry in entries]
        lost = gradebook.fill(records)
        return list(csv.reader(str(gradebook).splitlines(), delimiter=gradebook.delimiter)), lost

    return fill


def test_canvas_gets_its_own_columns_with_one_assignment_in_its_points(fill):
    rows, lost = fill(CANVAS, "lovelaceada_LATE_4711_101_suite.zip", "grace", "eve", column="Todo challenge")
    assert rows[0] == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Todo challenge (991)"]
    assert rows[1][0].strip() == "Points Possible"
    assert [row[-1] for row in rows[2:]] == ["10.00", "10.00", "3.00", ""]
    assert lost == ["eve"]


def test_in_canvas_s_names_both_orders_are_known(fill):
    rows, lost = fill(CANVAS, "Barbara Liskov", "Lovelace, Ada", column="Todo challenge (991)")
    assert ([row[-1] for row in rows[2:]], lost) == (["10.00", "2.00", "10.00", ""], [])


def test_moodle_s_worksheet_is_whole_and_found_by_its_number(fill):
    rows, lost = fill(WORKSHEET, "Ada Lovelace_11_assignsubmission_file_", "Grace Hopper_13_assignsubmission_file_")
    assert [row[4] for row in rows[1:]] == ["25.00", "7.00", "25.00"]
    assert rows[0][-1] == "Last modified (grade)"
    assert lost == []


def test_where_two_have_one_name_neither_gets_a_grade(fill):
    rows, lost = fill(WORKSHEET, "Grace Hopper")
    assert ([row[4] for row in rows[1:]], lost) == (["", "7.00", ""], ["Grace Hopper"])


def test_where_two_hand_ins_are_one_learner_s_neither_counts(fill):
    rows, lost = fill(WORKSHEET, "ada", "Ada Lovelace")
    assert (rows[1][4], lost) == ("", ["Ada Lovelace", "ada"])


def test_moodle_s_export_of_grades_keeps_its_delimiter(fill):
    rows, lost = fill(MOODLE, "ada", "Grace Hopper")
    assert ([row[3] for row in rows[1:]], lost) == (["50.00", "50.00"], [])


def test_where_the_grader_failed_the_old_grade_stays(fill):
    rows, lost = fill(WORKSHEET, "Grace_12_assignsubmission_file_", score=False)
    assert (rows[2][4], lost) == ("7.00", [])


@pytest.mark.parametrize(
    ("text", "column", "said"),
    [
        (CANVAS, "", "2 columns for grades. Name it with --column"),
        (CANVAS, "Todo chalenge", 'Did you mean "Todo challenge (991)"'),
        ("name,points\nada,3\n", "", "Download grading worksheet"),
        ("", "", "Download grading worksheet"),
    ],
)
def test_what_is_no_grade_book_or_not_clear_is_told_with_the_next_step(fill, text, column, said):
    with pytest.raises(GradebookError) as caught:
        fill(text, "ada", column=column)
    assert said in str(caught.value)
