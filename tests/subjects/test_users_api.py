"""What the engine's proofs do not show of `users_api`: SQLite, two workers on one URL, and its pure parts."""

from __future__ import annotations

import doctest
import gzip
import importlib
import os
import shutil
import subprocess
import sys
import tarfile
import tracemalloc
import zipfile
import zlib
from datetime import UTC, datetime, timedelta, timezone

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from fastapi.testclient import TestClient
from sqlalchemy import create_engine, func, select, text

from course.engine import load_subject
from course.services.providers.postgres import postgres

SUBJECT = load_subject("users_api")
ONLY_POSTGRESQL = [bug for bug in SUBJECT.bugs if bug.needs == "postgresql"]
MODULES = (
    "addresses",
    "settings",
    "models",
    "database",
    "emails",
    "passwords",
    "tokens",
    "schemas",
    "events",
    "users",
    "relay",
    "mailer",
    "archives",
    "export",
    "imports",
    "access",
    "routes",
    "main",
)


def forget_users_api():
    for name in [name for name in sys.modules if name.partition(".")[0] == "users_api"]:
        del sys.modules[name]


@pytest.fixture
def users_api(monkeypatch):
    """Import a module of the program as a run does: afresh, in its environment, on SQLite in memory."""
    forget_users_api()
    monkeypatch.syspath_prepend(SUBJECT.folder)
    for name, value in {**SUBJECT.environment, "DATABASE_URL": "sqlite://"}.items():
        monkeypatch.setenv(name, value)
    yield lambda name: importlib.import_module(f"users_api.{name}")
    forget_users_api()


@pytest.fixture
def pytest_on(tmp_path):
    """Run the reference suite in a process of its own on a database, with a bug or without."""

    def run(url, *options, bug=None):
        shutil.copytree(SUBJECT.folder / "users_api", tmp_path / "users_api")
        shutil.copytree(SUBJECT.folder / "reference_suite", tmp_path / "suite")
        if bug:
            bug.apply(tmp_path)
        environment = {**os.environ, **SUBJECT.environment, "DATABASE_URL": url, "PYTHONPATH": str(tmp_path)}
        loops = ("-o", "asyncio_default_fixture_loop_scope=function")  # pytest-asyncio warns where nobody says it
        command = [sys.executable, "-m", "pytest", "-q", "-W", "error", *loops, *options]
        return subprocess.run(
            command, cwd=tmp_path / "suite", env=environment, capture_output=True, text=True, check=False
        )

    return run


@pytest.mark.slow
@pytest.mark.parametrize("bug", ONLY_POSTGRESQL, ids=lambda bug: bug.id)
def test_sqlite_cannot_show_a_bug_that_needs_postgresql(pytest_on, bug):
    finished = pytest_on("sqlite://", bug=bug)
    assert finished.returncode == 0, finished.stdout


@pytest.mark.slow
def test_two_workers_share_one_database_url(pytest_on):
    with postgres() as server:
        finished = pytest_on(server.url(), "-n", "2")
    assert finished.returncode == 0, finished.stdout


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_the_docstrings_hold(users_api, name):
    assert doctest.testmod(users_api(name)).failed == 0


def test_the_application_serves_from_its_own_engine_on_sqlite(users_api):
    database = users_api("database")
    database.create_tables(database.engine)
    client = TestClient(users_api("main").app)
    ada = {"name": "Ada", "email": "ada@example.org", "password": "correct horse battery"}
    user = client.post("/users", json=ada).json()
    assert client.get("/users").json() == {"items": [user], "total": 1}
    database.engine.dispose()


def test_sqlite_deletes_the_logins_of_a_deleted_user(users_api):
    database, models, users = users_api("database"), users_api("models"), users_api("users")
    database.create_tables(database.engine)
    with database.new_session() as session:
        users.create_user(session, name="Ada", email="ada@example.org", password="correct horse battery")
        ada = users.log_in(session, "ADA@example.org", "correct horse battery")
        users.delete_user(session, ada.id)
        assert session.scalar(select(func.count()).select_from(models.Login)) == 0
    database.engine.dispose()


def test_the_migrations_make_the_tables_of_the_models(users_api):
    database, models = users_api("database"), users_api("models")
    constraints = text("""
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace AND conrelid <> 'alembic_version'::regclass""")
    with postgres() as server:
        engine = create_engine(server.url())
        database.migrate(engine)
        with engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_server_default": True})
            assert compare_metadata(context, models.Base.metadata) == []
            migrated = set(connection.execute(constraints))  # Alembic compares no CHECK
        models.Base.metadata.drop_all(engine)
        database.create_tables(engine)
        with engine.connect() as connection:
            assert set(connection.execute(constraints)) == migrated
        engine.dispose()


def test_a_second_migration_changes_nothing_on_sqlite_too(users_api):
    database, users = users_api("database"), users_api("users")
    database.migrate(database.engine)
    with database.new_session() as session:
        ada = users.create_user(session, name="Ada", email="ada@example.org", password="correct horse battery").id
        session.rollback()
        database.migrate(database.engine)
        assert users.get_user(session, ada).name == "Ada"
    database.engine.dispose()


def test_a_process_without_a_secret_makes_its_own(users_api):
    from_environment = users_api("settings").Settings.from_environment
    one, other = from_environment({}), from_environment({})
    assert one.secret != other.secret
    assert len(one.secret) >= 32
    assert one.secret not in repr(one)


@pytest.mark.parametrize(
    ("password", "good"),
    [
        ("ninechars", False),
        ("ten chars!", True),
        ("xy" * 64, True),
        ("xy" * 64 + "z", False),
        ("a" * 10, False),
        ("with a\nline", False),
        ("ADA@example.org ", False),
    ],
)
def test_a_password_is_good_enough_or_not(users_api, password, good):
    assert (users_api("passwords").password_problem(password, "ada@example.org") is None) is good


def test_a_token_ends_in_utc_wherever_it_was_made(users_api):
    india = timezone(timedelta(hours=5, minutes=30))
    end = users_api("tokens").expires_at(datetime(2030, 1, 1, 5, 0, tzinfo=india), minutes=45)
    assert (end, end.tzinfo) == (datetime(2030, 1, 1, 0, 15, tzinfo=UTC), UTC)


@pytest.mark.parametrize(
    ("issued_at", "minutes"),
    [
        (datetime(2030, 1, 1), 30),  # noqa: DTZ001 - a moment without a zone is what must be refused
        (datetime(2030, 1, 1, tzinfo=UTC), 0),
        (datetime(2030, 1, 1, tzinfo=UTC), -1),
    ],
)
def test_a_token_without_an_end_is_refused(users_api, issued_at, minutes):
    with pytest.raises(ValueError, match="A token"):
        users_api("tokens").expires_at(issued_at, minutes)


TEN_GIGABYTES = 10_000_000_000


def tar_of_zeros(path):
    entry = tarfile.TarInfo("users.csv")
    entry.size = TEN_GIGABYTES
    path.write_bytes(gzip.compress(entry.tobuf(tarfile.GNU_FORMAT)) + 1000 * gzip.compress(bytes(10_000_000)))


def zip_of_zeros(path):
    """Pack ten megabytes, and write them a thousand times: zipfile would need a minute."""
    deflate = zlib.compressobj(wbits=-15)
    zeros = deflate.compress(bytes(10_000_000)) + deflate.flush(zlib.Z_FULL_FLUSH)
    entry = zipfile.ZipInfo("users.csv")
    entry.compress_type, entry.file_size, entry.CRC = zipfile.ZIP_DEFLATED, TEN_GIGABYTES, 0
    entry.compress_size, entry.header_offset = 1000 * len(zeros), 0
    with path.open("wb") as file, zipfile.ZipFile(file, "w") as archive:
        file.write(entry.FileHeader(zip64=True) + 1000 * zeros)
        archive.start_dir = file.tell()
        archive.filelist.append(entry)
        archive._didModify = True  # else it writes no directory


def file_of_zeros(path):
    with path.open("wb") as file:
        file.truncate(TEN_GIGABYTES)


@pytest.mark.parametrize(
    ("name", "make", "why"),
    [
        ("users.tar.gz", tar_of_zeros, "more than 1,000,000 bytes"),
        ("users.zip", zip_of_zeros, "more than 1,000,000 bytes"),
        ("users.csv", file_of_zeros, "more than 1,000,000 bytes"),
        ("zeros.zip", file_of_zeros, "not a zip file"),
        ("zeros.tar.gz", file_of_zeros, "Not a gzipped file"),
    ],
)
def test_ten_gigabytes_of_zeros_are_refused_and_cost_neither_memory_nor_disk(users_api, tmp_path, name, make, why):
    make(tmp_path / name)
    imports, database = users_api("imports"), users_api("database")
    with database.new_session() as session:
        tracemalloc.start()
        with pytest.raises(imports.UnreadableFileError, match=why):
            imports.import_users(session, tmp_path / name)
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
        tracemalloc.stop()
    assert [path.name for path in tmp_path.iterdir()] == [name]
    database.engine.dispose()
