"""Databases as a program leaves them when it starts, and as somebody else has used them."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from course.engine import Ending, Request, Slot, Subject, Variant
from course.errors import CourseError
from course.grading.leftovers import Snapshot, plain, take_snapshot

# A run like any other, so that the program is started where learners' suites start it
PREPARATION = """
import json, os
import psycopg
from fastapi.testclient import TestClient
from {package} import create_app

SETTINGS = json.loads({settings!r})

def test_prepare():
    url = os.environ["DATABASE_URL"]
    with TestClient(create_app(url)) as client:
        if SETTINGS["first_id"]:
            count_from(url.replace("+psycopg2", ""), SETTINGS["first_id"])
        for row in SETTINGS["rows"]:
            assert client.post(SETTINGS["path"], json=row).status_code == 201

def count_from(url, first):
    with psycopg.connect(url) as connection:
        sequences = "SELECT setval(format('%%I.%%I', schemaname, sequencename)::regclass, %s, false) FROM pg_sequences"
        connection.execute(sequences, (first,))
"""
SECONDS = 120
# Sequences that come into being later begin with that number too, in whatever schema or database a suite makes
COUNTING = """
CREATE FUNCTION public.course_count() RETURNS event_trigger LANGUAGE plpgsql AS $$
DECLARE made record;
BEGIN
    FOR made IN SELECT objid FROM pg_event_trigger_ddl_commands() WHERE object_type = 'sequence' LOOP
        PERFORM setval(made.objid::regclass, {first}, false);
    END LOOP;
END $$;
CREATE EVENT TRIGGER course_count ON ddl_command_end EXECUTE FUNCTION public.course_count();
"""
NOT_COUNTING = "DROP EVENT TRIGGER IF EXISTS course_count; DROP FUNCTION IF EXISTS public.course_count()"


class PreparationError(CourseError):
    """The program itself does not start on an empty database."""


class Prepared:
    """Makes the databases that hygiene proofs start from.

    Args:
        subject: The program.
        settings: `first_id`, `path` and `rows` of the challenge's proof about seeds.
        folder: A scratch folder.
    """

    def __init__(self, subject: Subject, settings: Mapping[str, Any], folder: Path) -> None:
        self._subject = subject
        self._settings = settings
        self._folder = folder
        self._started: Snapshot | None = None

    def started(self, slot: Slot) -> Snapshot:
        """What the program alone makes of an empty database; looked at once."""
        if self._started is None:
            with slot.database() as url:
                self._fill(slot, url, first_id=0, rows=False)
                self._started = take_snapshot(url)
        return self._started

    def used(self, slot: Slot) -> str:
        """A template with ids from the first one, and rows of somebody else."""
        return slot.template("used", self._filler(slot, rows=True))

    def numbered(self, slot: Slot) -> str:
        """A template with ids from the first one, and no rows: as a container of one's own is empty."""
        return slot.template("numbered", self._filler(slot, rows=False))

    @contextmanager
    def counting(self, slot: Slot) -> Iterator[None]:
        """Meanwhile, in databases that a suite makes for itself on this slot's server, ids begin with the first one."""
        url = plain(slot.url("template1"))
        _execute(url, NOT_COUNTING + ";" + self._counting)
        try:
            yield
        finally:
            _execute(url, NOT_COUNTING)

    @property
    def _counting(self) -> str:
        return COUNTING.format(first=int(self._settings.get("first_id", 1000)))

    def _filler(self, slot: Slot, *, rows: bool) -> Callable[[str], None]:
        first_id = int(self._settings.get("first_id", 1000))

        def fill(url: str) -> None:
            self._fill(slot, url, first_id=first_id, rows=rows)
            _execute(plain(url), self._counting)

        return fill

    def _fill(self, slot: Slot, url: str, *, first_id: int, rows: bool) -> None:
        settings = {
            "first_id": first_id,
            "path": self._settings.get("path", "/"),
            "rows": list(self._settings.get("rows", [])) if rows else [],
        }
        text = PREPARATION.format(package=self._subject.package, settings=json.dumps(settings))
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:
            (Path(folder) / "test_prepare.py").write_text(text, encoding="utf-8")
            result = slot.run_in(Request(Variant(self._subject), Path(folder), SECONDS), url)
        if result.ending is not Ending.FINISHED or result.failed:
            why = result.failed[0].message if result.failed else result.detail
            raise PreparationError(f"{self._subject.name} cannot be prepared: {why}.", "Run `course verify`.")


def _execute(url: str, statements: str) -> None:
    with psycopg.connect(url, connect_timeout=10) as connection:
        connection.execute(statements.encode())
