"""Databases as a program leaves them when it starts, and as somebody else has used them."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from course.engine import Ending, Request, Slot, Subject, Variant
from course.errors import CourseError
from course.grading.leftovers import Snapshot, take_snapshot

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

    def _filler(self, slot: Slot, *, rows: bool) -> Callable[[str], None]:
        first_id = int(self._settings.get("first_id", 1000))
        return lambda url: self._fill(slot, url, first_id=first_id, rows=rows)

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
