"""Boards of exercises whose suites are held to more than bugs, and lessons whose servers are killed."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow  # each of them starts programs

ADA = "{'name': 'Ada', 'email': 'ada@example.org', 'password': 'correct horse battery'}"
STAYS = (
    "%%exercise 6.3",
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
    "    asyncio.run(connect())",
)


def test_a_suite_that_keeps_its_rules_solves_the_exercise(lesson):
    said = lesson.run(*STAYS)
    assert "solved" in said.text
    assert "✔ passes twice on one database" in said.text
    assert "passed in 3 random orders" in said.text


def test_a_suite_that_breaks_a_rule_has_a_row_that_says_what_was_seen(lesson):
    keeps = lesson.session.conftests[""].source.replace("    Base.metadata.drop_all(engine)\n", "")
    lesson.run("%%conftest", keeps)
    lesson.run(
        "from users_api.models import Base", "Base.metadata.drop_all(__import__('users_api.database').database.engine)"
    )
    said = lesson.run(*STAYS)
    assert "✗ passes twice on one database" in said.text
    assert "the second time on one database, test_a_user_is_created fails" in said.text
    assert "not yet" in said.text
    assert lesson.session.progress.solved() == frozenset()


def test_a_broker_that_was_killed_is_told_and_begin_heals_it(kernel):
    kernel.run("course.begin('09')")
    kernel.session.nats.stop()
    said = kernel.run(*CONNECTS)
    assert "NATS" in said.text
    assert "course.begin" in said.text
    kernel.run("course.begin('09')")
    assert "solved" in kernel.run(*CONNECTS).text
