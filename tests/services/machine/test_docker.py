"""What is found out about a Docker engine, with real sockets that behave as broken engines do."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import socket
import threading
import time
from contextlib import contextmanager, suppress

import pytest

from course.services.machine.docker import DockerUnavailableError, address, engine, reason
from course.services.providers.container import Container

DOCKER = b'{"Version": "28.2.2", "Components": [{"Name": "Engine", "Version": "28.2.2"}]}'
PODMAN = b'{"Version": "5.4.0", "Components": [{"Name": "Podman Engine", "Version": "5.4.0"}]}'


@pytest.fixture
def path(tmp_path, monkeypatch):
    """Where DOCKER_HOST says that the engine is."""
    path = tmp_path / "docker.sock"
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.delenv("DOCKER_TLS_VERIFY", raising=False)
    return path


@contextmanager
def listening(path, answer=None, *, closes=True):
    """A socket that answers as told, or takes calls and says nothing."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        if answer is not None:
            threading.Thread(target=serve, args=(server, answer, closes), daemon=True).start()
        yield


def serve(server, answer, closes):
    with suppress(OSError):  # nobody may call at all
        connection, _ = server.accept()
        with connection:
            connection.recv(1000)
            connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n" + answer)
            if not closes:
                time.sleep(2)


def test_an_engine_that_answers_tells_its_version(path):
    with listening(path, DOCKER):
        found = engine()
    assert (found.answers, found.version, found.why) == (True, "28.2.2", "")
    found.require("…")


def test_podman_in_dockers_place_answers_and_is_known(path):
    with listening(path, PODMAN):
        found = engine()
    assert (found.answers, found.version, found.why) == (True, "5.4.0", "podman")


def test_no_socket(path):
    found = engine()
    assert (found.answers, found.why) == (False, "no socket")
    assert "DOCKER_HOST points there" in found.next_step


def test_a_socket_whose_daemon_is_down(path):
    with listening(path):
        pass  # its file stays, as after a crash
    assert path.exists()
    assert (engine().answers, engine().why) == (False, "daemon down")


def test_a_socket_that_takes_calls_and_never_answers_costs_a_second(path):
    begin = time.monotonic()
    with listening(path):
        found = engine()
    assert (found.answers, found.why) == (False, "no answer")
    assert time.monotonic() - begin < 2


def test_an_answer_that_never_ends_costs_a_second(path):
    begin = time.monotonic()
    with listening(path, b"{", closes=False):
        found = engine()
    assert (found.answers, found.why) == (False, "no answer")
    assert time.monotonic() - begin < 2


def test_a_file_that_is_no_socket(path):
    path.write_text("")
    assert engine().why == "daemon down"


@pytest.mark.parametrize("answer", [b"hello", b"[]", b"{}", b""])
def test_something_else_behind_the_socket(path, answer):
    with listening(path, answer):
        assert engine().why == "not Docker"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may open any socket")
def test_a_socket_without_permission(path):
    with listening(path, DOCKER):
        path.chmod(0)
        assert engine().why == "no permission"


@pytest.mark.parametrize(
    ("number", "why"),
    [
        (errno.EACCES, "no permission"),
        (errno.EPERM, "no permission"),
        (errno.ENOENT, "no socket"),
        (errno.ENOTDIR, "no socket"),
        (errno.ECONNREFUSED, "daemon down"),
        (errno.ECONNRESET, "daemon down"),
        (errno.ETIMEDOUT, "no answer"),
    ],
)
def test_what_the_system_says_is_told_in_two_words(number, why):
    assert reason(OSError(number, os.strerror(number))) == why


def test_without_permission_the_next_step_is_the_group(path, monkeypatch):
    def refuse(*_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    found = engine()
    assert found.why == "no permission"
    assert "usermod -aG docker" in found.next_step


def test_podmans_own_socket_is_offered_where_docker_has_none(path, tmp_path):
    own = tmp_path / "run" / "podman" / "podman.sock"
    own.parent.mkdir(parents=True)
    with listening(own):
        found = engine()
    assert (found.answers, found.why) == (False, "podman")
    assert f"DOCKER_HOST=unix://{own}" in found.next_step


def test_an_address_on_the_network_that_nobody_holds(monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:9")
    assert engine().why == "daemon down"


def test_a_host_that_does_not_exist(monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "tcp://no-such-host.invalid:2375")
    assert engine().why == "unknown host"


@pytest.mark.parametrize("host", ["/var/run/docker.sock", "docker", "gopher://x", "tcp://localhost:port", "tcp://[::1"])
def test_an_address_that_is_none(monkeypatch, host):
    monkeypatch.setenv("DOCKER_HOST", host)
    assert engine().why == "unreadable address"


def test_the_context_in_use_counts(tmp_path, monkeypatch):
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.delenv("DOCKER_CONTEXT", raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    note = tmp_path / "contexts" / "meta" / hashlib.sha256(b"colima").hexdigest() / "meta.json"
    note.parent.mkdir(parents=True)
    note.write_text(json.dumps({"Endpoints": {"docker": {"Host": "unix:///home/ann/.colima/docker.sock"}}}))
    (tmp_path / "config.json").write_text(json.dumps({"currentContext": "colima"}))
    assert address() == "unix:///home/ann/.colima/docker.sock"


def test_a_broken_configuration_of_docker_is_not_our_concern(tmp_path, monkeypatch):
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    (tmp_path / "config.json").write_text("{")
    assert address().endswith(("docker.sock", "docker_engine"))


def test_the_container_provider_says_why_and_how_to_go_on(path):
    with listening(path):
        pass
    with pytest.raises(DockerUnavailableError) as error:
        Container().start()
    assert str(error.value).startswith(f"no Docker engine answers at unix://{path} (daemon down). ")
    assert "COURSE_POSTGRES=embedded" in str(error.value)
    assert error.value.engine.why == "daemon down"
