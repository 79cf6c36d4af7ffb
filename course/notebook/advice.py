"""What may have been meant: a sentence for the errors that beginners meet most."""

from __future__ import annotations

import builtins
import difflib
import re
import sys
from collections.abc import Collection, Iterable
from types import TracebackType

import pytest

from course.services.machine import browser
from course.stand_in.image import near_image

NO_NAME = re.compile(r"cannot import name '(\w+)' from '([\w.]+)'")
NO_AWAIT = re.compile(r"<coroutine object|coroutine'? object")
NO_IMAGE = re.compile(r"(?:pull access denied for|manifest for|No such image:?) ([\w./:-]+)")

# Of the image's contrib folder, which the course's own PostgreSQL lacks
CONTRIB = (
    "btree_gin|btree_gist|citext|cube|dblink|fuzzystrmatch|hstore|intarray|ltree|pg_stat_statements|pg_trgm|pgcrypto|"
    "postgres_fdw|tablefunc|unaccent|uuid-ossp"
)
NO_EXTENSION = re.compile(rf'extension "({CONTRIB})" is not available')
NO_FILE = re.compile(r'could not open file "/[^"]*" for (?:reading|writing): ')


def advise(error: BaseException, item: pytest.Item | None = None, files: Collection[str] = ()) -> str:
    """Say what may have been meant, or nothing; `files` are the file names of the learner's cells."""
    if item is not None and "None" in str(error) and (empty := _empty_fixture(item, files)):
        return f"The fixture `{empty}` gives None: a fixture hands over what stands behind its `yield`, or `return`."
    if NO_AWAIT.search(str(error)):
        return "What stands there has not run yet: put `await` before the call of an `async` function."
    if "can't be used in 'await'" in str(error):
        return "That is a plain function: call it without `await`."
    if told := _of_the_server(str(error)) or _of_the_browser(error):
        return told
    near = _near(error)
    return f"Did you mean `{near}`?" if near else ""


def _of_the_server(message: str) -> str:
    """What the course's own PostgreSQL does not have, or has elsewhere than a container."""
    if found := NO_EXTENSION.search(message):
        return (
            f"The official postgres image has `{found[1]}`, the course's own PostgreSQL has not: "
            "such a test needs a container that Docker runs."
        )
    if NO_FILE.search(message):
        return (
            "`COPY` in SQL has the server open the file: one of the container's where Docker runs it, one of this "
            "machine's where the course's own PostgreSQL stands in. On both, `psql` in the container's `exec` and "
            "scripts in `/docker-entrypoint-initdb.d` find files that you put into the container."
        )
    return ""


def _of_the_browser(error: BaseException) -> str:
    """What Playwright means where its browser is missing or has ended."""
    if not type(error).__module__.startswith("playwright."):
        return ""
    if "Executable doesn't exist" in str(error):
        return f"{browser.INSTALL}, and run this cell again."
    if any(words in str(error) for words in ("has been closed", "crashed")):
        return "The browser ended in the middle of it. Your cell is kept: run it again."
    return ""


def _near(error: BaseException) -> str | None:
    if isinstance(error, NameError) and error.name:
        return nearest_name(error.name, _visible(error.__traceback__))
    if isinstance(error, AttributeError) and error.name and error.obj is not None:
        return nearest_name(error.name, dir(error.obj))
    if isinstance(error, ImportError) and (found := NO_NAME.search(str(error))):
        return nearest_name(found[1], vars(sys.modules.get(found[2], sys)))
    found = NO_IMAGE.search(str(error))
    return near_image(found[1]) if found else None


def nearest_name(name: str, known: Iterable[str]) -> str | None:
    """The name that is spelt almost alike.

    Example:
        >>> nearest_name("db_sesion", ["engine", "db_session"])
        'db_session'
    """
    return next(iter(difflib.get_close_matches(name, set(known) - {name}, n=1, cutoff=0.75)), None)


def _visible(traceback: TracebackType | None) -> set[str]:
    """The names that could be used where an error was raised."""
    names = set(dir(builtins))
    while traceback is not None:
        if traceback.tb_next is None:
            names |= {*traceback.tb_frame.f_locals, *traceback.tb_frame.f_globals}
        traceback = traceback.tb_next
    return names


def _empty_fixture(item: pytest.Item, files: Collection[str]) -> str | None:
    """An argument of the test whose fixture, a function of the learner's, has given nothing."""
    info = getattr(item, "_fixtureinfo", None)
    for name in getattr(info, "argnames", ()):
        made_by = getattr(info, "name2fixturedefs", {}).get(name)
        written = made_by and getattr(made_by[-1].func, "__code__", None)
        if written and written.co_filename in files and getattr(item, "funcargs", {}).get(name, ...) is None:
            return str(name)
    return None
