from __future__ import annotations

import nbformat
import pytest

from course.authoring import notebooks
from course.shipped import CLONE
from course.syllabus import syllabus


def test_all_notebooks_are_run_where_none_is_named_and_both_of_a_lesson_that_is():
    everything = notebooks.chosen([])
    assert len(everything) == 2 * len(syllabus().lessons)
    for name in ("00", "0", "00_start_here"):
        both = [CLONE / folder / "00_start_here.ipynb" for folder in ("solutions", "notebooks")]
        assert notebooks.chosen([name]) == both


def test_a_wrong_name_is_an_error_and_no_green_run_of_nothing(capsys):
    assert notebooks.main(["00_start_hear"]) == 2
    assert 'Did you mean "00_start_here"?' in capsys.readouterr().err


def test_a_lesson_without_its_notebook_is_told(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(notebooks, "CLONE", tmp_path)
    assert notebooks.main(["00"]) == 2
    assert "make render" in capsys.readouterr().err


@pytest.mark.slow
def test_a_run_ends_with_what_each_lesson_took(tmp_path):
    cell = nbformat.v4.new_code_cell("1 + 1")
    for folder in notebooks.FOLDERS:
        (tmp_path / folder).mkdir()
        nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / folder / "00_one_cell.ipynb")
    done = notebooks.run(sorted(tmp_path.rglob("*.ipynb")), quiet=True)
    assert done.returncode == 0, done.stdout
    names = ("lesson", "00_", "total")
    head, lesson, total = (line.split() for line in done.stdout.splitlines() if line.startswith(names))
    assert head == ["lesson", "learner", "solution", "total"]
    assert lesson[1:] == total[1:]
    assert float(lesson[1]) + float(lesson[3]) == pytest.approx(float(lesson[5]), abs=0.11)


@pytest.mark.slow
def test_the_lesson_on_containers_runs_where_docker_answers_and_cannot_pull(cannot_pull):
    done = notebooks.run([CLONE / "solutions" / "05_use_a_real_database.ipynb"], quiet=True)
    assert done.returncode == 0, done.stdout
    assert "postgres" in str(cannot_pull.pulls)


def test_one_lesson_is_run_alone_so_that_its_seconds_are_its_own_and_several_two_at_a_time():
    paths = notebooks.chosen([])
    assert "-n" not in notebooks.command(paths[:2])
    assert "loadfile" in notebooks.command(paths)
