"""One shell and one session for all tests of this room; each test has its own progress and conftest."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from traitlets.config import Config

import course
from course.notebook import session as sessions
from course.notebook.progress import Progress
from course.notebook.session import Session
from course.notebook.workspace import Workspace
from course.syllabus import load

COURSE = Path(__file__).parent / "course.toml"
CONFTEST = """%%conftest
import pytest
from fastapi.testclient import TestClient
from users_api.database import create_tables, engine
from users_api.main import app
from users_api.models import Base

@pytest.fixture
def client():
    create_tables(engine)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client
    Base.metadata.drop_all(engine)
"""


@dataclass
class Said:
    """What a cell showed: panels as text, panels as HTML, what was printed, and the error that ended it."""

    texts: list[str] = field(default_factory=list)
    pages: list[str] = field(default_factory=list)
    printed: str = ""
    error: BaseException | None = None

    @property
    def text(self):
        """The last panel."""
        return self.texts[-1] if self.texts else ""


@dataclass
class Kernel:
    """A shell with the course in it."""

    shell: InteractiveShell
    session: Session

    def run(self, *lines):
        with capture_output() as captured:
            result = self.shell.run_cell("\n".join(lines))
        bundles = [output.data for output in captured.outputs]
        texts = [bundle["text/plain"] for bundle in bundles]
        pages = [bundle.get("text/html", "") for bundle in bundles]
        return Said(texts, pages, captured.stdout, result.error_in_exec or result.error_before_exec)


@pytest.fixture(scope="session")
def live_session(tmp_path_factory):
    session = Session(load(COURSE), Workspace(tmp_path_factory.mktemp("workspace")))
    yield session
    session.close()


@pytest.fixture(scope="session")
def live_shell():
    settings = Config()
    settings.HistoryManager.enabled = False
    settings.InteractiveShell.colors = "nocolor"
    main = sys.modules["__main__"]
    shell = InteractiveShell.instance(config=settings)
    sys.modules["__main__"] = main  # the shell has put its own there, which other tests have no use for
    yield shell
    InteractiveShell.clear_instance()


@pytest.fixture
def kernel(live_shell, live_session, tmp_path, monkeypatch):
    """No lesson has begun."""
    monkeypatch.setattr(sessions, "_current", [live_session])
    monkeypatch.setitem(sys.modules, "__main__", live_shell.user_module)
    monkeypatch.delenv("COURSE_STRICT", raising=False)
    monkeypatch.chdir(tmp_path)
    live_session.workspace = Workspace(tmp_path)
    live_session.progress = Progress(tmp_path / ".course" / "progress.json")
    live_session.conftests.clear()
    live_session.latest = None
    live_shell.reset(new_session=False)
    course.load_ipython_extension(live_shell)
    live_shell.push({"course": course})
    yield Kernel(live_shell, live_session)
    live_session._leave_lesson()


@pytest.fixture
def lesson(kernel):
    """Lesson 06 has begun, and its conftest cell has run."""
    kernel.session.begin(kernel.session.course.lesson("06"))
    said = kernel.run(CONFTEST)
    assert said.error is None, said.printed
    return kernel
