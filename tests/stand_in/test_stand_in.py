"""Installing and removing the stand-ins, and what ends with the process that made them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
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

from course.services import orphans
from course.stand_in import StandInError, install, installed, uninstall
from course.stand_in import client as client_module


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
        from course.stand_in import install
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
    start = "from course.stand_in import install; " + order.format(module, "PostgresContainer")
    done = run(f"{start}\nwith PostgresContainer('postgres:16') as it: print(it.get_connection_url())")
    assert done.stdout.startswith("postgresql+psycopg2://test:test@localhost:"), done.stderr
    old = "testcontainers.postgres is deprecated" in done.stderr
    assert old == (module == "testcontainers.postgres")


@pytest.mark.usefixtures("no_engine")
def test_after_uninstalling_testcontainers_asks_docker_again():
    uninstall()  # the plugin has installed them for this run of pytest
    before = docker_client.DockerClient, container.DockerClient, Reaper.get_instance
    install()
    install()
    assert PostgresContainer("postgres:16").get_docker_client().host() == "localhost"
    uninstall()
    uninstall()
    assert not installed()
    assert (docker_client.DockerClient, container.DockerClient, Reaper.get_instance) == before


@pytest.mark.docker
def test_where_an_engine_answers_containers_are_dockers(docker_engine):
    uninstall()  # the plugin has installed them for this run of pytest
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
    client, original = docker_client.DockerClient(), client_module.Original()
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
    with pytest.raises(StandInError, match="images"):
        DockerImage(tmp_path).build()


def left(pid: int) -> list[orphans.Entry]:
    return [entry for entry in orphans.entries() if entry.owner.pid == pid]


FORGETS = """
from course.stand_in import install
install(always=True)
from testcontainers.community.postgres import PostgresContainer
container = PostgresContainer("postgres:16").start()
container.exec("psql -U test -o /tmp/x -c 'select 1'")
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
    orphans.reap()
    end = time.monotonic() + 10
    while any(folder.exists() for folder in folders) and time.monotonic() < end:
        time.sleep(0.05)
    assert not [folder for folder in folders if folder.exists()]
    assert not left(pid)


IS_FILLED = """
from course.stand_in import install
install(always=True)
from testcontainers.community.postgres import PostgresContainer
container = PostgresContainer("postgres:16")
container.with_copy_into_container(b"SELECT pg_sleep(60)", "/docker-entrypoint-initdb.d/x.sql").start()
"""


def lives_in(folder: Path) -> list[psutil.Process]:
    return [each for each in psutil.process_iter(["cmdline"]) if str(folder) in " ".join(each.info["cmdline"] or ())]


@pytest.mark.slow
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
def test_a_process_that_ends_while_the_database_is_filled_leaves_nothing_behind(end):
    def server() -> Path | None:
        found = [entry.folder for entry in left(process.pid) if entry.kind == "postgres"]
        return next((folder for folder in found if (folder / "data" / "postmaster.pid").exists()), None)

    with subprocess.Popen([sys.executable, "-c", IS_FILLED], stderr=subprocess.DEVNULL) as process:
        until = time.monotonic() + 30
        while (folder := server()) is None and time.monotonic() < until:
            time.sleep(0.05)
        assert lives_in(folder)
        process.send_signal(end)
    orphans.reap()
    until = time.monotonic() + 20
    while (lives_in(folder) or folder.exists()) and time.monotonic() < until:
        time.sleep(0.05)
    assert not lives_in(folder)
    assert not folder.exists()
    assert not left(process.pid)


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


WAYS = {
    "at module level of a conftest": (
        "from testcontainers.community.postgres import PostgresContainer\n"
        "container = PostgresContainer('postgres:16').start()\n"
    ),
    "in pytest_configure": (
        "from testcontainers.community.postgres import PostgresContainer\n"
        "def pytest_configure():\n"
        "    global container\n"
        "    container = PostgresContainer('postgres:16').start()\n"
    ),
    "by a client imported by name": (
        "from testcontainers.core.docker_client import DockerClient\n"
        "environment = {'POSTGRES_PASSWORD': 'pw'}\n"
        "container = DockerClient().run('postgres:16', environment=environment, ports={'5432': None}, detach=True)\n"
    ),
}
LOADED = {
    "as an entry point": ({}, []),
    "as an entry point and by name": ({}, ["-p", "course.stand_in.plugin"]),
    "by name alone": ({"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}, ["-p", "course.stand_in.plugin"]),
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("way", "loaded"),
    [*((way, "as an entry point") for way in WAYS), *(("in pytest_configure", how) for how in LOADED)],
)
def test_under_plain_pytest_a_container_may_be_started(tmp_path, way, loaded):
    variables, options = LOADED[loaded]
    (tmp_path / "conftest.py").write_text(WAYS[way])
    (tmp_path / "test_it.py").write_text(
        "import conftest\n"
        "def test_it():\n"
        "    it = getattr(conftest.container, 'get_wrapped_container', lambda: conftest.container)()\n"
        "    it.reload()\n"
        "    assert it.status == 'running'\n"
        "    assert it.exec_run('pg_isready').exit_code == 0\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *options, "-p", "no:cacheprovider", str(tmp_path)],
        env={**os.environ, "DOCKER_HOST": "unix:///nonexistent/docker.sock", **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 passed" in done.stdout, done.stdout
