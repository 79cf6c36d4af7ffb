"""Creating todos, one and many."""

from __future__ import annotations

RENT = {
    "title": "Pay rent",
    "notes": "  by transfer\n",
    "done": True,
    "priority": "high",
    "due": "2026-05-01T09:00:00Z",
}


def test_a_new_todo_is_answered_and_there_for_the_next_request(client):
    answer = client.post("/todos", RENT)

    assert answer.status_code == 201
    todo = answer.json()
    assert todo.keys() >= RENT.keys() | {"id", "created_at", "updated_at"}
    assert (todo["title"], todo["notes"], todo["priority"]) == ("Pay rent", "  by transfer\n", "high")
    assert todo["done"] is True
    assert answer.headers.get("Location") == f"/todos/{todo['id']}"
    assert client.get(f"/todos/{todo['id']}").json() == todo
    assert client.list() == {"items": [todo], "total": 1}


def test_a_title_is_enough_and_space_around_it_is_trimmed(client):
    todo = client.add(" \t Pay the rent \n")

    assert (todo["title"], todo["notes"], todo["priority"], todo["due"]) == ("Pay the rent", None, "normal", None)
    assert todo["done"] is False
    assert todo["updated_at"] == todo["created_at"]


def test_many_come_back_in_the_order_in_which_they_were_sent(client):
    titles = ["Walk", "Eat", "Sleep", "Read"]

    answer = client.post("/todos/batch", [{"title": title} for title in titles])

    assert answer.status_code == 201
    assert [todo["title"] for todo in answer.json()] == titles
    assert sorted(client.titles()) == sorted(titles)


def test_of_many_either_all_are_created_or_none(client):
    client.add("Eat")
    taken, repeated, blank = ([{"title": "Walk"}, {"title": "Read"}, {"title": last}] for last in ("EAT", "read", ""))

    assert client.post("/todos/batch", taken).status_code == 409
    assert client.post("/todos/batch", repeated).status_code == 409
    assert client.post("/todos/batch", blank).status_code == 422
    assert client.titles() == ["Eat"]
