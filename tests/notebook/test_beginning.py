from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import time
from dataclasses import replace

import psycopg
import pytest

from course import stand_in
from course.notebook.beginning import overview
from course.notebook.kernel import prepare
from course.services.providers import images
from course.stand_in import collation


def test_begin_shows_what_runs_where_and_what_there_is_to_do(kernel):
    said = kernel.run('course.begin("06_test_an_api")')
    assert said.text.startswith("06 · Test an API  40 min · 2 exercises  0 of 2")
    assert "PostgreSQL: ● 16." in said.text
    assert "Docker was not asked: COURSE_POSTGRES=container uses it" in said.text
    assert "`from users_api.main import app`" in said.text
    assert "○ 6.1 A missing user is not found" in said.text
    assert len(said.pages) == 1
    assert "<script" not in said.pages[0]


def test_a_solved_exercise_has_a_tick(kernel):
    kernel.session.progress.ran("6.1", {}, solved=True)
    said = kernel.run('course.begin("06")')
    assert "✔ 6.1" in said.text
    assert "1 of 2" in said.text


@pytest.mark.parametrize("name", ["06", "6", "06_test_an_api", "06_test_an_api.ipynb"])
def test_a_lesson_has_several_names(kernel, name):
    assert kernel.run(f'course.begin("{name}")').error is None


def test_a_wrong_name_is_told_with_the_nearest(kernel):
    said = kernel.run('course.begin("06_tset_an_api")')
    assert said.printed == ('UnknownLessonError: There is no lesson "06_tset_an_api". Did you mean "06_test_an_api"?\n')


def test_the_program_is_imported_as_in_a_real_project(kernel):
    kernel.run('course.begin("06")')
    assert kernel.run("from users_api.main import app").error is None
    assert kernel.run("import users_api; assert 'subjects' not in users_api.__file__, users_api.__file__").error is None


def test_the_program_is_there_for_what_a_cell_starts(kernel, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/of/somebody")
    kernel.run('course.begin("06")', "import subprocess, sys")
    assert kernel.run("subprocess.check_call([sys.executable, '-c', 'import users_api'])").error is None
    assert os.environ["PYTHONPATH"].endswith(f"{os.pathsep}/of/somebody")
    kernel.session._leave_lesson()
    assert os.environ["PYTHONPATH"] == "/of/somebody"


def test_the_database_is_a_fresh_one_of_the_course(kernel, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://somebody:secret@production.example/customers")
    kernel.run('course.begin("06")')
    with psycopg.connect(os.environ["DATABASE_URL"].replace("+psycopg2", "")) as connection:
        name, tables = connection.execute(
            "SELECT current_database(), (SELECT count(*) FROM pg_tables WHERE schemaname = 'public')"
        ).fetchone()
    assert name.startswith("course_")
    assert tables == 0


def test_what_stood_in_database_url_is_never_connected_to(kernel, monkeypatch):
    with socket.socket() as trap:
        trap.bind(("127.0.0.1", 0))
        trap.listen()
        trap.settimeout(0.2)
        monkeypatch.setenv("DATABASE_URL", f"postgresql://a:b@127.0.0.1:{trap.getsockname()[1]}/c")
        kernel.run('course.begin("06")')
        kernel.run("from users_api.main import app")
        with pytest.raises(TimeoutError):
            trap.accept()


def test_a_lesson_without_postgresql_hides_it_too(kernel, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://somebody:secret@production.example/customers")
    said = kernel.run('course.begin("04")')
    assert os.environ["DATABASE_URL"] == "sqlite://"
    assert "Boards: ● run on a PostgreSQL of the course's own" in said.text


def test_the_kernel_gets_back_what_it_had(kernel, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://somebody:secret@production.example/customers")
    path = sys.path[:]
    kernel.run('course.begin("06")')
    kernel.session._leave_lesson()
    assert os.environ["DATABASE_URL"] == "postgresql://somebody:secret@production.example/customers"
    assert sys.path == path


@pytest.mark.parametrize(("before", "then"), [("a.example", "a.example,"), ("", "")])
def test_servers_on_this_machine_are_reached_without_a_proxy(kernel, monkeypatch, before, then):
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("NO_PROXY", before)
    kernel.run('course.begin("04")')
    assert os.environ["no_proxy"] == f"{then}localhost,127.0.0.1,::1"
    kernel.session._leave_lesson()
    assert os.environ["NO_PROXY"] == before


def test_another_lesson_gets_a_database_and_modules_of_its_own(kernel):
    kernel.run('course.begin("06")')
    kernel.run("import users_api.settings")
    first = os.environ["DATABASE_URL"]
    kernel.run('course.begin("04")')
    assert "users_api.settings" not in sys.modules
    kernel.run('course.begin("06")')
    assert os.environ["DATABASE_URL"] != first


def test_a_second_begin_leaves_everything_as_it_is_and_is_quick(kernel):
    kernel.run('course.begin("06")')
    kernel.run("from users_api.main import app")
    before, app = os.environ["DATABASE_URL"], kernel.shell.user_ns["app"]
    started = time.monotonic()
    kernel.run('course.begin("06")')
    assert time.monotonic() - started < 1
    kernel.run("from users_api.main import app")
    assert os.environ["DATABASE_URL"] == before
    assert kernel.shell.user_ns["app"] is app


def test_another_lesson_forgets_the_conftest(kernel):
    kernel.run('course.begin("06")')
    kernel.run("%%conftest", "x = 1")
    kernel.run('course.begin("04")')
    assert not kernel.session.conftests


def test_containers_run_without_docker(kernel):
    kernel.run('course.begin("06")')
    assert stand_in.installed()


def test_an_engine_that_lacks_images_is_told_with_what_happens_then(kernel, cannot_pull):
    lesson = replace(kernel.session.course.lesson("06"), services=("docker",))
    cannot_pull.images |= {"postgres:16", "nats:2", "nats:2-alpine"}
    said = str(overview(kernel.session, lesson))
    assert f"28.2.2 answers, without {images.reaper()[0]}" in said
    assert "where that fails, it runs on embedded PostgreSQL" in said
    cannot_pull.images |= set(images.wanted())
    assert "your containers run in it" in str(overview(kernel.session, lesson))


@pytest.mark.parametrize("sorts", [True, False])
def test_another_order_of_text_is_a_row_of_the_panel_and_no_warning_of_a_cell(kernel, cannot_pull, monkeypatch, sorts):
    monkeypatch.setattr("course.services.embedded.cluster.sorts_as_the_image", lambda: sorts)
    lesson = replace(kernel.session.course.lesson("06"), services=("docker",))
    shown = str(overview(kernel.session, lesson))
    assert shown.count("sudo localedef -i en_US -f UTF-8 en_US.UTF-8") == (0 if sorts else 1)
    cannot_pull.images |= set(images.wanted())
    assert "sorts text by code" not in str(overview(kernel.session, lesson))
    prepare(kernel.shell)
    assert not logging.getLogger(collation.__name__).isEnabledFor(logging.WARNING)


def test_planned_lessons_can_be_begun_and_have_no_exercises_to_show(kernel):
    lesson = replace(kernel.session.course.lesson("06"), exercises=())
    assert "To do" not in str(overview(kernel.session, lesson))


def test_import_course_loads_nothing_heavy():
    """Each name is loaded when it is first used; the benchmark has the figures."""
    code = "import sys, course; print(*{'sqlalchemy', 'pytest', 'matplotlib', 'testcontainers'} & set(sys.modules))"
    assert not subprocess.check_output([sys.executable, "-c", code]).split()


@pytest.mark.parametrize("name", ["quiz", "export", "caught", "brief", "hint"])
def test_what_needs_a_lesson_says_so_where_none_has_begun(kernel, name):
    assert "No lesson has begun in this kernel. Run the first cell" in kernel.run(f"course.{name}()").printed


def test_the_lesson_that_has_begun_is_meant_where_none_is_named(kernel):
    kernel.run("course.begin('06')")
    assert "What does 404 say?" in kernel.run("course.quiz()").text
    assert kernel.run("assert course.caught()['api'] == (0, 3)").error is None
    assert "users_api" in kernel.run("course.brief()").text


@pytest.mark.parametrize("call", ["course.begin()", "course.begin('06', 1)", "course.hint(id='6.1')"])
def test_a_call_with_other_arguments_is_no_fault_of_the_course(kernel, call):
    said = kernel.run(call).printed
    assert said.startswith("CallError:")
    assert "Call it as" in said


def test_a_lesson_in_preparation_is_told_with_the_next_one(kernel):
    said = kernel.run("course.begin('05')").printed
    assert said == (
        "InPreparationError: Lesson 05, Not yet written, is in preparation. "
        'The path goes on with 06: course.begin("06_test_an_api")\n'
    )


def test_the_panel_names_the_contract_of_the_program(kernel):
    assert '`course.brief("users_api")`' in kernel.run("course.begin('06')").text
