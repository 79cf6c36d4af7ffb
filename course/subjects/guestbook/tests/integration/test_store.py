import os

import pytest
from guestbook.store import Guestbook, metadata

pytestmark = pytest.mark.integration


@pytest.fixture
def book():
    book = Guestbook(os.environ["DATABASE_URL"])
    yield book
    metadata.drop_all(book.engine)
    book.engine.dispose()


def test_the_newest_entry_comes_first(book):
    book.sign("Ada", "first")
    book.sign("Grace", "second")
    assert book.read() == [("Grace", "second"), ("Ada", "first")]


def test_a_text_is_stored_tidied(book):
    book.sign(" Ada ", "lovely   place")
    assert book.read() == [("Ada", "lovely place")]


def test_a_page_holds_ten_entries(book):
    for number in range(12):
        book.sign("Ada", str(number))
    assert [words for _, words in book.page(2)] == ["1", "0"]
