"""The same panels as plain text: for terminals, for logs, and for nbval."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from course.notebook.panel import Panel, Row

SIGNS = {"ok": "✔", "bad": "✗", "todo": "○", "on": "●", "note": "!", "": ""}
MARKUP = re.compile(r"\*\*([^*]+)\*\*")


def render(panel: Panel) -> str:
    """Render a panel as lines of text, without any markup."""
    head = "  ".join(plain(part) for part in (panel.title, panel.dim, panel.right) if part)
    lines = [head]
    for row in panel.rows:
        lines += _lines(row)
    return "\n".join(line.rstrip() for line in lines)


def plain(words: str) -> str:
    """Drop the markup for bold; backticks stay, as people write them in plain text."""
    return MARKUP.sub(r"\1", words)


def _lines(row: Row) -> list[str]:
    first = f"{row.label}:" if row.label.strip() else ""
    link = f"→ {row.link}" if row.link else ""
    parts = (first, SIGNS[row.mark], plain(row.text), link, _remark(row.dim), _tag(row.tag))
    line = "  " + " ".join(part for part in parts if part)
    # What a notebook hides until it is asked for is left out here
    below = (row.diff or row.code or row.more.strip()).splitlines() if row.is_open else []
    return [line, *(f"      {each}" for each in below)]


def _remark(words: str) -> str:
    return plain(words) if words.startswith("(") else f"({plain(words)})" if words else ""


def _tag(tag: str) -> str:
    return f"[{tag}]" if tag else ""
