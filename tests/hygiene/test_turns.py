from __future__ import annotations

import sys
import threading
from contextlib import nullcontext

import psycopg
import pytest

from course.hygiene import baton as batons
from course.hygiene.baton import Baton
from course.hygiene.turns import Turns, middle_of, tracing
from course.services.embedded.postgres import Embedded


def three_statements():
    """Its docstring is no statement."""
    first = (
        1,
        2,
    )
    second = 2
    return first, second


def one_statement():
    return 1


def one_statement_that_holds_others():
    with nullcontext() as nothing:
        assert nothing is None
        return 1


@pytest.mark.parametrize(("test", "line"), [(three_statements, 6), (one_statement_that_holds_others, 3)])
def test_the_middle_of_a_test_is_the_first_line_of_its_second_half(test, line):
    code, found = middle_of(test)
    assert code is test.__code__
    assert found == code.co_firstlineno + line


@pytest.mark.parametrize("test", [one_statement, None, len, object()])
def test_what_has_one_statement_or_no_source_has_no_middle(test):
    assert middle_of(test) is None


def test_the_others_run_once_and_when_the_first_half_is_done():
    seen = []
    before = sys.gettrace()
    sys.settrace(tracing(*middle_of(one_statement_that_holds_others), lambda: seen.append(1)))
    try:
        one_statement()
        assert seen == []
        assert one_statement_that_holds_others() == 1
        assert one_statement_that_holds_others() == 1
    finally:
        sys.settrace(before)
    assert seen == [1]


def test_a_worker_that_is_gone_is_passed_over(tmp_path):
    baton = Baton(tmp_path, 3)
    baton.leave(1)
    baton.give(0)
    assert [baton.is_at(worker) for worker in range(3)] == [False, False, True]


def test_who_is_waited_for_by_the_one_whose_turn_it_is_goes_on_without(tmp_path, monkeypatch):
    monkeypatch.setattr(batons, "ASK_AFTER", 1)
    assert Baton(tmp_path, 2).wait(1, lambda: True) is False


def test_who_has_waited_long_enough_sets_all_free(tmp_path, monkeypatch):
    monkeypatch.setattr(batons, "GIVE_UP_AFTER", 2)
    baton = Baton(tmp_path, 2)
    assert baton.wait(1)
    assert baton.is_at(0)


@pytest.mark.slow
def test_a_worker_goes_on_where_another_one_waits_for_its_lock(tmp_path, monkeypatch):
    with Embedded().start() as server:
        address = server.url(driver=None)
        monkeypatch.setenv("COURSE_RUN_SERVER", address)
        baton = Baton(tmp_path, 2)
        turns = Turns(baton, 0)
        with psycopg.connect(address, autocommit=True) as other, psycopg.connect(address) as mine:
            other.execute("CREATE TABLE held ()")
            mine.execute("LOCK held")
            waiting = threading.Thread(target=other.execute, args=("SELECT FROM held",))
            waiting.start()
            baton.give(0)
            assert turns.wait() is False
            mine.rollback()
            waiting.join()
        turns.pytest_unconfigure()
