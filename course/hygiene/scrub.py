"""Takes out of a message what differs from run to run: paths, ports, names that were drawn, times.

What stands in the suite's own source is the same in each run, and stays.
"""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

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
        (r"(?i)\b(process|transaction|pid|relation|database)([ =:]+)\d+", r"\1\2<number>"),
        (r"\bafter \d+ s\b", "after its time"),
        (r"\b\d+\.\d+ ?(ms|s|seconds)\b", r"<time> \1"),
    )
)


# What a test may compare; one that stands in the source stays, and of two in one message each gets a number
VALUE = re.compile(
    r"(?P<uuid>[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12})"
    r"|(?P<time>(?<=datetime\.datetime\()\d{4}(?:, \d+)+"
    r"|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?)"
    r"|(?P<hex>(?<![0-9A-Za-z])(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{6,}(?![0-9A-Za-z]|-\d\d-\d\d))"
    r"|(?P<port>(?:(?<=:)|(?<=[Pp]ort ))(?:3[2-9]|[45]\d|6[0-5])\d{3}(?!\d))"
    r"|(?P<number>\b\d+\.\d{5,}(?:e-?\d+)?\b|\b\d{10,}\b)"
)
# Below two lines of a diff pytest points at the columns in which they differ
POINTER = re.compile(r"^\s*\?[ ^+-]+$\n?", re.MULTILINE)
SOURCE_BYTES = 1 << 20


def read_source(folder: Path) -> str:
    """All that a suite's files say; a file of more than a megabyte is no source."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.stat().st_size <= SOURCE_BYTES)
    return "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in files)


def scrub(text: str, source: str = "") -> str:
    r"""The text without what differs from run to run, safe to show, and of bounded length.

    Args:
        text: What a test or a driver has said.
        source: The suite's own source; what stands in it is not replaced.

    Example:
        >>> scrub("/tmp/course-x1/slot0/run12/suite/test_a.py: no route to 127.0.0.1:41233 in 0.21 s")
        'test_a.py: no route to 127.0.0.1:<port> in <time> s'
        >>> scrub('connection to "localhost", port 5432 failed')
        'connection to "localhost", port 5432 failed'
        >>> scrub("assert '2026-11-01T09:00:00' == '2026-11-01T09:00:01'")
        "assert '<time 1>' == '<time 2>'"
        >>> scrub("assert '2026-11-01T09:00:00' == '2026-12-24T18:00:00'", "due='2026-11-01T09:00:00'")
        "assert '2026-11-01T09:00:00' == '<time>'"
    """
    for pattern, replacement in PATTERNS:
        text = pattern.sub(replacement, text)
    text = _without_values(text, source)
    lines = [shown_line(line) for line in text.splitlines()]
    text = "\n".join(line for line in lines if line.strip())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _without_values(text: str, source: str) -> str:
    drawn: dict[str, list[str]] = {}
    for match in VALUE.finditer(text):
        mine = drawn.setdefault(str(match.lastgroup), [])
        if match[0] not in mine and not _stands_in(source, match):
            mine.append(match[0])

    def name(match: re.Match[str]) -> str:
        kind = str(match.lastgroup)
        if match[0] not in drawn[kind]:
            return match[0]
        return f"<{kind} {drawn[kind].index(match[0]) + 1}>" if len(drawn[kind]) > 1 else f"<{kind}>"

    named = VALUE.sub(name, text)
    return POINTER.sub("", named) if any(drawn.values()) else named


def _stands_in(source: str, match: re.Match[str]) -> bool:
    """Whether the suite has said this itself; of a time its day will do, since a zone or a form changes the rest."""
    words = [match[0]]
    if match.lastgroup == "time":
        year, month, day = [*map(int, re.findall(r"\d+", match[0])), 0, 0][:3]
        words = [f"{year}-{month:02}-{day:02}", f"{year}, {month}, {day}"]
    return any(word in source and re.search(rf"(?<!\d){re.escape(word)}(?!\d)", source) for word in words)


def first_line(text: str, source: str = "") -> str:
    """The first line of a scrubbed text."""
    return next(iter(scrub(text, source).splitlines()), "")


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
