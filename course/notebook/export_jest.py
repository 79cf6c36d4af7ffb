"""A lesson's tests in JavaScript as a project of their own, which plain `npm test` runs."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping

from course.engine import Subject
from course.services.providers import images
from course.syllabus import Lesson

README = """\
# {title}

What you wrote in lesson {number} of the course, as a project of its own: `{package}` is the program, `tests/` are your
tests. They need Node 20 or newer and a running Docker, for PostgreSQL in a container.

```
npm ci
docker run --detach --rm --name {package}-tests --publish 127.0.0.1:54330:5432 --env POSTGRES_PASSWORD=secret {image}
until docker exec {package}-tests pg_isready --host=127.0.0.1; do sleep 1; done
DATABASE_URL=postgresql://postgres:secret@127.0.0.1:54330/postgres npm test
docker stop {package}-tests
```

You have a server already? Name it in DATABASE_URL instead. Your tests empty or drop what is there: never name a
database whose rows somebody needs.

No Docker? Where the course is installed it brings PostgreSQL along. Instead of the lines above:

```
{python} -m course.services.embedded sh -c "npm ci && npm test"
```
"""


def jest_project(lesson: Lesson, subject: Subject, suites: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """All files of the project, path to text; `suites` are exercise ids with their files by name."""
    tests = {f"tests/{name}": text for files in suites.values() for name, text in files.items()}
    words = {"title": lesson.title, "number": lesson.number, "package": subject.package}
    readme = README.format(**words, image=images.POSTGRES, python=sys.executable)
    return tests | dict(_program(subject)) | {"README.md": readme}


def _program(subject: Subject) -> Iterator[tuple[str, str]]:
    """The program and npm's two files; its `package.json` says how jest finds the program."""
    program = sorted((subject.folder / subject.package).rglob("*"))
    for path in [subject.folder / "package.json", subject.folder / "package-lock.json", *program]:
        if path.is_file():
            yield path.relative_to(subject.folder).as_posix(), path.read_text(encoding="utf-8")
