from __future__ import annotations

from dataclasses import replace

import pytest

from course.notebook.closing import catcher, closing_panel
from course.notebook.progress import Progress
from course.syllabus import syllabus


@pytest.fixture
def progress(tmp_path):
    return Progress(tmp_path / "progress.json")


@pytest.fixture
def course(live_session):
    """Lessons 01, 04 and 06; what 4.1 leaves alive on purpose, 6.2 has to catch."""
    first, second, third = (live_session.course.lesson(number) for number in ("01", "04", "06"))
    one, two = third.exercises
    two = replace(two, bugs=(*two.bugs, *second.exercises[0].alive))
    return replace(live_session.course, everything=(first, second, replace(third, exercises=(one, two))))


@pytest.fixture
def end_of(course, progress):
    return lambda number: str(closing_panel(course, course.lesson(number), progress))


def test_before_anything_is_solved_it_tells_what_there_is_to_learn_and_to_do(end_of):
    said = end_of("06")
    assert "0 of 2" in said
    assert "To learn: ○ to test" in said
    assert "To do: ○ 6.1 A missing user is not found\u2003○ 6.2 A duplicate email is refused" in said
    assert "alive" not in said


def test_what_is_learned_is_ticked_when_all_is_solved(end_of, progress):
    progress.ran("6.1", {}, solved=True)
    assert "To learn: ○ to test" in end_of("06")
    progress.ran("6.2", {}, solved=True)
    assert "Learned: ✔ to test" in end_of("06")
    assert "To do" not in end_of("06")


def test_bugs_that_are_alive_are_told_by_their_boundary_and_not_given_away(end_of, progress):
    progress.ran("6.1", {}, solved=False, alive=("api/says_only_not_found", "api/answers_500_for_a_missing_user"))
    said = end_of("06")
    assert 'Alive: ✗ 2 bugs at the api boundary (in 6.1: run it again, or `course.hint("6.1")`) [alive]' in said
    assert "Not Found" not in said


def test_a_bug_that_is_alive_on_purpose_is_promised_to_the_exercise_that_catches_it(end_of, progress):
    assert "on purpose" not in end_of("04")
    progress.ran("4.1", {}, solved=True, alive=("database/searches_case_sensitively",))
    assert "(alive on purpose: you catch it in 6.2) [alive]" in end_of("04")
    assert "boundary" not in end_of("04")
    progress.ran("6.2", {}, solved=True)
    assert "(alive here on purpose, and caught in 6.2) [caught]" in end_of("04")


def test_a_bug_that_no_later_lesson_catches_is_not_promised(live_session, progress):
    progress.ran("4.1", {}, solved=True)
    course = live_session.course
    assert "(alive on purpose) [alive]" in str(closing_panel(course, course.lesson("04"), progress))


def test_a_bug_that_the_course_has_no_longer_is_passed_over(end_of, progress):
    progress.ran("6.1", {}, solved=False, alive=("api/was_here_once",))
    progress.ran("1.1", {}, solved=False, alive=("api/of_no_program",))
    assert "Alive" not in end_of("06")
    assert "Alive" not in end_of("01")


def test_the_way_leads_to_the_next_notebook(end_of):
    assert "Next: 06 Test an API → 06_test_an_api.ipynb (40 min · A lesson on PostgreSQL.)" in end_of("04")


def test_after_the_last_lesson_it_says_what_then_and_what_was_left_out(end_of, progress):
    progress.ran("4.1", {}, solved=True)
    said = end_of("06")
    assert "This was the last lesson. Go on with a project of your own" in said
    assert "Not done yet: 01;" in said
    progress.ran("1.1", {}, solved=True)
    assert "Not done yet" not in end_of("06")


def test_a_later_exercise_of_the_same_lesson_may_catch_it(course):
    third = course.everything[2]
    one, two = third.exercises
    one = replace(one, alive=("api/answers_500_to_a_duplicate",))
    changed = replace(course, everything=(*course.everything[:2], replace(third, exercises=(one, two))))
    assert catcher(changed, one, "api/answers_500_to_a_duplicate") == two
    assert catcher(changed, two, "api/answers_500_to_a_duplicate") is None


def test_each_bug_that_a_lesson_leaves_alive_on_purpose_is_caught_later_on_the_path():
    promised = [(each, bug) for lesson in syllabus().lessons for each in lesson.exercises for bug in each.alive]
    assert promised
    assert [each.id for each, bug in promised if catcher(syllabus(), each, bug) is None] == []
