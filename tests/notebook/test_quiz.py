from __future__ import annotations

from pathlib import Path

from jupyterquiz.dynamic import display

from course.notebook import quiz as quizzes


def test_a_terminal_gets_the_questions_as_text(kernel):
    said = kernel.run('course.quiz("06")')
    assert "1. What does 404 say?" in said.printed + "".join(said.texts)


def test_a_kernel_gets_buttons(kernel, monkeypatch):
    monkeypatch.setattr(kernel.shell, "kernel", object(), raising=False)
    said = kernel.run('course.quiz("06")')
    assert said.error is None
    assert any("--jq-correct-color" in page for page in said.pages)


def test_a_lesson_without_questions_says_so(kernel):
    assert "Lesson 04 has no quiz." in kernel.run('course.quiz("04")').printed


def test_colours_are_those_that_jupyterquiz_knows():
    source = Path(display.__file__).read_text(encoding="utf-8")
    assert all(name in source for name in quizzes.COLOURS)
