"""An export, read as other programs read it."""

import csv
from datetime import datetime

import pytest
from users_api.export import write_users
from users_api.users import create_user

NAMES = ["Ada Lovelace", "Łukasz ☃", "Hopper, Grace", 'Grace "Amazing" Hopper', "two\nlines", "=1+1", ""]


@pytest.fixture
def users(session):
    return [
        create_user(session, name=name, email=f"{number}@example.org", password="correct horse battery")
        for number, name in enumerate(NAMES)
    ]


@pytest.fixture
def exported(tmp_path):
    """Export users, and return the rows that a reader of CSV finds."""

    def write_and_read(users):
        write_users(tmp_path / "users.csv", users)
        text = (tmp_path / "users.csv").read_bytes().decode("utf-8", errors="replace")
        return list(csv.reader(text.splitlines(keepends=True)))

    return write_and_read


def test_an_export_begins_with_the_names_of_the_fields(exported):
    assert exported([]) == [["id", "name", "email", "role", "created_at"]]


def test_a_row_holds_the_fields_of_a_user(users, exported):
    ada = users[0]
    *fields, created_at = exported([ada])[-1]
    assert fields == [str(ada.id), "Ada Lovelace", "0@example.org", "user"]
    assert datetime.fromisoformat(created_at) == ada.created_at


def test_every_name_comes_back_as_it_was(users, exported):
    assert [row[1] for row in exported(users)[1:]] == NAMES


def test_users_stand_in_the_order_given(users, exported):
    assert [row[2] for row in exported(users[::-1])[1:]] == [user.email for user in users[::-1]]


def test_an_export_takes_the_place_of_an_older_one(users, exported):
    exported(users)
    assert len(exported(users[:1])) == 2
