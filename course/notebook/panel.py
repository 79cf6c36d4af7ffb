"""What a notebook shows: one frame with rows, as HTML for notebooks and as text for terminals and logs."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

SIGNS = {"ok": "✔", "bad": "✗", "todo": "○", "on": "●", "note": "!", "": ""}
_BOLD = re.compile(r"\*\*([^*]+)\*\*")
Mark = Literal["ok", "bad", "todo", "on", "note", ""]
STYLE = (Path(__file__).parent / "panel.css").read_text(encoding="utf-8")
# Only what we write ourselves is marked up: everything is escaped first
MARKUP = ((re.compile(r"`([^`]+)`"), r"<code>\1</code>"), (re.compile(r"\*\*([^*]+)\*\*"), r"<b>\1</b>"))
SIGNED = re.compile(r"([✔◐○·]) (?=\S)")  # a sign stays on the line of what it belongs to

FENCE = re.compile(r"^```(?:\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)  # the code of a page, between its texts


@dataclass(frozen=True)
class Row:
    """One line of a panel. In `text`, `dim` and `label`, backticks mean code and double stars bold.

    Attributes:
        text: What it says.
        mark: The sign before it; meaning never rests on colour alone.
        dim: A remark after it, less loud.
        label: A name in the first column; the sign stands before the text then.
        link: Where the text leads, as an address beside the notebook.
        tag: A word at the end of the line, such as "caught", in the colour of the mark.
        code: Lines of code or of output below it.
        diff: The same, for a unified diff.
        more: The same, for text: paragraphs, and code between lines of three backticks.
        steps: Texts that are opened one after the other, each by its name: the next one shows behind the one before.
        is_open: Whether what stands below is shown at once, rather than on demand.
        span: When it began and how long it took, as shares of the whole (0 to 1): a bar at the end of the line.
    """

    text: str
    mark: Mark = ""
    dim: str = ""
    label: str = ""
    link: str = ""
    tag: str = ""
    code: str = ""
    diff: str = ""
    more: str = ""
    steps: tuple[tuple[str, str], ...] = ()
    is_open: bool = False
    span: tuple[float, float] | None = None


@dataclass(frozen=True)
class Panel:
    """A frame with a head and rows; IPython shows it as HTML or as text.

    Attributes:
        title: The head's first words; marked up as rows are.
        dim: A remark after the title.
        right: What stands at the right end of the head, such as a time.
        share: How much is done, 0 to 1, drawn as a bar at the right; None for no bar.
        rows: The lines.

    Example:
        >>> print(Panel("6.2", rows=(Row("passes on right code", "ok"),)))
        6.2
          ✔ passes on right code
    """

    title: str
    dim: str = ""
    right: str = ""
    share: float | None = None
    rows: tuple[Row, ...] = field(default=())

    def __str__(self) -> str:
        return _as_text(self)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        del include, exclude  # IPython picks from what it gets
        return {"text/html": self.html(), "text/plain": str(self)}

    def html(self) -> str:
        """The panel with its style: the same theme as the page around it, and no script."""
        rows = "".join(_row(row) for row in self.rows)
        return framed(self.head(), f"<table><tbody>{rows}</tbody></table>" if rows else "")

    def head(self) -> str:
        """The head alone, as HTML."""
        right = _bar(self.share) + _markup(self.right)
        remark = f'<span class="course-dim">{_markup(self.dim)}</span>' if self.dim else ""
        return (
            f'<div class="course-head"><b>{_markup(self.title)}</b>{remark}<span class="course-r">{right}</span></div>'
        )


def framed(head: str, body: str) -> str:
    """Put a head, and what stands below it, into the frame that all panels have. Both are HTML of ours."""
    below = f'<div class="course-body">{body}</div>' if body else ""
    return f'<style>{STYLE}</style><div class="course-panel">{head}{below}</div>'


def _row(row: Row) -> str:
    first = f'<td class="course-label">{_markup(row.label)}</td>' if row.label else _sign(row.mark)
    last = f'<td class="course-last"><span class="course-tag {_tone(row)}">{row.tag}</span></td>' if row.tag else ""
    last = f'<td class="course-last">{_span(*row.span)}</td>' if row.span else last
    middle = f"<td{'' if last else ' colspan=2'}>{_content(row)}</td>"
    return f"<tr>{first}{middle}{last}</tr>"


def _sign(mark: Mark) -> str:
    return f'<td class="course-sign course-{mark or "none"}">{SIGNS[mark]}</td>'


def _tone(row: Row) -> str:
    return "course-bad" if row.mark == "bad" else "course-ok" if row.mark == "ok" else "course-plain"


def _content(row: Row) -> str:
    sign = f'<span class="course-{row.mark}">{SIGNS[row.mark]}</span> ' if row.label and row.mark else ""
    words = f'<a href="{html.escape(row.link)}">{_markup(row.text)}</a>' if row.link else _markup(row.text)
    line = sign + words + (f' <span class="course-dim">{_markup(row.dim)}</span>' if row.dim else "")
    if row.steps:
        return line + _steps(row.steps)
    below = _below(row)
    if not below:
        return line
    is_open = " open" if row.is_open else ""
    return f"<details{is_open}><summary>{line}</summary>{below}</details>"


def _below(row: Row) -> str:
    if row.more:
        return "".join(_paragraphs(row.more))
    code = _diff(row.diff) if row.diff else html.escape(row.code)
    return f"<pre>{code}</pre>" if code else ""


def _steps(steps: tuple[tuple[str, str], ...]) -> str:
    """Each step stands inside of the one before: it cannot be seen earlier."""
    inner = ""
    for name, page in reversed(steps):
        inner = f"<details><summary>{_markup(name)}</summary>{''.join(_paragraphs(page))}{inner}</details>"
    return inner


def _paragraphs(page: str) -> Iterator[str]:
    for place, part in enumerate(FENCE.split(page)):
        if place % 2:
            yield f"<pre>{html.escape(part.rstrip())}</pre>"
        else:
            yield from (f"<p>{_markup(' '.join(words.split()))}</p>" for words in part.split("\n\n") if words.strip())


def _diff(diff: str) -> str:
    tones = {"-": "course-minus", "+": "course-plus"}

    def line(each: str) -> str:
        tone = tones.get(each[:1])
        return f'<span class="{tone}">{html.escape(each)}</span>' if tone else html.escape(each)

    return "\n".join(line(each) for each in diff.splitlines())


def _markup(words: str) -> str:
    marked = html.escape(words)
    for pattern, replacement in MARKUP:
        marked = pattern.sub(replacement, marked)
    return SIGNED.sub(r"\1&nbsp;", marked)


def _span(begin: float, length: float) -> str:
    place = f"margin-left:{100 * begin:.1f}%;width:{100 * length:.1f}%"
    return f'<span class="course-track course-span" aria-hidden="true"><i style="{place}"></i></span>'


def _bar(share: float | None) -> str:
    if share is None:
        return ""
    percent = round(100 * min(max(share, 0), 1))
    return f'<span class="course-bar" role="img" aria-label="{percent} %"><i style="width:{percent}%"></i></span> '


# As text: for terminals, for logs, and for nbval


def _as_text(panel: Panel) -> str:
    """Render a panel as lines of text, without any markup."""
    head = "  ".join(_plain(part) for part in (panel.title, panel.dim, panel.right) if part)
    lines = [head]
    for row in panel.rows:
        lines += _text_of(row)
    return "\n".join(line.rstrip() for line in lines)


def _plain(words: str) -> str:
    """Drop the markup for bold; backticks stay, as people write them in plain text."""
    return _BOLD.sub(r"\1", words)


def _text_of(row: Row) -> list[str]:
    first = f"{row.label}:" if row.label.strip() else ""
    link = f"→ {row.link}" if row.link else ""
    parts = (first, SIGNS[row.mark], _plain(row.text), link, _remark(row.dim), _bracketed(row.tag))
    line = "  " + " ".join(part for part in parts if part)
    # What a notebook hides until it is asked for is left out here
    below = (row.diff or row.code or row.more.strip()).splitlines() if row.is_open else []
    return [line, *(f"      {each}" for each in below)]


def _remark(words: str) -> str:
    return _plain(words) if words.startswith("(") else f"({_plain(words)})" if words else ""


def _bracketed(tag: str) -> str:
    return f"[{tag}]" if tag else ""
