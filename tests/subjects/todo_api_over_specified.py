"""Tests that hold todo_api to what its brief leaves open: each is refused by a right program."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta

from sqlalchemy import text

JSON = {"Content-Type": "application/json"}


def add(client, title="x", **fields):
    answer = client.post("/todos", json={"title": title, **fields})
    assert answer.status_code == 201
    return answer.json()


def test_sql_column(client, service):
    add(client)
    assert service[1].scalar(text("SELECT title FROM todos")) == "x"


def test_tables(client, service):
    assert service[1].scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")).all() == [
        "todos"
    ]


def test_z(client):
    assert add(client, due="2026-05-01T07:00:00Z")["due"] == "2026-05-01T07:00:00Z"


def test_created_z(client):
    assert add(client)["created_at"].endswith("Z")


def test_created_utc(client):
    assert datetime.fromisoformat(add(client)["created_at"]).utcoffset() == timedelta(0)


def test_done_1(client):
    assert client.get("/todos", params={"done": 1}).status_code == 200


def test_unknown_param(client):
    assert client.get("/todos", params={"colour": 1}).status_code == 200


def test_empty_patch(client):
    t = add(client)
    assert client.patch(f"/todos/{t['id']}", json={}).json()["updated_at"] > t["updated_at"]


def test_same_patch(client):
    t = add(client)
    assert client.patch(f"/todos/{t['id']}", json={"title": "x"}).json()["updated_at"] > t["updated_at"]


def test_patch_missing_invalid(client):
    assert client.patch("/todos/999999", json={"title": ""}).status_code == 422


def test_content_type(client):
    assert client.post("/todos", content=b'{"title": "x"}', headers={"Content-Type": "text/plain"}).status_code == 422


def test_form(client):
    assert client.post("/todos", data={"title": "x"}).status_code == 422


def test_openapi(client):
    assert client.get("/openapi.json").status_code == 200


def test_docs(client):
    assert client.get("/docs").status_code == 200


def test_slash(client):
    assert client.get("/todos/").status_code == 200


def test_umlauts(client):
    for title in ("\u00e4pfel", "azur", "zebra"):
        add(client, title)
    assert [t["title"] for t in client.get("/todos", params={"order": "title"}).json()["items"]] == [
        "azur",
        "zebra",
        "\u00e4pfel",
    ]


def test_batch_moment(client):
    a, b = client.post("/todos/batch", json=[{"title": "a"}, {"title": "b"}]).json()
    assert a["created_at"] == b["created_at"]


def test_internals(client):
    assert sys.modules["todo_api.store"].now


def test_state(client):
    assert client.app.state.sessions


def test_sort_id(client):
    assert add(client, "a")["id"] < add(client, "b")["id"]


def test_isinstance_int(client):
    assert isinstance(add(client)["id"], int)


def test_keys(client):
    assert set(add(client)) == {"id", "title", "notes", "done", "priority", "due", "created_at", "updated_at"}


def test_detail(client):
    assert client.get("/todos/999999").json() == {"detail": "Todo not found"}


def test_type_key(client):
    assert "msg" in client.post("/todos", json={}).json()["detail"][0]


def test_loc(client):
    assert client.post("/todos", json={}).json()["detail"][0]["loc"] == ["body", "title"]


def test_equals_order(client):
    client.post("/todos/batch", json=[{"title": "a"}, {"title": "b"}])
    assert [t["title"] for t in client.get("/todos", params={"order": "priority"}).json()["items"]] == ["a", "b"]


def test_limit_float(client):
    assert client.get("/todos", params={"limit": "5.0"}).status_code == 200


def test_a_byte_order_mark(client):
    body = '\ufeff{"title": "x"}'.encode()
    assert client.post("/todos", content=body, headers=JSON).status_code == 400


def test_twice_key(client):
    assert client.post("/todos", content=b'{"title": "a", "title": "b"}', headers=JSON).status_code == 201


def test_space_due(client):
    assert client.post("/todos", json={"title": "x", "due": "2026-05-01 09:00:00Z"}).status_code == 201


def test_decomposed(client):
    add(client, "cafe\u0301")
    assert client.get("/todos", params={"search": "cafe"}).json()["total"] == 0


def test_order_of_keys(client):
    assert next(iter(add(client))) == "id"


def test_names_of_modules(client):
    assert "todo_api.routes" in sys.modules


def test_head(client):
    assert client.head("/todos").status_code == 405
