"""A learner's own PostgresContainer, without Docker."""

from __future__ import annotations

from contextlib import closing

import psycopg
import psycopg2
import pytest
import sqlalchemy
from docker.models.containers import Container
from testcontainers.community.postgres import PostgresContainer
from testcontainers.core.container import DockerContainer
from testcontainers.core.exceptions import ContainerStartException

from course.errors import CourseError
from course.stand_in import StandInError

pytestmark = pytest.mark.usefixtures("stand_ins")


def ask(url: str, question: str) -> list[tuple[object, ...]]:
    engine = sqlalchemy.create_engine(url)
    with engine.begin() as connection:
        result = connection.execute(sqlalchemy.text(question))
        rows = [tuple(row) for row in result] if result.returns_rows else []
    engine.dispose()
    return rows


@pytest.fixture
def postgres(stand_ins):
    with PostgresContainer("postgres:16") as container:
        yield container


def test_the_class_is_testcontainers_own():
    assert PostgresContainer.__module__ == "testcontainers.community.postgres"
    assert issubclass(PostgresContainer, DockerContainer)


def test_the_url_takes_a_host_and_a_driver(postgres):
    port = postgres.get_exposed_port(5432)
    assert postgres.get_container_host_ip() == "localhost"
    assert postgres.get_connection_url() == f"postgresql+psycopg2://test:test@localhost:{port}/test"
    assert postgres.get_connection_url(host="db.test", driver=None) == f"postgresql://test:test@db.test:{port}/test"
    assert ask(postgres.get_connection_url(driver="psycopg"), "SELECT 1") == [(1,)]


def test_the_environment_names_user_password_and_database(monkeypatch):
    monkeypatch.setenv("POSTGRES_USER", "ann")
    monkeypatch.setenv("POSTGRES_PASSWORD", "secret")
    monkeypatch.setenv("POSTGRES_DB", "shop")
    with PostgresContainer(driver="psycopg") as container:
        assert "+psycopg://ann:secret@" in container.get_connection_url()
        assert ask(container.get_connection_url(), "SELECT current_database()") == [("shop",)]


def test_the_parameter_of_old_is_refused_as_in_the_original():
    with pytest.raises(ValueError, match="username"):
        PostgresContainer(user="ann")


def test_two_at_once_have_names_passwords_ports_and_data_of_their_own():
    with (
        PostgresContainer("postgres:16", username="ann", password="a", dbname="shop") as one,
        PostgresContainer("postgres:16", port=5433, username="bob", password="b'b", dbname="store") as two,
    ):
        assert one.get_exposed_port(5432) != two.get_exposed_port(5433)
        ask(one.get_connection_url(), "CREATE SCHEMA only_here")
        assert ask(two.get_connection_url(), "SELECT 1 FROM pg_namespace WHERE nspname = 'only_here'") == []
        assert ask(two.get_connection_url(), "SELECT current_user") == [("bob",)]
        assert one.get_container_id() != two.get_container_id()


def test_before_the_start_and_after_the_stop_it_says_so():
    container = PostgresContainer("postgres:16")
    assert container.status == "not_started"
    with pytest.raises(ContainerStartException):
        container.get_connection_url()
    assert container.start() is container
    url = container.get_connection_url(driver=None)
    assert container.status == "running"
    assert container.stop() is None
    container.stop()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)
    with pytest.raises(StandInError, match="exited"):
        container.exec("psql -c 'select 1'")


def test_the_wrapped_container_is_dockers_own_class(postgres):
    wrapped = postgres.get_wrapped_container()
    assert isinstance(wrapped, Container)
    assert wrapped.status == "running"
    assert wrapped.id.startswith(wrapped.short_id)
    assert wrapped.ports["5432/tcp"][0]["HostPort"] == str(postgres.get_exposed_port(5432))
    assert postgres.get_container_info().Config.Image == "postgres:16"
    with pytest.raises(StandInError, match="needs one"):
        wrapped.commit()


@pytest.mark.parametrize("name", ["fill.sh", "rows.sql.gz"])
def test_a_script_that_needs_a_shell_is_refused_and_nothing_is_lost_in_silence(tmp_path, name):
    (tmp_path / name).write_text("psql -c '\\copy parts from /x.csv'")
    container = PostgresContainer("postgres:16").with_volume_mapping(tmp_path, "/docker-entrypoint-initdb.d")
    with pytest.raises(StandInError, match=rf"No shell runs here for /docker-entrypoint-initdb\.d/{name}.*\.sql file"):
        container.start()


def test_one_script_can_be_mounted_or_copied(tmp_path):
    script = tmp_path / "schema.sql"
    script.write_text("CREATE TABLE parts (id serial PRIMARY KEY, name text);")
    for container in (
        PostgresContainer("postgres:16").with_volume_mapping(str(script), f"/docker-entrypoint-initdb.d/{script.name}"),
        PostgresContainer("postgres:16", volumes=[(str(script), "/docker-entrypoint-initdb.d/x.sql", "ro")]),
        PostgresContainer("postgres:16").with_copy_into_container(script, "/docker-entrypoint-initdb.d/x.sql"),
    ):
        with container as postgres:
            assert ask(postgres.get_connection_url(), "SELECT count(*) FROM parts") == [(0,)]


def test_a_script_that_fails_ends_the_start_with_what_it_said(tmp_path):
    script = tmp_path / "broken.sql"
    script.write_text("SELECT 1;\nCREATE TABEL x;")
    container = PostgresContainer("postgres:16").with_volume_mapping(script, "/docker-entrypoint-initdb.d/broken.sql")
    with pytest.raises(StandInError, match=r"(?s)broken\.sql failed.*syntax error.*TABEL"):
        container.start()


@pytest.mark.parametrize("tag", ["12", "15", "9.5", "16.4-bookworm"])
def test_another_version_runs_on_16_and_the_log_says_so(tag, caplog):
    with PostgresContainer(f"postgres:{tag}") as container:
        url = container.get_connection_url(driver=None)
        with closing(psycopg2.connect(url)) as connection:
            assert connection.server_version // 10000 == 16
    told = [record for record in caplog.records if f"postgres:{tag} was asked for" in record.getMessage()]
    assert len(told) == (0 if tag.startswith("16") else 1)


def test_a_newer_version_runs_on_18(caplog):
    with PostgresContainer("postgres:18") as container:
        assert ask(container.get_connection_url(), "SHOW server_version_num")[0][0].startswith("18")
    assert "was asked for" not in caplog.text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda it: it.with_kwargs(network="web"), "network"),
        (lambda it: it.with_kwargs(entrypoint="bash"), "entrypoint"),
        (lambda it: it.with_kwargs(mem_limit="1g"), "mem_limit"),
        (lambda it: it.with_command("bash -c true"), "'bash'"),
        (lambda it: it.with_command("-c config_file=/x.conf"), "config_file"),
        (lambda it: it.with_env("POSTGRES_INITDB_ARGS", "--locale=tr_TR"), "INITDB_ARGS"),
        (lambda it: it.with_env("POSTGRES_PASSWORD_FILE", "/run/secret"), "PASSWORD_FILE"),
        (lambda it: it.with_volume_mapping(".", "/var/lib/postgresql/data"), "keeps no data"),
        (lambda it: it.with_volume_mapping("pgdata", "/x"), "no such file"),
        (lambda it: it.with_exposed_ports("53/udp"), "53/udp"),
    ],
)
def test_what_cannot_be_honoured_is_an_error_that_says_so(change, said):
    container = change(PostgresContainer("postgres:16"))
    with pytest.raises(StandInError, match=said) as caught:
        container.start()
    assert caught.value.next_step


def test_a_setting_that_the_server_refuses_is_told_in_its_words():
    with pytest.raises(CourseError, match="max_connections"):
        PostgresContainer("postgres:16", command="-c max_connections=many").start()
