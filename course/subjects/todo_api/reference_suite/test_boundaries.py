"""Where the service meets clocks, alphabets, other requests and a database that fails."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta


def moment(value: str) -> datetime:
    return datetime.fromisoformat(value)


def test_a_due_date_comes_back_as_the_same_moment(client):
    due = "2026-03-29T02:30:00.250000+05:45"
    created = client.add("Call Kathmandu", due=due)

    read = client.get(f"/todos/{created['id']}").json()

    assert moment(read["due"]).utcoffset() is not None
    assert moment(read["due"]) == moment(created["due"]) == moment(due)


def test_times_are_right_wherever_the_server_stands(client, monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        todo = client.add("Sleep")
    finally:
        monkeypatch.undo()
        time.tzset()

    assert abs(moment(todo["created_at"]) - datetime.now(UTC)) < timedelta(minutes=1)


def test_text_comes_back_as_it_was_sent_and_is_measured_in_characters(client):
    title, notes = "Zażółć 🧵 日本".ljust(200, "ä"), "\u202eone\n\ttwo 👩‍👩‍👧 \\ ' \" %s".ljust(2_000, "é")
    todo = client.add(f"  {title}  ", notes=notes)

    read = client.get(f"/todos/{todo['id']}").json()

    assert (read["title"], read["notes"]) == (title, notes)


def test_of_two_that_take_one_title_at_once_one_is_refused(client, at_once):
    answers = at_once.create(
        lambda: client.post("/todos", {"title": "Sleep"}),
        lambda: client.post("/todos", {"title": "SLEEP"}),
    )

    assert sorted(answer.status_code for answer in answers) == [201, 409]
    assert client.list()["total"] == 1


def test_of_two_changes_at_once_none_is_lost(client, at_once):
    path = f"/todos/{client.add('Sleep')['id']}"

    answers = at_once.change(lambda: client.patch(path, notes="well"), lambda: client.patch(path, done=True))

    assert [answer.status_code for answer in answers] == [200, 200]
    kept = client.get(path).json()
    assert (kept["notes"], kept["done"]) == ("well", True)


def test_a_change_that_comes_after_a_deletion_finds_nothing(client, at_once):
    path = f"/todos/{client.add('Sleep')['id']}"

    answers = at_once.change(lambda: client.delete(path), lambda: client.patch(path, done=True))

    assert [answer.status_code for answer in answers] == [204, 404]


def test_a_failing_database_is_a_server_error_that_tells_nothing_of_the_inside(client, database_fails):
    client.add("Sleep")

    with database_fails():
        answer = client.get("/todos")

    assert answer.status_code == 500
    assert isinstance(answer.json()["detail"], str)
    assert "select" not in answer.text.lower()
    assert client.titles() == ["Sleep"]
