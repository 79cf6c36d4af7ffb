"""What all tests share: a missing service is a skip on a laptop and a failure in CI."""

from __future__ import annotations

import json
import os
import shutil
import socketserver
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from course.services.machine.browser import PROGRAMS, find

# No test modules, and no examples in them: benchmarks, and a conftest that a test lays beside a suite
collect_ignore_glob = ["bench/*", "subjects/*_on_sqlite.py"]


def require(present: bool, what: str) -> None:
    """Skip the test where a service is missing, and fail it in CI, which must have them all."""
    if present:
        return
    if os.environ.get("CI"):
        pytest.fail(f"CI must have {what}", pytrace=False)
    pytest.skip(f"{what} is not here")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep what shares the machine's Docker engine on one worker: there, one test's sweep meets another's orphans."""
    for item in items:
        if item.get_closest_marker("docker"):
            item.add_marker(pytest.mark.xdist_group("docker"))


@pytest.fixture(scope="session")
def docker_engine() -> None:
    """Needs a Docker engine that answers."""
    import docker
    from docker.errors import DockerException

    try:
        docker.from_env(timeout=3).ping()
        answers = True
    except DockerException:
        answers = False
    require(answers, "a Docker engine")


@pytest.fixture(scope="session")
def packages() -> Path:
    """The folder of lesson 11's program, whose npm packages are installed."""
    from course.engine import load_subject
    from course.errors import CourseError
    from course.javascript import install

    folder = load_subject("users_js").folder
    try:
        install(folder)
    except CourseError as error:
        require(False, f"the packages of lesson 11 ({error})")
    return folder


class Engine(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """A Docker engine that tells which images it has, and cannot pull others: for whatever reason it is told to give.

    Attributes:
        images: What it has.
        why: What it says when it is asked to pull; empty where it takes the call and never answers.
        pulls: What it was asked to pull.
    """

    daemon_threads = True
    request_queue_size = 50

    def __init__(self, path: str) -> None:
        self.images: set[str] = set()
        self.pulls: list[str] = []
        self.why = "Get https://registry-1.docker.io/v2/: dial tcp: lookup registry-1.docker.io: no such host"
        self.ends = threading.Event()
        super().__init__(path, Answers)


class Answers(BaseHTTPRequestHandler):
    """What such an engine says."""

    def address_string(self) -> str:
        return "somebody"

    def log_message(self, *_: object) -> None:
        """Keep silent."""

    def do_GET(self) -> None:
        if self.path.endswith("/version"):
            self.say(200, {"Version": "28.2.2", "ApiVersion": "1.41", "MinAPIVersion": "1.24", "Components": []})
        elif "/images/" in self.path:
            name = unquote(self.path.partition("/images/")[2].removesuffix("/json"))
            here = name in self.server.images
            self.say(200, {"Id": "sha256:1"}) if here else self.say(404, {"message": f"No such image: {name}"})
        else:
            self.say(200, [])

    def do_POST(self) -> None:
        self.server.pulls.append(unquote(self.path.partition("fromImage=")[2]))
        if self.server.why:
            self.say(500, {"message": self.server.why})
        else:
            self.server.ends.wait()

    def say(self, status: int, what: object) -> None:
        body = json.dumps(what).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def cannot_pull(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """DOCKER_HOST names an engine that answers, has no image and cannot pull one."""
    path = str(tmp_path_factory.mktemp("engine") / "docker.sock")
    with Engine(path) as engine:
        threading.Thread(target=engine.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
        monkeypatch.delenv("TESTCONTAINERS_RYUK_DISABLED", raising=False)
        yield engine
        engine.ends.set()
        engine.shutdown()


@pytest.fixture
def fresh_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """What this process knows about images is forgotten before and after the test."""
    monkeypatch.setattr("course.services.providers.images._refused", {})


@pytest.fixture(scope="session")
def npm_install() -> Callable[[Path, str], None]:
    """Needs Node; installs one of npm's packages into a folder."""
    npm = shutil.which("npm")
    require(npm is not None, "Node")

    def install(folder: Path, package: str) -> None:
        command = [str(npm), "install", "--silent", "--no-fund", "--no-audit", package]
        require(subprocess.run(command, cwd=folder, check=False).returncode == 0, f"{package} from npm")

    return install


@pytest.fixture(scope="session")
def chromium_path() -> str | None:
    """Needs Chromium or Chrome; None where it is the one that Playwright has fetched."""
    require(find() is not None, "Chromium")
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


@pytest.fixture(scope="module")
def chromium(chromium_path: str | None) -> Iterator[Any]:
    """An installed Chromium or Chrome, as Playwright drives it; each test opens pages of its own.

    Playwright keeps an event loop running in this thread, where other modules' tests start theirs: it ends with each.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-background-networking", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=chromium_path, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def keyboard() -> Iterator[int]:
    """The end of a terminal that a program reads from, where nobody types.

    Jupyter Server handles Ctrl-C only at a terminal: elsewhere a task of its own may swallow it.
    """
    screen, end = pytest.importorskip("pty").openpty()
    yield end
    os.close(end)
    os.close(screen)
