"""An export, read as other programs read it."""

import csv
import resource
import stat
import tarfile
import zipfile
from contextlib import contextmanager
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
        return rows((tmp_path / "users.csv").read_bytes())

    return write_and_read


def rows(content):
    text = content.decode("utf-8", errors="replace")
    return list(csv.reader(text.splitlines(keepends=True)))


@contextmanager
def full_disk():
    """No file of this process can grow: the way to fill a disk without filling it, as root too."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


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


@pytest.mark.parametrize("name", ["users.zip", "users.tar.gz"])
def test_an_archive_holds_one_csv_file(users, tmp_path, name):
    write_users(tmp_path / name, users)
    if name.endswith(".zip"):
        with zipfile.ZipFile(tmp_path / name) as archive:
            found = {member: archive.read(member) for member in archive.namelist()}
    else:
        with tarfile.open(tmp_path / name) as archive:
            found = {member.name: archive.extractfile(member).read() for member in archive}
    [(member, content)] = found.items()
    assert member.endswith(".csv")
    assert [row[1] for row in rows(content)[1:]] == NAMES


def test_only_its_owner_may_read_an_export(users, tmp_path):
    write_users(tmp_path / "users.csv", users)
    assert stat.S_IMODE((tmp_path / "users.csv").stat().st_mode) == 0o600


def test_an_export_on_a_full_disk_leaves_all_as_it_was(users, tmp_path):
    path = tmp_path / "users.csv"
    path.write_text("an older export")
    with full_disk(), pytest.raises(OSError):  # noqa: PT011 - its wording is the system's
        write_users(path, users)
    assert path.read_text() == "an older export"
    assert list(tmp_path.iterdir()) == [path]
