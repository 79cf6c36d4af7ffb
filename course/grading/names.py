"""Names that strangers chose: made safe to use as a folder, and told apart."""

from __future__ import annotations

import hashlib
import re
import unicodedata

LONGEST_FOLDER = 60


def folder_name(name: str) -> str:
    """A name for a folder, made of letters, digits, `.`, `-` and `_` only.

    Where that loses something, a few characters of a digest keep two names apart.

    Example:
        >>> folder_name("ada-01"), folder_name("../etc").startswith("etc-")
        ('ada-01', True)
    """
    kept = re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip("._-")[:LONGEST_FOLDER]
    if kept == name:
        return kept
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{kept}-{digest}" if kept else digest


def distinct(names: list[str]) -> list[str]:
    """The same names, with a number behind each one that was there before, be it in capitals or with other accents.

    Example:
        >>> distinct(["ada", "bob", "ada"])
        ['ada', 'bob', 'ada (2)']
    """
    used: set[str] = set()
    result = []
    for name in names:
        number, candidate = 1, name
        while _folded(candidate) in used:
            number += 1
            candidate = f"{name} ({number})"
        used.add(_folded(candidate))
        result.append(candidate)
    return result


def _folded(name: str) -> str:
    """A name as file systems compare it that know no capitals, or one way of writing accents."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
