"""Imports of files that other programs made: odd ones, damaged ones and hostile ones."""

import gzip
import io
import tarfile
import tracemalloc
import zipfile
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from users_api.export import write_users
from users_api.imports import UnreadableFileError, import_users
from users_api.models import OutboxMessage, User
from users_api.users import EmailTakenError, WrongLoginError, create_user, delete_user, log_in

# Info-ZIP, GNU tar and 7-Zip made them, two of a folder as macOS leaves it; each holds GRACE
MADE_ELSEWHERE = sorted((Path(__file__).parent / "made_elsewhere").iterdir())
GRACE = "name,email\nGrace,grace@example.org\n"
BOMB = "name,email,note\n" + "".join(f"User,{number}@example.org,{' ' * 100_000}\n" for number in range(200))


@pytest.fixture
def names(database):
    """Return the names of all users, as another session sees them."""

    def read():
        with Session(database) as another:
            return list(another.scalars(select(User.name).order_by(User.id)))

    return read


@pytest.fixture
def add(session, tmp_path):
    """Import a file that holds this, and return how many users were added, or what refused them."""

    def write_and_import(content, name="users.csv"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return outcome(session, path)

    return write_and_import


def outcome(session, path):
    try:
        return import_users(session, path)
    except Exception as refusal:  # noqa: BLE001 - each test says which one is right
        return type(refusal)


def packed(name, members):
    """An archive that Python makes: names and contents."""
    made = io.BytesIO()
    if name.endswith(".zip"):
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
            for member, content in members.items():
                archive.writestr(member, content)
    else:
        with tarfile.open(fileobj=made, mode="w:gz") as archive:
            for member, content in members.items():
                info = tarfile.TarInfo(member)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content.encode()))
    return made.getvalue()


both = pytest.mark.parametrize("name", ["users.zip", "users.tar.gz"])


@contextmanager
def little_memory():
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", ["users.csv", "users.zip", "users.tar.gz"])
def test_an_export_can_be_imported(session, tmp_path, names, name):
    people = ["Łukasz", "Hopper, Grace", "two\nlines"]
    users = [
        create_user(session, name=person, email=f"{number}@example.org", password="correct horse battery", role="admin")
        for number, person in enumerate([*people, "who stays"])
    ]
    write_users(tmp_path / name, users[:3])
    for user in users[:3]:
        delete_user(session, user.id)
    assert import_users(session, tmp_path / name) == 3
    assert names() == ["who stays", *people]


@pytest.mark.parametrize(
    "content",
    [
        GRACE.encode("utf-8-sig"),
        GRACE.replace("\n", "\r\n"),
        GRACE.rstrip("\n"),
        '"email","shoes","name"\ngrace@example.org,38," Grace "\n',
    ],
    ids=["byte order mark", "CRLF", "no last line end", "other columns"],
)
def test_a_file_may_be_written_in_several_ways(add, names, content):
    assert add(content) == 1
    assert names() == ["Grace"]


def test_a_name_may_hold_a_line_break_and_letters_of_the_world(add, names):
    add('name,email\n"Łukasz\nŻak",l@example.org\n')
    assert names() == ["Łukasz\nŻak"]


def test_who_was_imported_has_signed_up_nowhere(add, session):
    add("name,email,role\nGrace,grace@example.org,admin\nAda,ada@example.org,user\n")
    assert [user.role for user in session.scalars(select(User).order_by(User.id))] == ["admin", "user"]
    assert session.scalar(select(func.count()).select_from(OutboxMessage)) == 0
    for password in ("", "correct horse battery"):
        with pytest.raises(WrongLoginError):
            log_in(session, "grace@example.org", password)


@pytest.mark.parametrize("path", MADE_ELSEWHERE, ids=lambda path: path.name)
def test_archives_of_other_programs_are_read(session, names, path):
    assert outcome(session, path) == 1
    assert names() == ["Grace"]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "Grace,grace@example.org\n",
        "name,email\nAda,ada@example.org\nGrace\n",
        "name,email\nAda,ada@example.org\nGrace,no address\n",
        "name,email,role\nAda,ada@example.org,user\nGrace,grace@example.org,boss\n",
        'name,email\nAda,ada@example.org\n"Grace,grace@example.org\n',
        "name,email\nZoë,zoe@example.org\n".encode("latin-1"),
        "name,email\nAda,ada@example.org\n".encode("utf-16"),
    ],
    ids=["empty", "no columns", "half a line", "no address", "no role", "no quote", "latin-1", "utf-16"],
)
def test_a_file_with_one_fault_adds_nobody(add, names, content):
    assert add(content) is UnreadableFileError
    assert names() == []


def test_an_address_that_is_taken_adds_nobody_and_leaves_the_session_usable(add, session, names):
    add(GRACE)
    assert add("name,email\nAda,ada@example.org\nEve,GRACE@example.org\n") is EmailTakenError
    assert names() == ["Grace"]
    create_user(session, name="Ada", email="ada@example.org", password="correct horse battery")


@both
@pytest.mark.parametrize("damage", ["cut in half", "end cut off", "one byte changed"])
def test_a_damaged_archive_adds_nobody(add, names, name, damage):
    whole = packed(name, {"users.csv": "name,email\n" + "".join(f"{n},{n}@example.org\n" for n in range(100))})
    half = len(whole) // 2 if name.endswith("gz") else len(whole) // 3  # in a zip the directory stands behind it
    damaged = {
        "cut in half": whole[:half],
        "end cut off": whole[:-5],
        "one byte changed": whole[:half] + bytes([whole[half] ^ 255]) + whole[half + 1 :],
    }[damage]
    assert add(damaged, name) is UnreadableFileError
    assert names() == []


@both
@pytest.mark.parametrize("count", [0, 2])
def test_an_archive_holds_one_csv_file_or_is_refused(add, names, name, count):
    members = {f"{number}.csv": GRACE for number in range(count)}
    assert add(packed(name, {"notes.txt": "", **members}), name) is UnreadableFileError
    assert names() == []


@both
def test_nothing_is_written_where_a_name_leads(add, tmp_path, monkeypatch, name):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))  # what is unpacked there by a wrong program stays in sight
    add(packed(name, {str(tmp_path / "planted.txt"): "", "../planted.txt": "", "users.csv": GRACE}), name)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["users.csv", "users.zip", "users.tar.gz"])
def test_a_bomb_is_refused_and_costs_little_memory(add, names, name):
    bomb = BOMB.encode() if name == "users.csv" else packed(name, {"users.csv": BOMB})
    with little_memory():
        assert add(bomb, name) is UnreadableFileError
    assert names() == []


def test_a_bomb_in_a_format_without_limits_costs_little_memory(add):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("users.csv", BOMB)
    with little_memory():
        assert add(made.getvalue(), "users.zip") is UnreadableFileError


def test_a_bomb_in_a_name_costs_little_memory(add):
    info = tarfile.TarInfo("users.csv")
    info.pax_headers = {"comment": " " * 20_000_000}
    bomb = gzip.compress(info.tobuf(tarfile.PAX_FORMAT), 1)
    with little_memory():
        assert add(bomb, "users.tar.gz") is UnreadableFileError
