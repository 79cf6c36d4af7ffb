"""What becomes of a guest's words."""

from __future__ import annotations


def tidy(words: str) -> str:
    """Drop white space around the words, and all but one space between them."""
    return " ".join(words.split())


def excerpt(words: str, length: int = 40) -> str:
    """The beginning of the words: `length` characters at most, with … where something is cut."""
    return words if len(words) <= length else f"{words[: length - 1]}…"


def pages(count: int, size: int = 10) -> list[range]:
    """Which of `count` entries stand on which page: `[range(0, 10), range(10, 12)]`."""
    found = []
    start = 0
    while start < count:
        end = min(start + size, count)
        found.append(range(start, end))
        start = end
    return found
