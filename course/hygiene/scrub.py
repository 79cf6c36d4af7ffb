"""Takes out of a message what differs from run to run: paths, ports, names that were drawn, times."""

from __future__ import annotations

import re
import unicodedata

LONGEST = 400
LONGEST_SHOWN = 80
# Where `os.fsdecode` puts bytes that are no UTF-8
BYTES_FROM, BYTES_TO, SURROGATES = 0xDC80, 0xDCFF, 0xDC00
# In this order: what comes first may hold what comes later
PATTERNS = tuple(
    (re.compile(pattern), text)
    for pattern, text in (
        (r"/[^\s'\"<>]*?/slot\d+/run\d+/suite/?", ""),
        (r"/[^\s'\"<>]*?/slot\d+/run\d+(?=/tmp)", "…"),
        (r"/[^\s'\"<>]*?/trees/[^/\s]+/[^/\s]+/", ""),
        (r"/[^\s'\"<>]*?/(?=site-packages/|python3\.\d+/)", "…/"),
        (r"course_(run|template)_\d+_\d+", "<database>"),
        (r"0x[0-9a-fA-F]{6,}", "0x…"),
        (r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}", "<uuid>"),
        (r"(?<![0-9A-Za-z])(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{6,}(?![0-9A-Za-z])", "<hex>"),
        (r"datetime\.datetime\(\d{4}(?:, \d+)+", "datetime.datetime(<time>"),
        (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?", "<time>"),
        (r"(?<=:)(?:3[2-9]|[45]\d|6[0-5])\d{3}(?!\d)", "<port>"),
        (r"(?i)(?<=port )(?:3[2-9]|[45]\d|6[0-5])\d{3}(?!\d)", "<port>"),
        (r"(?i)\b(process|transaction|pid|relation|database)([ =:]+)\d+", r"\1\2<number>"),
        (r"\bafter \d+ s\b", "after its time"),
        (r"\b\d+\.\d+ ?(ms|s|seconds)\b", r"<time> \1"),
        (r"\b\d+\.\d{5,}(?:e-?\d+)?\b", "<number>"),
        (r"\b\d{10,}\b", "<number>"),
    )
)


def scrub(text: str) -> str:
    r"""The text without what differs from run to run, safe to show, and of bounded length.

    Example:
        >>> scrub("/tmp/course-x1/slot0/run12/suite/test_a.py: no route to 127.0.0.1:41233 in 0.21 s")
        'test_a.py: no route to 127.0.0.1:<port> in <time> s'
        >>> scrub('connection to "localhost", port 5432 failed')
        'connection to "localhost", port 5432 failed'
    """
    for pattern, replacement in PATTERNS:
        text = pattern.sub(replacement, text)
    lines = [shown_line(line) for line in text.splitlines()]
    text = "\n".join(line for line in lines if line.strip())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def first_line(text: str) -> str:
    """The first line of a scrubbed text."""
    return next(iter(scrub(text).splitlines()), "")


def shown_line(line: str) -> str:
    """One line with its control characters made visible."""
    pieces = (line[at : at + 60] for at in range(0, len(line), 60))
    return "".join(shown(piece) for piece in pieces)


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


def _shown(character: str) -> str:
    number = ord(character)
    if BYTES_FROM <= number <= BYTES_TO:
        return f"\\x{number - SURROGATES:02x}"
    if unicodedata.category(character)[0] == "C":
        return character.encode("unicode_escape", "surrogatepass").decode()
    return character
