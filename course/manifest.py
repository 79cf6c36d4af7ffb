"""Reads a TOML file strictly: every error names the file, the line, the table and the fix."""

from __future__ import annotations

import difflib
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, overload

from course.errors import CourseError, nearest

MISSING: Any = object()


class ManifestError(CourseError):
    """A hand-written TOML file breaks a rule."""


def read_manifest(path: Path) -> Table:
    """Parse a TOML file.

    Raises:
        ManifestError: It is missing, is not UTF-8 or is not TOML.
    """
    try:
        source = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ManifestError(f"{path} cannot be read: {error}.", "Restore it: git checkout, or install again.") from None
    try:
        return Table(path, source, path.name, tomllib.loads(source))
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"line (\d+)", str(error))
        line = place[1] if place else source.count("\n") + 1
        raise ManifestError(f"{path}:{line}: this is not TOML: {error}.", "Correct that line.") from None


@dataclass
class Table:
    """One table of the file; each key is asked for once, and `done()` finds the ones nobody asked for."""

    path: Path
    source: str
    name: str
    values: dict[str, Any]
    line: int = 1
    asked: list[str] = field(default_factory=list)

    def error(self, what: str, fix: str, key: str = "") -> ManifestError:
        """Return an error about this table, or about the line of one of its keys."""
        line = self._line_of_key(key) if key in self.values else self.line
        return ManifestError(f"{self.path}:{line}: {self.name}: {what}", fix)

    def _line_of_key(self, key: str) -> int:
        """Find where a key stands between the headers around this table's line."""
        lines = self.source.splitlines()
        headers = [number for number, line in enumerate(lines, start=1) if line.lstrip().startswith("[")]
        first = max((number for number in headers if number <= self.line), default=1)
        last = min((number for number in headers if number > self.line), default=len(lines) + 1)
        own = re.compile(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=")
        return next((number for number in range(first, last) if own.match(lines[number - 1])), self.line)

    def get(self, key: str, default: Any, kinds: tuple[type, ...], kind: str) -> Any:
        """Return a value of one of some types; TOML's true is not a number here."""
        self.asked.append(key)
        value = self.values.get(key, default)
        if value is MISSING:
            typo = difflib.get_close_matches(key, set(self.values) - set(self.asked), n=1)
            raise self.error(f"{key} is missing.", f'Rename "{typo[0]}" to {key}.' if typo else f"Add {key}, {kind}.")
        if value is not default and (not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds)):
            raise self.error(f"{key} is {value!r}.", f"Make it {kind}.", key)
        return value

    @overload
    def text(self, key: str) -> str: ...
    @overload
    def text(self, key: str, default: str | None) -> str | None: ...
    def text(self, key: str, default: Any = MISSING) -> Any:
        """Return a text that is not empty."""
        value = self.get(key, default, (str,), "a text in quotes")
        if isinstance(value, str) and not value.strip():
            raise self.error(f"{key} is empty.", "Write it, or remove the key where it may be left out.", key)
        return value

    def name_by(self, key: str, pattern: str = r"(?s).+", example: str = "") -> str:
        """Return the text that names this table; further errors speak of the table by it, and point at its line."""
        value = self.text(key)
        self.name = f"{self.name} {value}"
        self.line = self.line_of(key, value)
        if not re.fullmatch(pattern, value):
            raise self.error(f'{key} is "{value}".', f'It should look like "{example}".')
        return value

    def line_of(self, key: str, value: str) -> int:
        """Find where a name stands in the file; the line of the table around it where it is not found."""
        found = re.search(rf"^.*\b{key}\s*=\s*[\"']+{re.escape(value)}[\"']", self.source, re.MULTILINE)
        return self.source[: found.start()].count("\n") + 1 if found else self.line

    def texts(
        self, key: str, *, at_least: int = 0, pattern: str | None = None, known: tuple[str, ...] | None = None
    ) -> tuple[str, ...]:
        """Return a list of texts, none of them empty and none there twice."""
        values = self.get(key, [] if not at_least else MISSING, (list,), "a list of texts")
        for value in values:
            if not isinstance(value, str) or not value.strip():
                raise self.error(f"{key} holds {value!r}.", "Make each entry a text in quotes that says something.")
            if pattern and not re.fullmatch(pattern, value):
                raise self.error(f'{key} holds "{value}".', 'Write names as they stand in the subject: "group/name".')
            if known is not None and value not in known:
                raise self.error(f'{key} holds "{value}".', nearest(value, known))
        if len(values) < at_least:
            raise self.error(f"{key} is empty.", "Write one at least.")
        if len(set(values)) < len(values):
            raise self.error(f"{key} holds an entry twice.", "Remove one of the two.")
        return tuple(values)

    def number(self, key: str, kind: type, default: Any = MISSING) -> Any:
        """Return a number above zero."""
        value = self.get(key, default, (kind, int), "a number above zero")
        if value is not default and value <= 0:
            raise self.error(f"{key} is {value}.", "Make it a number above zero.", key)
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        """Return true or false."""
        return bool(self.get(key, default, (bool,), "true or false"))

    def tables(self, key: str, at_least: int = 0) -> list[Table]:
        """Return the tables of a list of tables."""
        values = self.get(key, [] if not at_least else MISSING, (list,), f"a list of tables: [[{key}]]")
        if len(values) < at_least:
            raise self.error(f"{key} holds {len(values)}.", f"Write {at_least} at least.")
        if not all(isinstance(value, dict) for value in values):
            raise self.error(f"{key} holds something that is no table.", f"Write tables: [[{key}]].")
        place = "" if self.name == self.path.name else f"{self.name}, "
        return [Table(self.path, self.source, f"{place}{key}", value, self.line) for value in values]

    def done(self) -> None:
        """Complain about a key that nobody asked for."""
        for key in self.values:
            if key not in self.asked:
                raise self.error(f'there is no key "{key}".', nearest(key, self.asked), key)
