"""The contract that every provider keeps."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time

import psycopg
import pytest
import sqlalchemy

from course.services.cleanup import containers, registry
from course.services.embedded.postgres import Embedded
from course.services.providers.container import Container
from course.services.providers.external import External
from course.services.providers.images import ImageMissingError
from course.services.providers.postgres import PROVIDERS, named, postgres
from course.services.server import answers

DOCKER = [pytest.mark.docker, pytest.mark.slow]
ALL = [
    pytest.param("embedded"),
    pytest.param("container", marks=DOCKER),
    pytest.param("compose", marks=DOCKER),
    pytest.param("external"),
]
OWNED = ALL[:3]  # those that the course starts and stops
OWNER = """
import sys
from course.services.providers.postgres import postgres
server = postgres({provider!r})
print(server.port, flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module", autouse=True)
def somebodys_server():
    """What COURSE_DATABASE_URL names."""
    with Embedded(user="somebody").start() as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_DATABASE_URL", server.url())
        yield server


@pytest.fixture(scope="module", params=ALL)
def server(request):
    need_docker(request, request.param)
    with named(request.param).start() as server:
        yield server


def need_docker(request, provider):
    if provider in {"container", "compose"}:
        request.getfixturevalue("docker_engine")


def ask(server, question, database="postgres"):
    with psycopg.connect(server.url(database, driver=None), autocommit=True) as connection:
        return connection.execute(question).fetchone()[0]


@contextlib.contextmanager
def database(server, name, template="template1"):
    with psycopg.connect(server.url(driver=None), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        yield server.url(name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_all_providers_are_under_contract():
    assert {parameter.values[0] for parameter in ALL} == set(PROVIDERS)


def test_it_is_ready_when_start_returns(server):
    assert ask(server, "SELECT version()").startswith(f"PostgreSQL {server.version}")


def test_it_tells_what_it_is(server):
    assert server.provider in server.sentence.lower()
    assert server.sentence.startswith(server.version)
    assert server.version.startswith("16.")
    assert 0 < server.seconds < 60


def test_it_is_alive(server):
    assert server.alive()
    server.require()


@pytest.mark.parametrize("driver", ["psycopg2", "psycopg"])
def test_its_url_suits_sqlalchemy(server, driver):
    engine = sqlalchemy.create_engine(server.url(driver=driver))
    with engine.connect() as connection:
        assert connection.scalar(sqlalchemy.text("SELECT 42")) == 42
    engine.dispose()


def test_it_asks_for_the_password(server):
    wrong = server.url(driver=None).replace(server.password, "wrong")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(wrong)


def test_its_password_is_not_printed(server):
    assert "password" not in repr(server)
    assert len(server.password) < 10 or server.password not in repr(server)


def test_databases_can_be_made_from_a_template_and_dropped(server):
    with database(server, "contract_template") as url, psycopg.connect(url.replace("+psycopg2", "")) as connection:
        connection.execute("CREATE TABLE users AS SELECT 'Ann' AS name")
        connection.commit()
        connection.close()
        with database(server, "contract_copy", template="contract_template"):
            assert ask(server, "SELECT name FROM users", "contract_copy") == "Ann"


def test_it_keeps_any_text(server):
    assert ask(server, "SELECT 'Zoë 🐘 ' || upper('é')") == "Zoë 🐘 É"


def test_it_takes_a_hundred_connections(server):
    assert int(ask(server, "SHOW max_connections")) >= 100


def test_its_clock_is_in_utc(server):
    assert ask(server, "SHOW timezone") in {"UTC", "Etc/UTC"}


@pytest.mark.parametrize("provider", OWNED)
def test_it_ends_when_stopped_and_is_then_forgotten(provider, request, own_notes):
    need_docker(request, provider)
    server = named(provider).start()
    assert len(registry.entries()) == 1
    server.stop()
    server.stop()
    assert not server.alive()
    assert registry.entries() == ()


@pytest.mark.parametrize("provider", OWNED)
def test_two_at_once_do_not_disturb_each_other(provider, request):
    need_docker(request, provider)
    with named(provider).start() as one, named(provider).start() as other:
        assert one.url() != other.url()
        with database(one, "only_here"):
            assert ask(other, "SELECT count(*) FROM pg_database WHERE datname = 'only_here'") == 0
        one.stop()
        assert other.alive()


@pytest.mark.slow
@pytest.mark.parametrize("provider", OWNED)
def test_nothing_is_left_of_it_when_its_owner_is_killed(provider, request, own_notes):
    need_docker(request, provider)
    with owner(provider) as process:
        port = int(process.stdout.readline())
        assert len(registry.entries()) == 1
        assert registry.reap() == ()
        process.kill()
        process.wait()
        registry.reap()
        assert registry.entries() == ()
        assert not anybody_at(port)


@pytest.mark.docker
@pytest.mark.slow
@pytest.mark.parametrize("provider", ["container", "compose"])
def test_what_a_dead_owner_left_in_docker_is_found_without_a_note(provider, docker_engine, own_notes):
    with owner(provider) as process:
        process.stdout.readline()
        (entry,) = registry.entries()
        name = entry.container or entry.project
        assert not any(name in found for found in containers.remove_orphaned())
        entry.path.unlink()
        process.kill()
        process.wait()
        assert any(name in found for found in containers.remove_orphaned())
    assert not any(name in line for line in docker("ps", "--all") + docker("network", "ls") + docker("volume", "ls"))


@pytest.mark.docker
def test_an_image_that_cannot_be_had_is_told_with_the_way_out(docker_engine, own_notes):
    with pytest.raises(ImageMissingError, match=r"Docker cannot fetch the image course-has-no-such-image:1: "):
        Container("course-has-no-such-image:1").start()
    assert registry.entries() == ()


def docker(*words):
    return subprocess.run(["docker", *words], capture_output=True, text=True, check=True).stdout.splitlines()


@contextlib.contextmanager
def owner(provider):
    """Another session, which has started a server."""
    words = [sys.executable, "-c", OWNER.format(provider=provider)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def anybody_at(port, seconds=5.0):
    """Whether somebody still takes calls there after a while."""
    end = time.monotonic() + seconds
    while answers("127.0.0.1", port) and time.monotonic() < end:
        time.sleep(0.05)
    return answers("127.0.0.1", port)


def test_an_external_server_is_left_running(somebodys_server):
    with External().start() as server:
        assert server.provider == "external"
    assert somebodys_server.alive()


def test_the_panel_is_told_that_docker_was_not_asked(monkeypatch):
    monkeypatch.delenv("COURSE_POSTGRES", raising=False)
    with postgres() as server:
        assert server.provider == "embedded"
        assert "COURSE_POSTGRES=container" in server.sentence


def test_the_variable_chooses_the_provider_and_an_argument_goes_before_it(monkeypatch):
    monkeypatch.setenv("COURSE_POSTGRES", "external")
    with postgres() as server:
        assert server.provider == "external"
    with postgres("embedded") as server:
        assert server.provider == "embedded"
