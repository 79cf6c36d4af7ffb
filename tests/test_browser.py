"""The course as a learner meets it: JupyterLab in a real browser, lesson 00, the first green board."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from course.notebook.lab import free_port

ROOT = Path(__file__).parent.parent
PICTURES = ROOT / "build" / "screenshots"
COURSE = Path(sys.executable).with_name("course")
TOKEN = "a-token-of-the-test"
SECONDS = 90
KERNEL_IS_IDLE = "window.jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
SOLUTION = """\
%%exercise 0.1
from users_api.passwords import password_problem


def test_a_short_password_is_refused():
    assert password_problem("ninechars", "ada@example.org")"""

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def lab(tmp_path_factory, keyboard):
    """JupyterLab on a fresh workspace, as `make lab` starts it; the address of lesson 00."""
    home, port = tmp_path_factory.mktemp("home"), free_port(8931)
    options = ["--no-browser", f"--port={port}", f"--IdentityProvider.token={TOKEN}", "--expose-app-in-browser"]
    server = subprocess.Popen(
        [COURSE, "lab", home / "workspace", *options],
        env={**os.environ, "HOME": str(home)},
        stdin=keyboard,
        start_new_session=True,
    )
    try:
        wait_until_it_answers(f"http://localhost:{port}/api?token={TOKEN}", server)
        yield f"http://localhost:{port}/lab/tree/00_start_here.ipynb?token={TOKEN}"
    finally:
        server.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(20)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.wait()


@pytest.fixture
def page(chromium, lab):
    """Lesson 00 in a browser tab."""
    page = chromium.new_page(viewport={"width": 1360, "height": 1000})
    page.set_default_timeout(SECONDS * 1000)
    page.goto(lab)
    page.wait_for_selector(".jp-Notebook .jp-CodeCell")
    page.wait_for_function(KERNEL_IS_IDLE)  # what is run before that is not run at all
    return page


def wait_until_it_answers(address, server):
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        assert server.poll() is None, "JupyterLab ended by itself"
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(address).status_code == 200:
                return
        time.sleep(0.2)
    pytest.fail("JupyterLab did not answer")


def command(page, name, **arguments):
    page.evaluate("([name, arguments]) => void window.jupyterapp.commands.execute(name, arguments)", [name, arguments])


def test_a_learner_gets_the_first_green_board(page):
    command(page, "notebook:run-all-cells")
    page.wait_for_selector(".jp-OutputArea-output:has-text('Start here')")
    page.wait_for_selector("text=TODO 0.1")

    cell = page.locator(".jp-CodeCell", has_text="%%exercise 0.1").first
    cell.locator(".cm-content").click()
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.insert_text(SOLUTION)
    page.keyboard.press("Shift+Enter")
    board = cell.locator(".jp-OutputArea-output", has_text="caught by")
    board.wait_for()
    assert "passes on right code" in board.inner_text()
    assert "alive" not in board.inner_text()

    PICTURES.mkdir(parents=True, exist_ok=True)
    for theme in ("Light", "Dark"):
        command(page, "apputils:change-theme", theme=f"JupyterLab {theme}")
        page.wait_for_selector(f"body[data-jp-theme-light={'true' if theme == 'Light' else 'false'}]", state="attached")
        board.scroll_into_view_if_needed()
        page.screenshot(path=PICTURES / f"lesson_00_{theme.lower()}.png")
