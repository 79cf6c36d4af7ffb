from __future__ import annotations

import ast
import gc

import pytest

from course.notebook.cell import Cell

WRONG_ENGINE = """%%conftest
import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session
from users_api.models import Base

@pytest.fixture
def db_session():
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        yield session
    engine.dispose()
"""
IN_A_THREAD = """%%exercise 4.1
from concurrent.futures import ThreadPoolExecutor
from users_api.users import list_users

def test_every_thread_sees_it(db_session):
    with ThreadPoolExecutor() as threads:
        assert threads.submit(list_users, db_session).result() == ([], 0)
"""


def test_no_garbage_is_collected_while_a_cell_is_parsed(monkeypatch):
    collecting, parse = [], ast.parse

    def note(*arguments):
        collecting.append(gc.isenabled())
        return parse(*arguments)

    monkeypatch.setattr(ast, "parse", note)
    cell = Cell("%%exercise 1.1", "x = 1", "test_1_1", "It")
    assert cell.tree
    assert cell.run().x == 1
    assert collecting == [False, False]
    assert gc.isenabled()


@pytest.mark.slow
def test_sessions_that_die_in_another_thread_write_no_tracebacks(kernel, caplog, capfd):
    kernel.run("course.begin('04')")
    kernel.run(WRONG_ENGINE)
    for _ in range(2):
        assert "no such table: users" in kernel.run(IN_A_THREAD).text
    gc.collect()
    assert "Exception during reset" not in caplog.text + capfd.readouterr().err
