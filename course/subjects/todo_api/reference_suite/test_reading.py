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
    assert client.list(search="no such thing") == {"items": [], "total": 0}
    assert client.list(search="")["total"] == 5


def test_titles_are_ordered_without_regard_to_case(client, dishes):
    titles = ["Apple pie", "banana bread", "cherry cake", "Dates", "eclair_1"]

    assert client.titles(order="title") == titles
    assert client.titles(order="-title") == titles[::-1]


def test_todos_are_ordered_by_due_date_and_priority_as_people_expect_it(client, dishes):
    def priorities(order):
        return [todo["priority"] for todo in client.list(order=order)["items"]]

    assert client.titles(order="due")[:3] == ["Dates", "banana bread", "cherry cake"]
    assert client.titles(order="-due")[:3] == ["cherry cake", "banana bread", "Dates"]
    assert priorities("priority") == ["low", "low", "normal", "high", "high"]
    assert priorities("-priority") == ["high", "high", "normal", "low", "low"]


def test_todos_are_ordered_by_when_they_were_created(client):
    titles = [client.add(title)["title"] for title in ("Walk", "Eat")]

    assert client.titles(order="created") == titles
    assert client.titles(order="-created") == titles[::-1]


def test_walking_through_the_pages_meets_each_todo_once(client):
    priorities = ["normal", "high", "low"]
    client.post("/todos/batch", [{"title": f"Chore {n:02}", "priority": priorities[n % 3]} for n in range(23)])

    pages = [client.list(order="priority", limit=10, offset=offset) for offset in (0, 10, 20)]

    assert [len(page["items"]) for page in pages] == [10, 10, 3]
    assert [page["total"] for page in pages] == [23] * 3
    assert len({todo["id"] for page in pages for todo in page["items"]}) == 23


def test_a_page_has_twenty_todos_unless_asked_and_behind_the_last_is_an_empty_one(client):
    client.post("/todos/batch", [{"title": f"Chore {number}"} for number in range(21)])

    first, second = client.titles(), client.titles(offset=20)

    assert (len(first), len(second), len({*first, *second})) == (20, 1, 21)
    assert client.list(offset=21) == {"items": [], "total": 21}


def test_a_change_moves_no_todo_in_the_list(client, dishes):
    before = client.list()["items"]

    for todo in before[:2]:
        client.patch(f"/todos/{todo['id']}", notes="changed")

    assert client.titles() == [todo["title"] for todo in before]
