"""What the records of a class say together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from course.engine import Fate, Standing
from course.grading.record import Record

BINS = 10


@dataclass(frozen=True)
class Missed:
    """A bug, and how many of the class it got past.

    Attributes:
        bug: As a record has it.
        missed: How many suites did not catch it.
        of: How many suites were proved.
    """

    bug: dict[str, Any]
    missed: int
    of: int

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return self.missed / self.of if self.of else 0.0


def row(record: Record) -> dict[str, Any]:
    """The figures of one record, as tables show them."""
    score, bugs = record["score"], record["bugs"]
    caught = sum(bug["fate"] == Fate.CAUGHT for bug in bugs)
    return {
        "name": record["submission"],
        "points": None if score is None else score["points"],
        "of": None if score is None else score["of"],
        "caught": caught,
        "bugs": len(bugs),
        "hygiene": sum(proof["passed"] for proof in record["hygiene"]),
        "proofs": len(record["hygiene"]),
        "tests": sum(test["validity"] == "valid" for test in record["tests"]),
        "doubtful": len(doubtful(record)),
        "standing": record["standing"],
        "line": line(record),
    }


def line(record: Record) -> str:
    """One line on a suite: what is wrong with it as a whole, or what stands out."""
    if record["standing"] != Standing.PROVED:
        where = f" ({record['where']})" if record["where"] else ""
        return f"{record['detail']}{where}"
    if record["score"] and record["score"]["why"]:
        return str(record["score"]["why"])
    found = doubtful(record)
    return f"{len(found)} test{'s' if len(found) > 1 else ''} cannot be believed" if found else ""


def doubtful(record: Record) -> list[dict[str, str]]:
    """The tests that do not count."""
    return [test for test in record["tests"] if test["validity"] not in ("valid", "skipped")]


def most_missed(records: Sequence[Record]) -> list[Missed]:
    """Bugs by how many suites missed them, the most missed first; only suites that were proved are asked."""
    proved = [record for record in records if record["standing"] == Standing.PROVED]
    bugs: dict[str, dict[str, Any]] = {}
    missed: dict[str, int] = {}
    for record in proved:
        for bug in record["bugs"]:
            bugs[bug["id"]] = bug
            missed[bug["id"]] = missed.get(bug["id"], 0) + (bug["fate"] != Fate.CAUGHT)
    found = [Missed(bug, missed[name], len(proved)) for name, bug in bugs.items()]
    return sorted(found, key=lambda one: (-one.missed, one.bug["id"]))


def distribution(records: Sequence[Record]) -> list[tuple[str, int]]:
    """How many scores fall into each tenth, as pairs such as `("60-70", 3)`; the last holds full points too."""
    counts = [0] * BINS
    of = 100.0
    for record in records:
        if record["score"] is not None:
            of = record["score"]["of"]
            counts[min(int(record["score"]["points"] / of * BINS), BINS - 1)] += 1
    width = of / BINS
    return [(f"{number * width:g}\u2013{(number + 1) * width:g}", count) for number, count in enumerate(counts)]
