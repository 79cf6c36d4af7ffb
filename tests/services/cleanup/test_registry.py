"""A dead owner leaves nothing behind, and a living one loses nothing."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from course.services.cleanup import registry
from course.services.cleanup.owner import Owner
from course.services.machine import folders
from course.services.server import answers

OWNER = """
import sys
from course.services.embedded.postgres import Embedded
server = Embedded().start()
print(server.port, server.socket_dir, flush=True)
{then}
sys.stdin.read()
"""
FORKS = """
import os, time
if os.fork() == 0:
    time.sleep(60)
"""


class Session:
    """Another process that has started a server."""

    def __init__(self, then=""):
        self.process = subprocess.Popen(
            [sys.executable, "-c", OWNER.format(then=then)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        port, folder = self.process.stdout.readline().split()
        self.port, self.folder = int(port), Path(folder)
        note = (self.folder / "data" / "postmaster.pid").read_text().splitlines()
        self.server, self.segment = psutil.Process(int(note[0])), note[6].split()[1]
        self.supervisor = self.server.parent()
        self.processes = [self.supervisor, self.server, *self.server.children()]

    def kill(self):
        self.process.kill()
        self.process.wait()

    def close(self):
        for process in [*self.process_tree(), *self.processes]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        folders.remove(self.folder)

    def process_tree(self):
        with contextlib.suppress(psutil.NoSuchProcess):
            return [*psutil.Process(self.process.pid).children(recursive=True), psutil.Process(self.process.pid)]
        return []

    def left(self):
        """All that is still there of it."""
        return [
            *(process for process in self.processes if is_alive(process)),
            *([self.folder] if self.folder.exists() else []),
            *([f"segment {self.segment}"] if self.segment in segments() else []),
            *([f"port {self.port}"] if answers("127.0.0.1", self.port) else []),
        ]

    def is_gone(self, seconds=10.0):
        end = time.monotonic() + seconds
        while (left := self.left()) and time.monotonic() < end:
            time.sleep(0.05)
        return not left


def is_alive(process):
    """Whether a process runs; it may end while it is asked."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def segments():
    """The numbers of the System V segments there are."""
    with contextlib.suppress(OSError):
        return {line.split()[1] for line in Path("/proc/sysvipc/shm").read_text().splitlines()[1:]}
    return set()


pytestmark = [pytest.mark.usefixtures("own_notes"), pytest.mark.slow]


@pytest.fixture
def session():
    session = Session()
    yield session
    session.close()


def test_a_killed_owner_takes_its_server_along_within_moments(session):
    session.kill()
    assert session.is_gone(5.0), session.left()


def test_ctrl_c_in_the_owner_leaves_its_server_alone(session):
    """A terminal sends the signal to the whole process group, which the server is not in."""
    assert os.getpgid(session.server.pid) != os.getpgid(session.process.pid)
    session.supervisor.send_signal(signal.SIGINT)
    time.sleep(0.2)
    assert answers("127.0.0.1", session.port)


def test_a_forked_copy_of_the_owner_does_not_keep_the_server_alive():
    session = Session(then=FORKS)
    try:
        session.kill()
        assert session.is_gone(5.0), session.left()
    finally:
        session.close()


def test_a_forked_copy_that_exits_does_not_end_the_server():
    session = Session(then="import os\npid = os.fork()\nif not pid: sys.exit()\nos.waitpid(pid, 0)\nprint(flush=True)")
    try:
        session.process.stdout.readline()
        assert answers("127.0.0.1", session.port)
        assert registry.entries()
    finally:
        session.close()


def test_an_owner_that_exits_takes_its_server_along(session):
    session.process.stdin.close()
    assert session.process.wait(10) == 0
    assert session.is_gone(), session.left()
    assert not registry.entries()


def test_with_owner_and_supervisor_killed_reap_ends_the_rest(session):
    session.supervisor.kill()
    session.kill()
    assert answers("127.0.0.1", session.port)
    reaped = registry.reap()
    assert [entry.folder for entry in reaped] == [session.folder]
    assert session.is_gone(), session.left()
    assert not registry.entries()


def test_with_everything_killed_reap_removes_folder_and_shared_memory(session):
    session.supervisor.kill()
    session.server.kill()
    session.kill()
    assert session.segment in segments()
    registry.reap()
    assert session.is_gone(), session.left()


def test_a_server_killed_in_mid_run_leaves_no_shared_memory_once_its_owner_ends(session):
    session.server.kill()
    session.kill()
    assert session.is_gone(), session.left()


def test_a_killed_supervisor_is_made_good_when_the_owner_ends(session):
    session.supervisor.kill()
    session.process.stdin.close()
    assert session.process.wait(10) == 0
    assert session.is_gone(), session.left()


def test_what_is_in_use_stays(session):
    assert registry.reap() == ()
    assert answers("127.0.0.1", session.port)
    assert [entry.folder for entry in registry.entries()] == [session.folder]


def test_the_death_of_one_owner_does_not_disturb_another(session):
    other = Session()
    try:
        other.supervisor.kill()
        other.kill()
        registry.reap()
        assert other.is_gone(), other.left()
        assert answers("127.0.0.1", session.port)
    finally:
        other.close()


def test_a_process_with_the_number_of_a_dead_owner_is_not_taken_for_it():
    me = Owner.me()
    assert me.is_alive()
    assert not dataclasses.replace(me, started=me.started - 1000).is_alive()
    assert not dataclasses.replace(me, boot="an earlier boot").is_alive()


def test_an_owner_on_another_machine_is_not_judged():
    assert Owner(1, 1.0, "another-machine", "boot").is_alive()


def test_an_owner_in_a_container_of_its_own_is_not_judged():
    assert dataclasses.replace(Owner.me(), pid=999999999, space="pid:[1]").is_alive()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system keeps the start time as a date")
def test_a_clock_that_is_set_does_not_make_a_living_owner_look_dead(monkeypatch):
    me = Owner.me()
    monkeypatch.setattr("psutil._pslinux.boot_time", lambda: 0.0)
    assert me.is_alive()


def test_an_owner_survives_being_written_down():
    assert str(Owner.parse(str(Owner.me()))) == str(Owner.me())


def test_notes_that_nobody_can_read_are_left_alone(tmp_path):
    place = folders.state() / "started"
    place.mkdir(parents=True)
    for number, text in enumerate(["", "{", "[]", '{"owner": 7}', '{"owner": "1/2"}']):
        (place / f"{number}.json").write_text(text)
    assert registry.reap() == ()
    assert len(list(place.iterdir())) == 5


def test_only_folders_of_the_course_are_removed(tmp_path):
    precious = tmp_path / "thesis"
    precious.mkdir()
    entry = registry.register("postgres", folder=precious)
    dead = entry.path.read_text().replace(f'"{os.getpid()}/', '"999999999/')
    entry.path.write_text(dead)
    registry.reap()
    assert precious.exists()
