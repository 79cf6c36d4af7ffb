from __future__ import annotations

from dataclasses import replace

from course.notebook.path import STAGES, flowchart, sign
from course.syllabus import syllabus


def test_progress_lists_the_path(kernel):
    kernel.session.progress.ran("6.1", {}, solved=True)
    said = kernel.run("course.progress()").text
    assert "1 of 6 exercises" in said
    assert "06: ◐ Test an API (✔ 6.1\u2003○ 6.2)" in said


def test_the_path_is_a_flowchart_in_markdown(kernel):
    said = kernel.run("course.path()")
    assert said.text.startswith("flowchart ")
    assert "06 Test an API" in said.text
    assert said.pages == [""]


def test_every_lesson_has_its_place_on_the_path():
    staged = [number for numbers in STAGES.values() for number in numbers]
    assert sorted(staged) == [lesson.number for lesson in syllabus().everything][1:]


def test_signs_tell_lessons_apart_without_colour():
    lesson = next(each for each in syllabus().lessons if len(each.exercises) > 1)
    ids = [each.id for each in lesson.exercises]
    assert [sign(lesson, frozenset(done)) for done in ([], ids[:1], ids)] == ["○", "◐", "✔"]
    assert sign(replace(lesson, planned=True), frozenset()) == "·"


def test_the_flowchart_has_no_quote_that_would_end_a_node():
    drawn = flowchart(syllabus(), frozenset())
    assert drawn.count('["') == drawn.count('"]') == drawn.count('"') / 2
