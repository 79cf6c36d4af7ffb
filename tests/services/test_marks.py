"""The course knows its own databases, and refuses all others."""

from __future__ import annotations

import psycopg
import pytest

from course.services import marks
from course.services.embedded import Embedded
from course.services.owners import Owner


@pytest.fixture(scope="module")
def connection():
    with (
        Embedded().start() as server,
        psycopg.connect(server.url(driver=None), autocommit=True) as connection,
    ):
        for name in ("ours", "theirs", "commented"):
            connection.execute(f"CREATE DATABASE {name}")
        connection.execute("COMMENT ON DATABASE commented IS 'course: we teach with this, do not touch'")
        marks.mark(connection, "ours", "template of 'users'; owner unknown")
        yield connection


def test_a_marked_database_is_ours(connection):
    assert marks.is_ours(connection, "ours")
    marks.refuse_unless_ours(connection, "ours")


def test_its_mark_tells_purpose_and_owner(connection):
    mark = marks.read(connection, "ours")
    assert mark.purpose == "template of 'users'; owner unknown"
    assert mark.owner.is_alive()
    assert str(mark.owner) == str(Owner.me())


@pytest.mark.parametrize("database", ["theirs", "commented", "postgres", "template1", "missing", "Ours", 'x"; DROP'])
def test_any_other_database_is_refused(connection, database):
    with pytest.raises(marks.ForeignDatabaseError, match="was not created by the course"):
        marks.refuse_unless_ours(connection, database)


def test_only_ours_are_listed(connection):
    assert list(marks.marked(connection)) == ["ours"]


def test_a_copy_of_a_marked_database_is_not_marked_by_itself(connection):
    connection.execute("CREATE DATABASE copied TEMPLATE ours")
    assert not marks.is_ours(connection, "copied")
