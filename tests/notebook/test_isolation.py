"""The isolation lab, with the ways as lesson 08 writes them."""

from __future__ import annotations

import importlib
import sys

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

import course
from course.authoring.render import LESSONS, checked_source
from course.engine import load_subject
from course.notebook.isolation import KINDS, LabError, LabStoppedError, fixture, isolation_lab
from course.services.providers.postgres import postgres
from course.syllabus import syllabus

pytestmark = pytest.mark.slow  # they start a server; `make check` has the quick ones

CELLS = ("three_tests", "ways", "copies", "pool", "lab")
SUBJECT = load_subject("users_api")


@pytest.fixture(scope="module")
def server():
    with postgres("embedded") as server:
        yield server


@pytest.fixture(scope="module")
def engine(server):
    engine = create_engine(server.url(), connect_args={"options": "-c lock_timeout=500"})
    with engine.begin() as db:
        db.execute(text("CREATE TABLE words (id serial PRIMARY KEY, word text)"))
    yield engine
    engine.dispose()


@pytest.fixture
def lab(engine):
    return isolation_lab(engine, add_a_word, rounds=2)


@pytest.fixture
def truncate(engine):
    def truncate():
        with Session(engine) as session:
            yield session
        with engine.begin() as db:
            db.execute(text("TRUNCATE words RESTART IDENTITY"))

    return truncate


def add_a_word(session):
    session.execute(text("INSERT INTO words (word) VALUES ('test')"))
    session.commit()


@pytest.fixture
def program(monkeypatch, server):
    """users_api as a lesson finds it."""

    def forget():
        for name in [name for name in sys.modules if name.partition(".")[0] == "users_api"]:
            del sys.modules[name]

    forget()
    monkeypatch.syspath_prepend(SUBJECT.folder)
    url = server.url()
    for name, value in {**SUBJECT.environment, "DATABASE_URL": url}.items():
        monkeypatch.setenv(name, value)
    yield importlib.import_module("users_api.database")
    forget()


def test_the_ways_of_the_lesson_leak_what_it_says(program, monkeypatch):
    monkeypatch.setattr(course, "isolation_lab", lambda *given: isolation_lab(*given, rounds=3))
    lesson = syllabus().lesson("08")
    cells = {cell.name: cell for cell in checked_source(lesson, LESSONS / f"{lesson.slug}.py")}
    names = {"course": course}
    for name in CELLS:
        exec("\n".join(cells[name].lines), names)
        if name == "three_tests":
            program.create_tables(names["database"])
    names["database"].dispose()
    assert names["lab"].leaks == {
        "no isolation": ("rows", "sequences", "settings", "advisory locks", "connections"),
        "drop and create": ("settings", "advisory locks", "connections"),
        "delete": ("sequences", "settings", "advisory locks", "connections"),
        "truncate": ("settings", "advisory locks", "connections"),
        "roll back": ("sequences", "advisory locks", "connections"),
        "copy a template": (),
        "take from a pool": (),
    }
    assert all(len(times) == 3 for times in names["lab"].times.values())


def test_a_picture_has_a_line_for_each_way(lab, truncate):
    lab.measure(truncate)
    left, right = lab.plot().axes
    assert [label.get_text() for label in left.get_yticklabels()] == ["no isolation", "truncate"]
    assert len(right.get_xticklabels()) == len(KINDS)


def test_nothing_can_be_drawn_before_something_was_measured(lab):
    with pytest.raises(LabError, match="measured nothing yet"):
        lab.plot()


def test_an_interrupted_lab_keeps_what_was_measured(lab, truncate, capsys):
    def interrupted():
        raise KeyboardInterrupt
        yield

    with pytest.raises(LabStoppedError, match="What was measured stays") as caught:
        lab.measure(truncate, interrupted)
    assert caught.value._render_traceback_() == [str(caught.value)]
    assert "stopped after 2 of 3" in capsys.readouterr().out
    assert list(lab.times) == list(lab.leaks) == ["no isolation", "truncate"]
    lab.measure(truncate)


def test_a_way_that_fails_is_told_and_the_others_are_measured(lab, engine, truncate, capsys):
    def waits_for_its_own_session():
        with Session(engine) as session:
            yield session
            session.execute(text("SELECT * FROM words"))
            with engine.begin() as db:
                db.execute(text("TRUNCATE words"))

    lab.measure(waits_for_its_own_session, truncate)
    assert "✗ waits for its own session is left out: OperationalError" in capsys.readouterr().out
    assert list(lab.times) == ["no isolation", "truncate"]


def test_the_lab_leaves_the_database_empty_and_nobody_connected(lab, engine, truncate):
    lab.measure(truncate)
    with engine.connect() as db:
        assert db.scalar(text("SELECT count(*) FROM words")) == 0
        others = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'left open by a test'"
        assert db.scalar(text(others)) == 0


def test_a_fixture_goes_on_after_its_yield_whatever_the_test_did():
    steps = []

    def way():
        steps.append("up")
        yield "session"
        steps.append("down")

    def test():
        with fixture(way) as session:
            steps.append(session)
            raise LookupError

    with pytest.raises(LookupError):
        test()
    assert steps == ["up", "session", "down"]
