"""The address check, with a real HTTP server in the neighbour's place."""

import socket
from threading import Event

import pytest
from users_api.settings import settings
from werkzeug import Response

ADA = {"name": "Ada Lovelace", "email": "ada@example.org", "password": "correct horse battery"}
GONE = "gone+news@example.org"


@pytest.fixture
def set_neighbour(monkeypatch):
    """Have somebody asked about addresses; nobody is when the test has ended."""

    def set_to(url, seconds=5):
        monkeypatch.setenv("no_proxy", "*")
        monkeypatch.setenv("USERS_API_ADDRESS_CHECK_URL", url)
        monkeypatch.setenv("USERS_API_ADDRESS_CHECK_SECONDS", str(seconds))
        settings.cache_clear()

    yield set_to
    monkeypatch.undo()
    settings.cache_clear()


@pytest.fixture
def neighbour(httpserver, set_neighbour):
    """A neighbour to whom mail arrives everywhere but at one address, and who keeps what it was asked."""
    set_neighbour(httpserver.url_for("/check"))
    httpserver.expect_request("/check", "GET", query_string={"email": GONE}).respond_with_json({"deliverable": False})
    httpserver.expect_request("/check", "GET").respond_with_json({"deliverable": True})
    return httpserver


def questions(neighbour):
    return [(request.method, request.path, request.args.to_dict()) for request, _answer in neighbour.log]


def test_an_address_at_which_mail_arrives_is_asked_about_and_signs_up(client, neighbour):
    assert client.post("/users", json=ADA).status_code == 201
    assert questions(neighbour) == [("GET", "/check", {"email": "ada@example.org"})]


def test_an_address_at_which_no_mail_arrives_does_not_sign_up(client, neighbour):
    response = client.post("/users", json=ADA | {"email": GONE})
    assert response.status_code == 422
    assert response.json()["detail"]
    assert client.get("/users").json()["total"] == 0


def test_a_user_does_not_move_to_an_address_at_which_no_mail_arrives(client, sign_up, neighbour):
    user = sign_up()
    assert client.patch(f"/users/{user['id']}", json={"email": GONE}).status_code == 422
    assert client.get(f"/users/{user['id']}").json() == user
    assert client.patch(f"/users/{user['id']}", json={"email": "ada@example.com"}).status_code == 200


def test_a_change_of_the_name_asks_nobody(client, sign_up, neighbour):
    user = sign_up()
    neighbour.clear_log()
    assert client.patch(f"/users/{user['id']}", json={"name": "Countess"}).status_code == 200
    assert questions(neighbour) == []


@pytest.mark.parametrize(
    ("status", "body"),
    [(503, "closed"), (404, '{"deliverable": false}'), (200, "<html>"), (200, "{}"), (200, '["no"]'), (200, "null")],
)
def test_an_answer_that_is_no_clear_no_keeps_nobody_out(client, httpserver, set_neighbour, status, body):
    set_neighbour(httpserver.url_for("/check"))
    httpserver.expect_request("/check").respond_with_data(body, status, content_type="application/json")
    assert client.post("/users", json=ADA).status_code == 201
    assert len(httpserver.log) in {1, 2}


def test_a_neighbour_who_is_not_there_keeps_nobody_out(client, set_neighbour):
    with socket.socket() as taken:  # bound, and nobody listens: connections are refused
        taken.bind(("127.0.0.1", 0))
        set_neighbour(f"http://127.0.0.1:{taken.getsockname()[1]}/check")
        assert client.post("/users", json=ADA).status_code == 201


def test_a_slow_neighbour_is_not_waited_for(client, httpserver, set_neighbour):
    set_neighbour(httpserver.url_for("/check"), seconds=0.05)
    signed_up = Event()

    def answer_too_late(_request):
        signed_up.wait(0.5)
        return Response('{"deliverable": false}', content_type="application/json")

    httpserver.expect_request("/check").respond_with_handler(answer_too_late)
    response = client.post("/users", json=ADA)
    signed_up.set()
    assert response.status_code == 201


def test_nobody_is_asked_where_no_neighbour_is_set(client, monkeypatch):
    connected = []
    monkeypatch.setattr(socket.socket, "connect", lambda _self, address: connected.append(address))
    assert client.post("/users", json=ADA).status_code == 201
    assert connected == []
