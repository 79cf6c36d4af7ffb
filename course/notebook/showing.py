"""Shows a panel wherever the code runs: in a notebook, in a terminal's IPython, or in plain Python."""

from __future__ import annotations

import sys
from typing import Any


class Page:
    """A text in Markdown, which a notebook shows as a page.

    Args:
        markdown: The text.
        plain: What a terminal shows instead; the same when not given.
    """

    def __init__(self, markdown: str, plain: str = "") -> None:
        self.markdown = markdown
        self.plain = plain or markdown

    def __str__(self) -> str:
        return self.plain

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        del include, exclude  # IPython picks from what it gets
        return {"text/markdown": self.markdown, "text/plain": self.plain}


def show(*things: Any) -> None:
    """Display each thing; plain Python prints it."""
    if running_shell() is None:
        sys.stdout.write("".join(f"{thing}\n" for thing in things))
    else:
        _display()(*things)


def show_replaceable(thing: Any) -> Any:
    """Display a thing that is going to change; the handle that is returned has `update`."""
    return _display()(thing, display_id=True)


def running_shell() -> Any:
    """The IPython shell that this code runs in, or None."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython else None


def _display() -> Any:
    from IPython import display

    return display.display
