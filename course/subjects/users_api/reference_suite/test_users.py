"""Create, read, update, delete over HTTP."""

import json
from datetime import UTC, datetime, timedelta

import pytest

ADA = {"name": "Ada Lovelace", "email": "ada@example.org", "password": "correct horse battery"}


def test_a_new_user_is_answered_with_201_and_all_that_is_public(client):
    response = client.post("/users", json=ADA)
    assert response.status_code == 201
    user = response.json()
    assert set(user) == {"id", "name", "email", "role", "created_at"}
    assert (user["name"], user["email"], user["role"]) == ("Ada Lovelace", "ada@example.org", "user")
    assert isinstance(user["id"], int)


def test_a_new_user_can_be_read_in_another_request(client, sign_up):
    user = sign_up()
    response = client.get(f"/users/{user['id']}")
    assert (response.status_code, response.json()) == (200, user)


def test_the_time_of_signing_up_is_now_and_has_a_zone(sign_up):
    created_at = datetime.fromisoformat(sign_up()["created_at"])
    assert created_at.tzinfo is not None
    assert abs(datetime.now(UTC) - created_at) < timedelta(minutes=1)


def test_nobody_signs_up_as_an_admin(client):
    response = client.post("/users", json=ADA | {"role": "admin"})
    assert response.status_code == 422 or response.json()["role"] == "user"


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "   "},
        {"name": "x" * 101},
        {"name": "A\x00da"},
        {"email": "ada"},
        {"email": None},
        {"password": "ninechars"},
        {"password": "xy" * 64 + "z"},
        {"password": "with\ta tab inside"},
        {"password": "xxxxxxxxxxxx"},
        {"password": "ada@example.org"},
    ],
    ids=str,
)
def test_a_wrong_field_is_answered_with_422(client, wrong):
    assert client.post("/users", json=ADA | wrong).status_code == 422
    assert client.get("/users").json()["total"] == 0


def test_a_refused_password_is_not_sent_back(client):
    response = client.post("/users", json=ADA | {"password": "secret"})
    assert response.status_code == 422
    assert "secret" not in response.text


@pytest.mark.parametrize(
    "wrong", [{"password": "longer than \ud800"}, {"name": float("nan")}], ids=["half a character", "not a number"]
)
def test_what_json_cannot_send_back_is_answered_with_422(client, wrong):
    body = json.dumps(ADA | wrong)
    assert client.post("/users", content=body, headers={"Content-Type": "application/json"}).status_code == 422


@pytest.mark.parametrize("allowed", [{"name": "x" * 100}, {"password": "ten chars!"}, {"password": "xy" * 64}], ids=str)
def test_a_field_at_its_limit_is_accepted(client, allowed):
    assert client.post("/users", json=ADA | allowed).status_code == 201


def test_space_around_a_name_is_dropped(client):
    assert client.post("/users", json=ADA | {"name": "  Ada "}).json()["name"] == "Ada"


@pytest.mark.parametrize("email", ["ada@example.org", "ADA@Example.org"])
def test_a_second_user_with_the_same_email_is_refused(client, sign_up, email):
    sign_up()
    response = client.post("/users", json=ADA | {"email": email, "name": "Somebody else"})
    assert response.status_code == 400
    assert "already exists" in response.json()["detail"]
    assert client.get("/users").json()["total"] == 1


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_a_missing_user_is_answered_with_404(client, sign_up, method):
    missing = sign_up()["id"] + 1
    response = client.request(method, f"/users/{missing}", json={"name": "Ada"})
    assert response.status_code == 404
    assert response.json() == {"detail": "User not found"}


@pytest.mark.parametrize("user_id", [0, -1, 2**31, 2**63])
def test_an_impossible_id_is_no_server_error(client, user_id):
    assert client.get(f"/users/{user_id}").status_code in {404, 422}


def test_an_update_changes_only_what_was_sent(client, sign_up):
    user = sign_up()
    response = client.patch(f"/users/{user['id']}", json={"name": "Countess"})
    assert (response.status_code, response.json()) == (200, user | {"name": "Countess"})
    assert client.get(f"/users/{user['id']}").json() == user | {"name": "Countess"}


def test_an_update_moves_a_user_to_a_free_email(client, sign_up):
    user = sign_up()
    response = client.patch(f"/users/{user['id']}", json={"email": "ada@example.com"})
    assert (response.status_code, response.json()["email"]) == (200, "ada@example.com")


def test_an_update_to_a_taken_email_is_refused(client, sign_up):
    sign_up()
    grace = sign_up("grace@example.org", "Grace Hopper")
    response = client.patch(f"/users/{grace['id']}", json={"email": "Ada@example.org"})
    assert response.status_code == 400
    assert "already exists" in response.json()["detail"]
    assert client.get(f"/users/{grace['id']}").json() == grace


def test_a_user_may_change_the_case_of_their_own_email(client, sign_up):
    user = sign_up()
    assert client.patch(f"/users/{user['id']}", json={"email": "Ada@example.org"}).status_code == 200


def test_an_update_is_validated(client, sign_up):
    user = sign_up()
    assert client.patch(f"/users/{user['id']}", json={"name": " "}).status_code == 422
    assert client.patch(f"/users/{user['id']}", json={"email": "ada"}).status_code == 422


def test_a_deleted_user_is_gone_and_the_others_stay(client, sign_up):
    ada, grace = sign_up(), sign_up("grace@example.org")
    response = client.delete(f"/users/{ada['id']}")
    assert (response.status_code, response.content) == (204, b"")
    assert client.get(f"/users/{ada['id']}").status_code == 404
    assert client.get(f"/users/{grace['id']}").status_code == 200
