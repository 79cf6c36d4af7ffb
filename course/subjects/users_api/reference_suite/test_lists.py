"""Search and paging."""

import pytest
from users_api.models import User


@pytest.fixture
def add_users(session):
    """Put users into the database, oldest first, and return their ids: a request for each would take longer."""

    def add(*names):
        users = [User(name=name, email=f"{number}@example.org", password_hash="-") for number, name in enumerate(names)]
        session.add_all(users)
        session.commit()
        return [user.id for user in users]

    return add


@pytest.fixture
def five(add_users):
    return add_users("Ada Lovelace", "Grace Hopper", "Alan_Turing", "Alan Kay", "Barbara 100% Liskov")


def names(response):
    assert response.status_code == 200, response.text
    page = response.json()
    assert isinstance(page, dict), page
    return [user["name"] for user in page["items"]]


def test_the_list_is_oldest_first_even_after_an_update(client, five):
    client.patch(f"/users/{five[0]}", json={"name": "Ada King"})
    assert names(client.get("/users"))[:2] == ["Ada King", "Grace Hopper"]


def test_a_user_in_the_list_looks_as_when_read_alone(client, five):
    alone = [client.get(f"/users/{user_id}").json() for user_id in five]
    assert client.get("/users").json() == {"items": alone, "total": 5}


def test_pages_follow_each_other_without_gap_or_repeat(client, five):
    pages = [names(client.get("/users", params={"limit": 2, "offset": offset})) for offset in (0, 2, 4, 6)]
    assert pages == [["Ada Lovelace", "Grace Hopper"], ["Alan_Turing", "Alan Kay"], ["Barbara 100% Liskov"], []]


def test_the_total_counts_all_that_was_found_and_not_the_page(client, five):
    assert client.get("/users", params={"limit": 2}).json()["total"] == 5
    assert client.get("/users", params={"search": "alan", "limit": 1}).json()["total"] == 2


def test_a_page_holds_twenty_unless_told_otherwise(client, add_users):
    add_users(*["Somebody"] * 21)
    assert len(names(client.get("/users"))) == 20
    assert len(names(client.get("/users", params={"limit": 100}))) == 21


@pytest.mark.parametrize(
    "wrong", [{"limit": 0}, {"limit": 101}, {"limit": "many"}, {"offset": -1}, {"offset": 10**20}], ids=str
)
def test_a_page_out_of_bounds_is_answered_with_422(client, wrong):
    assert client.get("/users", params=wrong).status_code == 422


@pytest.mark.parametrize("search", ["lovelace", "LOVELACE", "Ada", "0@EXAMPLE"])
def test_a_search_finds_names_and_emails_in_any_case(client, five, search):
    assert names(client.get("/users", params={"search": search})) == ["Ada Lovelace"]


@pytest.mark.parametrize(("search", "found"), [("%", ["Barbara 100% Liskov"]), ("n_t", ["Alan_Turing"])])
def test_a_search_takes_every_sign_as_it_stands(client, five, search, found):
    assert names(client.get("/users", params={"search": search})) == found


def test_a_search_for_what_no_text_can_hold_is_no_server_error(client):
    assert client.get("/users", params={"search": "a\x00"}).status_code in {200, 422}
