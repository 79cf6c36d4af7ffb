from __future__ import annotations

import pytest

from course.notebook.measurement import measure


def test_pieces_of_work_take_turns_after_one_run_that_is_not_measured(capsys, monkeypatch):
    monkeypatch.setattr("course.notebook.showing.running_shell", lambda: None)
    ran = []
    measure({"a": lambda: ran.append("a"), "b": lambda: ran.append("b")}, times=2, what="Two")
    assert "".join(ran) == "ababab"
    said = capsys.readouterr().out
    assert said.startswith("Two  2 runs each")
    assert " ms" in said


def test_what_the_work_raises_is_the_learner_s():
    with pytest.raises(ZeroDivisionError):
        measure({"broken": lambda: 1 / 0})


def test_in_a_notebook_it_is_drawn(kernel):
    said = kernel.run("course.measure({'nothing': lambda: None}, times=3, what='Time for nothing')")
    assert said.error is None
    assert "Time for nothing" in said.pages[-1]
    assert said.pages[-1].count("<i style=") == 3


@pytest.mark.parametrize("call", ["measure()", "compare()", "isolation_lab()"])
def test_without_its_arguments_a_function_says_how_to_call_it(kernel, call):
    said = kernel.run(f"course.{call}").printed
    assert f"{call[:-2]} cannot be called like that: missing a required argument" in said
    assert len(said.splitlines()) == 1
