"""What an exercise says of a cell that cannot be a test file: without tests, with faults, with names of other cells."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow  # each of them starts programs; `make check` has the quick ones


def test_a_cell_without_tests_is_told_and_the_near_miss_is_named(lesson):
    said = lesson.run("%%exercise 6.1", "def missing_user(client):", "    assert client")
    assert "There is no test in this cell" in said.text
    assert "Did you mean `test_missing_user`?" in said.text
    assert "Did you mean `test_a`?" in lesson.run("%%exercise 6.1", "def tets_a(client): assert client").text
    assert (
        "Did you mean `test_rest_client`?"
        in lesson.run("%%exercise 6.1", "def rest_client(client): assert client").text
    )
    assert "There is no test in this cell" in lesson.run("%%exercise 6.1", "x = 1").text


def test_a_syntax_error_is_told_with_its_line(lesson):
    said = lesson.run("%%exercise 6.1", "def test_it(client):", "    assert client.get('/')) == 1")
    assert "This is not Python: unmatched ')'" in said.text
    assert "line 3" in said.text
    assert said.printed == ""


def test_a_missing_fixture_is_told_and_the_nearest_is_named(lesson):
    said = lesson.run("%%exercise 6.1", "def test_it(clinet):", "    assert clinet")
    assert 'There is no fixture `clinet`. Did you mean "client"?' in said.text
    assert "line 2" in said.text
    assert (
        "Define it in the `%%conftest` cell and run that cell again"
        in lesson.run("%%exercise 6.1", "def test_it(zzz): pass").text
    )


def test_a_name_of_another_cell_is_told_by_its_name(lesson):
    lesson.run("def make_user(): return 1")
    said = lesson.run("%%exercise 6.1", "def test_it(client):", "    assert make_user() == 1")
    assert "`make_user` comes from another cell. Move what defines it into this cell. (line 3)" in said.text


def test_a_name_of_another_exercise_is_a_name_of_another_cell(lesson):
    lesson.run("%%exercise 6.2", "ADA = 1", "def test_it(): assert ADA")
    assert "`ADA` comes from another cell" in lesson.run("%%exercise 6.1", "def test_it(): assert ADA").text


def test_an_import_of_the_conftest_is_not_seen_by_a_test_file(lesson):
    said = lesson.run("%%exercise 6.1", "def test_it(): assert TestClient")
    assert "`TestClient` is known in `%%conftest` only" in said.text


def test_a_fixture_that_is_not_asked_for_is_told(lesson):
    said = lesson.run("%%exercise 6.1", "def test_it(): assert client.get('/users/1')")
    assert "`client` is a fixture. Name it among the arguments" in said.text


def test_what_only_notebooks_have_is_told(lesson):
    said = lesson.run("%%exercise 6.1", "def test_it():", "    display(1)")
    assert "`display` exists in notebooks only" in said.text


def test_names_that_nobody_knows_are_ordinary_errors(lesson):
    assert "NameError: name 'nobody' is not defined" in lesson.run("%%exercise 6.1", "def test_it(): nobody()").text
