"""Messages keep what explains a failure, and lose what differs from run to run."""

from __future__ import annotations

import pytest

from course.hygiene.scrub import read_source, scrub

SOURCE = 'client.post("/todos", json={"due": "2026-11-01T09:00:00+02:00", "key": "deadbeef12", "id": 12345678901})'


@pytest.mark.parametrize(
    "own",
    [
        "{'due': '2026-11-01T09:00:00+02:00'}",
        "assert '2026-11-01T07:00:00Z' == '2026-11-01T09:00:00+02:00'",
        "datetime.datetime(2026, 11, 1, 9, 0)",
        "'deadbeef12' not in 12345678901",
    ],
)
def test_what_the_suite_says_itself_stays(own):
    assert scrub(own, SOURCE) == own


def test_two_that_differ_are_told_apart_and_two_that_are_equal_are_not():
    first, second = "2026-12-01T10:00:00Z", "2026-12-01T10:00:01Z"
    assert scrub(f"len({{'{first}', '{second}'}})") == "len({'<time 1>', '<time 2>'})"
    assert scrub(f"'{first}' != '{first}'") == "'<time>' != '<time>'"


def test_pytest_points_at_columns_only_where_all_values_are_shown():
    two = "- 2026-12-01T10:00:00Z\n?          ^ -- +\n+ 2026-12-02T10:00:00Z\n?          ^"
    assert scrub(two) == "- <time 1>\n+ <time 2>"
    own = "- a\n? ^\n+ b\n? ^"
    assert scrub(own) == own


def test_a_word_before_a_date_is_no_hexadecimal_number():
    assert scrub("ada2026-11-01 is no date") == "ada2026-11-01 is no date"


def test_what_was_drawn_differs_in_no_two_runs():
    one = "0f3a9c2e at 127.0.0.1:40001 in 0.1 s, 2026-12-01T10:00:00.123456+00:00 (process 12)"
    two = "aa00bb11 at 127.0.0.1:40002 in 0.2 s, 2026-12-02T11:22:33.654321+00:00 (process 34)"
    assert scrub(one, SOURCE) == scrub(two, SOURCE)


def test_the_source_is_all_files_of_a_suite(tmp_path):
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_a.py").write_text(SOURCE)
    (tmp_path / "data.bin").write_bytes(b"\xff")
    assert SOURCE in read_source(tmp_path)
