"""Fills grades into a learning platform's own export, which the platform then imports.

Only the platform knows its learners' numbers, so a grade book begins with its export. There are three:

- **Canvas**, *Grades → Export*: `Student` (or `LastName`, `FirstName`), `ID`, `SIS Login ID`, …, `Section`, then a
  column for each assignment, `Title (number)`; above the learners a row `Points Possible`. *Import* takes any of the
  assignments. An empty cell takes a grade away there, so cells of which nothing is known stay as they are.
  Source: <https://community.canvaslms.com/t5/Instructor-Guide/How-do-I-import-grades-in-the-Gradebook/ta-p/807>;
  what reads it: <https://github.com/instructure/canvas-lms/blob/master/lib/gradebook_importer.rb>
- **Moodle**, the assignment's *Download grading worksheet*: `Identifier` (`Participant 4711`), `Full name`, `Grade`,
  `Maximum grade`, `Last modified (grade)` and more; *Upload grading worksheet* wants these back.
  Source: <https://docs.moodle.org/en/Assignment_settings>; what reads it:
  <https://github.com/moodle/moodle/blob/main/mod/assign/feedback/offline/importgradeslib.php>
- **Moodle**, *Grades → Export → Plain text file*: names, `ID number`, `Email address`, a column for each grade item;
  *Import → CSV file* asks which column is what. Source: <https://docs.moodle.org/en/Grade_import>
"""

from __future__ import annotations

import csv
import io
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from course.errors import CourseError, nearest
from course.grading.platforms import read_tag
from course.grading.record import Record

BOM = "\ufeff"
NOBODY = -1
# Columns that say who somebody is and take no grade, in small letters
LEARNER = frozenset({
    "student", "lastname", "firstname", "id", "sis user id", "sis login id", "integration id", "root account",
    "section", "first name", "last name", "surname", "id number", "username", "institution", "department",
    "email address", "identifier", "full name",
})  # fmt: skip
# Of these, what the platform puts into the names of hand-ins
NUMBERS = ("id", "identifier")
TOTALS = re.compile(
    r"(unposted )?(current|final|override) (score|points|grade|status)|last downloaded|course total", re.IGNORECASE
)


class GradebookError(CourseError):
    """What a teacher has named is no export of Canvas or Moodle, or its column is not clear."""


@dataclass
class Gradebook:
    """An export of a platform.

    Attributes:
        platform: `canvas` or `moodle`.
        name: Name of its file.
        header: Its columns.
        rows: What is below them, each as long as the header.
        column: Number of the column that takes the grades.
        delimiter: What stands between two cells.
    """

    platform: str
    name: str
    header: list[str]
    rows: list[list[str]]
    column: int
    delimiter: str = ","

    def fill(self, records: Sequence[Record]) -> list[str]:
        """Write the grades into the column, in the platform's points; cells of others stay as they are.

        Returns:
            Names of submissions that are nobody's in the export, or of whom it is not clear whose they are.
        """
        numbers, names = self._index(_numbers), self._index(_names)
        mine: dict[int, list[Record]] = defaultdict(list)
        for record in records:
            tag = read_tag(PurePath(record["entry"]).name)
            found = numbers.get(tag.key, set()) if tag else set()
            found = found or names.get(_squeezed(tag.learner if tag else record["submission"]), set())
            mine[min(found) if len(found) == 1 else NOBODY].append(record)
        lost = mine.pop(NOBODY, [])
        for number, found_here in mine.items():
            if len(found_here) > 1:
                lost += found_here
            elif score := found_here[0]["score"]:
                of = self._points_possible(self.rows[number]) or score["of"]
                self.rows[number][self.column] = f"{score['points'] / score['of'] * of:.2f}"
        return sorted(record["submission"] for record in lost)

    def _index(self, told: Callable[[dict[str, str]], Iterable[str]]) -> dict[str, set[int]]:
        """What `told` reads from a row, to the numbers of the rows it may mean."""
        found: dict[str, set[int]] = defaultdict(set)
        for number, row in enumerate(self.rows):
            for key in told({title.lower(): cell for title, cell in zip(self.header, row, strict=True)}):
                found[key].add(number)
        return found

    def __str__(self) -> str:
        text = io.StringIO()
        writer = csv.writer(text, delimiter=self.delimiter, lineterminator="\n")
        writer.writerows([self._kept(row) for row in (self.header, *self.rows)])
        return text.getvalue()

    def _kept(self, row: list[str]) -> list[str]:
        """Of a Canvas export the learners and the one column: what else stood there may be another by now."""
        if self.platform == "moodle":
            return row
        return [
            cell for number, cell in enumerate(row) if number == self.column or self.header[number].lower() in LEARNER
        ]

    def _points_possible(self, row: list[str]) -> float | None:
        """What the platform gives at most: in Canvas a row of the column, in Moodle a cell of the row."""
        above = [each[self.column] for each in self.rows if "Points Possible" in each[0]]
        beside = [cell for title, cell in zip(self.header, row, strict=True) if title.lower() == "maximum grade"]
        try:
            return float([*above, *beside][0].replace(",", "."))
        except (IndexError, ValueError):
            return None


def read_gradebook(path: Path, column: str = "") -> Gradebook:
    """Read an export of Canvas or Moodle.

    Args:
        path: The CSV file.
        column: The title of the column for the grades, with or without the number behind it; may be left out where
            there is one only.

    Raises:
        GradebookError: It is none, or the column is not clear.
    """
    try:
        text = path.read_text(encoding="utf-8").removeprefix(BOM)
        delimiter = max(",;\t", key=text.partition("\n")[0].count)
        header, *rows = [row for row in csv.reader(io.StringIO(text), delimiter=delimiter) if row] or [[]]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise GradebookError(f"{path} cannot be read: {error}.", "Export it again, as CSV in UTF-8.") from None
    titles = {title.lower() for title in header}
    is_canvas = {"id", "section"} <= titles and not titles.isdisjoint({"student", "lastname"})
    if not is_canvas and titles.isdisjoint({"identifier", "email address", "id number", "username"}):
        raise GradebookError(
            f"{path} has no columns of Canvas's or Moodle's English export.",
            "Canvas: Grades, Export. Moodle: Download grading worksheet, or Grades, Export, Plain text file.",
        )
    if {"identifier", "grade"} <= titles:
        column = column or "Grade"
    width = len(header)
    rows = [(row + [""] * width)[:width] for row in rows]
    return Gradebook(
        "canvas" if is_canvas else "moodle", path.name, header, rows, _column(path, header, column), delimiter
    )


def _column(path: Path, header: Sequence[str], column: str) -> int:
    numbers = {title: number for number, title in enumerate(header)}
    items = [title for title in header if title.lower() not in LEARNER and not TOTALS.search(title)]
    meant = [title for title in items if column in (title, re.sub(r" \(\d+\)$", "", title)) or not column]
    if len(meant) == 1:
        return numbers[meant[0]]
    what = f'{path} has no column "{column}".' if column else f"{path} has {len(meant)} columns for grades."
    raise GradebookError(what, f"Name it with --column. {nearest(column, items)}")


def _numbers(cells: Mapping[str, str]) -> Iterator[str]:
    for title in NUMBERS:
        if match := re.search(r"\d+$", cells.get(title, "").strip()):
            yield match[0]


def _names(cells: Mapping[str, str]) -> Iterator[str]:
    """What somebody may be called, squeezed: names either way round, ids, addresses and what is before their @."""
    known = [cell for title, cell in cells.items() if title in LEARNER and cell]
    for cell in known:
        yield from map(_squeezed, (cell, cell.partition("@")[0], " ".join(reversed(cell.split(",")))))
    yield from map(_squeezed, ("".join(known[:2]), "".join(reversed(known[:2]))))  # first name and last name


def _squeezed(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.casefold())
