"""GitHub's expressions, such as `${{ matrix.python }}` and `always()`; a function that is not here is refused by name.

From https://docs.github.com/en/actions/reference/workflows-and-actions/expressions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from course.errors import CourseError

PLACEHOLDER = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
TOKEN = re.compile(r"\s*('(?:[^']|'')*'|[A-Za-z_][\w-]*|\d+(?:\.\d+)?|&&|\|\||[=!<>]=|[!<>()\[\].,*])")
WORDS = {"true": True, "false": False, "null": None}
UNHASHED = "rehearsal"  # what `hashFiles` gives: it names caches, and nothing is cached here
STATUS = ("success", "always", "failure", "cancelled")
TESTS: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda text, part: part in text,
    "startswith": lambda text, part: text.startswith(part),
    "endswith": lambda text, part: text.endswith(part),
}

Contexts = Mapping[str, Any]


class ExpressionError(CourseError):
    """An expression cannot be read, or calls something that a rehearsal does not know."""


def fill(text: str, contexts: Contexts) -> str:
    """Replace each `${{ … }}` of a text by its value.

    Raises:
        ExpressionError: One of them cannot be evaluated.

    Example:
        >>> fill("Python ${{ matrix.python }}", {"matrix": {"python": 3.12}})
        'Python 3.12'
    """
    return PLACEHOLDER.sub(lambda found: shown(evaluate(found[1], contexts)), text)


def holds(condition: str, contexts: Contexts, status: str) -> bool:
    """Whether an `if:` lets a step or a job run.

    Args:
        condition: With or without `${{ }}`; empty is `success()`.
        contexts: Values by name, as in `fill`.
        status: How it went until now: `success`, `failure` or `cancelled`.

    Raises:
        ExpressionError: It cannot be evaluated.

    Example:
        >>> holds("", {}, "failure"), holds("always()", {}, "failure")
        (False, True)
    """
    inner = PLACEHOLDER.fullmatch(condition.strip())
    text = inner[1] if inner else condition
    value = truth(evaluate(text, contexts, status)) if text.strip() else True
    asks = any(re.search(rf"\b{name}\s*\(", text) for name in STATUS)
    return value and (asks or status == "success")


def evaluate(text: str, contexts: Contexts, status: str = "success") -> Any:
    """The value of one expression.

    Raises:
        ExpressionError: It cannot be read, or names a function that is not known here.

    Example:
        >>> evaluate("hashFiles('requirements.txt')", {})
        'rehearsal'
        >>> evaluate("github.event_name == 'push' || matrix.fast", {"github": {}, "matrix": {"fast": True}})
        True
    """
    return _Reader(text, contexts, status).whole()


def truth(value: object) -> bool:
    return value not in (None, False, 0, "")


def shown(value: object) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


class _Reader:
    """Reads from left to right; each method takes one level of binding."""

    def __init__(self, text: str, contexts: Contexts, status: str) -> None:
        self._text, self._contexts, self._status = text.strip(), contexts, status
        self._tokens = TOKEN.findall(self._text)
        if "".join(self._tokens) != re.sub(r"\s+(?=(?:[^']*'[^']*')*[^']*$)", "", self._text):
            raise self._error("cannot be read")

    def whole(self) -> Any:
        value = self._either()
        if self._tokens:
            raise self._error(f"cannot be read from {self._tokens[0]!r} on")
        return value

    def _error(self, why: str) -> ExpressionError:
        return ExpressionError(f"The expression `{self._text}` {why}.", "GitHub's documentation lists what there is.")

    def _take(self, *wanted: str) -> str:
        return self._tokens.pop(0) if self._tokens and self._tokens[0] in wanted else ""

    def _either(self) -> Any:
        value = self._both()
        while self._take("||"):
            other = self._both()
            value = value if truth(value) else other
        return value

    def _both(self) -> Any:
        value = self._compared()
        while self._take("&&"):
            other = self._compared()
            value = other if truth(value) else value
        return value

    def _compared(self) -> Any:
        value = self._negated()
        while sign := self._take("==", "!="):
            same = _alike(value) == _alike(self._negated())
            value = same if sign == "==" else not same
        return value

    def _negated(self) -> Any:
        return not truth(self._negated()) if self._take("!") else self._reached()

    def _reached(self) -> Any:
        value = self._single()
        while sign := self._take(".", "["):
            key = self._tokens.pop(0) if sign == "." and self._tokens else self._either()
            value = value.get(str(key)) if isinstance(value, Mapping) else None
            if sign == "[" and not self._take("]"):
                raise self._error("lacks a `]`")
        return value

    def _single(self) -> Any:
        if not self._tokens:
            raise self._error("ends too early")
        word = self._tokens.pop(0)
        if word == "(":
            return self._closed(self._either())
        if word.startswith("'"):
            return word[1:-1].replace("''", "'")
        if word[0].isdigit():
            return float(word) if "." in word else int(word)
        if self._take("("):
            return self._called(word)
        return WORDS[word] if word in WORDS else self._contexts.get(word)

    def _closed(self, value: Any) -> Any:
        if not self._take(")"):
            raise self._error("lacks a `)`")
        return value

    def _called(self, name: str) -> Any:
        arguments = []
        while self._tokens and self._tokens[0] != ")":
            arguments.append(self._either())
            self._take(",")
        self._closed(None)
        if name in STATUS:
            return name in {"always", self._status}
        match name.lower(), arguments:
            case "hashfiles", _:
                return UNHASHED
            case test, [text, part] if test in TESTS:
                return TESTS[test](shown(text).lower(), shown(part).lower())
        raise self._error(f"calls `{name}`, which a rehearsal does not know")


def _alike(value: object) -> object:
    """GitHub compares text without case, and anything else as a number where both are."""
    return value.lower() if isinstance(value, str) else value
