"""Two at once. SQLite writes one after the other, so only PostgreSQL can show these."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import delete, insert, select, text
from sqlalchemy.orm import Session
from users_api.models import User

SECONDS = 5  # far more than a request takes
WAITING = text("SELECT count(*) FROM pg_locks WHERE NOT granted")


@pytest.fixture
def other(database):
    """Another transaction, which a test commits when the request has run into it."""
    if database.dialect.name != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    with Session(database) as opened:
        yield opened


@pytest.fixture
def meet(client, other):
    """Send a request, let it run until it waits for the other transaction, commit that, and return the response."""

    def send(method, path, **request):
        with ThreadPoolExecutor() as pool:
            response = pool.submit(client.request, method, path, **request)
            deadline = time.monotonic() + SECONDS
            while not response.done() and not other.scalar(WAITING) and time.monotonic() < deadline:
                pass
            other.commit()
            return response.result(SECONDS)

    return send


def test_two_who_want_one_email_at_once_get_one_user(client, other, meet):
    other.execute(insert(User).values(name="First", email="ada@example.org", password_hash="-"))
    response = meet(
        "POST", "/users", json={"name": "Second", "email": "Ada@example.org", "password": "correct horse battery"}
    )
    assert response.status_code == 400
    assert client.get("/users").json()["total"] == 1


def test_two_who_change_to_one_email_at_once_do_not_share_it(client, sign_up, other, meet):
    user = sign_up()
    other.execute(insert(User).values(name="First", email="new@example.org", password_hash="-"))
    assert meet("PATCH", f"/users/{user['id']}", json={"email": "new@example.org"}).status_code == 400
    assert client.get(f"/users/{user['id']}").json() == user


def test_an_update_of_a_user_who_is_just_being_deleted_finds_nobody(sign_up, other, meet):
    user = sign_up()
    other.execute(delete(User).where(User.id == user["id"]))
    assert meet("PATCH", f"/users/{user['id']}", json={"name": "Late"}).status_code == 404


def test_of_two_admins_who_leave_at_once_one_stays(client, add_admin, other, meet):
    root, deputy = add_admin(), add_admin("deputy@example.org")
    other.execute(select(User).where(User.role == "admin").with_for_update())
    other.execute(delete(User).where(User.id == root))
    assert meet("DELETE", f"/users/{deputy}").status_code == 409
    assert client.get(f"/users/{deputy}").status_code == 200
