"""The users page, read as a browser would read it, and how it marks what was searched for."""

from html.parser import HTMLParser

import pytest
from users_api.models import User
from users_api.pages import mark

WITHOUT_END = {"meta", "input", "link", "br", "hr"}


class Seen(HTMLParser):
    """What a page has for whoever looks at it."""

    def __init__(self, html):
        super().__init__()
        self.open, self.text, self.marked, self.fields, self.buttons = [], "", [], {}, 0
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "input":
            self.fields[attributes.get("name")] = attributes.get("value")
        self.buttons += tag == "button" and attributes.get("type", "submit") == "submit"
        if tag not in WITHOUT_END:
            self.open.append((tag, "hidden" in attributes))

    def handle_endtag(self, tag):
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data):
        if not any(hidden for _, hidden in self.open):
            self.text += data
        if any(tag == "mark" for tag, _ in self.open):
            self.marked.append(data)


@pytest.fixture
def look(client):
    def get(**search):
        response = client.get("/", params=search)
        assert response.status_code == 200, response.text
        return Seen(response.text)

    return get


@pytest.fixture
def two(session):
    session.add(User(name="Ada Lovelace", email="ada@example.org", password_hash="-"))
    session.add(User(name="Grace <Amazing> Hopper", email="grace@example.org", password_hash="-"))
    session.commit()


def test_the_page_shows_everybody_as_they_are_called(look, two):
    text = look().text
    for told in ("Ada Lovelace", "ada@example.org", "Grace <Amazing> Hopper", "grace@example.org"):
        assert told in text


def test_the_page_has_a_form_for_the_search(look, two):
    page = look(search='"grace"')
    assert page.fields == {"search": '"grace"'}
    assert page.buttons == 1


def test_the_page_shows_and_marks_what_was_searched_for(look, two):
    page = look(search="gRaCe")
    assert "Grace <Amazing> Hopper" in page.text
    assert "Ada Lovelace" not in page.text
    assert {"Grace", "grace"} <= set(page.marked)


@pytest.mark.parametrize("search", ["(", "[", "*", "\\", "{0}", "%", "<b>"])
def test_each_sign_of_a_search_stands_for_itself_on_the_page(look, client, search):
    assert client.get("/", params={"search": search}).status_code == 200
    assert look(search=search).fields == {"search": search}


@pytest.mark.parametrize(
    ("text", "search", "html"),
    [
        ("Ada Lovelace", "", "Ada Lovelace"),
        ("Ada Lovelace", "love", "Ada <mark>Love</mark>lace"),
        ("Ada", "A", "<mark>A</mark>d<mark>a</mark>"),
        ("Ada", "eve", "Ada"),
        ("Tom & Co.", "m &", "To<mark>m &amp;</mark> Co."),
        ("a.b", ".", "a<mark>.</mark>b"),
    ],
)
def test_a_text_is_marked_wherever_it_holds_what_was_searched_for(text, search, html):
    assert mark(text, search) == html
