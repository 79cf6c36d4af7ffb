from __future__ import annotations

import difflib

import pytest

from course.engine import read_patch
from course.engine.reach import watched_lines

PROGRAM = """\
def pay(amount):
    if amount > 100:
        amount -= 10
    total = round(
        amount,
        2,
    )
    try:
        charge(total)
    except ValueError:
        return None
    return total
"""


@pytest.mark.parametrize(
    ("old", "new", "lines"),
    [
        ("amount -= 10", "amount -= 20", {3}),
        ("        2,\n", "        3,\n", {4, 5, 6, 7}),
        ("    if amount > 100:\n", "    if amount > 10:\n", {2}),
        ("        amount -= 10\n", "        amount -= 10\n        log(amount)\n", {3}),
        ("    return total\n", "    total += 1\n    return total\n", {12}),
        ("        amount -= 10\n", "        amount -= 10\n    amount += 1\n", {4, 5, 6, 7}),
        ("        amount -= 10\n", "    amount -= 10\n", {3, 2, 4, 5, 6, 7}),
        ("        2,\n", "        2,\n        more,\n", {4, 5, 6, 7}),
    ],
    ids=[
        "replaced",
        "part of a statement",
        "head",
        "added in a block",
        "added before",
        "added below",
        "dedented",
        "inside",
    ],
)
def test_a_change_stands_on_the_statements_that_it_can_only_run_with(tmp_path, old, new, lines):
    assert watched(tmp_path, old, new).lines >= {("pay.py", line) for line in lines}


@pytest.mark.parametrize(
    ("old", "new", "free"), [("amount -= 10", "amount -= 20", {2, 4, 12}), ("return None", "return 0", {9, 12})]
)
def test_a_change_in_a_branch_does_not_stand_on_what_is_outside(tmp_path, old, new, free):
    assert not watched(tmp_path, old, new).lines & {("pay.py", line) for line in free}


def test_an_added_handler_is_not_known(tmp_path):
    assert not watched(
        tmp_path, "        return None\n", "        return None\n    except KeyError:\n        pass\n"
    ).known


def test_a_change_in_a_file_of_no_package_is_not_known(tmp_path):
    (tmp_path / "shop" / "versions").mkdir(parents=True)
    (tmp_path / "shop" / "__init__.py").touch()
    assert not watched(tmp_path, "amount -= 10", "amount -= 20", "shop/versions/pay.py").known
    (tmp_path / "shop" / "versions" / "__init__.py").touch()
    assert watched(tmp_path, "amount -= 10", "amount -= 20", "shop/versions/pay.py").known


def watched(folder, old, new, name="pay.py"):
    (folder / name).write_text(PROGRAM)
    assert PROGRAM.count(old) == 1
    before, after = (text.splitlines(keepends=True) for text in (PROGRAM, PROGRAM.replace(old, new)))
    diff = "".join(difflib.unified_diff(before, after, f"a/{name}", f"b/{name}"))
    path = folder / "api" / "it.patch"
    path.parent.mkdir(exist_ok=True)
    path.write_text("Boundary: api\nShows: x\nHint: y\n\n" + diff)
    return watched_lines(read_patch(path), folder)
