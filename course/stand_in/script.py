"""Shell scripts that a learner runs inside a container: read before they run on the host."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from course.stand_in.errors import StandInError
from course.stand_in.translate import PLAIN, SHELLS, TALKS

_BUILT_IN = {
    ":", "[", "cd", "command", "exec", "exit", "export", "local", "read", "return", "set", "shift", "time", "umask",
    "unset", "wait",
}  # fmt: skip
_KEYWORDS = {
    "if",
    "then",
    "else",
    "elif",
    "fi",
    "do",
    "done",
    "while",
    "until",
    "!",
    "{",
    "}",
    "in",
    "case",
    "esac",
    "for",
}
_STARTS_COMMAND = _KEYWORDS - {"in", "case", "for", "fi", "done", "esac", "}"}
_NEEDS_SHELL = re.compile(r"[$`*?\[\]~\n]")
_ASSIGNMENT = re.compile(r"^[A-Za-z_]\w*=")
_REDIRECTION = re.compile(r"([<>])(\s*)(/(?!dev/)[^\s;|&<>()'\"]+)")


@dataclass(frozen=True)
class Simple:
    """A script that is one command with its variables, and needs no shell.

    Example:
        >>> Simple.read("PGPASSWORD='a b' psql -c 'select 1;'")
        Simple(environment={'PGPASSWORD': 'a b'}, words=['psql', '-c', 'select 1;'])
        >>> Simple.read("psql -c 'select 1' | wc -l") is None
        True
    """

    environment: dict[str, str]
    words: list[str]

    @classmethod
    def read(cls, script: str) -> Simple | None:
        """The command, or None where the script needs a shell."""
        words = _words(script)
        if _needs_shell(script, words):
            return None
        environment: dict[str, str] = {}
        while words and _ASSIGNMENT.match(words[0]):
            name, _, value = words.pop(0).partition("=")
            environment[name] = value
        simple = bool(words) and words[0] not in _BUILT_IN | _KEYWORDS | {"."}
        return cls(environment, words) if simple else None


def _needs_shell(script: str, words: list[str]) -> bool:
    """Whether the script has signs that a shell expands or takes as more than one command."""
    # Between single quotes the shell leaves everything as it is.
    bare = re.sub(r"'[^']*'", "", script)
    return bool(_NEEDS_SHELL.search(bare)) or any(_is_operator(word) for word in words)


def _is_operator(word: str) -> bool:
    return bool(word) and set(word) <= set("();<>|&")


def _words(script: str) -> list[str]:
    lexer = shlex.shlex(script, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = ""
    try:
        return list(lexer)
    except ValueError as problem:
        raise StandInError(f"The stand-in cannot read this shell script: {problem}.", "Check its quotes.") from None


def check(script: str) -> None:
    """Refuse a script that calls programs which the container would have and the stand-in has not.

    Raises:
        StandInError: The first such program is named.
    """
    for name in _programs(re.sub(r"[`]|\$\(|\n", " ; ", script)):
        refuse_unknown(name)


def _programs(script: str) -> list[str]:
    """The words that stand where a shell expects a command."""
    found, expected = [], True
    previous = ""
    for word in _words(script):
        if _is_operator(word):
            expected = not set(word) & set("<>")
        elif expected and not _ASSIGNMENT.match(word) and not word.startswith("-"):
            if word not in _KEYWORDS | _BUILT_IN:
                found.append(word)
            expected = word in _STARTS_COMMAND | {"exec", "command", "time"}
        elif set(previous) & set("<>"):
            expected = False
        previous = word
    return found


def refuse_unknown(name: str) -> None:
    """Refuse a program that the stand-in does not run.

    Raises:
        StandInError: It is not one of PostgreSQL's programs, a shell, or one of the few that scripts need.
    """
    if name.rpartition("/")[2] in TALKS | PLAIN | SHELLS and not name.startswith("$"):
        return
    raise StandInError.without(
        f"No container runs here: exec knows PostgreSQL's programs and a few of the shell's, not {name!r}.",
        "use psql, pg_dump, pg_restore, pg_isready, createdb and the like",
    )


def redirect(script: str, root: str) -> str:
    """Lead what is read from or written to a file of the container into its folder.

    Example:
        >>> redirect("pg_dump shop > /tmp/shop.sql", "/r")
        'pg_dump shop > "/r/tmp/shop.sql"'
    """
    return _REDIRECTION.sub(rf'\1\2"{root}\3"', script)
