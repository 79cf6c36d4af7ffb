"""A learner's own PostgresContainer, without Docker."""

from __future__ import annotations

import gzip
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import psycopg
import psycopg2
import pytest
import sqlalchemy
from docker.models.containers import Container
from testcontainers.community.postgres import PostgresContainer
from testcontainers.core.container import DockerContainer
from testcontainers.core.exceptions import ContainerStartException
from testcontainers.core.wait_strategies import ExecWaitStrategy, LogMessageWaitStrategy, PortWaitStrategy

from course.errors import CourseError
from course.services.server import free_port
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


def test_a_container_is_a_database_that_belongs_to_the_user_of_its_name(postgres):
    url = postgres.get_connection_url()
    rows = ask(url, "SELECT current_user, current_database(), rolsuper FROM pg_roles WHERE rolname = current_user")
    assert rows == [("test", "test", True)]
    assert ask(url, "SHOW max_connections") == [("100",)]
    assert ask(url, "SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_'") == [("test",)]


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


@pytest.mark.parametrize("password", ["'''''", 'p@$%25+0&%rd :/!=?"', "ü \\ $HOME `x`"])
def test_any_password_is_taken_and_no_other_one_gets_in(password):
    with PostgresContainer("postgres:16-alpine", username="root", password=password) as container:
        url = container.get_connection_url()
        assert f"root:{quote(password, safe=' +')}@" in url
        assert ask(url, "SELECT 1") == [(1,)]
        port = container.get_exposed_port(5432)
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(host="localhost", port=port, user="root", dbname="test", password="wrong")


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


def test_a_host_port_can_be_chosen():
    port = free_port()
    with PostgresContainer("postgres:16").with_bind_ports(5432, port) as container:
        assert container.get_exposed_port(5432) == port


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


def test_a_port_that_is_not_exposed_is_refused(postgres):
    with pytest.raises(ConnectionError, match="9999"):
        postgres.get_exposed_port(9999)


def test_the_log_says_when_it_is_ready_and_what_went_wrong(postgres):
    out, err = postgres.get_logs()
    assert b"init process complete" in out
    assert b"database system is ready to accept connections" in err
    with pytest.raises(sqlalchemy.exc.ProgrammingError):
        ask(postgres.get_connection_url(), "SELECT nonsense")
    LogMessageWaitStrategy("nonsense").with_poll_interval(0.02).wait_until_ready(postgres)


@pytest.mark.parametrize(
    "strategy",
    [
        LogMessageWaitStrategy("ready to accept connections"),
        PortWaitStrategy(5432),
        ExecWaitStrategy(["pg_isready", "-U", "test"]),
    ],
    ids=["log", "port", "exec"],
)
def test_wait_strategies_find_it_ready_at_once(strategy):
    with PostgresContainer("postgres:16").waiting_for(strategy.with_startup_timeout(5)) as container:
        assert container.status == "running"


def test_the_wrapped_container_is_dockers_own_class(postgres):
    wrapped = postgres.get_wrapped_container()
    assert isinstance(wrapped, Container)
    assert wrapped.status == "running"
    assert wrapped.id.startswith(wrapped.short_id)
    assert wrapped.ports["5432/tcp"][0]["HostPort"] == str(postgres.get_exposed_port(5432))
    assert postgres.get_container_info().Config.Image == "postgres:16"
    with pytest.raises(StandInError, match="needs one"):
        wrapped.commit()


def test_settings_of_the_server_are_taken_from_the_command():
    command = "postgres -c max_connections=17 -c timezone=Asia/Tokyo --work_mem=9MB -N 18"
    with PostgresContainer("postgres:16").with_command(command).with_env("TZ", "Europe/Rome") as container:
        url = container.get_connection_url()
        assert ask(url, "SHOW max_connections") == [("18",)]
        assert ask(url, "SHOW work_mem") == [("9MB",)]
        assert ask(url, "SHOW timezone") == [("Asia/Tokyo",)]


def test_scripts_in_the_init_folder_fill_the_database_in_the_order_of_their_names(tmp_path):
    (tmp_path / "1_schema.sql").write_text("CREATE TABLE parts (name text);")
    with gzip.open(tmp_path / "2_rows.sql.gz", "wt") as packed:
        packed.write("INSERT INTO parts VALUES ('bolt');")
    (tmp_path / "3_more.sh").write_text(
        'set -e\npsql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<-EOSQL\n'
        "\tINSERT INTO parts VALUES ('nut');\nEOSQL\n"
    )
    (tmp_path / "README").write_text("not run")
    with PostgresContainer("postgres:16").with_volume_mapping(tmp_path, "/docker-entrypoint-initdb.d") as container:
        assert ask(container.get_connection_url(), "SELECT name FROM parts") == [("bolt",), ("nut",)]
        assert b"README" in container.get_logs()[0]


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


def test_files_go_in_and_come_out(postgres, tmp_path):
    postgres.copy_into_container(b"CREATE TABLE parts (); SELECT 42;", "/seeds/parts.sql")
    assert b"42" in postgres.exec("psql -U test -f /seeds/parts.sql").output
    postgres.exec("mkdir /dumps")
    assert postgres.exec("pg_dump -U test --schema-only --file=/dumps/dump.sql test").exit_code == 0
    postgres.copy_from_container("/dumps/dump.sql", tmp_path / "dump.sql")
    assert "CREATE TABLE public.parts" in (tmp_path / "dump.sql").read_text()
    assert not Path("/dumps").exists()


@pytest.mark.parametrize("tag", ["12", "15", "9.5", "16.4-bookworm"])
def test_another_version_runs_on_16_and_the_log_says_so(tag, caplog):
    with PostgresContainer(f"postgres:{tag}") as container:
        url = container.get_connection_url(driver=None)
        with closing(psycopg2.connect(url)) as connection:
            assert connection.server_version // 10000 == 16
    assert [f"postgres:{tag} was asked for" in record.getMessage() for record in caplog.records] == (
        [] if tag.startswith("16") else [True]
    )


def test_a_newer_version_runs_on_18(caplog):
    with PostgresContainer("postgres:18") as container:
        assert ask(container.get_connection_url(), "SHOW server_version_num")[0][0].startswith("18")
    assert not caplog.records


def test_a_plain_docker_container_of_the_image_runs_as_well():
    with DockerContainer("postgres:16").with_env("POSTGRES_PASSWORD", "pw").with_exposed_ports(5432) as container:
        port = container.get_exposed_port(5432)
        with psycopg.connect(host="localhost", port=port, user="postgres", password="pw") as connection:
            assert connection.execute("SELECT current_database()").fetchone() == ("postgres",)


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
