from __future__ import annotations

import jupytext
import pytest

from course.authoring.region import WIDTH, find_region, red_lines, solved, stubbed
from course.authoring.source import LessonError, read_source
from course.syllabus import LANGUAGES

SOURCE = '''\
# Lesson six.

# %% [markdown]
# ## Not found
#
# An API says so.

# %% set_up tags=["setup"]
import course

# %matplotlib inline

# %% client tags=["conftest"]
import pytest

# %% missing_user tags=["exercise"] exercise="6.2"
def test_a_missing_user_is_not_found(client):
    """Ask for nobody."""
    # BEGIN SOLUTION: ask for a "user" that is not there
    answer = client.get("/users/7")

    assert answer.status_code == 404
    # END SOLUTION

# %% count tags=["nbval-check-output"]
print(1 + 1)
# OUTPUT:
# 2

# %% answer [markdown] tags=["solution"]
# Why 404?

# %% shell
# %%bash
# echo hello
'''


@pytest.fixture
def lesson(tmp_path):
    def write(text):
        path = tmp_path / "06_test_an_api.py"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_a_source_is_read_into_its_cells(lesson):
    cells = read_source(lesson(SOURCE))
    assert [(cell.name, cell.kind, cell.tags, cell.exercise) for cell in cells] == [
        (None, "markdown", (), None),
        ("set_up", "code", ("setup",), None),
        ("client", "code", ("conftest",), None),
        ("missing_user", "code", ("exercise",), "6.2"),
        ("count", "code", ("nbval-check-output",), None),
        ("answer", "markdown", ("solution",), None),
        ("shell", "code", (), None),
    ]
    assert cells[0].lines == ("## Not found", "", "An API says so.")
    assert cells[1].lines[-1] == "%matplotlib inline"
    assert cells[4].expected == "2\n"
    assert cells[4].lines == ("print(1 + 1)",)
    assert cells[6].lines == ("%%bash", "echo hello")


def test_jupytext_reads_the_same_cells(lesson):
    path = lesson(SOURCE)
    theirs = jupytext.read(path, fmt="py:percent").cells[1:]
    ours = read_source(path)
    assert [cell.cell_type for cell in theirs] == [cell.kind for cell in ours]
    for their, our in list(zip(theirs, ours, strict=True))[:4]:
        assert their.source == "\n".join(our.lines)
        assert tuple(their.metadata.get("tags", ())) == our.tags


def test_a_learner_gets_a_red_stub_where_the_solution_stood(lesson):
    path = lesson(SOURCE)
    cell = read_source(path)[3]
    assert stubbed(path, cell, "A title") == (
        "def test_a_missing_user_is_not_found(client):\n"
        '    """Ask for nobody."""\n'
        '    raise NotImplementedError("TODO 6.2: ask for a \\"user\\" that is not there")'
    )
    with pytest.raises(NotImplementedError, match=r'TODO 6\.2: ask for a "user"'):
        exec(stubbed(path, cell, "") + "\ntest_a_missing_user_is_not_found(None)", {})


def test_a_todo_that_is_too_long_for_a_cell_takes_more_lines_and_says_the_same(lesson):
    words = "TODO 6.2: " + 'ask for a "user" that is not there, and then for one more; ' * 4
    lines = red_lines(words.strip(), "    ", LANGUAGES["python"].todo, "")
    assert len(lines) > 1
    assert max(map(len, lines)) <= WIDTH
    with pytest.raises(NotImplementedError) as raised:
        exec("def it():\n" + "\n".join(lines) + "\nit()", {})
    assert str(raised.value) == words.strip()


def test_the_todo_says_the_title_where_the_mark_says_nothing(lesson):
    path = lesson(SOURCE.replace(': ask for a "user" that is not there', ""))
    assert '"TODO 6.2: A title"' in stubbed(path, read_source(path)[3], "A title")


def test_the_solution_loses_its_marks_only(lesson):
    path = lesson(SOURCE)
    cell = read_source(path)[3]
    assert "SOLUTION" not in solved(path, cell)
    assert len(solved(path, cell).splitlines()) == len(cell.lines) - 2


SICK = """\
# %% missing_user tags=["exercise"] exercise="6.2"
def test_a_missing_user_is_not_found(client):
    # BEGIN SOLUTION
    assert client.get("/users/7").status_code == 404
    # INSTEAD:
    # answer = client.get("/users/7")
    #
    # if not answer.is_success:  # whatever it was

    #     assert True
    # END SOLUTION
"""


def test_a_learner_gets_what_stands_below_instead_and_the_solution_does_not(lesson):
    path = lesson(SICK)
    (cell,) = read_source(path)
    head = "def test_a_missing_user_is_not_found(client):\n"
    assert solved(path, cell) == head + '    assert client.get("/users/7").status_code == 404'
    assert stubbed(path, cell, "A title") == head + (
        '    answer = client.get("/users/7")\n\n    if not answer.is_success:  # whatever it was\n\n        assert True'
    )


LOWER_HALF = SICK[SICK.index("    # answer") : SICK.index("    # END")]
BROKEN_SICK = {
    "a TODO that nobody sees": ("# BEGIN SOLUTION", "# BEGIN SOLUTION: ask", 5, "say what to do in the text"),
    "a second one": ("    #\n", "    # INSTEAD:\n", 7, "below the first"),
    "nothing below it": (LOWER_HALF, "", 5, "Write, commented"),
    "only blank lines below it": (
        SICK[SICK.index("    # answer") : SICK.index("    # END")],
        "    #\n",
        5,
        "commented",
    ),
    "no solution above it": ('    assert client.get("/users/7").status_code == 404\n', "", 3, "Write the solution"),
    "a line that is code": ("    # answer", "    answer", 6, "Start it with `# `"),
    "a line at another indent": ("    #     assert", "        # assert", 10, "indented as BEGIN SOLUTION is"),
    "a mark at another indent": ("    # INSTEAD", "# INSTEAD", 5, "indented as BEGIN SOLUTION is"),
    "a mark that says more": ("INSTEAD:", "INSTEAD: sick", 5, "alone on its line"),
    "a mark before the region": ("    # BEGIN", "    # INSTEAD:\n    # BEGIN", 3, "between `# BEGIN SOLUTION`"),
    "a mark without a region": ('tags=["exercise"] exercise="6.2"\n', "\n# INSTEAD:\n", 2, "between `# BEGIN"),
}


@pytest.mark.parametrize("case", BROKEN_SICK)
def test_a_broken_instead_is_told_with_file_line_and_fix(lesson, case):
    old, new, line, fix = BROKEN_SICK[case]
    assert old in SICK
    text = SICK.replace(old, new, 1)
    if case == "a mark without a region":
        text = "".join(each for each in text.splitlines(keepends=True) if "SOLUTION" not in each)
    path = lesson(text)
    with pytest.raises(LessonError) as caught:
        find_region(path, read_source(path)[0])
    assert str(caught.value).startswith(f"{path}:{line}: "), caught.value
    assert fix in caught.value.next_step


BROKEN = {
    "an unknown tag": ('tags=["setup"]', 'tags=["set-up"]', 8, 'Did you mean "setup"?'),
    "an unknown key": ('exercise="6.2"', 'excercise="6.2"', 16, 'Did you mean "exercise"?'),
    "tags that are no list": ('tags=["setup"]', "tags=[setup]", 8, 'tags=["exercise"]'),
    "a marker of another form": ("# %% set_up", "# %% Set up!", 8, "Write `# %% name`"),
    "a name that is no snake_case": ("# %% set_up", "# %% SetUp", 8, "Write `# %% set_up`"),
    "a marker without its space": ("# %% client", "# %%client", 13, "Write `# %% client tags"),
    "another cell type": ("# %% [markdown]", "# %% [raw]", 3, "Write `# %% name`"),
    "a nameless code cell": ("# %% set_up tags", "# %% tags", 8, "# %% what_it_does"),
    "a name twice": ("# %% client", "# %% set_up", 13, "a name of its own"),
    "an empty cell": ("import course\n\n# %matplotlib inline\n", "", 8, "Fill it or remove it"),
    "an exercise without an id": (' exercise="6.2"', "", 16, 'Add exercise="6.2"'),
    "an id on a cell that is no exercise": ('tags=["setup"]', 'exercise="6.1"', 8, "conftest"),
    "a tag on markdown": ("# %% [markdown]", '# %% [markdown] tags=["setup"]', 3, 'Only "solution"'),
    "uncommented markdown": ("# An API says so.", "An API says so.", 6, "Start it with `# `"),
    "code before the first cell": ("# Lesson six.", "import os", 1, "Put `# %% name` above it"),
    "a checked cell without output": ("# OUTPUT:\n# 2\n", "", 25, "# OUTPUT:"),
    "an output that is not checked": (' tags=["nbval-check-output"]', "", 27, "nbval-check-output"),
}

BROKEN_REGIONS = {
    "no region": ("    # BEGIN SOLUTION: ask", "    # ask", 23, "Begin the region"),
    "neither mark": (
        (
            '    # BEGIN SOLUTION: ask for a "user" that is not there\n    answer = client.get("/users/7")\n\n'
            "    assert answer.status_code == 404\n    # END SOLUTION\n"
        ),
        "    pass\n",
        16,
        "around what the learner is to write",
    ),
    "unterminated": ("    # END SOLUTION\n", "", 19, "Put `# END SOLUTION` below it"),
    "nested": ("    assert answer", "    # BEGIN SOLUTION\n    assert answer", 22, "End the first one"),
    "a second region": (
        "    # END SOLUTION\n",
        "    # END SOLUTION\n    # BEGIN SOLUTION\n    pass\n    # END SOLUTION\n",
        24,
        "one region for each exercise",
    ),
    "a misspelt mark": ("# END SOLUTION", "# END-SOLUTION", 23, "alone on its line"),
    "marks at different indents": ("    # END SOLUTION", "# END SOLUTION", 23, "Indent both marks alike"),
    "an empty region": (
        '    answer = client.get("/users/7")\n\n    assert answer.status_code == 404\n',
        "",
        19,
        "Write the solution",
    ),
    "a region outside of an exercise": (' tags=["exercise"] exercise="6.2"', "", 23, "to the cell"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_grammar_is_told_with_file_line_and_fix(lesson, case):
    old, new, line, fix = BROKEN[case]
    assert old in SOURCE
    path = lesson(SOURCE.replace(old, new, 1))
    with pytest.raises(LessonError) as caught:
        read_source(path)
    assert str(caught.value).startswith(f"{path}:{line}: "), caught.value
    assert fix in caught.value.next_step


@pytest.mark.parametrize("case", BROKEN_REGIONS)
def test_a_broken_region_is_told_with_file_line_and_fix(lesson, case):
    old, new, line, fix = BROKEN_REGIONS[case]
    assert old in SOURCE
    path = lesson(SOURCE.replace(old, new, 1))
    cell = next(cell for cell in read_source(path) if cell.name == "missing_user")
    with pytest.raises(LessonError) as caught:
        find_region(path, cell)
    assert str(caught.value).startswith(f"{path}:{line}: "), caught.value
    assert fix in caught.value.next_step
