from guestbook.text import excerpt, pages, tidy


def test_white_space_is_tidied():
    assert tidy("  lovely \n  place ") == "lovely place"


def test_a_short_text_is_not_cut():
    assert excerpt("lovely", length=6) == "lovely"


def test_a_long_text_ends_in_an_ellipsis():
    assert excerpt("lovely place", length=7) == "lovely…"


def test_the_last_page_may_be_shorter():
    assert pages(12, size=10) == [range(10), range(10, 12)]
