"""Listing todos: filters, search, order and paging."""

from __future__ import annotations

import pytest


@pytest.fixture
def dishes(client):
    """Five todos that differ in all that one can filter and sort by."""
    dishes = [
        {"title": "banana bread", "priority": "low", "due": "2026-03-02T00:00:00Z"},
        {"title": "Apple pie", "priority": "high", "notes": "100% Butter"},
        {"title": "cherry cake", "priority": "normal", "due": "2026-03-01T23:30:00-01:00", "done": True},
        {"title": "Dates", "priority": "high", "due": "2026-03-01T12:00:00+02:00", "done": True},
        {"title": "eclair_1", "priority": "low"},
    ]
    return client.post("/todos/batch", dishes)


def test_filters_leave_what_matches_them_all(client, dishes):
    def found(**filters):
        page = client.list(**filters)
        return sorted(todo["title"] for todo in page["items"]), page["total"]

    assert found(done="false") == (["Apple pie", "banana bread", "eclair_1"], 3)
    assert found(done="true") == (["Dates", "cherry cake"], 2)
    assert found(priority="high") == (["Apple pie", "Dates"], 2)
    assert found(priority="high", done="true") == (["Dates"], 1)
    assert found(due_before="2026-03-02T01:00:00+01:00") == (["Dates"], 1)


def test_a_search_finds_its_text_in_titles_and_notes(client, dishes):
    expected = {"APPLE": ["Apple pie"], "butter": ["Apple pie"], "%": ["Apple pie"], "_": ["eclair_1"]}

    assert {search: client.titles(search=search) for search in expected} == expected
    assert client.list(search="no such thing") == client.list(search="\n") == {"items": [], "total": 0}
    assert client.list(search="pie\n100%") == client.list(search="pie100%") == {"items": [], "total": 0}
    assert client.list(search="")["total"] == 5


def test_todos_come_in_the_order_that_was_asked_for(client, dishes):
    client.add("Fig", priority="normal", due="2026-03-03T00:00:00Z")
    titles = ["Apple pie", "banana bread", "cherry cake", "Dates", "eclair_1", "Fig"]

    def priorities(order):
        return [todo["priority"] for todo in client.list(order=order)["items"]]

    assert (client.titles(order="title"), client.titles(order="-title")) == (titles, titles[::-1])
    assert client.titles(order="due")[:4] == ["Dates", "banana bread", "cherry cake", "Fig"]
    assert client.titles(order="-due")[:4] == ["Fig", "cherry cake", "banana bread", "Dates"]
    assert priorities("priority") == ["low", "low", "normal", "normal", "high", "high"]
    assert priorities("-priority") == ["high", "high", "normal", "normal", "low", "low"]
    assert client.titles(order="created")[-1] == client.titles(order="-created")[0] == "Fig"


def test_walking_through_the_pages_meets_each_todo_once(client):
    priorities = ["normal", "high", "low"]
    client.post("/todos/batch", [{"title": f"Chore {n:02}", "priority": priorities[n % 3]} for n in range(23)])

    pages = [client.list(order="priority", limit=10, offset=offset) for offset in (0, 10, 20, 30)]

    assert [len(page["items"]) for page in pages] == [10, 10, 3, 0]
    assert [page["total"] for page in pages] == [23] * 4
    assert len({todo["id"] for page in pages for todo in page["items"]}) == 23
    assert len(client.titles()) == 20


def test_a_change_moves_no_todo_in_the_list(client, dishes):
    before = client.list()["items"]

    for todo in before[:2]:
        client.patch(f"/todos/{todo['id']}", title=f"z{todo['title']}")

    assert [todo["id"] for todo in client.list()["items"]] == [todo["id"] for todo in before]
