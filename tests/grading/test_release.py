"""Reports are put out for learners in numbered folders that hold what was released and nothing else."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from course.engine import Fate
from course.errors import CourseError
from course.grading.release import release
from course.grading.report import write_learner
from course.grading.tables import show_release


@pytest.fixture
def write(make, tmp_path):
    """Makes reports as grading does."""
    return lambda *arguments: write_learner(make(*arguments), tmp_path, reveal=False)


def files(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_release_holds_the_reports_and_stays_when_grading_goes_on(write, verdict, tmp_path):
    write("ada")
    (tmp_path / "index.html").write_text("for the teacher")
    first = release(tmp_path)
    kept = files(first.folder)
    assert set(kept) == {"ada/report.html", "ada/result.json", "ada/results.json"}
    worse = replace(verdict, bugs=tuple(replace(judged, fate=Fate.SURVIVED) for judged in verdict.bugs))
    write("ada", worse)
    write("bob")
    assert files(tmp_path / "released") == {f"1/{name}": data for name, data in kept.items()}
    second = release(tmp_path)
    assert (second.folder.name, second.first) == ("2", ("bob",))
    assert [(change.submission, change.new) for change in second.changes] == [("ada", 0)]
    assert files(first.folder) == kept


def test_without_a_change_there_is_no_next_release(write, tmp_path):
    write("ada")
    assert release(tmp_path).is_new
    again = release(tmp_path)
    assert (again.folder.name, again.is_new) == ("1", False)
    assert [path.name for path in (tmp_path / "released").iterdir()] == ["1"]


def test_a_release_that_was_cut_short_has_no_number(write, tmp_path):
    write("ada")
    (tmp_path / "released" / ".1.half" / "eve").mkdir(parents=True)
    assert release(tmp_path).is_new
    assert [path.name for path in (tmp_path / "released").iterdir()] == ["1"]
    assert not (tmp_path / "released" / "1" / "eve").exists()


def test_the_same_grade_with_another_report_is_told(write, verdict, tmp_path):
    write("ada")
    release(tmp_path)
    write("ada", replace(verdict, left_out="No module named 'faker'."))
    text = io.StringIO()
    show_release(release(tmp_path), Console(file=text, width=120))
    assert "Same grade, other report: ada" in text.getvalue()


def test_where_nothing_was_graded_nothing_is_released(tmp_path):
    (tmp_path / "learners" / "ada").mkdir(parents=True)
    with pytest.raises(CourseError, match="Grade first"):
        release(tmp_path)
