from __future__ import annotations

import io
import os

import matplotlib as mpl
import pytest
from matplotlib import colors, image
from matplotlib.figure import Figure
from matplotlib_inline.backend_inline import _fetch_figure_metadata

from course.notebook.chart import PICTURES, Column, bars, dots, fit_pictures, short


def luminance(colour):
    """Of red, green and blue from 0 to 1, as WCAG 2 has it: https://www.w3.org/TR/WCAG22/#dfn-relative-luminance."""
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_a_picture_has_no_background_and_letters_that_stand_out_on_white_and_on_black():
    with mpl.rc_context(fname=PICTURES):
        letters = luminance(colors.to_rgb(mpl.rcParams["text.color"]))
        file = io.BytesIO()
        Figure().savefig(file)
        plot = Figure()
        plot.subplots().plot([1, 2])
        assert _fetch_figure_metadata(plot) is None  # Jupyter adds none of its own
    file.seek(0)
    assert image.imread(file)[..., 3].max() == 0
    dark_page = luminance(colors.to_rgb("#111111"))
    assert min(1.05 / (letters + 0.05), (letters + 0.05) / (dark_page + 0.05)) > 3.5


@pytest.mark.parametrize("before", [None, "mine"])
def test_a_learner_s_own_settings_for_pictures_are_left_alone(monkeypatch, before):
    monkeypatch.delenv("MATPLOTLIBRC", raising=False)
    if before:
        monkeypatch.setenv("MATPLOTLIBRC", before)
    fit_pictures()
    assert os.environ.pop("MATPLOTLIBRC") == (before or str(PICTURES))


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
