"""Boards of exercises whose suites are held to more than bugs, and lessons whose servers are killed."""

from __future__ import annotations

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
