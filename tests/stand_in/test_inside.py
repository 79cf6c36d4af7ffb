"""What does not run inside a container of the stand-in."""

from __future__ import annotations

import pytest
from testcontainers.community.postgres import PostgresContainer
from testcontainers.core.container import ExecConfig

from course.stand_in import StandInError, install, uninstall


@pytest.fixture(scope="module")
def container():
    install(always=True)
    with PostgresContainer("postgres:16") as started:
        yield started
    uninstall()


@pytest.mark.parametrize(
    ("command", "named"),
    [
        ("apt-get install curl", "apt-get"),
        ("env", "env"),
        ("rm -rf /var/lib/postgresql", "rm"),
        (["sh", "-c", "cat /tmp/x"], "cat"),
        (["sh", "-c", "psql -U test < /tmp/x.sql"], "'<'"),
        (["sh", "-c", "pg_dump -U test shop > /tmp/shop.sql"], "'>'"),
        (["sh", "-c", "psql -U test -c 'SELECT 1' | wc -l"], r"'\|'"),
        (["sh", "-c", 'psql -U "$POSTGRES_USER"'], r"'\$'"),
        (["bash", "-c", "psql -U test; reboot"], "';'"),
        (["bash", "-ec", "psql -U test\nreboot"], r"'\\n'"),
    ],
)
def test_a_program_or_a_script_that_a_container_would_run_is_refused_by_name(container, command, named):
    with pytest.raises(StandInError, match=f"no shell: .* not .*{named}") as caught:
        container.exec(command)
    assert "psql" in caught.value.next_step


def test_an_unreadable_script_and_no_command_at_all_are_said_to_be(container):
    with pytest.raises(StandInError, match="quot"):
        container.exec(["sh", "-c", "psql -c 'SELECT 1"])
    with pytest.raises(StandInError, match="no command"):
        container.exec([])


def test_nothing_of_the_course_is_in_a_program_s_environment(container, monkeypatch):
    monkeypatch.setenv("COURSE_RUN_SERVER", "postgresql://secret")
    shown = container.exec(["psql", "-U", "test", "-c", "\\! env"]).output.decode()
    assert "POSTGRES_USER=test" in shown
    assert "COURSE" not in shown
    assert "secret" not in shown


@pytest.mark.parametrize("asked", ["pause", "commit", "restart", "top", "wait", "kill"])
def test_what_only_docker_can_do_is_refused_with_the_containers_name(container, asked):
    wrapped = container.get_wrapped_container()
    with pytest.raises(StandInError, match=f"the container {wrapped.name}, and '{asked}'"):
        getattr(wrapped, asked)()


def test_what_exec_and_copies_cannot_do_is_refused(container, tmp_path):
    with pytest.raises(StandInError, match="'get_archive'"):
        container.copy_from_container("/tmp/x", tmp_path / "x")
    with pytest.raises(StandInError, match="workdir"):
        container.exec(ExecConfig("pg_isready", workdir="/tmp"))


@pytest.mark.parametrize("option", ["follow", "since", "stream", "timestamps", "until"])
def test_what_the_log_cannot_do_is_refused(container, option):
    with pytest.raises(StandInError, match=option):
        container.get_wrapped_container().logs(**{option: True})
