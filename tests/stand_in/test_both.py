"""What a postgres container does, with Docker and without: one test for both tells that the stand-in is right."""

from __future__ import annotations

import logging
import re
import time
from pathlib import Path

import psycopg
import pytest
from docker.errors import DockerException
from testcontainers.community.postgres import PostgresContainer
from testcontainers.core.container import DockerContainer, ExecConfig
from testcontainers.core.wait_strategies import ExecWaitStrategy, LogMessageWaitStrategy, PortWaitStrategy

from course.services.embedded import cluster
from course.services.server import free_port
from course.stand_in import StandInError, collation, install, uninstall

IMAGE = "postgres:16"
READY = "database system is ready to accept connections"
WITH_AND_WITHOUT = ["stand-in", pytest.param("docker", marks=[pytest.mark.docker, pytest.mark.slow])]


@pytest.fixture(scope="module", params=WITH_AND_WITHOUT)
def engine(request):
    """Containers come from Docker, or from the stand-in."""
    uninstall()
    if request.param == "docker":
        request.getfixturevalue("docker_engine")
    else:
        install(always=True)
    yield request.param
    uninstall()


@pytest.fixture(scope="module")
def postgres(engine):
    """One container for all that leaves no traces in it."""
    with PostgresContainer(IMAGE, password="it's $HOME") as container:
        yield container


def ask(container: PostgresContainer, question: str) -> list[tuple[object, ...]]:
    login = {"user": container.username, "password": container.password, "dbname": container.dbname}
    port = container.get_exposed_port(5432)
    with psycopg.connect(host="localhost", port=port, autocommit=True, **login) as connection:
        cursor = connection.execute(question)
        return cursor.fetchall() if cursor.description else []


def start_up(container: DockerContainer) -> DockerContainer:
    return container.with_env("POSTGRES_PASSWORD", "test").with_exposed_ports(5432)


def until_ready(container: DockerContainer) -> int:
    """How often a container of the plain image turns a client away."""
    port, count = container.get_exposed_port(5432), 0
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            psycopg.connect(host="localhost", port=port, user="postgres", password="test", dbname="postgres").close()
        except psycopg.OperationalError:
            count += 1
            time.sleep(0.02)
        else:
            return count
    raise TimeoutError


def test_a_container_that_is_started_is_not_ready(engine):
    def refusals() -> int:
        with start_up(DockerContainer(IMAGE)) as container:
            container.reload()
            assert container.status == "running"
            return until_ready(container)

    # On a busy machine the stand-in's second server may be quicker than this process; hardly five times in a row
    assert any(refusals() for _ in range(5))


def test_a_wait_strategy_waits_for_what_is_ready(engine):
    strategy = ExecWaitStrategy(["pg_isready", "--host", "127.0.0.1"])
    with start_up(DockerContainer(IMAGE)).waiting_for(strategy.with_startup_timeout(30)) as container:
        assert until_ready(container) == 0


def test_the_first_server_tells_that_it_is_ready_on_stdout_and_the_second_on_stderr(postgres):
    out, err = (log.decode() for log in postgres.get_logs())
    assert (out.count(READY), err.count(READY)) == (1, 1)
    assert out.rstrip().endswith("PostgreSQL init process complete; ready for start up.")
    assert 'listening on IPv4 address "0.0.0.0", port 5432' in err
    assert re.search(r'listening on Unix socket "/[\w/]+/\.s\.PGSQL\.5432"', err)
    assert "IPv4" not in out
    assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} UTC \[\d+\] LOG:  starting PostgreSQL 16", err)


@pytest.mark.parametrize(
    "strategy",
    [
        LogMessageWaitStrategy(READY),
        LogMessageWaitStrategy(READY, predicate_streams_and=True),
        PortWaitStrategy(5432),
        ExecWaitStrategy(["pg_isready", "-U", "test"]),
    ],
    ids=["log", "both logs", "port", "exec"],
)
def test_wait_strategies_come_to_an_end(engine, strategy):
    strategy.with_poll_interval(0.05).with_startup_timeout(30)
    with PostgresContainer(IMAGE).waiting_for(strategy) as container:
        container.reload()
        assert container.status == "running"


def test_a_log_is_read_in_part(postgres):
    assert postgres.get_wrapped_container().logs(stdout=False, tail=1).count(b"\n") == 1


def test_what_goes_wrong_is_in_the_log(postgres):
    with pytest.raises(psycopg.errors.UndefinedColumn):
        ask(postgres, "SELECT nonsense")
    LogMessageWaitStrategy("nonsense").with_poll_interval(0.02).wait_until_ready(postgres)


def test_text_is_sorted_as_people_do_or_the_difference_is_told_once(engine, caplog):
    collation.tell.cache_clear()
    with caplog.at_level(logging.WARNING, collation.__name__):
        for _ in range(2):
            with PostgresContainer(IMAGE) as container:
                rows = ask(container, "SELECT * FROM (VALUES ('banana'), ('Cherry'), ('apple')) AS t(x) ORDER BY x")
    told = [record for record in caplog.records if "sorts text by code" in record.getMessage()]
    alike = engine == "docker" or cluster.sorts_as_the_image()
    assert [name for (name,) in rows] == (["apple", "banana", "Cherry"] if alike else ["Cherry", "apple", "banana"])
    assert len(told) == (0 if alike else 1)


def test_a_container_is_a_database_that_belongs_to_the_user_of_its_name(postgres):
    rows = ask(postgres, "SELECT current_user, current_database(), rolsuper FROM pg_roles WHERE rolname = current_user")
    assert rows == [("test", "test", True)]
    assert ask(postgres, "SHOW max_connections") == [("100",)]
    assert ask(postgres, "SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_'") == [("test",)]


@pytest.mark.parametrize(
    "command",
    [
        "psql -U test -qtc 'SELECT 6 * 7'",
        "psql -hlocalhost -p5432 -U test -qtc 'SELECT 6 * 7'",
        "psql --host=127.0.0.1 --port 5432 --username test -qtc 'SELECT 6 * 7'",
        ["psql", "-U", "test", "-d", "test", "-qtc", "SELECT 6 * 7"],
        ["sh", "-c", "PGPASSWORD='wrong' psql --username test --host 127.0.0.1 -qtc 'SELECT 6 * 7;'"],
        ["bash", "-ec", 'psql -U test -qtc "SELECT 6 * 7;"'],
        ExecConfig("psql -qtc 'SELECT 6 * 7'", environment={"PGUSER": "test"}),
    ],
    ids=str,
)
def test_psql_reaches_the_containers_own_server_without_a_password(postgres, command):
    code, output = postgres.exec(command)
    assert (code, output.strip()) == (0, b"42")


@pytest.mark.parametrize("command", ["pg_isready", "pg_isready -hlocalhost -p5432 -Utest"])
def test_pg_isready_answers(postgres, command):
    code, output = postgres.exec(command)
    assert code == 0
    assert output.endswith(b":5432 - accepting connections\n")


def test_a_command_that_fails_tells_its_exit_code_and_its_words(postgres):
    assert postgres.exec("psql -U test -c 'SELECT nonsense'").exit_code == 1
    code, output = postgres.exec("psql -c 'SELECT 1'")  # without -U it is the user that runs it
    assert (code, output.split(b":  ")[-1]) == (2, b'role "root" does not exist\n')
    assert postgres.exec("psql -U test -h localhost -p 5433 -c 'SELECT 1'").exit_code == 2


def test_output_and_error_are_kept_apart_on_request(postgres):
    command = ["psql", "-U", "test", "-qtc", "SELECT 42", "-c", "SELECT nonsense"]
    out, err = postgres.get_wrapped_container().exec_run(command, demux=True).output
    assert out.strip() == b"42"
    assert err.startswith(b'ERROR:  column "nonsense" does not exist')
    done = postgres.get_wrapped_container().exec_run(["psql", "-U", "test", "-qtc", "SELECT 42"], demux=True)
    assert done.output[1] is None


def test_a_database_is_made_dumped_and_restored(postgres):
    assert postgres.exec("createdb -U test shop").exit_code == 0
    postgres.exec("psql -U test -d shop -c 'CREATE TABLE parts AS SELECT 42 AS id'")
    assert postgres.exec("pg_dump -U test --file=/tmp/shop.sql shop").exit_code == 0
    assert postgres.exec("createdb -U test copy").exit_code == 0
    assert postgres.exec("psql -U test -d copy -f /tmp/shop.sql").exit_code == 0
    assert postgres.exec("psql -U test -d copy -qtc 'TABLE parts'").output.strip() == b"42"
    assert not Path("/tmp/shop.sql").exists()


def test_files_that_are_copied_in_are_found_by_sql_and_by_psql(engine):
    with PostgresContainer(IMAGE) as container:
        container.copy_into_container(b"1,bolt\n2,nut\n", "/seeds/parts.csv")
        container.copy_into_container(b"COPY parts FROM '/seeds/parts.csv' CSV;", "/seeds/fill.sql")
        container.exec("psql -U test -c 'CREATE TABLE parts (id int, name text)'")
        for command in (
            ["-c", "COPY parts FROM '/seeds/parts.csv' CSV"],
            ["-c", "\\copy parts FROM '/seeds/parts.csv' CSV"],
            ["-c", "\\i /seeds/fill.sql"],
            ["-f", "/seeds/fill.sql"],
        ):
            code, output = container.exec(["psql", "-U", "test", *command])
            assert (code, output.strip()) == (0, b"COPY 2"), command
        assert ask(container, "SELECT count(*) FROM parts") == [(8,)]


def test_scripts_of_the_start_find_their_files(engine, tmp_path):
    (tmp_path / "1_schema.sql").write_text("CREATE TABLE parts (id int, name text);\nSELECT '/tmp/x' AS kept;\n")
    (tmp_path / "2_copy.sql").write_text("COPY parts (id, name)\n  FROM '/docker-entrypoint-initdb.d/parts.csv' CSV;\n")
    (tmp_path / "3_psql.sql").write_text(
        "\\copy parts from '/docker-entrypoint-initdb.d/parts.csv' csv\n\\i /docker-entrypoint-initdb.d/more/rows.sql\n"
    )
    (tmp_path / "parts.csv").write_text("1,bolt\n")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "rows.sql").write_text("INSERT INTO parts VALUES (2, 'copy from ''/x''');\n")
    (tmp_path / "README").write_text("not run")
    for path in (tmp_path, *tmp_path.rglob("*")):
        path.chmod(0o755)  # else the image's own user may not read them
    with PostgresContainer(IMAGE).with_volume_mapping(tmp_path, "/docker-entrypoint-initdb.d") as container:
        assert ask(container, "TABLE parts") == [(1, "bolt"), (1, "bolt"), (2, "copy from '/x'")]
        out = container.get_logs()[0].decode()
        assert "running /docker-entrypoint-initdb.d/2_copy.sql" in out
        assert "ignoring /docker-entrypoint-initdb.d/README" in out
        assert "/tmp/x" in out
        assert out.index("running") < out.index("received fast shutdown request")


def test_a_port_that_is_not_exposed_is_refused(postgres):
    with pytest.raises(ConnectionError, match="9999"):
        postgres.get_exposed_port(9999)


def test_a_host_port_can_be_chosen_and_may_be_taken(engine):
    port = free_port()
    with PostgresContainer(IMAGE).with_bind_ports(5432, port) as container:
        assert container.get_exposed_port(5432) == port
        second = PostgresContainer(IMAGE).with_bind_ports(5432, port)
        with pytest.raises(Exception, match=f"(?s){port}.*(already allocated|taken)"):
            second.start()
        second.stop()


def test_a_name_belongs_to_one_container_until_that_is_removed(engine):
    name = f"course-test-{free_port()}"
    second = PostgresContainer(IMAGE).with_name(name)
    with PostgresContainer(IMAGE).with_name(name) as first:
        assert first.get_wrapped_container().name == name
        with pytest.raises((StandInError, DockerException), match=f"{name}.*in use"):
            second.start()
    with second as container:
        assert container.get_wrapped_container().name == name


def test_settings_of_the_server_are_taken_from_the_command(engine):
    command = "postgres -c max_connections=17 -c timezone=Asia/Tokyo --work_mem=9MB -c max_connections=18"
    with PostgresContainer(IMAGE).with_command(command).with_env("TZ", "Europe/Rome") as container:
        assert ask(container, "SHOW max_connections") == [("18",)]
        assert ask(container, "SHOW work_mem") == [("9MB",)]
        assert ask(container, "SHOW timezone") == [("Asia/Tokyo",)]


@pytest.mark.parametrize("password", ["'''''", 'p@$%25+0&%rd :/!=?"', "ü \\ $HOME `x`"])
def test_any_password_is_taken_and_no_other_one_gets_in(engine, password):
    with PostgresContainer(IMAGE, username="root", password=password) as container:
        assert ask(container, "SELECT current_user") == [("root",)]
        port = container.get_exposed_port(5432)
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(host="localhost", port=port, user="root", dbname="test", password="wrong")
