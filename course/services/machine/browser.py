"""A browser of this machine that a test can drive."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

# As in the fixture `browser` of lesson 15
PROGRAMS = (
    "chromium", "chromium-browser", "google-chrome", "google-chrome-stable",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "C:/Program Files/Google/Chrome/Application/chrome.exe",
)  # fmt: skip
INSTALL = "Type `playwright install chromium` in a terminal, or install Chromium or Chrome"


def find() -> Path | None:
    """The system's Chromium or Chrome, else one that Playwright has fetched, else None."""
    programs = [Path(program) for name in PROGRAMS if (program := shutil.which(name))]
    return next(iter([*programs, *_of_playwright()]), None)


def lacking(needs: str | None) -> str:
    """What an exercise needs (`"browser"` or None) and this machine lacks, with the next step; else empty."""
    if needs != "browser" or find() is not None:
        return ""
    return (
        f"No browser is here that a test can drive. {INSTALL}, and run this cell again. Until then leave this exercise "
        "out: the others do without."
    )


def _of_playwright() -> Iterator[Path]:
    """Those that `playwright install` put into its cache."""
    usual = {"darwin": "~/Library/Caches/ms-playwright", "win32": "~/AppData/Local/ms-playwright"}
    place = os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or usual.get(sys.platform, "~/.cache/ms-playwright")
    return Path(place).expanduser().glob("chromium*")
