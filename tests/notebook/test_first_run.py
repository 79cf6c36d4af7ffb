"""What the tests of a cell change in the kernel, and what they leave as it was."""

from __future__ import annotations

import socket

import pytest

from course.authoring.render import LESSONS
from course.authoring.suites import exercise_files
from course.syllabus import syllabus

pytestmark = pytest.mark.slow  # each of them starts programs

LESSON = syllabus().lesson("02")
GUARD = exercise_files(LESSON, LESSON.exercises[-1], LESSONS / f"{LESSON.slug}.py")["conftest.py"]
ENDS = {"passes": "pass", "fails": "assert False", "is interrupted": "raise KeyboardInterrupt"}


@pytest.fixture
def guarded(kernel):
    """A lesson has begun, and its conftest cell is the one with the guard of lesson 02."""
    kernel.session.begin(kernel.session.course.lesson("04"))
    said = kernel.run("%%conftest", GUARD)
    assert said.error is None, said.printed
    return kernel


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_a_guard_against_connections_ends_with_the_tests_of_a_cell_however_they_end(guarded, end):
    before = socket.socket.connect
    guarded.run("seen = []")
    guarded.run(
        "%%exercise 4.1",
        "import socket, sys",
        "def test_it():",
        "    sys.modules['__main__'].seen.append(socket.socket.connect.__name__)",
        f"    {end}",
    )
    assert guarded.shell.user_ns["seen"][:1] == ["guarded_connect"]
    assert socket.socket.connect == before
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()[:2]) as there:
        assert there.getpeername() == server.getsockname()


@pytest.mark.filterwarnings("ignore:A test tried")  # ours are errors, and this one would be raised in its place
def test_a_stub_server_answers_behind_the_guard_and_nobody_else_does(guarded):
    said = guarded.run(
        "%%exercise 4.1",
        "import pytest, pytest_socket",
        "from users_api.addresses import is_deliverable",
        "def test_a_stub_server(httpserver, set_neighbour):",
        "    set_neighbour(httpserver.url_for('/check'))",
        "    httpserver.expect_request('/check').respond_with_json({'deliverable': False})",
        "    assert not is_deliverable('ada@example.org')",
        "def test_somebody_else(set_neighbour):",
        "    set_neighbour('http://192.0.2.10/check')",
        "    with pytest.raises(pytest_socket.SocketConnectBlockedError):",
        "        is_deliverable('ada@example.org')",
    )
    assert "solved" in said.text, said.text


def test_fixtures_and_options_of_pytests_own_plugins_are_there_in_a_cell_and_print_nothing(kernel):
    kernel.session.begin(kernel.session.course.lesson("04"))
    kernel.run("seen = []")
    said = kernel.run(
        "%%exercise 4.1",
        "import sys",
        "def test_it(record_property, record_testsuite_property, cache, mocker, pytestconfig):",
        "    record_property('requirement', 'R1')",
        "    record_testsuite_property('suite', 'all')",
        "    cache.set('it/last', 1)",
        "    pytestconfig.get_terminal_writer().line('nowhere')",
        "    sys.modules['__main__'].seen.append(pytestconfig.getoption('verbose'))",
    )
    assert kernel.shell.user_ns["seen"][:1] == [0]
    assert not said.printed
    assert "nowhere" not in said.text
