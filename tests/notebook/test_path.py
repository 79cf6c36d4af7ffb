from __future__ import annotations

import re

from course.notebook.panel import STYLE
from course.notebook.path import Drawing, flowchart
from course.notebook.stages import legend
from course.syllabus import syllabus


def test_progress_lists_the_path(kernel):
    kernel.session.progress.ran("6.1", {}, solved=True)
    said = kernel.run("course.progress()").text
    assert "1 of 6 exercises" in said
    assert "06: ◐ Test an API (✔ 6.1\u2003○ 6.2)" in said


def test_the_path_is_drawn_without_a_script_and_leads_to_the_notebooks(kernel):
    kernel.session.progress.ran("6.1", {}, solved=True)
    page = kernel.run("course.path()").pages[-1]
    assert "<script" not in page
    assert '◐ <a href="06_test_an_api.ipynb">06 Test an API</a> <span class="course-tag course-ok">next</span>' in page
    assert all(each in page for each in legend(kernel.session.course))


def test_arrows_join_all_stages():
    page = Drawing(syllabus(), frozenset()).html()
    assert page.count('<div class="course-arrow">') == page.count('<div class="course-stage') - 1
    assert page.count("course-stage course-here") == 1


def test_no_word_of_the_drawing_is_cut_or_scaled_and_no_colour_is_fixed():
    style = "\n".join(line for line in STYLE.splitlines() if re.search(r"course-(path|stage|arrow|legend)", line))
    assert "flex-wrap:wrap" in style
    assert not re.search(r"#[0-9a-f]{3,6}|nowrap|\d(?:vw|%)", style)


def test_a_lesson_in_preparation_is_no_link():
    planned = [lesson.slug for lesson in syllabus().everything if lesson.planned]
    page = Drawing(syllabus(), frozenset()).html()
    assert not [slug for slug in planned if slug in page]


def test_in_a_terminal_the_path_is_a_flowchart(kernel):
    said = kernel.run("course.path()").text
    assert said.startswith("flowchart ")
    assert "06 Test an API" in said
    assert "✔ done" in said


def test_the_flowchart_joins_its_nodes_and_has_no_quote_that_would_end_one():
    drawn = flowchart(syllabus(), frozenset())
    assert drawn.count('["') == drawn.count('"]') == drawn.count('"') / 2
    assert drawn.splitlines()[-1].count("-->") == drawn.count('["') - 1


def test_the_next_lesson_is_that_of_the_kernel_or_the_one_that_is_named(kernel):
    assert "No lesson has begun" in kernel.run("course.next()").printed
    assert "01_no_program.ipynb" not in kernel.run('course.next("01")').text
    kernel.run('course.begin("01")')
    said = kernel.run("course.next()")
    assert said.error is None
    assert '<a href="04_in_memory.ipynb"><b>04 In memory</b></a>' in said.pages[-1]
