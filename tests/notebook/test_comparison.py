from __future__ import annotations

import pytest
from sqlalchemy import text

from course.errors import CourseError
from course.notebook import comparison
from course.notebook.comparison import QUESTIONS, Measured, compare, measure_way


def tables(engine):
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE things (id int)"))


def one_test(engine):
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO things VALUES (1)"))
        connection.execute(text("DELETE FROM things"))


def test_sqlite_starts_at_once_and_answers_few_questions_as_production_does():
    found = measure_way(None, one_test, tables)
    assert found.start == 0
    assert found.test > 0
    assert {name for name, is_right in found.answers.items() if is_right} == {"upsert"}


@pytest.mark.slow
def test_postgresql_answers_all_but_what_depends_on_its_collation():
    found = measure_way("embedded", one_test, tables)
    assert found.start > 0
    assert {name for name, is_right in found.answers.items() if not is_right} <= {"sorts a before B"}


def test_a_way_that_is_not_here_is_left_out_and_the_reason_is_told(kernel, monkeypatch):
    def measured(provider, *_):
        if provider == "container":
            raise CourseError("no Docker engine answers.", "Start it.")
        return Measured(1.26, 12.3, dict.fromkeys(QUESTIONS, provider is not None))

    monkeypatch.setattr(comparison, "measure_way", measured)
    kernel.shell.push({"one_test": one_test, "tables": tables})
    said = kernel.run("course.compare(one_test, tables)")
    assert said.error is None
    assert "Testcontainers is left out: no Docker engine answers." in said.pages[-1]
    assert "<script" not in said.pages[-1]
    assert "embedded: 1.3 s to start, 12.3 ms for a test, 9 of 9" in said.text
    assert "Testcontainers: ! no Docker engine answers." in said.text
    assert "not as production: JSONB, ILIKE" in said.text


def test_a_test_that_fails_is_the_learner_s(monkeypatch):
    monkeypatch.setattr(comparison, "WAYS", {"SQLite in memory": None})
    with pytest.raises(ZeroDivisionError):
        compare(lambda _: 1 / 0, tables)
