"""Keeps what a class has made: programs for `--bugs`, and what its suites say about ours.

Hand-ins are suites; but many come with the program beside them, as `course.export` writes it, and some learners have
changed theirs. The reference suite tries such a program: where it fails, that is a bug that somebody really made; where
it passes, the program is right and different, as far as that suite can tell.
"""

from __future__ import annotations

import ast
import difflib
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from course.atomic import write_atomically
from course.engine import Fate, JudgedBug, Patch, Prover, Subject, Suite, Validity
from course.grading.exports import as_csv
from course.grading.record import Record
from course.grading.summary import most_missed
from course.hygiene.scrub import first_line

CAUGHT_BY_FEW = 0.25
NEAREST = 3
SURVIVORS = ("bug", "caught by", "of", "tests that come nearest")
DISPUTED = ("right program", "suites that fail on it", "of", "a test", "what it says")
HINT = "To be written: which test would have shown it?"
VARIES = "Handed in beside a suite, and the reference suite passes on it."


def write_harvest(
    folder: Path,
    programs: Iterable[tuple[str, Mapping[str, str]]],
    records: Sequence[Record],
    subject: Subject,
    prover: Prover,
) -> str:
    """Write `bugs/harvest/*.patch`, `correct/*.patch`, `survivors.csv` and `disputed.csv` below a folder.

    Args:
        folder: Where to; made where it is missing.
        programs: Names of submissions, each with the copy of the program in it, by path.
        records: What was found out about the class.
        subject: The program as it was handed out.
        prover: Tries the programs.

    Returns:
        What was kept, as a sentence.
    """
    refused: list[str] = []
    patches = _patches(programs, subject, refused)
    suite = Suite.from_folder(subject.folder / "reference_suite")
    judged = prover.prove(suite, subject, bugs=patches, correct=()).bugs if patches else ()
    kept = [_keep(folder, each) for each in judged]
    refused += [str(each.bug.path) for each, kind in zip(judged, kept, strict=True) if not kind]
    survivors, disputed = _survivors(records), _disputed(records)
    write_atomically(folder / "survivors.csv", as_csv([SURVIVORS, *survivors]))
    write_atomically(folder / "disputed.csv", as_csv([DISPUTED, *disputed]))
    return (
        f"Kept in {folder}, of learners: bugs {kept.count('bug')} (write their Hint), right programs "
        f"{kept.count('right')}; of ours: bugs that few caught {len(survivors)}, right programs that tests fail on "
        f"{len(disputed)}." + (f" No patch can be made of the program of {', '.join(refused)}." if refused else "")
    )


def _patches(
    programs: Iterable[tuple[str, Mapping[str, str]]], subject: Subject, refused: list[str]
) -> tuple[Patch, ...]:
    """What learners have changed of the program, each change once."""
    found: dict[str, Patch] = {}
    for name, program in programs:
        try:
            diff = _diff(subject, program)
        except (OSError, SyntaxError, ValueError, RecursionError):
            refused.append(name)
            continue
        title = re.sub(r"[^a-z0-9]+", "_", f"by {name.casefold()}").strip("_")
        while title in {patch.name for patch in found.values()}:
            title += "_2"
        if diff and diff not in found:
            found[diff] = Patch(title, "harvest", {"Boundary": "api", "Shows": HINT, "Hint": HINT}, diff, Path(name))
    return tuple(found.values())


def _diff(subject: Subject, program: Mapping[str, str]) -> str:
    """The changes as a unified diff; empty where nothing but comments and layout differs.

    Raises:
        OSError: There is a module that ours does not have.
        SyntaxError: A module is no Python.
    """
    lines: list[str] = []
    for name, theirs in sorted(program.items()):
        ours = (subject.folder / name).read_text(encoding="utf-8")
        if ast.dump(ast.parse(ours)) != ast.dump(ast.parse(theirs)):
            new = f"{theirs.rstrip()}\n".splitlines(keepends=True)
            lines += difflib.unified_diff(ours.splitlines(keepends=True), new, f"a/{name}", f"b/{name}")
    return "".join(lines)


def _keep(folder: Path, judged: JudgedBug) -> str:
    """Write a program down as what the reference suite has shown it to be; empty where it has shown nothing."""
    patch = judged.bug
    if judged.fate is Fate.CAUGHT:
        catch = judged.catches[0]
        shows = first_line(f"{catch.test.rpartition('::')[2]} of the reference suite fails: {catch.message}")
        kind, where, header = "bug", folder / "bugs" / patch.group, patch.header | {"Shows": shows}
    elif judged.fate in (Fate.SURVIVED, Fate.NOT_REACHED):
        kind, where, header = "right", folder / "correct", {"Varies": VARIES}
    else:
        return ""
    head = "".join(f"{key}: {text}\n" for key, text in header.items())
    write_atomically(where / f"{patch.name}.patch", f"{head}\n{patch.diff}")
    return kind


def _survivors(records: Sequence[Record]) -> list[list[Any]]:
    """Our bugs that few have caught, each with the tests that come nearest: they reach it, and little beside it."""
    reached: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for record in records:
        bugs = [set(bug["ran"]) - {catch["test"] for catch in bug["catches"]} for bug in record["bugs"]]
        for bug, tests in zip(record["bugs"], bugs, strict=True):
            width = {test: sum(test in others for others in bugs) for test in tests}
            reached[bug["id"]] += [(width[test], f"{record['submission']}: {test}") for test in tests]
    few = [one for one in most_missed(records) if one.share > 1 - CAUGHT_BY_FEW]
    nearest = {id_: "; ".join(test for _, test in sorted(tests)[:NEAREST]) for id_, tests in reached.items()}
    return [[one.what["id"], one.of - one.missed, one.of, nearest[one.what["id"]]] for one in few]


def _disputed(records: Sequence[Record]) -> list[list[Any]]:
    """Right programs on which tests fail, most suites first: who errs, the program, the brief or the class?"""
    found: dict[str, dict[str, tuple[str, str]]] = defaultdict(dict)
    for record in records:
        for test in record["tests"]:
            if test["validity"] == Validity.FALSE_ALARM:
                found[test["variant"]].setdefault(record["submission"], (test["test"], test["message"]))
    ordered = sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))
    return [
        [variant, len(suites), len(records), f"{name}: {test}", first_line(said)]
        for variant, suites in ordered
        for name, (test, said) in [min(suites.items())]
    ]
