from __future__ import annotations

import pytest

from course.notebook.plain_pytest import NoWorkersError, OptionsError, run_plain

pytestmark = pytest.mark.slow  # each starts a pytest of its own


def test_a_cell_is_a_file_and_the_report_is_pytest_s(kernel):
    said = kernel.run("%%pytest", "def test_one():", "    assert 1 + 1 == 3")
    assert "test_it.py:2: in test_one" in said.printed
    assert "1 failed in" in said.printed


def test_options_are_passed_on_as_in_a_terminal(kernel):
    said = kernel.run('%%pytest -k "one or two"', *(f"def test_{name}(): pass" for name in ("one", "two", "three")))
    assert "2 passed, 1 deselected in" in said.printed


def test_the_lesson_s_program_is_there(lesson):
    said = lesson.run("%%pytest", "import users_api.emails", "def test_it(): assert users_api.emails")
    assert "1 passed in" in said.printed


def test_options_that_cannot_be_split_are_told(kernel):
    with pytest.raises(OptionsError, match="No closing quotation"):
        run_plain('-k "one', "")


def test_a_test_that_does_not_end_is_ended():
    report = run_plain("", "def test_it():\n    while True: pass", seconds=3)
    assert report.endswith("Still running after 3 s: pytest was ended.")


def test_workers_are_asked_for_as_in_a_terminal():
    report = run_plain(
        "-n 2", "import os\ndef test_it(worker_id): assert os.environ['PYTEST_XDIST_WORKER'] == worker_id"
    )
    assert "1 passed in" in report


@pytest.mark.parametrize("option", ["-n 2", "-n2", "--numprocesses=2", "--dist loadfile"])
def test_without_xdist_a_sentence_says_what_is_missing(monkeypatch, option):
    monkeypatch.setattr("course.notebook.plain_pytest.XDIST", ())
    with pytest.raises(NoWorkersError, match="`-n` is an option of pytest-xdist, which is not installed here"):
        run_plain(option, "")
