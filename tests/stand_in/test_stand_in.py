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
from testcontainers.core.container import DockerContainer, Reaper
from testcontainers.core.image import DockerImage
from testcontainers.core.network import Network
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

from course.services.cleanup import containers, registry
from course.services.providers.images import ImageMissingError
from course.stand_in import StandInError, install, installed, uninstall
from course.stand_in import client as client_module
from course.stand_in.container import StandInContainer


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
        import sys
        from course.stand_in import install
        install()
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


@pytest.fixture
def installed_ones():
    """Installed for one test, as a lesson does: they serve where Docker does not."""
    install()
    yield
    uninstall()


@pytest.mark.docker
@pytest.mark.slow
@pytest.mark.usefixtures("installed_ones")
def test_where_an_engine_answers_containers_are_dockers(docker_engine):
    with PostgresContainer("postgres:16") as postgres:
        assert not isinstance(postgres.get_wrapped_container(), StandInContainer)
        with psycopg.connect(postgres.get_connection_url(driver=None)) as connection:
            assert connection.execute("SELECT 42").fetchone() == (42,)


KILLED = """
from course.stand_in import install
install()
from testcontainers.community.postgres import PostgresContainer
print(PostgresContainer("postgres:16").start().get_wrapped_container().id, flush=True)
import time; time.sleep(60)
"""


@pytest.mark.docker
@pytest.mark.slow
def test_testcontainers_own_reaper_ends_the_containers_of_a_killed_process(docker_engine):
    """No test switches Ryuk off: its image is one of those that the course looks for."""
    environment = {**os.environ, "TESTCONTAINERS_RYUK_DISABLED": "false", "RYUK_RECONNECTION_TIMEOUT": "1s"}
    command = [sys.executable, "-c", KILLED]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        name = process.stdout.readline().strip()
        assert containers.ask(lambda client: client.containers.get(name).status, otherwise="") == "running"
        process.kill()
    until = time.monotonic() + 30
    while containers.ask(lambda client: client.containers.list(all=True, filters={"id": name}), otherwise=[]):
        assert time.monotonic() < until
        time.sleep(0.2)


@pytest.mark.slow
@pytest.mark.usefixtures("installed_ones", "fresh_images")
@pytest.mark.parametrize("here", [set(), {"postgres:16"}, {"testcontainers/ryuk:0.8.1"}])
def test_where_an_image_cannot_be_had_the_stand_in_serves_and_says_so_once(cannot_pull, caplog, here):
    cannot_pull.images |= here
    for _ in range(2):
        with PostgresContainer("postgres:16") as postgres:
            assert isinstance(postgres.get_wrapped_container(), StandInContainer)
    (said,) = [record.getMessage() for record in caplog.records if record.name.endswith(".choice")]
    lacking = "testcontainers/ryuk:0.8.1" if "postgres:16" in here else "postgres:16"
    assert said.startswith(f"Docker cannot fetch the image {lacking}: ")
    assert "no such host. The course's own servers stand in for it. Run `course prefetch`" in said
    assert len(cannot_pull.pulls) == 1


@pytest.mark.usefixtures("installed_ones", "fresh_images")
@pytest.mark.parametrize("why", ["manifest for postgres:99 not found: manifest unknown: manifest unknown"])
def test_a_tag_that_the_registry_does_not_have_is_told_and_not_stood_in_for(cannot_pull, why):
    cannot_pull.why = why
    with pytest.raises(ImageMissingError, match=r"postgres:99: .*manifest unknown. Look at its name and tag"):
        PostgresContainer("postgres:99").start()


@pytest.mark.usefixtures("installed_ones", "fresh_images")
def test_an_image_without_a_stand_in_that_cannot_be_had_is_told_in_a_sentence(cannot_pull):
    with pytest.raises(ImageMissingError, match=r"redis:7: .*no such host. Run `course prefetch`"):
        DockerContainer("redis:7").start()
    with pytest.raises(StandInError, match=r"rediss:7: .* Did you mean 'redis:7'\?"):
        DockerContainer("rediss:7").start()


@pytest.mark.docker
@pytest.mark.usefixtures("stand_ins")
def test_images_without_a_stand_in_come_from_docker_where_it_answers(docker_engine):
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


def left(pid: int) -> list[registry.Entry]:
    return [entry for entry in registry.entries() if entry.owner.pid == pid]


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
    registry.reap()
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
    registry.reap()
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
