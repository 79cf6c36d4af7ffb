"""The words of a board: numbers of things, places in cells, names and diffs, as short as they can be said."""

from __future__ import annotations

LONGEST_NAME = 120  # characters of a test's name


def shown(diff: str) -> str:
    """A diff without its line numbers, which a learner has no use for: the code is what teaches."""
    lines: list[str] = []
    for line in diff.splitlines():
        if line.startswith("+++ b/"):
            lines.append(f"in {line[6:]}")
        elif line.startswith("@@"):
            lines += [] if lines[-1].startswith("in ") else ["…"]
        elif not line.startswith("--- "):
            lines.append(line)
    return "\n".join(lines)


def short(name: str) -> str:
    """A test's name, cut where the value that it was made from makes it endless."""
    return name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…"


def place(where: str) -> str:
    """Where a failure is, as the learner counts: the line, and the cell if it is that of the fixtures."""
    name, _, line = where.rpartition(":")
    if not line.isdigit():
        return ""
    return f"line {line} of the %%conftest cell" if name.endswith("conftest.py") else f"line {line}"


def and_others(number: int) -> str:
    """How many tests more failed in the same way, or caught the same bug."""
    return f" and {count(number, 'other test', 'other tests')}"


def count(number: int, one: str, many: str) -> str:
    """A number with its noun.

    Example:
        >>> count(1, "test passes", "tests pass"), count(2, "test passes", "tests pass")
        ('1 test passes', '2 tests pass')
    """
    return f"{number} {one if number == 1 else many}"
