"""The pool on a real server: isolation, speed of hand-over, several users at once, and what is left after bad ends."""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import psycopg
import pytest

from course.services import databases
from course.services.pool.clones import PoolError, connect
from course.services.pool.pool import Database, DatabasePool
from course.services.providers.postgres import postgres
from course.services.server import ServerGoneError

pytestmark = pytest.mark.slow  # each of them starts programs; `make check` has the quick ones


@pytest.fixture(scope="module")
def server():
    with postgres("embedded") as server:
        yield server


@pytest.fixture
def admin(server):
    """A look from outside; after the test, the server must be as empty as before."""
    with connect(server) as connection:
        yield connection
        for name, label in databases.labels(connection).items():
            assert label.kind == "kept", f"{name} was left behind"
            databases.drop(connection, name)


@pytest.fixture
def pool(server, admin):
    with DatabasePool(server, build, name="users") as pool:
        yield pool


def build(url):
    with open_database(url) as connection:
        connection.execute("CREATE TABLE users (id serial PRIMARY KEY, name text)")
        connection.execute("INSERT INTO users (name) VALUES ('ann'), ('bob')")


def open_database(database):
    url = getattr(database, "url", database)
    return psycopg.connect(url.replace("+psycopg2", ""), autocommit=True)


def read(database):
    with open_database(database) as connection:
        rows = connection.execute("SELECT id, name FROM users ORDER BY id").fetchall()
        return rows, connection.execute("SELECT nextval('users_id_seq')").fetchone()[0]


def fail_in(database):
    with open_database(database) as connection:
        connection.execute("INSERT INTO users (name) VALUES ('the clue')")
        connection.execute("SELECT * FROM no_such_table")


CLEAN = ([(1, "ann"), (2, "bob")], 3)


def names(connection):
    return {name for name, _ in connection.execute("SELECT datname, 1 FROM pg_database WHERE datname ~ 'course'")}


def backends(connection):
    return {
        pid for (pid,) in connection.execute("SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'")
    }


def wait_until(what, seconds=20.0):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def test_each_database_begins_as_the_template(pool):
    first, second = pool.take(), pool.take()
    assert first.name != second.name
    assert read(first) == read(second) == CLEAN


def test_the_template_is_built_once(server, admin):
    built = []
    with DatabasePool(server, lambda url: built.append(url) or build(url), name="users") as pool:
        for _ in range(5):
            with pool.database() as database:
                assert read(database) == CLEAN
    assert len(built) == 1


def test_databases_are_ready_before_they_are_asked_for(server, admin):
    with DatabasePool(server, build, name="users", ahead=3) as pool:
        wait_until(lambda: all(future.done() for future in pool._ready))
        for _ in range(3):
            pool.take(patience=0)


def test_without_build_databases_are_empty(server, admin):
    with DatabasePool(server, name="empty") as pool, pool.database() as database, open_database(database) as connection:
        assert connection.execute("SELECT count(*) FROM pg_class WHERE oid >= 16384").fetchone() == (0,)
        connection.execute("CREATE TABLE mine ()")


def test_a_url_names_a_driver_and_a_dsn_does_not(pool):
    database = pool.take()
    assert database.url.startswith("postgresql+psycopg2://")
    assert database.dsn.startswith("postgresql://")
    with psycopg.connect(database.dsn) as connection:
        assert connection.info.dbname == database.name


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO users (name) VALUES ('eve')",
        "DELETE FROM users",
        "UPDATE users SET name = 'eve' WHERE id = 1",
        "TRUNCATE users RESTART IDENTITY",
        "DROP TABLE users",
        "CREATE TABLE more ()",
        "ALTER DATABASE {} SET timezone = 'Asia/Tokyo'",
        "ALTER DATABASE {} CONNECTION LIMIT 0",
    ],
)
def test_no_test_sees_what_another_did(pool, statement):
    for _ in range(5):
        database = pool.take()
        assert read(database) == CLEAN
        with open_database(database) as connection:
            assert connection.execute("SHOW timezone").fetchone() != ("Asia/Tokyo",)
            connection.execute(statement.replace("{}", database.name))
        pool.give_back(database)


def test_sessions_left_open_are_ended(pool):
    left = []
    for _ in range(6):
        database = pool.take()
        assert read(database) == CLEAN
        connection = open_database(database)
        connection.execute("BEGIN; LOCK TABLE users; INSERT INTO users (name) VALUES ('eve')")
        left.append(connection)
        pool.give_back(database)
    with pytest.raises(psycopg.OperationalError):
        left[0].execute("SELECT 1")
    for connection in left:
        connection.close()


def test_a_test_that_only_reads_gets_the_same_databases_again(pool):
    seen = set()
    for _ in range(12):
        with pool.database() as database, open_database(database) as connection:
            seen.add(database.name)
            assert connection.execute("SELECT id, name FROM users ORDER BY id").fetchall() == CLEAN[0]
    assert len(seen) < 6


def test_a_sequence_that_went_on_alone_is_set_back(pool):
    for _ in range(6):
        with pool.database() as database, open_database(database) as connection:
            connection.execute("BEGIN")
            assert connection.execute("SELECT nextval('users_id_seq')").fetchone() == (3,)
            connection.execute("ROLLBACK")


def test_a_failing_block_keeps_its_database_and_says_where(server, admin, capsys):
    with DatabasePool(server, build, name="users") as pool:
        with pytest.raises(psycopg.errors.UndefinedTable), pool.database() as database:
            fail_in(database)
        with pool.database():
            pass
    assert capsys.readouterr().out == f"The database of the failed test is kept: {database.dsn}\n"
    rows, _ = read(database)
    assert (3, "the clue") in rows
    assert names(admin) == {database.name}


def test_many_kept_databases_do_not_fill_the_disk(server, admin):
    with DatabasePool(server, build, name="users") as pool:
        kept = [pool.take() for _ in range(22)]
        for database in kept:
            pool.give_back(database, keep=True)
    assert names(admin) == {database.name for database in kept[2:]}


def test_the_url_of_a_kept_database_hides_the_password_of_somebody_s_own_server(server, admin, capsys):
    theirs = dataclasses.replace(server, provider="external")
    with DatabasePool(theirs, build, name="users") as pool:
        pool.give_back(pool.take(), keep=True)
    said = capsys.readouterr().out
    assert "is kept" in said
    assert server.password not in said


def test_many_threads_never_share_a_database(pool):
    in_use, both = set(), []

    def use(number):
        with pool.database() as database:
            if database.name in in_use:
                both.append(database.name)
            in_use.add(database.name)
            assert read(database) == CLEAN
            with open_database(database) as connection:
                connection.execute("INSERT INTO users (name) VALUES (%s)", [f"thread {number}"])
            in_use.remove(database.name)

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(use, range(40)))
    assert not both


def test_a_database_that_the_pool_did_not_hand_out_is_refused(pool, admin, server):
    admin.execute("CREATE DATABASE production")
    try:
        with pytest.raises(PoolError, match="has not handed out the database 'production'"):
            pool.give_back(Database("production", server.url("production")))
        assert admin.execute("SELECT 1 FROM pg_database WHERE datname = 'production'").fetchone()
    finally:
        admin.execute("DROP DATABASE production")


def test_a_database_is_given_back_once(pool):
    database = pool.take()
    pool.give_back(database)
    with pytest.raises(PoolError, match="has not handed out"):
        pool.give_back(database)


def test_a_database_that_lost_its_mark_is_left_alone(server, admin):
    pool = DatabasePool(server, build, name="users")
    database = pool.take()
    admin.execute(f"COMMENT ON DATABASE {database.name} IS 'mine now'")
    pool.close()
    assert names(admin) == {database.name}
    with pytest.raises(databases.ForeignDatabaseError):
        databases.drop(admin, database.name)
    admin.execute(f"DROP DATABASE {database.name} WITH (FORCE)")


def test_the_environment_s_database_is_never_asked(server, admin, monkeypatch):
    for name in ("DATABASE_URL", "PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGUSER", "PGOPTIONS"):
        monkeypatch.setenv(name, "203.0.113.1" if "HOST" in name else "1" if "PORT" in name else "postgresql://prod")
    with DatabasePool(server, name="empty") as pool:
        assert pool.take().name.startswith("course_empty_")


def test_a_build_that_fails_is_told_and_leaves_nothing(server, admin):
    def fail(url):
        build(url)
        raise ValueError("no such column")

    with pytest.raises(PoolError, match=r"could not be built \(ValueError: no such column\)"):
        DatabasePool(server, fail, name="users")
    assert not names(admin)


def test_a_build_may_leave_its_connection_open(server, admin):
    left = []

    def build_and_leave(url):
        build(url)
        left.append(open_database(url))

    with DatabasePool(server, build_and_leave, name="users") as pool:
        assert read(pool.take()) == CLEAN
    left[0].close()


def test_nothing_is_left_after_close(server, admin):
    pool = DatabasePool(server, build, name="users")
    used, _ = pool.take(), pool.take()
    session = open_database(used)
    pool.close()
    assert not names(admin)
    pool.close()
    with pytest.raises(PoolError, match="is closed"):
        pool.take()
    session.close()


def test_a_pool_that_nobody_has_any_longer_is_closed(server, admin):
    pool = DatabasePool(server, build, name="users")
    pool.take()
    del pool
    gc.collect()
    wait_until(lambda: not names(admin))


def test_a_role_that_is_no_superuser_gets_a_new_clone_each_time(server, admin):
    admin.execute("CREATE ROLE teacher LOGIN CREATEDB PASSWORD 'chalk'")
    theirs = dataclasses.replace(server, user="teacher", password="chalk", socket_dir=None)
    with DatabasePool(theirs, build, name="users") as pool:
        for _ in range(4):
            with pool.database() as database:
                assert read(database) == CLEAN
    admin.execute("DROP ROLE teacher")


def test_a_role_that_may_not_create_databases_is_told_so(server, admin):
    admin.execute("CREATE ROLE guest LOGIN PASSWORD 'guest'")
    theirs = dataclasses.replace(server, user="guest", password="guest", socket_dir=None)
    with pytest.raises(PoolError, match="CREATEDB"):
        DatabasePool(theirs, build, name="users")
    admin.execute("DROP ROLE guest")


def test_a_test_that_ends_all_sessions_of_the_server_does_not_end_the_pool(pool, admin):
    for _ in range(3):
        with pool.database() as database:
            assert read(database) == CLEAN
            admin.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_to_a_forked_process_its_parent_s_pool_is_closed_and_stays_unharmed(pool):
    mine = pool.take()
    context = multiprocessing.get_context("fork")
    answers = context.SimpleQueue()

    def child():
        try:
            pool.take()
        except PoolError as error:
            answers.put(str(error))
        pool.give_back(mine)
        pool.close()

    process = context.Process(target=child)
    process.start()
    assert "closed, or another process has made it" in answers.get()
    process.join(20)
    assert process.exitcode == 0
    pool.give_back(mine)
    for _ in range(5):
        with pool.database() as database:
            assert read(database) == CLEAN


SCRIPT = """
import os, signal, sys, time
from pathlib import Path
import psycopg
from course.services.pool.pool import DatabasePool
from course.services.server import Server

server = Server("external", {host!r}, {port!r}, {user!r}, {password!r}, "16", 0.0, "")
notes = Path({notes!r})

def build(url):
    with psycopg.connect(url.replace("+psycopg2", "")) as connection:
        connection.execute("CREATE TABLE users (id serial PRIMARY KEY, name text)")
        connection.execute("INSERT INTO users (name) VALUES ('ann'), ('bob')")
    (notes / f"built {{os.getpid()}}").touch()
"""


@pytest.fixture
def run(server, tmp_path):
    """Starts Python programs that use pools on the server, and ends them."""
    script = SCRIPT.format(
        host=server.host, port=server.port, user=server.user, password=server.password, notes=str(tmp_path)
    )
    with contextlib.ExitStack() as stack:

        def run(text):
            process = subprocess.Popen(
                [sys.executable, "-c", script + textwrap.dedent(text)], stdout=subprocess.PIPE, text=True
            )
            stack.callback(process.stdout.close)
            stack.callback(process.wait)
            stack.callback(process.kill)
            return process

        yield run


def test_the_next_pool_drops_what_a_killed_process_left(server, admin, run):
    killed = run("""
        pool = DatabasePool(server, build, name="killed")
        print(pool.take().name, flush=True)
        time.sleep(60)
        """)
    left = killed.stdout.readline().strip()
    living = DatabasePool(server, build, name="living")
    mine = living.take()
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    assert left in names(admin)
    with DatabasePool(server, name="next"):
        wait_until(lambda: not any("killed" in name for name in names(admin)))
        assert read(mine) == CLEAN
        for _ in range(3):
            assert read(living.take()) == CLEAN
    living.close()


@pytest.mark.slow
def test_a_process_that_is_killed_at_any_moment_leaves_nothing_that_is_not_found(server, admin, run):
    before = backends(admin)
    for delay in range(12):
        process = run("""
            print("begin", flush=True)
            pool = DatabasePool(server, build, name="killed", ahead=9)
            time.sleep(60)
            """)
        process.stdout.readline()
        time.sleep(delay * 0.02)
        process.kill()
        process.wait()
    wait_until(lambda: backends(admin) <= before)  # what the killed had asked for last may only begin now
    with DatabasePool(server, name="next"):
        wait_until(lambda: not any("killed" in name for name in names(admin)))


def test_a_server_that_is_killed_in_mid_use_is_one_clear_error():
    with postgres("embedded") as server:
        pool = DatabasePool(server, build, name="users")
        with pool.database():
            wait_until(lambda: all(future.done() for future in pool._ready))
            process = postmaster(server)
            sessions = process.children()
            process.kill()
            psutil.wait_procs([process, *sessions], timeout=20)
        begin = time.monotonic()
        for _ in range(2):
            with pytest.raises(ServerGoneError, match=r"answers no longer\..* starts a new one"):
                pool.take()
        pool.close()
        assert time.monotonic() - begin < 10
        with pytest.raises(ServerGoneError):
            DatabasePool(server, build, name="users")


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="processes cannot be stopped here")
def test_a_server_that_hangs_is_not_waited_for_for_ever():
    with postgres("embedded") as server:
        pool = DatabasePool(server, build, name="users", ahead=1)
        pool.take()
        wait_until(lambda: all(future.done() for future in pool._ready))
        pool.take()
        wait_until(lambda: all(future.done() for future in pool._ready))
        processes = [postmaster(server), *postmaster(server).children(recursive=True)]
        for process in processes:
            process.suspend()
        try:
            pool.take()
            with pytest.raises(PoolError, match="No database became ready within 1 s"):
                pool.take(patience=1)
        finally:
            for process in processes:
                process.resume()
        pool.close()


def postmaster(server):
    process = next(c.pid for c in psutil.net_connections("tcp") if c.laddr[1] == server.port and c.status == "LISTEN")
    return psutil.Process(process)


def test_the_fixtures_of_the_docstring_work_in_pytest(tmp_path):
    (tmp_path / "conftest.py").write_text(
        "import psycopg, pytest\nfrom course.services.pool.pool import DatabasePool\n"
        "from course.services.providers.postgres import postgres\n"
        "def create_tables(url):\n"
        "    with psycopg.connect(url.replace('+psycopg2', '')) as c: c.execute('CREATE TABLE users (name text)')\n"
        + textwrap.dedent(DatabasePool.__doc__.partition("```python")[2].partition("```")[0]),
    )
    (tmp_path / "test_it.py").write_text(
        textwrap.dedent("""
        import psycopg, pytest
        @pytest.mark.parametrize("number", range(6))
        def test_it(database_url, number):
            with psycopg.connect(database_url.replace("+psycopg2", "")) as connection:
                assert connection.execute("SELECT count(*) FROM users").fetchone() == (0,)
                connection.execute("INSERT INTO users VALUES ('eve')")
            assert number != 3
        """)
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, cwd=tmp_path)
    assert "1 failed, 5 passed" in done.stdout
    assert done.stdout.count("The database of the failed test is kept: postgresql://") == 1


def test_no_thread_is_left(server, admin):
    before = threading.active_count()
    with DatabasePool(server, build, name="users") as pool:
        pool.take()
    assert threading.active_count() == before
