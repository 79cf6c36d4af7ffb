from __future__ import annotations

import pytest

import course
from course.cli import cli
from course.errors import CourseError, nearest


def test_an_error_is_a_sentence_with_the_next_step():
    error = CourseError("Port 5432 is taken.", "Stop the other server.")
    assert str(error) == "Port 5432 is taken. Stop the other server."
    assert (error.what, error.next_step) == ("Port 5432 is taken.", "Stop the other server.")


def test_the_nearest_name_is_suggested_without_regard_to_case():
    assert nearest("USERS_APY", ["users_api", "todo_api"]) == 'Did you mean "users_api"?'


def test_all_names_are_listed_where_none_is_near():
    assert nearest("xyz", ["users_api", "todo_api"]) == 'There are: "users_api", "todo_api".'
    assert nearest("xyz", []) == "There are none."


def test_a_misspelt_name_of_the_course_is_an_attribute_error_with_the_nearest():
    with pytest.raises(AttributeError, match=r'^There is no `course.progess`. Did you mean "progress"\?$'):
        course.progess()
    assert not hasattr(course, "progess")


def test_a_command_is_told_to_be_one():
    assert set(course.COMMANDS) == set(cli.commands) - set(course.PLACES)
    with pytest.raises(AttributeError, match=r"^`reset` is a command. Type `course reset` in a terminal.$"):
        course.reset("04")
