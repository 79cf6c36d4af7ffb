"""Databases as a program leaves them when it starts, and as somebody else has used them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from course.engine import Ending, Request, Slot, Subject, Suite, Variant
from course.errors import CourseError
from course.hygiene.snapshot import Snapshot, plain, take_snapshot

# A run like any other, so that the program is started where learners' suites start it; `seed.py` is the subject's own
PREPARATION = """
import os
import psycopg
import seed

FIRST_ID, ROWS = {first_id!r}, {rows!r}

def test_prepare():
    url = os.environ["DATABASE_URL"]
    seed.start(url)
    if FIRST_ID:
        count_from(url.replace("+psycopg2", ""), FIRST_ID)
    if ROWS:
        seed.fill(url)

def count_from(url, first):
    with psycopg.connect(url) as connection:
        sequences = "SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, {{}}, false) FROM pg_sequences"
        connection.execute(sequences.format(first))
"""
SECONDS = 120
FIRST_ID = 1000
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
        subject: The program; its `seed.py` has `start(url)` and `fill(url)`.
        folder: A scratch folder.
    """

    def __init__(self, subject: Subject, folder: Path) -> None:
        self._subject = subject
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
        return slot.databases.template("used", self._filler(slot, rows=True))

    def numbered(self, slot: Slot) -> str:
        """A template with ids from the first one, and no rows: as a container of one's own is empty."""
        return slot.databases.template("numbered", self._filler(slot, rows=False))

    @contextmanager
    def counting(self, slot: Slot) -> Iterator[None]:
        """Meanwhile, in databases that a suite makes for itself on this slot's server, ids begin with the first one."""
        url = plain(slot.databases.url("template1"))
        _execute(url, NOT_COUNTING + ";" + self._counting)
        try:
            yield
        finally:
            _execute(url, NOT_COUNTING)

    @property
    def _counting(self) -> str:
        return COUNTING.format(first=FIRST_ID)

    def _filler(self, slot: Slot, *, rows: bool) -> Callable[[str], None]:
        def fill(url: str) -> None:
            self._fill(slot, url, first_id=FIRST_ID, rows=rows)
            _execute(plain(url), self._counting)

        return fill

    def _fill(self, slot: Slot, url: str, *, first_id: int, rows: bool) -> None:
        text = PREPARATION.format(first_id=first_id, rows=rows)
        seed = (self._subject.folder / "seed.py").read_text(encoding="utf-8")
        suite = Suite.from_files({"test_prepare.py": text, "seed.py": seed})
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:
            suite.write(Path(folder))
            result = slot.run_in(Request(Variant(self._subject), Path(folder), SECONDS), url)
        if result.ending is not Ending.FINISHED or result.failed:
            why = result.failed[0].message if result.failed else result.detail
            raise PreparationError(f"{self._subject.name} cannot be prepared: {why}.", "Run `course verify`.")


def _execute(url: str, statements: str) -> None:
    with psycopg.connect(url, connect_timeout=10) as connection:
        connection.execute(statements.encode())
