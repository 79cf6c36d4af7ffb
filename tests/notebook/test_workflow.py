"""`%%workflow`: the same board for a workflow, and below it what GitHub would show."""

from __future__ import annotations

import json

import pytest

from course.notebook.exercise import NotSolvedError
from course.shipped import CLONE
from course.syllabus import syllabus

UNIT = """on: pull_request
jobs:
  unit:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v5
      - run: exit 0
"""


@pytest.fixture
def lesson(kernel, monkeypatch):
    """Lesson 12 has begun."""
    monkeypatch.setattr(kernel.session, "course", syllabus())
    kernel.session.begin(syllabus().lesson("12"))
    return kernel


@pytest.fixture(scope="module")
def cells():
    """The cells of lesson 12, as shipped, by id."""
    notebook = json.loads((CLONE / "notebooks" / "12_run_them_in_ci.ipynb").read_text(encoding="utf-8"))
    return {cell["id"]: "".join(cell["source"]) for cell in notebook["cells"]}


def test_a_stub_is_to_do_and_its_line_is_named(lesson, cells):
    said = lesson.run(cells["with-a-database"])
    assert said.error is None
    assert "to do" in said.text
    assert "○ TODO 12.2: write `services`" in said.text
    assert "(line 6)" in said.text


@pytest.mark.parametrize(
    ("right", "wrong", "sentences"),
    [
        ("    runs-on", "\truns-on", ["tab", "(line 5)"]),
        ("runs-on", "run-on", ["`runs-on`", "(line 4)"]),
        ("exit 0", "sudo apt-get install postgresql", ["A rehearsal does not run `sudo apt-get", "(line 8)"]),
        ("exit 0", "rm -rf /", ["It would reach files outside".lower(), "(line 8)"]),
    ],
)
def test_a_file_that_cannot_be_rehearsed_is_a_red_board_with_the_line(lesson, right, wrong, sentences):
    said = lesson.run("%%workflow 12.1", UNIT.replace(right, wrong))
    assert said.error is None
    assert "not yet" in said.text
    for sentence in sentences:
        assert sentence in said.text


@pytest.mark.slow
def test_a_workflow_that_keeps_nothing_out_has_bad_commits_on_its_board(lesson):
    board, timeline = lesson.run("%%workflow 12.1", UNIT).texts
    assert "✔ lets good commits in (this one and 1 other good one)" in board
    assert board.count("✗ a bad commit at the unit boundary (green on it) [let in]") == 3
    assert "Run exit 0" in timeline
    assert not lesson.session.progress.solved()
    assert len(lesson.session.progress.alive("12.1")) == 3


@pytest.mark.slow
def test_a_solved_workflow_is_remembered(lesson, cells):
    cell = cells["keep-the-exit-code"]
    said = lesson.run(cell.replace("report.txt\n      -", "report.txt\n        shell: bash\n      -", 1))
    assert "solved" in said.texts[0]
    assert said.texts[0].count("[kept out]") == 3
    assert "one other way" in said.texts[0]
    assert lesson.session.progress.solved() == {"12.1"}


def test_a_commit_is_named_behind_the_magic(lesson):
    assert "on the good commit  success" in lesson.run("%%workflow", UNIT).text
    assert "on unit/keeps_double_spaces  success" in lesson.run("%%workflow unit/keeps_double_spaces", UNIT).text
    said = lesson.run("%%workflow unit/keeps_double_space", UNIT)
    assert 'Did you mean "unit/keeps_double_spaces"?' in str(said.error)


def test_strictly_an_exercise_that_is_not_solved_raises(lesson, cells, monkeypatch):
    monkeypatch.setenv("COURSE_STRICT", "1")
    assert isinstance(lesson.run(cells["with-a-database"]).error, NotSolvedError)
