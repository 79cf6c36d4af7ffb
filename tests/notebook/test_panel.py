from __future__ import annotations

from html.parser import HTMLParser

from course.notebook.panel import Panel, Row

HOSTILE = "<img src=x onerror=alert(1)>&\"'"


class Tags(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.open, self.seen = [], set()
        self.feed(page)

    def handle_starttag(self, tag, _):
        self.open.append(tag)
        self.seen.add(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def full():
    rows = (
        Row(HOSTILE, "bad", dim=HOSTILE, tag="alive"),
        Row(HOSTILE, label=HOSTILE, mark="on"),
        Row("code", "ok", code=HOSTILE, is_open=True),
        Row("page", more=f"{HOSTILE}\n\n```python\n{HOSTILE}\n```\n{HOSTILE}\n"),
        Row("steps", steps=((HOSTILE, HOSTILE), (HOSTILE, f"```python\n{HOSTILE}\n```"))),
        Row("diff", "ok", diff=f"-{HOSTILE}\n+{HOSTILE}\n {HOSTILE}", tag="caught"),
    )
    return Panel(HOSTILE, HOSTILE, HOSTILE, 0.5, rows)


def test_what_others_wrote_is_never_markup():
    tags = Tags(full().html())
    assert not tags.open
    assert "img" not in tags.seen
    assert "script" not in tags.seen


def test_backticks_are_code_and_stars_are_bold():
    page = Panel("a", rows=(Row("`x` is **big**"),)).html()
    assert "<code>x</code> is <b>big</b>" in page


def test_a_sign_stays_on_the_line_of_its_number():
    page = Panel("a", rows=(Row("◐ **Begun**", dim="✔ 1.1\u2003○ 1.2"),)).html()
    assert "◐&nbsp;<b>Begun</b>" in page
    assert "✔&nbsp;1.1\u2003○&nbsp;1.2" in page


def test_text_has_no_markup_and_keeps_what_is_open():
    text = str(full())
    assert "<b>" not in text
    assert f"      {HOSTILE}" in text
    assert f"+{HOSTILE}" not in text


def test_a_sign_and_a_word_stand_beside_each_colour():
    text = str(full())
    assert "✗" in text
    assert "[alive]" in text
    assert "✔" in text
    assert "[caught]" in text


def test_ipython_gets_both_forms():
    bundle = full()._repr_mimebundle_()
    assert set(bundle) == {"text/html", "text/plain"}


def test_a_bar_says_how_far_it_is():
    assert 'aria-label="50 %"' in full().html()
    assert "width:100%" in Panel("a", share=7).html()


def test_a_page_below_a_row_is_text_and_code():
    row = Row("one other way", more="Take `x`\nfirst.\n\nThen:\n\n```python\nif x < 1:\n    y\n```\n")
    page = Panel("a", rows=(row,)).html()
    assert "<p>Take <code>x</code> first.</p><p>Then:</p><pre>if x &lt; 1:\n    y</pre></details>" in page
    assert "Take" not in str(Panel("a", rows=(row,)))


def test_a_step_is_seen_only_after_the_one_before():
    page = Panel("a", rows=(Row("Stuck?", steps=(("one", "First."), ("two", "Then."))),)).html()
    second = "<details><summary>two</summary><p>Then.</p></details>"
    assert f"Stuck?<details><summary>one</summary><p>First.</p>{second}</details>" in page
