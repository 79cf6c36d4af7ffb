"""Writes the reports: pages, tables and files for other programs, all made of records alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from itertools import groupby
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from course.atomic import write_atomically
from course.engine import Fate
from course.grading.exports import grades_csv, gradescope, junit
from course.grading.gradebooks import Gradebook
from course.grading.names import folder_name
from course.grading.record import Record, public
from course.grading.summary import (
    by_category,
    by_proof,
    category,
    delivered,
    distribution,
    doubtful,
    line,
    most_missed,
    rates,
    row,
)

LEARNERS = "learners"
SCHEMA = "result.schema.json"
# More rows make a page that no browser and no reader likes
MATRIX_TESTS = 200
MISSED_SHOWN = 12


def write_learner(record: Record, out: Path, *, reveal: bool) -> None:
    """Write `report.html`, `result.json` and Gradescope's `results.json` of one submission, unless they say the same.

    Args:
        record: The full record.
        out: The folder of reports.
        reveal: Show bugs that are alive.
    """
    folder = out / LEARNERS / folder_name(record["submission"])
    seen = public(record, reveal=reveal)
    result, page = folder / "result.json", folder / "report.html"
    text = json.dumps(seen, indent=1) + "\n"
    if page.is_file() and result.is_file() and result.read_text(encoding="utf-8") == text:
        return
    write_atomically(page, learner_page(seen))
    write_atomically(folder / "results.json", gradescope(seen))
    write_atomically(result, text)  # last: it says that the others are there


def write_class(records: Sequence[Record], out: Path) -> None:
    """Write `index.html`, `grades.csv` and `junit.xml` of a class, and the schema of its `result.json` files."""
    write_atomically(out / "index.html", class_page(records))
    write_atomically(out / "grades.csv", grades_csv(records))
    write_atomically(out / "junit.xml", junit(records))
    write_atomically(out / SCHEMA, files("course.grading").joinpath(SCHEMA).read_text(encoding="utf-8"))


def write_gradebook(gradebook: Gradebook, out: Path) -> Path:
    """Write a platform's export with the grades in it, and say where."""
    path = out / f"{gradebook.platform}-{gradebook.name}"
    write_atomically(path, str(gradebook))
    return path


def learner_page(record: Record) -> str:
    """The page of one learner, as HTML.

    Args:
        record: As the learner may see it.
    """
    bugs = record["bugs"]
    tests = _matrix_tests(record)
    return _environment().get_template("report.html").render(
        record=record,
        row=row(record),
        line=line(record),
        delivered=delivered(record),
        left_out=[note for note in record["notes"] if note not in delivered(record)],
        doubtful=doubtful(record),
        categories=_categories(bugs),
        tests=tests[:MATRIX_TESTS],
        more_tests=max(0, len(tests) - MATRIX_TESTS),
        cells=_cells(record),
        caught=[bug for bug in bugs if bug["fate"] == Fate.CAUGHT],
        alive=[bug for bug in bugs if bug["fate"] != Fate.CAUGHT],
    )  # fmt: skip


def class_page(records: Sequence[Record]) -> str:
    """The page of a class, as HTML; for its teacher, since it names every bug."""
    bugs: list[dict[str, Any]] = next((record["bugs"] for record in records if record["bugs"]), [])
    missed = [one for one in most_missed(records) if one.missed]
    return _environment().get_template("index.html").render(
        records=records,
        rows=[row(record) for record in records],
        folders=[f"{LEARNERS}/{folder_name(record['submission'])}/report.html" for record in records],
        categories=_categories(bugs),
        fates=[{bug["id"]: bug["fate"] for bug in record["bugs"]} for record in records],
        missed=missed[:MISSED_SHOWN],
        missed_in_all=len(missed),
        missed_categories=by_category(records),
        nobody_caught=bool(missed) and all(one.missed == one.of for one in most_missed(records)),
        missed_proofs=by_proof(records),
        distribution=distribution(records),
        rates=rates(records),
        scores=sorted(record["score"]["points"] for record in records if record["score"]),
    )  # fmt: skip


def _categories(bugs: Sequence[dict[str, Any]]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Title of a category to its bugs."""
    return [(title, list(found)) for title, found in groupby(bugs, key=category)]


def _matrix_tests(record: Record) -> list[str]:
    """The valid tests; those that catch most come first where not all can be shown."""
    tests = [test["test"] for test in record["tests"] if test["validity"] == "valid"]
    if len(tests) <= MATRIX_TESTS:
        return tests
    catches: dict[str, int] = {}
    for bug in record["bugs"]:
        for catch in bug["catches"]:
            catches[catch["test"]] = catches.get(catch["test"], 0) + 1
    return sorted(tests, key=lambda test: (-catches.get(test, 0), test))


def _cells(record: Record) -> dict[str, list[str]]:
    """Test to what it did on each bug: `c` caught it, `s` ran and did not notice, `n` did not run on it."""
    cells: dict[str, list[str]] = {test["test"]: [] for test in record["tests"]}
    for bug in record["bugs"]:
        caught, ran = {catch["test"] for catch in bug["catches"]}, set(bug["ran"])
        for test, row_ in cells.items():
            row_.append("c" if test in caught else "s" if test in ran else "n")
    return cells


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("course.grading"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["points"] = _points
    environment.filters["test_name"] = lambda test: test.rpartition("::")[2]
    environment.filters["diff_lines"] = _diff_lines
    environment.filters["plural"] = lambda count, word: f"{count} {word}" if count == 1 else f"{count} {word}s"
    return environment


def _points(value: float) -> str:
    return f"{round(value, 2):g}"


def _diff_lines(diff: str) -> list[tuple[str, str]]:
    """Lines of a diff without its file names, each with its kind: `p` added, `m` removed, `c` context."""
    kinds = {"+": "p", "-": "m"}
    body = [line for line in diff.splitlines() if not line.startswith(("--- ", "+++ ", "@@"))]
    return [(kinds.get(line[:1], "c"), line) for line in body]
