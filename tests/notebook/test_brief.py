from __future__ import annotations


def test_a_brief_is_shown_as_a_page(kernel):
    said = kernel.run('course.brief("todo_api")')
    assert said.error is None
    assert "# `todo_api`: the contract" in said.text


def test_an_unknown_program_is_answered_with_the_nearest(kernel):
    assert "todo_api" in kernel.run('course.brief("todo")').printed
