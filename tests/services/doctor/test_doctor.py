"""The doctor tells what is here and what to do, in bounded time, whatever is broken."""

from __future__ import annotations

import io
import os
import socket
import subprocess
import sys
import time

import pytest
from rich.console import Console

from course.services.cleanup import registry
from course.services.doctor import examinations
from course.services.doctor.doctor import examine, run, table
from course.services.doctor.finding import Finding
from course.services.machine import node
from course.services.server import answers, free_port
from course.syllabus import syllabus

OWNER = """
import sys
from course.services.embedded.postgres import Embedded
server = Embedded().start()
print(server.port, flush=True)
sys.stdin.read()
"""

pytestmark = pytest.mark.usefixtures("own_notes")


@pytest.fixture
def plain(monkeypatch):
    """No choice of the tester's own."""
    for name in ("COURSE_POSTGRES", "COURSE_NATS", "DATABASE_URL", "COURSE_DATABASE_URL", "COURSE_NATS_URL"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def only(examination):
    (finding,) = examination()
    return finding


def test_it_looks_at_everything(plain):
    found = {finding.subject: finding for finding in examine()}
    assert [subject for subject in found if subject != "Images"] == list(examinations.ALL)
    assert found["Python"].state == "ok"
    assert found["PostgreSQL"].state == "ok"
    assert "16.14 embedded" in found["PostgreSQL"].here
    assert found["NATS"].state == "ok"


def test_whatever_is_no_good_has_advice(plain):
    plain.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    plain.setenv("COURSE_POSTGRES", "external")
    plain.setenv("COURSE_NATS", "external")
    plain.setenv("PATH", "/nowhere")
    plain.setattr(node, "WHEEL", "no_such_wheel")
    found = examine()
    assert [finding.subject for finding in found if finding.state != "ok" and not finding.advice] == []
    assert {"PostgreSQL", "NATS", "Docker", "Node"} <= {finding.subject for finding in found if finding.state != "ok"}


def test_what_hangs_is_told_and_not_waited_for():
    def hang():
        time.sleep(5)
        return []

    begin = time.monotonic()
    quick = Finding("Quick", "ok", "here")
    found = run({"Slow": hang, "Quick": lambda: [quick]}, seconds=0.3)
    assert time.monotonic() - begin < 2
    assert found[0].state == "problem"
    assert "did not answer within 0.3 s" in found[0].here
    assert found[1] == quick


def test_an_examination_that_fails_does_not_spoil_the_others():
    def fail():
        raise RuntimeError("no idea")

    broken, fine = run({"Broken": fail, "Fine": lambda: [Finding("Fine", "ok", "here")]}, seconds=5)
    assert "no idea" in broken.here
    assert fine.state == "ok"


def test_without_docker_every_lesson_still_runs(plain):
    plain.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    found = only(examinations.examine_docker)
    assert found.state == "note"
    assert "unix:///nowhere/docker.sock: no socket" in found.here
    assert "Every lesson runs without it" in found.advice


def test_a_provider_that_cannot_start_is_a_problem_with_a_next_step(plain):
    plain.setenv("COURSE_POSTGRES", "contianer")
    found = only(examinations.examine_postgres)
    assert found.state == "problem"
    assert 'Did you mean "container"?' in found.advice


def test_a_database_url_in_the_environment_is_told_to_be_left_alone(plain):
    plain.setenv("DATABASE_URL", "postgresql://production/customers")
    found = list(examinations.examine_postgres())[1]
    assert (found.subject, found.state) == ("DATABASE_URL", "ok")
    assert "never connects" in found.here
    assert "production" not in found.here + found.advice


def test_a_taken_port_is_told_with_who_holds_it(plain):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        plain.setattr(examinations, "_PORTS", {port: "PostgreSQL"})
        found = only(examinations.examine_ports)
    assert found.state == "note"
    assert f"{port} (PostgreSQL's) is taken" in found.here
    assert f"process {os.getpid()}" in found.here


def test_free_ports_are_told(plain):
    plain.setattr(examinations, "_PORTS", {free_port(): "PostgreSQL"})
    assert only(examinations.examine_ports).here.endswith("free")


def test_it_tells_what_the_lessons_of_the_path_run_on():
    found = only(examinations.examine_lessons)
    wanted = [lesson.number for lesson in syllabus().lessons if "postgresql" in lesson.services]
    assert f"PostgreSQL in {', '.join(wanted)}" in found.here


def test_a_full_disk_is_a_problem(plain):
    plain.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 100 << 20})())
    found = only(examinations.examine_disk)
    assert found.state == "problem"
    assert "0.1 GB free" in found.here


@pytest.mark.slow
def test_left_overs_of_a_dead_session_are_ended_and_told(own_notes):
    with subprocess.Popen([sys.executable, "-c", OWNER], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        port = int(process.stdout.readline())
        assert "1 in use" in only(examinations.examine_leftovers).here
        assert answers("127.0.0.1", port)
        process.kill()
        process.wait()
    assert "ended just now: postgres of process" in only(examinations.examine_leftovers).here
    assert registry.entries() == ()


def test_its_table_is_readable_in_a_narrow_terminal():
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(table([Finding("Docker", "note", "[/] does not answer", "Start it. " * 10)]))
    text = console.export_text()
    assert "Docker" in text
    assert "[/] does not answer" in text
    assert max(map(len, text.splitlines())) <= 80


def test_what_examinations_share_is_imported_before_they_run_side_by_side():
    program = (
        "import sys\n"
        "from course.services.doctor import doctor, examinations\n"
        "def look():\n"
        "    print('docker.errors' in sys.modules)\n"
        "    return []\n"
        "assert 'docker.errors' not in sys.modules\n"
        "examinations.ALL = {'Docker': look}\n"
        "doctor.examine()\n"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert said == "True\n"
