from __future__ import annotations

import pytest

from course.authoring.render import LESSONS
from course.services.machine.browser import PROGRAMS, find, lacking


@pytest.fixture
def bare(monkeypatch, tmp_path):
    """A machine without a browser: a folder for programs, and none of Playwright's."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "playwright"))
    monkeypatch.setattr("course.services.machine.browser.PROGRAMS", ("chromium", "google-chrome"))
    return tmp_path


def test_a_browser_of_the_system_is_found(bare):
    (bare / "google-chrome").write_text("#!/bin/sh\n")
    (bare / "google-chrome").chmod(0o755)
    assert find() == bare / "google-chrome"
    assert lacking("browser") == ""


def test_one_that_playwright_has_fetched_is_found(bare):
    (bare / "playwright" / "chromium-1200").mkdir(parents=True)
    assert find() == bare / "playwright" / "chromium-1200"


def test_only_what_needs_a_browser_lacks_one(bare):
    assert "playwright install chromium" in lacking("browser")
    assert lacking(None) == ""


def test_lesson_15_looks_for_the_same_programs_as_the_doctor():
    source = next(LESSONS.glob("15_*.py")).read_text(encoding="utf-8")
    assert [name for name in PROGRAMS if f'"{name}",' not in source] == []
