"""An exercise that needs a browser: where there is none, and where it ends in the middle of a test."""

from __future__ import annotations

import pytest

from course.notebook.cell import Cell
from course.notebook.exercise import NotSolvedError, check_strictly, run_exercise
from course.notebook.session import Session
from course.notebook.workspace import Workspace
from course.syllabus import syllabus

EXERCISE = syllabus().exercise("15.1")
CONFTEST = """\
import pytest
from playwright.sync_api import sync_playwright


@pytest.fixture
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PATH)
        yield browser
        browser.close()


@pytest.fixture
def page(browser):
    page = browser.new_page()
    page.set_default_timeout(2_000)
    return page
"""


ENDS = """\
import contextlib
import psutil

def test_it(page):
    for each in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if "{mark}" in each.cmdline():
                each.kill()
    page.goto("about:blank#again")"""


@pytest.fixture
def session(tmp_path):
    opened = Session(syllabus(), Workspace(tmp_path))
    yield opened
    opened.close()


@pytest.fixture
def no_browser(monkeypatch, tmp_path):
    """A machine without one, as far as a program can see."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    monkeypatch.setattr("course.services.machine.browser.PROGRAMS", ("chromium",))


def run(session, *lines):
    return run_exercise(session, EXERCISE, "\n".join(lines))


def with_conftest(session, path):
    text = CONFTEST.replace("PATH", repr(path))
    session.conftests[""] = Cell("%%conftest", text, "conftest", "The conftest cell")


def test_without_a_browser_a_sentence_says_what_to_do_and_the_cell_is_kept(session, no_browser, monkeypatch):
    result = run(session, "def test_it(page): ...")
    (problem,) = result.first.problems
    assert problem.what.startswith("No browser is here that a test can drive. Type `playwright install chromium`")
    assert not result.solved
    assert "def test_it(page): ..." in session.progress.cells("15.1")["test_15_1.py"]
    monkeypatch.setenv("COURSE_STRICT", "1")
    check_strictly(result)  # a solution cannot do more


def test_without_a_browser_a_stub_is_still_red(session, no_browser, monkeypatch):
    result = run(session, "def test_it(page):", '    raise NotImplementedError("TODO 15.1: type grace")')
    monkeypatch.setenv("COURSE_STRICT", "1")
    with pytest.raises(NotSolvedError, match="No browser is here"):
        check_strictly(result)


@pytest.mark.browser
@pytest.mark.slow
def test_a_browser_that_playwright_does_not_find_is_told(session, monkeypatch, tmp_path, chromium_path):
    with_conftest(session, None)
    monkeypatch.setenv(
        "PLAYWRIGHT_BROWSERS_PATH", str(tmp_path)
    )  # a browser is here, and not the one that is asked for
    (problem,) = run(session, "def test_it(page): page.goto('about:blank')").first.problems
    assert problem.what.startswith("Error: BrowserType.launch: Executable doesn't exist")
    assert "Type `playwright install chromium` in a terminal" in problem.detail


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize("mark", ["--type=renderer", "--remote-debugging-pipe"], ids=["its page", "all of it"])
def test_a_browser_that_is_killed_is_told_and_the_next_run_has_another(session, mark, chromium_path):
    with_conftest(session, chromium_path)
    (problem,) = run(session, ENDS.replace("{mark}", mark)).first.problems
    assert (problem.test, problem.line) == ("test_it", 10)
    assert problem.what.startswith("TargetClosedError: Page.goto: ")
    assert problem.detail.endswith("The browser ended in the middle of it. Your cell is kept: run it again.")
    again = run(session, "def test_it(page): assert page.title()")
    assert again.first.problems[0].what.startswith("assert ")
