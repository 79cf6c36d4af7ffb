"""Login, tokens, and what only admins may do."""

from datetime import UTC, datetime, timedelta

import jwt
import pytest
import time_machine


@pytest.mark.parametrize("email", ["root@example.org", " Root@EXAMPLE.org"])
def test_a_login_gives_a_token_that_opens_the_admin_list(client, log_in, add_admin, email):
    add_admin()
    response = log_in(email)
    assert response.status_code == 200
    answer = response.json()
    assert answer.keys() >= {"access_token", "token_type", "expires_in"}
    assert (answer["token_type"], answer["expires_in"]) == ("bearer", 30 * 60)
    headers = {"Authorization": f"Bearer {answer['access_token']}"}
    assert client.get("/admin/users", headers=headers).status_code == 200


def test_somebody_who_signed_up_can_log_in(log_in, sign_up):
    sign_up()
    assert log_in("ada@example.org").status_code == 200


def test_a_wrong_password_and_an_unknown_email_get_the_same_answer(client, log_in, sign_up):
    sign_up()
    wrong, unknown = log_in("ada@example.org", "wrong horse battery"), log_in("bob@example.org")
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() == unknown.json()


@pytest.mark.parametrize("nobody", ["", "ada", "ada\0@example.org"])
def test_a_login_with_what_is_no_address_is_no_server_error(log_in, nobody):
    assert log_in(nobody).status_code in {401, 422}


def test_a_token_ends_after_the_minutes_that_are_set(client, log_in, add_admin):
    add_admin()
    headers = {"Authorization": f"Bearer {log_in('root@example.org').json()['access_token']}"}
    for minutes, status in ((29, 200), (31, 401)):
        with time_machine.travel(datetime.now(UTC) + timedelta(minutes=minutes)):
            assert client.get("/admin/users", headers=headers).status_code == status


@pytest.mark.parametrize(("minutes", "status"), [(29, 200), (31, 401), (24 * 60, 401)])
def test_a_token_is_good_for_half_an_hour_and_then_answered_with_401(client, add_admin, as_user, minutes, status):
    issued_at = datetime.now(UTC) - timedelta(minutes=minutes)
    assert client.get("/admin/users", headers=as_user(add_admin(), issued_at)).status_code == status


def test_a_token_is_good_however_long_the_program_has_been_running(client, log_in, add_admin):
    add_admin()
    with time_machine.travel(datetime.now(UTC) + timedelta(days=1)):
        headers = {"Authorization": f"Bearer {log_in('root@example.org').json()['access_token']}"}
        assert client.get("/admin/users", headers=headers).status_code == 200


def test_a_token_signed_by_somebody_else_is_answered_with_401(client, add_admin):
    claims = {"sub": str(add_admin()), "exp": datetime.now(UTC) + timedelta(hours=1)}
    forged = jwt.encode(claims, "a secret that only the forger knows", "HS256")
    assert client.get("/admin/users", headers={"Authorization": f"Bearer {forged}"}).status_code == 401


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic cm9vdDo="}])
def test_no_good_token_is_answered_with_401(client, headers):
    response = client.get("/admin/users", headers=headers)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"


def test_the_token_of_a_deleted_user_is_answered_with_401(client, sign_up, as_user):
    user = sign_up()
    client.delete(f"/users/{user['id']}")
    assert client.get("/admin/users", headers=as_user(user["id"])).status_code == 401


def test_a_user_who_is_no_admin_is_answered_with_403(client, sign_up, as_user):
    user = sign_up()
    headers = as_user(user["id"])
    assert client.get("/admin/users", headers=headers).status_code == 403
    assert client.patch(f"/admin/users/{user['id']}", json={"role": "admin"}, headers=headers).status_code == 403
    assert client.get(f"/users/{user['id']}").json()["role"] == "user"


def test_the_admin_list_holds_everybody_with_their_last_login(client, log_in, sign_up, add_admin, as_user):
    root, ada = add_admin(), sign_up()
    for _ in range(2):
        log_in("ada@example.org")
    response = client.get("/admin/users", headers=as_user(root))
    rows = {row["email"]: row for row in response.json()}
    assert sorted(row["email"] for row in response.json()) == ["ada@example.org", "root@example.org"]
    assert rows["root@example.org"]["last_login_at"] is None
    last = datetime.fromisoformat(rows["ada@example.org"].pop("last_login_at"))
    assert abs(datetime.now(UTC) - last) < timedelta(minutes=1)
    assert rows["ada@example.org"] == ada


def test_an_admin_makes_one_other_user_an_admin(client, sign_up, add_admin, as_user):
    root, ada, grace = add_admin(), sign_up(), sign_up("grace@example.org")
    response = client.patch(f"/admin/users/{ada['id']}", json={"role": "admin"}, headers=as_user(root))
    assert (response.status_code, response.json()) == (200, ada | {"role": "admin"})
    assert client.get("/admin/users", headers=as_user(ada["id"])).status_code == 200
    assert client.get(f"/users/{grace['id']}").json() == grace


def test_an_unknown_role_is_answered_with_422(client, add_admin, as_user):
    root = add_admin()
    assert client.patch(f"/admin/users/{root}", json={"role": "boss"}, headers=as_user(root)).status_code == 422


def test_the_last_admin_stays(client, add_admin, as_user):
    root = add_admin()
    assert client.delete(f"/users/{root}").status_code == 409
    assert client.patch(f"/admin/users/{root}", json={"role": "user"}, headers=as_user(root)).status_code == 409
    assert client.get(f"/users/{root}").json()["role"] == "admin"


def test_an_admin_may_go_when_another_stays(client, add_admin):
    add_admin()
    assert client.delete(f"/users/{add_admin('deputy@example.org')}").status_code == 204


def test_a_user_who_has_logged_in_can_be_deleted(client, log_in, sign_up):
    user = sign_up()
    log_in("ada@example.org")
    assert client.delete(f"/users/{user['id']}").status_code == 204
    assert client.get(f"/users/{user['id']}").status_code == 404
