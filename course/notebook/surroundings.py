"""Writes what an export needs beside its tests: README, conftest.py, settings and servers."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from course.services.providers import images
from course.syllabus import Lesson

README = """\
# {title}

What you wrote in {source}, as a project of its own: {programs}, `tests/` are your
tests. {need}

```
python3 -m venv .venv
. .venv/bin/activate
python -m pip install -r requirements.txt
python -m pytest
```

On Windows the second line is `.venv\\Scripts\\activate`, and `python3` is `python`.
"""
NO_DOCKER = """\

No Docker? Where the course is installed it brings these servers along. Instead of the four lines above:

```
{python} -m pytest
```
"""
BROWSER = """\

The tests that drive a browser take the Chromium or Chrome of your system. You have none? Then
`playwright install chromium` fetches one.
"""
APART = """\

Beside these tests stand projects of their own, each with its README:

{lines}"""
OWN_SERVER = """\

You have a server already? Name it in {variables}. Your tests may empty or drop what is there: never name a
database whose rows somebody needs. (A DATABASE_URL that merely stands in your environment is not used.)
"""
CONFTEST = '''\
"""What the tests and the program find in their environment. pytest loads this file before any other."""

{imports}
{settings}{start}'''
SERVER = """
# {label}: the one that TEST_{variable} names, else a container for as long as the tests run
if "TEST_{variable}" in os.environ:
    os.environ["{variable}"] = os.environ["TEST_{variable}"]
else:
    {name} = {container}({arguments}).start()
    atexit.register({name}.stop)
    os.environ["{variable}"] = {name}.{address}()
"""


@dataclass(frozen=True)
class Service:
    """A server that tests find by a variable, and the container that gives it.

    Attributes:
        label: What people call it.
        variable: Where its address stands.
        name: Its module in `testcontainers.community`.
        container: The class there.
        arguments: What that is made from.
        address: The method that tells where it is.
    """

    label: str
    variable: str
    name: str
    container: str
    arguments: str
    address: str


_POSTGRES, _NATS = f'"{images.POSTGRES}"', f'"{images.NATS}", jetstream=True'
POSTGRES = Service("PostgreSQL", "DATABASE_URL", "postgres", "PostgresContainer", _POSTGRES, "get_connection_url")
NATS = Service("NATS", "NATS_URL", "nats", "NatsContainer", _NATS, "nats_uri")


def services(given: Iterable[str], suites: Iterable[Mapping[str, str]]) -> tuple[Service, ...]:
    """The servers that the tests expect to be there.

    Args:
        given: What the lesson starts in a notebook, such as `postgresql`.
        suites: Each exercise's files by name. One that starts a container of its own needs no other PostgreSQL.
    """
    texts = ["\n".join(files.values()) for files in suites]
    found = []
    if "postgresql" in given and any(POSTGRES.container not in text for text in texts):
        found.append(POSTGRES)
    if "nats" in given and any(NATS.variable in text for text in texts):
        found.append(NATS)
    return tuple(found)


def conftest(wanted: Iterable[Service], environment: Mapping[str, str]) -> str:
    """The project's own `conftest.py`: settings of the program, and servers in containers; empty without either."""
    wanted = tuple(wanted)
    if not wanted and not environment:
        return ""
    lines = sorted(f"from testcontainers.community.{each.name} import {each.container}\n" for each in wanted)
    imports = "".join(["import atexit\nimport os\n\n", *lines] if lines else ["import os\n"])
    values = "".join(f'    {name}="{value}",\n' for name, value in environment.items())
    settings = f"os.environ.update(\n{values})\n" if values else ""
    return CONFTEST.format(
        imports=imports, settings=settings, start="".join(SERVER.format(**vars(each)) for each in wanted)
    )


def readme(
    wanted: Iterable[Service], packages: Sequence[str], *, docker: bool, browser: bool = False, **words: str
) -> str:
    """How to run the tests, and what that needs.

    Args:
        wanted: The servers that the project starts.
        packages: The programs under test.
        docker: Whether the tests start containers, too.
        browser: Whether tests drive one.
        words: The `title`, and from which lesson it is: `source`.
    """
    wanted = tuple(wanted)
    need = "They need Python 3.11 or newer, and nothing else."
    if wanted or docker:
        servers = _listed(each.label for each in wanted) or POSTGRES.label
        need = f"They need Python 3.11 or newer and a running Docker: they start {servers} in a container."
    names = [f"`{name}`" for name in packages or ("nothing",)]
    programs = f"{_listed(names)} {'are the programs' if names[1:] else 'is the program'}"
    text = README.format(need=need, programs=programs, **words)
    if wanted or docker:
        text += NO_DOCKER.format(python=sys.executable)
    if wanted:
        variables = _listed(f"TEST_{each.variable}" for each in wanted)
        text += OWN_SERVER.format(variables=variables)
    return text + (BROWSER if browser else "")


def apart_told(lessons: Iterable[Lesson]) -> str:
    """What the README says of lessons that have a project of their own beside the tests; empty where there is none."""
    lines = "".join(f"- `{each.slug}/`: *{each.title}*. {each.summary}\n" for each in lessons)
    return APART.format(lines=lines) if lines else ""


def _listed(words: Iterable[str]) -> str:
    *others, last = [*words] or [""]
    return f"{', '.join(others)} and {last}" if others else last
