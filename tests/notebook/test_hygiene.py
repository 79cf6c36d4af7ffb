"""Boards of exercises whose suites are held to more than bugs, and lessons whose servers are killed."""

from __future__ import annotations

import re
import threading

import psutil
import pytest

pytestmark = pytest.mark.slow  # each of them starts programs

ADA = "{'name': 'Ada', 'email': 'ada@example.org', 'password': 'correct horse battery'}"
STAYS = (
    "%%exercise 8.1",
    "def test_a_user_is_created(client):",
    f"    user = client.post('/users', json={ADA}).json()",
    "    assert client.get(f\"/users/{user['id']}\").status_code == 200",
)
CONNECTS = (
    "%%exercise 9.1",
    "import asyncio, os",
    "import nats",
    "def test_a_broker_listens():",
    "    async def connect():",
    "        connection = await nats.connect(os.environ['NATS_URL'], connect_timeout=1, max_reconnect_attempts=1)",
    "        await connection.close()",
    "    assert asyncio.run(connect()) is None",
)


@pytest.fixture
def clean_up(lesson):
    """Lesson 08 has begun, with the conftest cell of lesson 06."""
    shared = lesson.session.conftests[""].source
    lesson.run("course.begin('08')")
    lesson.run("%%conftest", shared)
    return lesson


def test_a_suite_that_keeps_its_rules_solves_the_exercise(clean_up):
    said = clean_up.run(*STAYS)
    assert "solved" in said.text
    assert "✔ passes twice on one database" in said.text
    assert "passed in 3 random orders" in said.text


def test_a_suite_that_breaks_a_rule_has_a_row_that_says_what_was_seen(clean_up):
    keeps = clean_up.session.conftests[""].source.replace("    Base.metadata.drop_all(engine)\n", "")
    clean_up.run("%%conftest", keeps)
    clean_up.run(
        "from users_api.models import Base", "Base.metadata.drop_all(__import__('users_api.database').database.engine)"
    )
    said = clean_up.run(*STAYS)
    assert "✗ passes twice on one database" in said.text
    assert "the second time on one database, test_a_user_is_created fails" in said.text
    assert "not yet" in said.text
    assert clean_up.session.progress.solved() == frozenset()


def test_a_broker_that_was_killed_is_told_and_begin_heals_it(kernel):
    kernel.run("course.begin('09')")
    kernel.session.nats.stop()
    said = kernel.run(*CONNECTS)
    assert "NATS" in said.text
    assert "course.begin" in said.text
    kernel.run("course.begin('09')")
    assert "solved" in kernel.run(*CONNECTS).text


WAITS = (
    "import os, nats",
    "async def wait():",
    "    connection = await nats.connect(os.environ['NATS_URL'], allow_reconnect=False)",
    "    inbox = await connection.subscribe('silence')",
    "    await inbox.next_msg(timeout=60)",
)
IS_A_TEST = ("import pytest", "@pytest.mark.asyncio", "async def test_it(): await wait()")
SENTENCE = r"The NATS server \(embedded\) at 127\.0\.0\.1:\d+ answers no longer\. Run the cell with course\.begin again"


PLAIN, EXERCISE = (*WAITS, "await wait()"), ("%%exercise 9.1", *WAITS, *IS_A_TEST)


@pytest.mark.parametrize("cell", [PLAIN, EXERCISE], ids=["plain", "exercise"])
def test_a_broker_that_is_killed_while_a_consumer_waits_is_told_and_begin_heals_it(kernel, cell):
    kernel.run("course.begin('09')")
    threading.Timer(1, kill_the_broker, [kernel.session.nats.url]).start()
    said = kernel.run(*cell)
    assert re.search(SENTENCE, said.text)
    assert said.text.count("\n") < 8
    kernel.run("course.begin('09')")
    assert "solved" in kernel.run(*CONNECTS).text


def kill_the_broker(url):
    port = int(url.rpartition(":")[2])
    servers = [each for each in psutil.process_iter(["name"]) if each.info["name"].startswith("nats-server")]
    for server in servers:
        if port in {each.laddr.port for each in server.net_connections()}:
            server.kill()
