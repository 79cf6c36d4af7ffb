"""What the service refuses: invalid input, taken titles and todos that are not there."""

from __future__ import annotations

WRONG = [
    {"title": "", "notes": "x" * 2_001, "done": "yes", "priority": "urgent", "due": "2026-05-01T09:00:00"},
    {"title": " \n\t ", "notes": "a\0b", "done": 1, "due": 1_767_225_600, "colour": "red"},
    {"title": None, "done": None, "priority": None, "due": "tomorrow", "created_at": "2026-05-01T09:00:00Z"},
    {"title": "x" * 201, "notes": 7, "due": "9999-12-31T23:59:59-01:00"},
    {"title": "a\0b", "done": "false"},
]


def invalid_fields(answer):
    assert answer.status_code == 422
    return {problem["loc"][-1] for problem in answer.json()["detail"]}


def test_each_invalid_field_of_a_new_todo_is_named(client):
    for fields in WRONG:
        assert invalid_fields(client.post("/todos", fields)) == fields.keys()
    assert client.titles() == []


def test_each_invalid_field_of_a_change_is_named(client):
    todo = client.add("Pay rent")

    for fields in WRONG[1:4]:
        assert invalid_fields(client.patch(f"/todos/{todo['id']}", **fields)) == fields.keys()
    assert client.list()["items"] == [todo]


def test_a_batch_has_one_to_a_hundred_todos(client):
    too_many = [{"title": f"Chore {number}"} for number in range(101)]

    assert client.post("/todos/batch", []).status_code == 422
    assert client.post("/todos/batch", too_many).status_code == 422


def test_an_invalid_question_is_refused(client):
    questions = [{"limit": 0}, {"limit": 101}, {"offset": -1}, {"order": "colour"}, {"done": "maybe"}, {"search": "\0"}]

    assert [client.get("/todos", **question).status_code for question in questions] == [422] * 6


def test_what_is_no_json_is_a_bad_request(client):
    assert client.send("POST", "/todos", b'{"title": "Walk"').status_code == 400
    assert client.send("POST", "/todos", b'{"title": "\xff"}').status_code == 400
    assert client.send("POST", "/todos", b'{"title": NaN}').status_code == 400
    assert client.send("POST", "/todos", '{"title": "Walk"}'.encode("utf-16")).status_code == 400
    assert client.send("POST", "/todos").status_code == 400
    assert client.send("POST", "/todos", b"null").status_code == 422
    assert client.titles() == []


def test_what_json_cannot_send_back_is_refused_all_the_same(client):
    assert client.send("POST", "/todos", rb'{"title": "\ud800"}').status_code == 422


def test_a_title_is_taken_whatever_its_case(client):
    todo = client.add("Pay rent", notes="by transfer", done=True)

    answer = client.post("/todos", {"title": "  pay RENT ", "notes": "in cash"})

    assert answer.status_code == 409
    assert isinstance(answer.json()["detail"], str)
    assert client.list() == {"items": [todo], "total": 1}


def test_titles_are_compared_as_people_read_them(client):
    for first, second in (("Straße", "STRASSE"), ("Caf\u00e9", "CAFE\u0301"), ("\u1fb4", "\u1fb3\u0301")):
        assert client.post("/todos/batch", [{"title": first}, {"title": second}]).status_code == 409


def test_a_todo_that_is_not_there_is_not_found(client):
    deleted = client.add("Pay rent")["id"]
    client.delete(f"/todos/{deleted}")

    for path in (f"/todos/{deleted}", "/todos/no-such-todo", f"/todos/0{client.add('Eat')['id']}"):
        for answer in (client.get(path), client.patch(path, title="Walk"), client.delete(path)):
            assert answer.status_code == 404
            assert answer.headers["Content-Type"] == "application/json"
            assert isinstance(answer.json()["detail"], str)
    assert client.titles() == ["Eat"]
