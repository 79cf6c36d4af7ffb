"""The pages of reports in a real browser: offline, in print, by keyboard, and for a screen reader."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe

from course.engine import Standing, Verdict
from course.grading.record import public
from course.grading.report import write_class, write_learner

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PAPER = {"width": 688, "height": 1000}  # A4 without its margins of 14 mm, at 96 pixels an inch
PAGES = {"class": "index.html", "learner": "learners/ada/report.html"}


@pytest.fixture
def reports(make, tmp_path):
    """A folder of reports on one who is graded, one with a long name, and one whose suite does not run."""
    broken = make("bob", Verdict(Standing.BROKEN, detail="It is empty."))
    records = [make(), make("a_very_long_name_" * 12), broken]
    for record in records:
        write_learner(public(record, reveal=False), tmp_path, reveal=False)
    write_class(records, tmp_path)
    return tmp_path


@pytest.fixture
def visit(chromium, reports):
    """Opens a page of the reports where there is no network."""
    contexts = []

    def visit(name, **options):
        # The pages forbid all scripts, and so axe, which is one
        contexts.append(chromium.new_context(offline=True, bypass_csp=True, **options))
        page = contexts[-1].new_page()
        page.goto((reports / PAGES[name]).as_uri())
        return page

    yield visit
    for context in contexts:
        context.close()


def focused(page, what):
    return page.evaluate(f"document.activeElement.{what}")


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_screen_reader_can_tell_everything_and_colours_can_be_told_apart(visit, name, scheme):
    page = visit(name, color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_loads_nothing_but_itself(chromium, reports, name):
    page = chromium.new_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((reports / PAGES[name]).as_uri())
    assert asked == [(reports / PAGES[name]).as_uri()]
    page.close()


def test_everything_is_reached_by_keyboard(visit):
    page = visit("learner")
    page.keyboard.press("Tab")
    assert focused(page, "className") == "skip"
    page.keyboard.press("Enter")
    while focused(page, "tagName") != "SUMMARY":
        page.keyboard.press("Tab")
        assert focused(page, "tagName") != "BODY", "the keyboard never comes to what can be opened"
    page.keyboard.press("Enter")
    assert focused(page, "parentElement.open") is True


def test_the_class_leads_to_its_learners(visit):
    page = visit("class")
    page.get_by_role("link", name="ada").click()
    assert page.get_by_role("heading", level=1).inner_text() == "ada"


def cut_off(page):
    """Headings of the tables that are wider than their panel; what can be moved sideways is not cut off."""
    return page.evaluate("""[...document.querySelectorAll('table')].filter(table => {
        const panel = table.closest('.panel'), moves = table.closest('.scroll');
        const right = table.getBoundingClientRect().right;
        return right > panel.getBoundingClientRect().right && !(moves && getComputedStyle(moves).overflowX === 'auto');
    }).map(table => table.caption.innerText)""")


@pytest.mark.parametrize("name", PAGES)
def test_paper_holds_the_whole_width(visit, name):
    page = visit(name, viewport=PAPER)
    page.emulate_media(media="print")
    assert page.evaluate("document.documentElement.scrollWidth") <= PAPER["width"]
    assert cut_off(page) == []


@pytest.mark.parametrize("name", PAGES)
def test_a_telephone_shows_a_page_without_moving_it_sideways(visit, name):
    page = visit(name, viewport={"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert cut_off(page) == []
