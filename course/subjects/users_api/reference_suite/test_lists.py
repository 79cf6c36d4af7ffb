"""Search and paging."""

import pytest


@pytest.fixture
def five(sign_up):
    """Five users, oldest first."""
    names = ["Ada Lovelace", "Grace Hopper", "Alan_Turing", "Alan Kay", "Barbara 100% Liskov"]
    return [sign_up(f"{number}@example.org", name) for number, name in enumerate(names)]


def names(response):
    assert response.status_code == 200, response.text
    return [user["name"] for user in response.json()["items"]]


def test_the_list_is_oldest_first_even_after_an_update(client, five):
    client.patch(f"/users/{five[0]['id']}", json={"name": "Ada King"})
    assert names(client.get("/users"))[:2] == ["Ada King", "Grace Hopper"]


def test_a_user_in_the_list_looks_as_when_read_alone(client, five):
    assert client.get("/users").json() == {"items": five, "total": 5}


def test_pages_follow_each_other_without_gap_or_repeat(client, five):
    pages = [names(client.get("/users", params={"limit": 2, "offset": offset})) for offset in (0, 2, 4, 6)]
    assert sum(pages, []) == [user["name"] for user in five]  # noqa: RUF017 - five names
    assert [len(page) for page in pages] == [2, 2, 1, 0]


def test_the_total_counts_all_that_was_found_and_not_the_page(client, five):
    assert client.get("/users", params={"limit": 2}).json()["total"] == 5
    assert client.get("/users", params={"search": "alan", "limit": 1}).json()["total"] == 2


def test_a_page_holds_twenty_unless_told_otherwise(client, sign_up):
    for number in range(21):
        sign_up(f"user{number}@example.org")
    assert len(names(client.get("/users"))) == 20
    assert len(names(client.get("/users", params={"limit": 100}))) == 21


@pytest.mark.parametrize("wrong", [{"limit": 0}, {"limit": 101}, {"offset": -1}, {"limit": "many"}], ids=str)
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
