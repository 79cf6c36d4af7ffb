"""Which test to try first on a bug: it changes nothing about what is caught, and much about how soon.

A test is likely to catch what happens near a line that it reaches and that few other tests do, and what its name speaks
of. A quick one goes before a slow one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import inf, log, sqrt

from course.engine.patch import Patch
from course.engine.reach import Watched
from course.engine.run import Reach

Line = tuple[str, int]
# Weights that need the fewest tests on the reference suite of todo_api: words against lines, and time against both
WORDS, TIME, LEAST = 0.3, 0.7, 0.02
NEAR = 3  # lines away that count half
MOMENT = 0.001  # seconds that a test takes at least
COMMON = frozenset("a an and as at be by for from in is it its no not of on one that the to what with".split())  # noqa: SIM905
ENDINGS = re.compile(r"(ies|es|ed|ing|s)$")


def promising_first(
    bug: Patch, tests: Sequence[str], seconds: Mapping[str, float], watched: Watched, reach: Reach | None
) -> tuple[str, ...]:
    """Sort tests by how likely they are to catch a bug, and how soon.

    Args:
        bug: The bug.
        tests: Ids of tests, in the order of the files, which decides where nothing else does.
        seconds: How long each takes.
        watched: What the bug stands on.
        reach: What each test reaches.
    """
    lines = nearness(tests, watched, reach)
    speaking = likeness(f"{bug.id} {bug.shows} {bug.hint}", tests)

    def promise(test: str) -> float:
        return (lines[test] + WORDS * speaking[test] + LEAST) / float(max(seconds[test], MOMENT) ** TIME)

    return tuple(sorted(tests, key=promise, reverse=True))


def nearness(tests: Iterable[str], watched: Watched, reach: Reach | None) -> dict[str, float]:
    """How near each test comes to what is watched, on lines that are not everybody's: from 0 to 1."""
    reached = {test: reach.tests.get(test, frozenset()) if reach else frozenset() for test in tests}
    numbers = Counter(line for lines in reached.values() for line in lines)
    values = {line: 1 / (number * (1 + _distance(line, watched) / NEAR)) for line, number in numbers.items()}
    return {test: max((values[line] for line in lines), default=0.0) for test, lines in reached.items()}


def likeness(text: str, tests: Iterable[str]) -> dict[str, float]:
    """How much the name of each test speaks of what a text does; rare words count more than common ones.

    Example:
        >>> found = likeness("deletes them all", ["test_a.py::test_a_deleted_todo", "test_a.py::test_a_new_todo"])
        >>> [round(value, 2) for value in found.values()]
        [0.29, 0.0]
    """
    names = {test: words(test.partition("::")[2].removeprefix("test_")) for test in tests}
    numbers = Counter(word for name in names.values() for word in name)
    wanted = words(text)
    return {
        test: sum(log(len(names) / numbers[word]) for word in name & wanted) / (1 + sqrt(len(name)))
        for test, name in names.items()
    }


def words(text: str) -> frozenset[str]:
    """The words of a text or a name, without their endings and without those that say nothing."""
    found = re.findall(r"[a-z]+", text.lower().replace("_", " "))
    return frozenset(ENDINGS.sub("", word) for word in found if word not in COMMON)


def _distance(line: Line, watched: Watched) -> float:
    return min((abs(line[1] - number) for name, number in watched.lines if name == line[0]), default=inf)
