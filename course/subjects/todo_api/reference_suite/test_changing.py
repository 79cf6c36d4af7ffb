"""Changing and deleting todos."""

from __future__ import annotations

from datetime import datetime

import pytest


@pytest.fixture
def rent(client):
    fields = {"notes": "by transfer", "done": True, "priority": "high", "due": "2026-05-01T09:00:00Z"}
    return client.post("/todos", {"title": "Pay rent"} | fields).json()


@pytest.fixture
def dog(client):
    return client.post("/todos", {"title": "Walk the dog"}).json()


def test_a_change_is_answered_with_its_time_and_kept(client, rent):
    answer = client.patch(f"/todos/{rent['id']}", title=" Pay the rent ", priority="low")

    assert answer.status_code == 200
    changed = answer.json()
    assert (changed["title"], changed["priority"]) == ("Pay the rent", "low")
    assert changed["created_at"] == rent["created_at"]
    assert datetime.fromisoformat(changed["updated_at"]) > datetime.fromisoformat(rent["updated_at"])
    assert client.get(f"/todos/{rent['id']}").json() == changed


def test_what_a_change_does_not_name_stays(client, rent, dog):
    path = f"/todos/{rent['id']}"

    assert client.patch(path).json() | {"updated_at": None} == rent | {"updated_at": None}
    assert client.patch(path, priority="low").json() | {"updated_at": None} == rent | {
        "priority": "low",
        "updated_at": None,
    }
    assert client.get(f"/todos/{dog['id']}").json() == dog


def test_each_field_can_be_taken_back_to_what_it_is_at_first(client, rent):
    changed = client.patch(f"/todos/{rent['id']}", notes=None, done=False, priority="normal", due=None).json()

    assert (changed["notes"], changed["priority"], changed["due"]) == (None, "normal", None)
    assert changed["done"] is False


def test_a_renamed_todo_is_found_and_guarded_by_its_new_title_alone(client, rent):
    client.patch(f"/todos/{rent['id']}", title="Feed the cat")

    assert (client.titles(search="rent"), client.titles(search="cat")) == ([], ["Feed the cat"])
    assert client.post("/todos", {"title": "feed the CAT"}).status_code == 409
    assert client.post("/todos", {"title": "Pay rent"}).status_code == 201


def test_a_todo_can_take_its_own_title_in_other_capitals_and_not_that_of_another(client, rent, dog):
    assert client.patch(f"/todos/{rent['id']}", title="PAY RENT").status_code == 200

    assert client.patch(f"/todos/{dog['id']}", notes="twice a day", title="pay rent").status_code == 409
    assert client.get(f"/todos/{dog['id']}").json() == dog


def test_a_deleted_todo_is_gone_and_the_others_stay(client, rent, dog):
    answer = client.delete(f"/todos/{rent['id']}")

    assert (answer.status_code, answer.content) == (204, b"")
    assert client.get(f"/todos/{rent['id']}").status_code == 404
    assert client.list() == {"items": [dog], "total": 1}


def test_the_title_of_a_deleted_todo_is_free_and_its_id_is_not(client, rent):
    client.delete(f"/todos/{rent['id']}")

    assert client.add("Pay rent")["id"] != rent["id"]
    assert client.add(f"Pay rent\n{rent['id']}")
