"""What the records of a class say together."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from course.engine import LACKING, Fate, Standing, Validity
from course.grading.delivery import HANDED_IN, NEWEST
from course.grading.record import LATE, STALE, Record

BINS = 10
# As PostgreSQL says it, whatever the driver
EXTENSION = re.compile(r'extension "([\w-]+)" is not available')


ENDED = re.compile(r"ended after (?:its time|\d+ s)")
ENDLESS = (
    "Run it under pytest: it waits for something that never comes, such as a lock that another session of it holds, "
    "or a loop of it never ends."
)


@dataclass(frozen=True)
class Missed:
    """A bug, a category of bugs or a hygiene proof, and how often the class missed it.

    Attributes:
        what: The bug or the proof as a record has it; of a category, its title.
        missed: How often it was missed; for a category, summed over its bugs.
        of: How often it was tried.
    """

    what: Any
    missed: int
    of: int

    @property
    def share(self) -> float:
        """How much was missed, from 0 to 1."""
        return self.missed / self.of if self.of else 0.0


def row(record: Record) -> dict[str, Any]:
    """The figures of one record, as tables show them."""
    score, bugs = record["score"], record["bugs"]
    caught = sum(bug["fate"] == Fate.CAUGHT for bug in bugs)
    return {
        "name": record["submission"],
        "points": None if score is None else score["points"],
        "of": None if score is None else score["of"],
        "late": sum(entry["points"] for entry in score["lines"] if entry["part"] == LATE) if score else 0,
        "lowest": None if score is None else score["lowest"],
        "highest": None if score is None else score["highest"],
        "caught": caught,
        "bugs": len(bugs),
        "hygiene": sum(proof["passed"] for proof in record["hygiene"]) if caught else 0,
        "proofs": len(record["hygiene"]),
        "tests": sum(test["validity"] == "valid" for test in record["tests"]),
        "doubtful": len(doubtful(record)),
        "false_alarms": false_alarms([record]).missed,
        "handed_in": record["handed_in"],
        "standing": record["standing"],
        "line": line(record),
        "entry": record["entry"],
        "notes": " ".join(record["notes"]),
    }


def line(record: Record) -> str:
    """One line on a suite: what is wrong with it as a whole, or what stands out."""
    if record["standing"] != Standing.PROVED:
        where = f" ({record['where']})" if record["where"] else ""
        return " ".join([*delivered(record), f"{record['detail']}{where}", *_extensions(record), *_endless(record)])
    lacking = [note for note in record["notes"] if note.startswith(LACKING)]
    wanted = [*delivered(record), *lacking, *_extensions(record), *_skipped(record)]
    if record["score"] and record["score"]["why"]:
        return " ".join([str(record["score"]["why"]), *wanted])
    found = doubtful(record)
    doubt = [f"{_tests(found)} cannot be believed"] if found else []
    return " ".join([*wanted, *doubt])


def _extensions(record: Record) -> list[str]:
    """A sentence on extensions of PostgreSQL that the suite has asked for in vain."""
    said = [record["detail"], *(test["message"] for test in record["tests"])]
    names = sorted({name for text in said for name in EXTENSION.findall(text)})
    return [f"PostgreSQL has no extension {', '.join(names)} here: the brief says what is there."] if names else []


def delivered(record: Record) -> list[str]:
    """What a teacher has to know of how it was handed in: late, more than once, or again since it was graded."""
    return [note for note in record["notes"] if note.startswith((HANDED_IN, STALE)) or NEWEST in note]


def _endless(record: Record) -> list[str]:
    """What to do about a suite that had to be ended."""
    return [ENDLESS] if record["standing"] == Standing.INCONCLUSIVE and ENDED.search(record["detail"]) else []


def _skipped(record: Record) -> list[str]:
    """A sentence on the tests that skipped themselves, and why the first one did."""
    skipped = [test for test in record["tests"] if test["validity"] == "skipped"]
    if not skipped:
        return []
    why = f": {skipped[0]['message']}" if skipped[0]["message"] else ""
    cure = " No Docker is needed here: the brief says where a database comes from." if "docker" in why.lower() else ""
    return [f"{_tests(skipped)} {'were' if len(skipped) > 1 else 'was'} skipped{why.rstrip('.')}.{cure}"]


def _tests(tests: Sequence[Any]) -> str:
    return f"{len(tests)} test{'s' if len(tests) > 1 else ''}"


def catches(records: Sequence[Record]) -> Missed:
    """How many bugs were missed of all that the suites of a class were tried on."""
    fates = [bug["fate"] for record in _proved(records) for bug in record["bugs"]]
    return Missed("bugs", sum(fate != Fate.CAUGHT for fate in fates), len(fates))


def false_alarms(records: Sequence[Record]) -> Missed:
    """How many tests of a class fail on right code, of all that ran; apart from what they catch."""
    tests = [test["validity"] for record in _proved(records) for test in record["tests"]]
    return Missed("tests", tests.count(Validity.FALSE_ALARM), len(tests) - tests.count(Validity.SKIPPED))


def rates(records: Sequence[Record]) -> str:
    """How much a class catches, and how often it cries wolf, as one line; empty where no suite could be proved."""
    caught, alarms = catches(records), false_alarms(records)
    if not caught.of:
        return ""
    return f"Caught: {1 - caught.share:.0%} of the bugs. False alarms: {alarms.share:.0%} of the tests."


def doubtful(record: Record) -> list[dict[str, str]]:
    """The tests that do not count."""
    return [test for test in record["tests"] if test["validity"] not in ("valid", "skipped")]


def most_missed(records: Sequence[Record]) -> list[Missed]:
    """Bugs by how many suites missed them, the most missed first; only suites that were proved are asked."""
    bugs = [bug for record in _proved(records) for bug in record["bugs"]]
    found = _missed((bug["id"], bug, bug["fate"] != Fate.CAUGHT) for bug in bugs)
    return sorted(found, key=lambda one: (-one.missed, one.what["id"]))


def by_category(records: Sequence[Record]) -> list[Missed]:
    """How many of their bugs the class missed in each category, in the order of the challenge."""
    bugs = [bug for record in _proved(records) for bug in record["bugs"]]
    return _missed((category(bug), category(bug), bug["fate"] != Fate.CAUGHT) for bug in bugs)


def by_proof(records: Sequence[Record]) -> list[Missed]:
    """How many suites each hygiene proof failed on, in the order of the challenge."""
    proofs = [proof for record in _proved(records) for proof in record["hygiene"]]
    return _missed((proof["name"], proof, not proof["passed"]) for proof in proofs)


def category(bug: dict[str, Any]) -> str:
    """The title of a bug's category: its label without the number."""
    return str(bug["label"]).rpartition(" ")[0]


def _proved(records: Sequence[Record]) -> list[Record]:
    return [record for record in records if record["standing"] == Standing.PROVED]


def _missed(tried: Iterable[tuple[str, Any, bool]]) -> list[Missed]:
    """Count by key, in the order in which the keys came."""
    found: dict[str, Missed] = {}
    for key, what, is_missed in tried:
        before = found.get(key, Missed(what, 0, 0))
        found[key] = Missed(what, before.missed + is_missed, before.of + 1)
    return list(found.values())


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
