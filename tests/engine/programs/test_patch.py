from __future__ import annotations

import subprocess

import pytest

from course.engine import PatchError, SubjectError, load_subject, read_patch

HEADER = "Boundary: api\nShows: It is wrong.\nHint: Look.\n\n"
DIFF = "--- a/one.py\n+++ b/one.py\n@@ -1,2 +1,2 @@\n first = 1\n-second = 2\n+second = 3\n"


@pytest.fixture
def patch(tmp_path):
    def patch(text, group="api"):
        path = tmp_path / group / "is_wrong.patch"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return read_patch(path)

    return patch


@pytest.fixture
def tree(tmp_path):
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "one.py").write_text("first = 1\nsecond = 2\n")
    return tree


def test_a_patch_has_a_header_and_changes_one_thing(patch, tree):
    bug = patch(HEADER + DIFF)
    assert (bug.id, bug.boundary, bug.shows, bug.hint, bug.title) == (
        "api/is_wrong",
        "api",
        "It is wrong.",
        "Look.",
        "is wrong",
    )
    bug.apply(tree)
    assert (tree / "one.py").read_text() == "first = 1\nsecond = 3\n"


def test_a_patch_that_does_not_fit_exactly_changes_nothing(patch, tree):
    (tree / "one.py").write_text("first = 1\nsecond = 22\n")
    with pytest.raises(PatchError, match=r"does not apply: line 2 of one.py is 'second = 22', not 'second = 2'"):
        patch(HEADER + DIFF).apply(tree)
    assert (tree / "one.py").read_text() == "first = 1\nsecond = 22\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (HEADER, "has no diff"),
        ("Boundary: api\n\n" + DIFF, "lacks Shows, Hint in its header"),
        (HEADER.replace("api", "kitchen") + DIFF, "'kitchen' is no value of Boundary"),
        (HEADER.replace("Hint", "Hnit") + DIFF, "line 3: 'Hnit: Look.' is no header line"),
        (HEADER.replace("\n\n", "\nNeeds: Postgres\n\n") + DIFF, "'Postgres' is no value of Needs. Use postgresql"),
        (HEADER + DIFF.replace("@@ -1,2 +1,2 @@", "@@ -1,9 +1,2 @@"), "has a broken diff"),
        (HEADER + DIFF.replace("-second = 2\n+second = 3\n", " second = 2\n"), "changes nothing"),
    ],
    ids=["no diff", "header lacks", "boundary", "field", "value", "broken diff", "no change"],
)
def test_a_broken_patch_is_told_with_its_file(patch, text, told):
    with pytest.raises(PatchError, match=told) as caught:
        patch(text)
    assert "is_wrong.patch" in str(caught.value)


@pytest.mark.parametrize("options", [[], ["--no-prefix"], ["--relative=course/subjects/till"]], ids=" ".join)
def test_what_git_prints_in_the_repository_is_taken(patch, tmp_path, options):
    subject = tmp_path / "course" / "subjects" / "till"
    program = subject / "till" / "one.py"
    program.parent.mkdir(parents=True)
    program.write_text("first = 1\nsecond = 2\n")
    git = ["git", "-C", str(tmp_path), "-c", "user.name=A", "-c", "user.email=a@example.com"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "One"]):
        subprocess.run([*git, *command], check=True)
    program.write_text("first = 1\nsecond = 3\n")
    printed = subprocess.run([*git, "diff", *options], capture_output=True, text=True, check=True).stdout
    bug = patch(HEADER + printed)
    subprocess.run([*git, "checkout", "-q", "."], check=True)
    assert bug.texts(subject) == {"till/one.py": "first = 1\nsecond = 3\n"}


def test_a_path_that_the_subject_has_not_is_told_how_it_must_begin(patch, tree):
    with pytest.raises(PatchError, match=r"no two\.py to change\. Paths begin with the package, as in a/"):
        patch(HEADER + DIFF.replace("one.py", "two.py")).texts(tree)


def test_a_name_that_is_no_misbehaviour_in_snake_case_is_told(tmp_path):
    path = tmp_path / "IsWrong.patch"
    path.write_text(HEADER + DIFF)
    with pytest.raises(PatchError, match=r"'IsWrong' is no name\. Write what it does, such as"):
        read_patch(path)


@pytest.mark.parametrize(
    ("place", "wanted"),
    [
        ("bugs/is_wrong.patch", "bugs/GROUP/is_wrong.patch"),
        ("bugs/api/users/is_wrong.patch", "bugs/GROUP/is_wrong.patch"),
        ("correct/api/is_right.patch", "correct/is_right.patch"),
    ],
)
def test_a_patch_that_nobody_would_read_is_told_where_to_go(tmp_path, place, wanted):
    folder = tmp_path / "till"
    (folder / place).parent.mkdir(parents=True)
    (folder / place).write_text(HEADER + DIFF)
    (folder / "subject.toml").write_text('package = "till"\n')
    with pytest.raises(SubjectError, match=f"{place} would never be read there\\. Move it to {folder / wanted}"):
        load_subject("till", tmp_path)


def test_a_correct_variant_says_what_varies(patch):
    correct = patch("Varies: The inside.\n\n" + DIFF, group="correct")
    assert (correct.is_bug, correct.shows) == (False, "The inside.")


def test_the_nearest_name_of_a_bug_is_suggested(till):
    with pytest.raises(SubjectError, match=r'till has no bug "api/never_return"\. Did you mean "api/never_returns"\?'):
        till.bug("api/never_return")


def test_the_nearest_name_of_a_subject_is_suggested():
    with pytest.raises(SubjectError, match=r'Did you mean "users_api"\?'):
        load_subject("user_api")
