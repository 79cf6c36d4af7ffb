from __future__ import annotations

from dataclasses import replace

import pytest

from course.notebook.stages import LEGEND, STAGES, following, legend, sign, stages, upcoming
from course.syllabus import syllabus


@pytest.fixture
def small(live_session):
    """Lessons 01, 04 and 06 with one, one and two exercises."""
    course = live_session.course
    return replace(course, everything=tuple(course.lesson(number) for number in ("01", "04", "06")))


def test_every_lesson_stands_in_one_stage():
    staged = [number for numbers in STAGES.values() for number in numbers]
    assert sorted(staged) == [lesson.number for lesson in syllabus().everything][1:]
    drawn = [lesson for stage in stages(syllabus()) for lesson in stage.lessons]
    assert sorted(each.number for each in drawn) == [lesson.number for lesson in syllabus().everything]


def test_signs_tell_lessons_apart_without_colour_and_the_legend_knows_each():
    lesson = next(each for each in syllabus().lessons if len(each.exercises) > 1)
    ids = [each.id for each in lesson.exercises]
    signs = [sign(lesson, frozenset(done)) for done in ([], ids[:1], ids)]
    assert signs == ["○", "◐", "✔"]
    assert {*signs, sign(replace(lesson, planned=True), frozenset())} == set(LEGEND)


@pytest.mark.parametrize(
    ("solved", "number"),
    [
        ([], "01"),
        (["6.1"], "06"),
        (["4.1"], "06"),
        (["1.1", "4.1"], "06"),
        (["6.1", "6.2"], "01"),
        (["1.1", "4.1", "6.1", "6.2"], None),
    ],
    ids=["nothing is done", "one is begun", "one was left out", "in order", "the last is done", "all are done"],
)
def test_the_path_goes_on_from_the_furthest_lesson(small, solved, number):
    lesson = upcoming(small, frozenset(solved))
    assert (lesson and lesson.number) == number


def test_a_planned_lesson_is_never_the_next(small):
    first, second, third = small.everything
    course = replace(small, everything=(first, replace(second, planned=True), third))
    assert upcoming(course, frozenset(["1.1"])) is third
    assert following(course, first) is third
    assert following(course, third) is None


def test_the_legend_says_in_preparation_only_where_a_lesson_is():
    course = syllabus()
    planned = replace(course, everything=(*course.everything[:-1], replace(course.everything[-1], planned=True)))
    assert "· in preparation" in legend(planned)
    done = replace(course, everything=tuple(replace(lesson, planned=False) for lesson in course.everything))
    assert legend(done) == ("✔ done", "◐ begun", "○ to do")
