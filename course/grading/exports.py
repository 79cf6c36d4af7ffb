"""Grades for other programs: CSV, Gradescope, JUnit XML."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence
from typing import Any
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from course.engine import Fate, Standing
from course.grading.record import Record
from course.grading.summary import line, row

COLUMNS = (
    "name", "points", "of", "late", "lowest", "highest", "caught", "bugs", "hygiene", "proofs", "tests", "doubtful",
    "false_alarms", "standing", "line", "handed_in", "entry", "notes",
)  # fmt: skip
# What XML 1.0 cannot hold: https://www.w3.org/TR/xml/#charsets
NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def grades_csv(records: Sequence[Record]) -> str:
    """One row for each submission; points are empty where the grader failed."""
    figures = map(row, records)
    return as_csv([COLUMNS, *([each[name] for name in COLUMNS] for each in figures)])


def as_csv(rows: Iterable[Sequence[object]]) -> str:
    """Rows as CSV; what a spreadsheet would take for a formula becomes text."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([_cell(cell) for cell in row] for row in rows)
    return text.getvalue()


def gradescope(record: Record) -> str:
    """The `results.json` of one submission, as https://gradescope-autograders.readthedocs.io/en/latest/specs/ has it.

    Where the grader failed there is no score, which Gradescope shows as a failed autograder, and not as no points.

    Args:
        record: As its learner may see it.
    """
    score = record["score"]
    if score is None:
        return _json({"output": line(record), "output_format": "text", "visibility": "visible"})
    tests = [
        {
            "name": entry["title"],
            "number": f"{number}",
            "score": round(entry["points"], 4),
            "max_score": round(entry["of"], 4),
            "status": "passed" if entry["points"] >= entry["of"] else "failed",
            "output": entry["why"],
            "output_format": "text",
            "name_format": "text",
        }
        for number, entry in enumerate(score["lines"], start=1)
    ]
    return _json(
        {
            "score": score["points"],
            "output": line(record) or "Every test of this suite can be believed.",
            "output_format": "text",
            "visibility": "visible",
            "stdout_visibility": "hidden",
            "tests": tests,
        }
    )


def junit(records: Sequence[Record]) -> str:
    """One test suite for each submission, with a case for each bug and for each hygiene proof."""
    root = Element("testsuites", name="course grade")
    for record in records:
        suite = SubElement(root, "testsuite", name=_text(record["submission"]))
        if record["standing"] != Standing.PROVED:
            case = SubElement(suite, "testcase", classname="suite", name="runs")
            SubElement(case, "error", message=_text(line(record)), type=record["standing"])
            suite.attrib |= {"tests": "1", "failures": "0", "errors": "1"}
            continue
        cases = [_bug_case(suite, bug) for bug in record["bugs"]] + [_proof_case(suite, p) for p in record["hygiene"]]
        suite.attrib |= {"tests": str(len(cases)), "failures": str(cases.count(False)), "errors": "0"}
    indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _bug_case(suite: Element, bug: dict[str, Any]) -> bool:
    case = SubElement(
        suite, "testcase", classname=f"bugs.{_text(bug['category'])}", name=_text(bug["id"] or bug["label"])
    )
    caught: bool = bug["fate"] == Fate.CAUGHT
    if not caught:
        SubElement(case, "failure", message=_text(bug["detail"] or bug["hint"]), type=bug["fate"])
    return caught


def _proof_case(suite: Element, proof: dict[str, Any]) -> bool:
    case = SubElement(suite, "testcase", classname="hygiene", name=_text(proof["name"]))
    if not proof["passed"]:
        SubElement(case, "failure", message=_text(proof["evidence"]), type="hygiene")
    return bool(proof["passed"])


def _text(text: str) -> str:
    return NOT_XML.sub("\ufffd", text)


def _cell(value: object) -> object:
    # A spreadsheet takes what begins like this for a formula: https://owasp.org/www-community/attacks/CSV_Injection
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


def _json(data: object) -> str:
    return json.dumps(data, indent=1) + "\n"
