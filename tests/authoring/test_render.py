from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest

from course.authoring import render
from course.authoring.readme import ReadmeError, readme_with_table
from course.authoring.region import WIDTH
from course.authoring.source import LessonError
from course.syllabus import load, syllabus

COURSE = """
[[lesson]]
slug = "06_test_an_api"
title = "Test an API"
minutes = 40
summary = "Status codes and shapes."
do = "Test it."
learn = ["to test it", "to test it again"]
need = "Nothing."

[[lesson.exercise]]
id = "6.1"
title = "A user is created"
hints = ["Look at the status."]
conftest = "client"
"""

SOURCE = """\
# %% [markdown]
# Text.

# %% client tags=["conftest"]
import pytest

# %% created_user tags=["exercise"] exercise="6.1"
def test_a_user_is_created():
    # BEGIN SOLUTION
    assert True
    # END SOLUTION

# %% count tags=["nbval-check-output"]
print(1 + 1)
# OUTPUT:
# 2

# %% reason [markdown] tags=["solution"]
# Why?
"""


@pytest.fixture
def room(tmp_path, monkeypatch):
    """A clone with one lesson in it."""
    (tmp_path / "lessons").mkdir()
    monkeypatch.setattr(render, "CLONE", tmp_path)
    monkeypatch.setattr(render, "LESSONS", tmp_path / "lessons")
    (tmp_path / "course.toml").write_text(COURSE)
    (tmp_path / "lessons" / "06_test_an_api.py").write_text(SOURCE)
    return tmp_path


def notebooks(room, source=SOURCE, course=COURSE):
    (room / "course.toml").write_text(course)
    path = room / "lessons" / "06_test_an_api.py"
    path.write_text(source)
    lesson = load(room / "course.toml").everything[0]
    return render.learner_notebook(lesson, path), render.solution_notebook(lesson, path)


def source_of(notebook, name):
    return "".join(next(cell for cell in notebook["cells"] if cell["id"] == name)["source"])


def test_both_notebooks_are_valid_and_hold_what_they_should(room):
    learner, solution = notebooks(room)
    for notebook in (learner, solution):
        nbformat.validate(nbformat.reads(render.as_json(notebook), as_version=4))
        assert set(notebook["metadata"]) == {"kernelspec"}
    assert "to test it again" in source_of(learner, "lesson")
    assert source_of(learner, "created-user").startswith("%%exercise 6.1\ndef test_a_user")
    assert 'raise NotImplementedError("TODO 6.1: A user is created")' in source_of(learner, "created-user")
    assert "assert True" in source_of(solution, "created-user")
    assert source_of(learner, "client").startswith("%%conftest\n")


def test_cells_for_solutions_only_are_not_in_the_learner_s_notebook(room):
    learner, solution = notebooks(room)
    assert "reason" in [cell["id"] for cell in solution["cells"]]
    assert "reason" not in [cell["id"] for cell in learner["cells"]]


def test_only_the_checked_output_is_kept_and_only_in_solutions(room):
    learner, solution = notebooks(room)
    assert not any(cell.get("outputs") for cell in learner["cells"])
    assert [cell["id"] for cell in solution["cells"] if cell.get("outputs")] == ["count"]


def test_red_stubs_are_tagged_so_and_solutions_are_not(room):
    learner, solution = notebooks(room)
    tagged = [
        [cell["id"] for cell in each["cells"] if "raises-exception" in cell["metadata"].get("tags", [])]
        for each in (learner, solution)
    ]
    assert tagged == [["created-user"], []]


def test_a_new_cell_leaves_the_ids_of_the_others_as_they_were(room):
    before = [cell["id"] for cell in notebooks(room)[0]["cells"]]
    after = [cell["id"] for cell in notebooks(room, "# %% [markdown]\n# New.\n\n" + SOURCE)[0]["cells"]]
    assert [each for each in after if each in before] == before
    assert len(after) == len(before) + 1


def test_rendering_twice_gives_the_same_bytes(room):
    first, second = notebooks(room), notebooks(room)
    assert [render.as_json(each) for each in first] == [render.as_json(each) for each in second]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('exercise="6.1"', 'exercise="6.2"', "course.toml goes on with 6.1"),
        ('# %% client tags=["conftest"]', "# %% client", 'the last conftest above it is "None"'),
        ('tags=["conftest"]', 'tags=["conftest"] exercise="6.9"', "has no exercise 6.9"),
        (
            "# %% count",
            '# %% set_up tags=["setup"]\ncourse.begin("07_seed")\n\n# %% count',
            r'py:14: it begins 07_seed\. Write course\.begin\("06_test_an_api"\)',
        ),
        ("# %% reason [markdown]", "# %% [markdown]\n# Text.\n\n# %% reason [markdown]", "two text cells are the same"),
    ],
)
def test_a_source_that_does_not_agree_with_course_toml_is_told(room, old, new, message):
    with pytest.raises(LessonError, match=message):
        notebooks(room, SOURCE.replace(old, new, 1))


def test_an_exercise_without_a_cell_is_told(room):
    more = COURSE + '\n[[lesson.exercise]]\nid = "6.2"\ntitle = "More"\nhints = ["Think."]\n'
    with pytest.raises(LessonError, match=r"1 exercises, and course.toml lists 2"):
        notebooks(room, course=more)


def test_a_source_outside_of_course_toml_is_told(room):
    (room / "lessons" / "07_stray.py").write_text("")
    with pytest.raises(render.StaleError, match=r"07_stray.py is no lesson of course.toml"):
        render.sources(load(room / "course.toml"), room / "lessons")


def test_a_lesson_of_course_toml_without_a_source_is_told(room):
    (room / "lessons" / "06_test_an_api.py").unlink()
    with pytest.raises(render.StaleError, match="is missing"):
        render.sources(load(room / "course.toml"), room / "lessons")


def test_a_planned_lesson_that_is_written_is_told(room):
    (room / "course.toml").write_text(COURSE.replace('need = "Nothing."', 'need = "Nothing."\nplanned = true'))
    with pytest.raises(render.StaleError, match="Remove `planned = true`"):
        render.sources(load(room / "course.toml"), room / "lessons")


def test_stale_missing_and_left_over_files_are_found(tmp_path):
    wanted = {"notebooks/a.ipynb": "A", "notebooks/b.ipynb": "B", "README.md": "R"}
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "README.md").write_text("R")
    (tmp_path / "notebooks" / "a.ipynb").write_text("edited by hand")
    (tmp_path / "notebooks" / "z.ipynb").write_text("no source")
    assert render.stale_files(wanted, tmp_path) == ["notebooks/a.ipynb", "notebooks/b.ipynb", "notebooks/z.ipynb"]


def test_a_readme_without_its_marks_is_told():
    with pytest.raises(ReadmeError, match="no place for the lesson table"):
        readme_with_table("# Course\n", syllabus())


def test_the_rooms_agree_and_nothing_derived_is_stale():
    """The freshness gate: every lesson has one source, one entry and two notebooks that say what the source says."""
    render.check()


@pytest.mark.parametrize("folder", ["notebooks", "solutions"])
def test_no_code_is_wider_than_a_cell(folder):
    for path in sorted(Path(folder).glob("*.ipynb")):
        cells = [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
        lines = [line for cell in cells for line in "".join(cell["source"]).splitlines()]
        assert not [line for line in lines if len(line) > WIDTH], f"{path}: break these lines"


def test_json_is_written_as_git_likes_it(room):
    text = render.as_json(notebooks(room)[0])
    assert text.endswith("}\n")
    assert json.loads(text)["nbformat_minor"] == 5
