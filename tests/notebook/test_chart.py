from __future__ import annotations

from course.notebook.chart import Column, bars, dots, short


def test_each_value_is_a_dot_and_the_median_is_written():
    chart = dots("Time", {"slow": [30.0, 10.0, 20.0], "quick": [1.0, 2.0, 3.0]})
    page = chart._repr_mimebundle_()["text/html"]
    assert page.count("<i style=") == 6
    assert "20 ms" in page
    assert "slow: 20 ms" in str(chart)
    assert "quick: 2 ms" in str(chart)


def test_a_value_far_off_stands_at_the_end_and_presses_no_other_to_the_left():
    page = dots("Time", {"one": [10.0, 10.0, 1000.0]}).drawing
    assert page.count('<i style="left:33.3%">') == 2
    assert page.count('<i style="left:100%">') == 1


def test_what_takes_no_time_can_be_drawn():
    assert "0 ms" in dots("Time", {"nothing": [0.0]}).drawing


def test_each_column_of_bars_has_a_scale_of_its_own():
    page = bars(["a", "b"], [Column("s", [1.0, 2.0], short), Column("ms", [300.0, 100.0], short)])
    assert [part.partition("%")[0] for part in page.split("width:")[1:]] == ["50.0", "100.0", "100.0", "33.3"]
    assert "<i" in bars(["a"], [Column("s", [0.0], short)])


def test_names_are_never_markup():
    assert "<img" not in dots("<img>", {"<img>": [1.0]})._repr_mimebundle_()["text/html"]
    assert "<img" not in bars(["<img>"], [Column("<img>", [1.0], lambda _: "<img>")])
