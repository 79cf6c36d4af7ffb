"""Installing and removing the stand-ins, and what ends with the process that made them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
from docker.errors import DockerException
from testcontainers.community.postgres import PostgresContainer
from testcontainers.core import container, docker_client
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer, Reaper
from testcontainers.core.image import DockerImage
from testcontainers.core.network import Network
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

from course.services.cleanup import registry
from course.services.stand_in import StandInError, install, installed, serve, uninstall
from course.services.stand_in import client as client_module


def run(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "default", "-c", script],
        env={**os.environ, "DOCKER_HOST": "unix:///nonexistent/docker.sock", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_installing_imports_neither_docker_nor_testcontainers():
    script = """
        import sys, time
        from course.services.stand_in import install
        begin = time.perf_counter()
        install()
        assert time.perf_counter() - begin < 0.05
        print([name for name in ("docker", "testcontainers", "psycopg") if name in sys.modules])
    """
    assert run("\n".join(line.strip() for line in script.splitlines())).stdout == "[]\n"


@pytest.mark.slow
@pytest.mark.parametrize("order", ["install(); from {0} import {1}", "from {0} import {1}; install()"])
@pytest.mark.parametrize("module", ["testcontainers.community.postgres", "testcontainers.postgres"])
def test_a_class_that_was_imported_before_or_after_is_stood_in_for(order, module):
    start = "from course.services.stand_in import install; " + order.format(module, "PostgresContainer")
    done = run(f"{start}\nwith PostgresContainer('postgres:16') as it: print(it.get_connection_url())")
    assert done.stdout.startswith("postgresql+psycopg2://test:test@localhost:"), done.stderr
    old = "testcontainers.postgres is deprecated" in done.stderr
    assert old == (module == "testcontainers.postgres")


@pytest.mark.usefixtures("no_engine")
def test_after_uninstalling_testcontainers_asks_docker_again():
    before = docker_client.DockerClient, container.DockerClient, Reaper.get_instance
    assert not serve()
    install()
    install()
    assert serve()
    assert PostgresContainer("postgres:16").get_docker_client().host() == "localhost"
    uninstall()
    uninstall()
    assert not installed()
    assert (docker_client.DockerClient, container.DockerClient, Reaper.get_instance) == before


@pytest.mark.docker
def test_where_an_engine_answers_containers_are_dockers(docker_engine):
    original = docker_client.DockerClient
    install()
    try:
        assert type(DockerContainer("postgres:16").get_docker_client()) is original
        install(always=True)
        assert type(DockerContainer("postgres:16").get_docker_client()) is not original
    finally:
        uninstall()


@pytest.mark.docker
@pytest.mark.usefixtures("stand_ins")
def test_images_without_a_stand_in_come_from_docker_where_it_answers(docker_engine, monkeypatch):
    monkeypatch.setattr(testcontainers_config, "ryuk_disabled", True)
    redis = DockerContainer("redis:7").with_exposed_ports(6379)
    with redis.waiting_for(LogMessageWaitStrategy("Ready to accept connections")) as container:
        assert container.get_exposed_port(6379) != 6379
        assert container.exec("redis-cli ping").output == b"PONG\n"


@pytest.mark.docker
@pytest.mark.usefixtures("stand_ins")
def test_a_client_without_stand_ins_speaks_for_docker(docker_engine):
    client, original = docker_client.DockerClient(), client_module.DockerClient()
    assert type(client) is not type(original)
    assert (client.host(), client.get_connection_mode()) == (original.host(), original.get_connection_mode())
    client.client.close()
    original.client.close()


@pytest.mark.usefixtures("no_engine", "stand_ins")
@pytest.mark.parametrize("image", ["redis:7", "pgvector/pgvector:pg16", "postgis/postgis:16-3.4", "my/postgres:16"])
def test_other_images_need_an_engine_and_the_error_says_so(image):
    container = DockerContainer(image)
    with pytest.raises(StandInError, match=f"{image}.*Docker engine is needed") as caught:
        container.start()
    assert isinstance(caught.value, DockerException)
    container.stop()


@pytest.mark.usefixtures("no_engine", "stand_ins")
def test_networks_and_builds_need_an_engine_and_the_error_says_so(tmp_path):
    with pytest.raises(StandInError, match="network"):
        Network().create()
    with pytest.raises(StandInError, match="build an image"):
        DockerImage(tmp_path).build()


def left(pid: int) -> list[registry.Entry]:
    return [entry for entry in registry.entries() if entry.owner.pid == pid]


FORGETS = """
from course.services.stand_in import install
install(always=True)
from testcontainers.community.postgres import PostgresContainer
container = PostgresContainer("postgres:16").start()
container.exec(["sh", "-c", "psql -U test -c 'select 1' > /tmp/x"])
import os; print(os.getpid(), container.get_connection_url(driver=None), flush=True)
"""


@pytest.mark.slow
def test_a_container_that_nobody_stops_ends_with_the_process():
    done = run(FORGETS)
    pid, url = done.stdout.split()
    assert not left(int(pid))
    assert not Path(f"/proc/{pid}").exists()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)


@pytest.mark.slow
def test_a_killed_process_leaves_nothing_behind():
    command = [sys.executable, "-c", f"{FORGETS}import time; time.sleep(60)"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        pid = int(process.stdout.readline().split()[0])
        folders = [entry.folder for entry in left(pid)]
        assert len(folders) == 2
        process.send_signal(signal.SIGKILL)
    registry.reap()
    end = time.monotonic() + 10
    while any(folder.exists() for folder in folders) and time.monotonic() < end:
        time.sleep(0.05)
    assert not [folder for folder in folders if folder.exists()]
    assert not left(pid)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.usefixtures("stand_ins")
def test_a_forked_copy_of_the_process_ends_nothing():
    script = (
        FORGETS
        + """
child = os.fork()
if child == 0:
    raise SystemExit
os.waitpid(child, 0)
print(container.exec("psql -U test -qtc 'select 42'").output.decode().strip())
container.stop()
"""
    )
    assert run(script).stdout.split()[-1] == "42"


@pytest.mark.slow
@pytest.mark.parametrize("plugin", ["course.services.stand_in", "course.services.stand_in.plugin"])
def test_pytest_takes_it_as_a_plugin(tmp_path, plugin):
    (tmp_path / "test_it.py").write_text(
        "from testcontainers.community.postgres import PostgresContainer\n"
        "def test_it():\n"
        "    with PostgresContainer('postgres:16') as postgres:\n"
        "        assert postgres.get_container_host_ip() == 'localhost'\n"
    )
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            plugin,
            "-p",
            "no:cacheprovider",
            str(tmp_path),
        ],
        env={**os.environ, "DOCKER_HOST": "unix:///nonexistent/docker.sock"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 passed" in done.stdout
