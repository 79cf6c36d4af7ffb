"""Names that strangers chose: made safe to show and safe to use as a folder."""

from __future__ import annotations

import hashlib
import re
import unicodedata

LONGEST_SHOWN = 80
LONGEST_FOLDER = 60
# Where `os.fsdecode` puts bytes that are no UTF-8
BYTES_FROM, BYTES_TO, SURROGATES = 0xDC80, 0xDCFF, 0xDC00


def shown(name: str) -> str:
    r"""A name as it may stand in a terminal or a report: printable, valid Unicode, of bounded length.

    Args:
        name: Any text; bytes that are no UTF-8 come as lone surrogates, as `os.fsdecode` makes them.

    Example:
        >>> shown("ada\x1b[31m")
        'ada\\x1b[31m'
        >>> shown("b\udcff")
        'b\\xff'
    """
    text = "".join(_shown(character) for character in name)
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 1]}…"


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
    """The same names, with a number behind each one that was there before.

    Example:
        >>> distinct(["ada", "bob", "ada"])
        ['ada', 'bob', 'ada (2)']
    """
    used: set[str] = set()
    result = []
    for name in names:
        number, candidate = 1, name
        while candidate.casefold() in used:
            number += 1
            candidate = f"{name} ({number})"
        used.add(candidate.casefold())
        result.append(candidate)
    return result


def _shown(character: str) -> str:
    number = ord(character)
    if BYTES_FROM <= number <= BYTES_TO:
        return f"\\x{number - SURROGATES:02x}"
    if unicodedata.category(character)[0] == "C":
        return character.encode("unicode_escape", "surrogatepass").decode()
    return character
