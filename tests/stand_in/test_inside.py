"""Commands and files inside a container of the stand-in."""

from __future__ import annotations

import pytest
from testcontainers.community.postgres import PostgresContainer
from testcontainers.core.container import ExecConfig

from course.stand_in import StandInError, install, uninstall


@pytest.fixture(scope="module")
def container():
    install(always=True)
    with PostgresContainer("postgres:16", password="it's $HOME") as started:
        yield started
    uninstall()


@pytest.mark.parametrize(
    "command",
    [
        "psql -U test -qtc 'SELECT 6 * 7'",
        "psql -hlocalhost -p5432 -U test -qtc 'SELECT 6 * 7'",
        "psql --host=127.0.0.1 --port 5432 --username test -qtc 'SELECT 6 * 7'",
        "psql postgresql://test@localhost:5432/test -qtc 'SELECT 6 * 7'",
        "psql 'host=localhost port=5432 user=test dbname=test' -qtc 'SELECT 6 * 7'",
        ["psql", "-U", "test", "-d", "test", "-qtc", "SELECT 6 * 7"],
        ["sh", "-c", "PGPASSWORD='wrong' psql --username test --host 127.0.0.1 -qtc 'SELECT 6 * 7;'"],
        ["bash", "-c", 'for n in 42; do psql -U "$POSTGRES_USER" -h localhost -qtc "SELECT $n"; done'],
        ["sh", "-ec", "psql -U test -qtc 'SELECT 42' | grep 42"],
        "env PGUSER=test psql -qtc 'SELECT 6 * 7'",
        ExecConfig("psql -qtc 'SELECT 6 * 7'", environment={"PGUSER": "test"}),
    ],
    ids=str,
)
def test_psql_reaches_the_containers_own_server_without_a_password(container, command):
    code, output = container.exec(command)
    assert (code, output.strip()) == (0, b"42")


@pytest.mark.parametrize("script", ["pg_isready", "pg_isready -hlocalhost -p5432 -Utest"])
def test_pg_isready_answers_as_in_a_container(container, script):
    code, output = container.exec(script)
    assert code == 0
    assert output.endswith(b":5432 - accepting connections\n")


def test_a_command_that_fails_tells_its_exit_code_and_its_words(container):
    assert container.exec("psql -U test -c 'SELECT nonsense'").exit_code == 1
    code, output = container.exec("psql -c 'SELECT 1'")  # without -U it is the user that runs it, as in the image
    assert (code, output.split(b":  ")[-1]) == (2, b'role "root" does not exist\n')
    assert container.exec(["sh", "-c", "echo $POSTGRES_DB; exit 3"]) == (3, b"test\n")
    assert container.exec(["sh", "-ec", "psql -U test -c 'SELECT nope'; echo never"]).output.endswith(b"^\n")


def test_a_port_on_which_nothing_listens_is_refused(container):
    assert container.exec("psql -U test -h localhost -p 5433 -c 'SELECT 1'").exit_code == 2


def test_databases_are_made_dumped_and_restored(container):
    assert container.exec("createdb -U test shop").exit_code == 0
    container.exec("psql -U test -d shop -c 'CREATE TABLE parts AS SELECT 42 AS id'")
    assert container.exec(["sh", "-c", "pg_dump -U test shop > /tmp/shop.sql && createdb -U test copy"]).exit_code == 0
    assert container.exec("psql -U test -d copy -f /tmp/shop.sql").exit_code == 0
    assert container.exec("psql -U test -d copy -qtc 'TABLE parts'").output.strip() == b"42"
    assert b"CREATE TABLE public.parts" in container.exec("cat /tmp/shop.sql").output


def test_files_have_the_paths_of_the_container(container):
    assert container.exec("pwd").output == b"/\n"
    assert container.exec(ExecConfig("pwd", workdir="/root")).output == b"/root\n"
    assert b"docker-entrypoint-initdb.d" in container.exec("ls /").output
    assert container.exec("cat /etc/nothing").output == b"cat: /etc/nothing: No such file or directory\n"


@pytest.mark.parametrize(
    ("command", "named"),
    [
        ("apt-get install curl", "apt-get"),
        ("rm -rf /var/lib/postgresql", "rm"),
        (["sh", "-c", "cd /tmp && rm x"], "rm"),
        (["sh", "-c", "echo `whoami`"], "whoami"),
        (["sh", "-c", "psql -U test -c 'SELECT 1' | mail ann"], "mail"),
        (["bash", "-c", "if true; then reboot; fi"], "reboot"),
        (["sh", "-c", "$EDITOR x"], "EDITOR"),
    ],
)
def test_a_program_that_a_container_would_have_and_this_has_not_is_named(container, command, named):
    with pytest.raises(StandInError, match=named) as caught:
        container.exec(command)
    assert "psql" in caught.value.next_step


def test_an_unreadable_script_and_no_command_at_all_are_said_to_be(container):
    with pytest.raises(StandInError, match="quot"):
        container.exec(["sh", "-c", "psql -c 'SELECT 1"])
    with pytest.raises(StandInError, match="no command"):
        container.exec([])


def test_a_script_that_is_longer_may_use_here_documents(container):
    script = "psql -U test -qt <<SQL\nSELECT 40 + 2;\nSQL\n"
    assert container.exec(["sh", "-c", script]).output.strip() == b"42"
