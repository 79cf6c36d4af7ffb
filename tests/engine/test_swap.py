"""What differs between two programs, as far as functions can be given other code."""

from __future__ import annotations

import ast

import pytest

from course.engine.swap import find_swap, harmless_imports

BEFORE = """\
from json import dumps, loads

LIMIT = 3


def shorten(text, limit=LIMIT):
    def cut():
        return text[:limit]

    return cut()


class Shop:
    prices = [number for number in range(3)]

    def total(self):
        return sum(self.prices)
"""


@pytest.fixture
def swap(tmp_path):
    """The swap between the program above and one with a text replaced, as names of functions."""

    def swap(old, new, more=""):
        folders = []
        for name, text in (("before", BEFORE), ("after", BEFORE.replace(old, new) + more)):
            folders.append(tmp_path / name)
            folders[-1].mkdir()
            (folders[-1] / "shop.py").write_text(text)
        return find_swap(*folders, ["shop.py"])

    return swap


def names(swap):
    return [name for _, name, _, _ in swap.functions]


def test_a_change_in_a_method_swaps_it(swap):
    found = swap("sum(self.prices)", "max(self.prices)")
    assert names(found) == ["Shop.total"]
    assert found.required == {("shop.py", "Shop.total", 16)}


def test_a_function_within_a_function_is_swapped_with_the_one_around_it(swap):
    found = swap("text[:limit]", "text[: limit + 1]")
    assert names(found) == ["shorten", "shorten.<locals>.cut"]
    assert found.required == {("shop.py", "shorten", 6)}


def test_what_only_moves_is_not_swapped(swap):
    assert names(swap("    return cut()\n", "    # a\n    # b\n    return cut()\n")) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("LIMIT = 3", "LIMIT = 4"),
        ("limit=LIMIT", "limit=2"),
        ("def total(self)", "def total(self, tax)"),
        ("def total(self)", "async def total(self)"),
        ("range(3)", "range(4)"),
        ("number for", "number + 1 for"),
        ("    def total", "    @property\n    def total"),
        ("class Shop:", "class Shop(dict):"),
    ],
)
def test_what_runs_on_import_or_is_called_in_another_way_is_not_swapped(swap, old, new):
    assert swap(old, new) is None


def test_an_inner_function_that_shares_fewer_names_is_left_to_the_outer_one(swap):
    assert names(swap("return text[:limit]", "return text")) == ["shorten"]


def test_new_imports_come_along(swap):
    found = swap("from json import dumps, loads", "from json import loads\nfrom math import floor")
    assert found.imports == (("shop.py", "from math import floor"),)


@pytest.mark.parametrize(
    ("before", "after", "harmless"),
    [
        ("import a", "import a\nimport b", True),
        ("import a", "", True),
        ("import a\na.x", "a.x", False),
        ("import a.b", "import a.c", False),
        ("from a import x", "from b import x", False),
        ("x = 1", "from a import x\nx = 1", False),
        ("from a import *", "", False),
        ("import a", "import a as b", True),
        ("import a\na.x", "import a as b\na.x", False),
    ],
)
def test_imports_are_harmless_where_they_only_provide(before, after, harmless):
    assert harmless_imports(ast.parse(before), ast.parse(after)) is harmless
