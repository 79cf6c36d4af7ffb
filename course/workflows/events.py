"""Whether an event starts a workflow: branches and paths, as `on` filters them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from course.workflows.definition import Workflow


@dataclass(frozen=True)
class Event:
    """What happens in the repository.

    Attributes:
        name: Such as `pull_request` or `push`.
        branch: Where to: the branch that is pushed, or that the pull request is for.
        paths: The files that change, relative to the repository.
    """

    name: str = "pull_request"
    branch: str = "main"
    paths: tuple[str, ...] = ()


def starts(workflow: Workflow, event: Event) -> bool:
    r"""Whether GitHub runs the workflow on this event.

    Example:
        >>> from course.workflows.reading import read_workflow
        >>> text = "on: {push: {branches: [main]}}\njobs: {a: {runs-on: ubuntu-latest, steps: [{run: pytest}]}}"
        >>> starts(read_workflow(text), Event("push")), starts(read_workflow(text), Event("pull_request"))
        (True, False)
    """
    if event.name not in workflow.events:
        return False
    filters = workflow.events[event.name]
    if not _takes(filters.get("branches", ["**"]), event.branch) or _takes(
        filters.get("branches-ignore", []), event.branch
    ):
        return False
    if "paths" in filters and not any(_takes(filters["paths"], path) for path in event.paths):
        return False
    ignored = filters.get("paths-ignore", [])
    return not event.paths or not all(_takes(ignored, path) for path in event.paths)


def _takes(patterns: Sequence[str], name: str) -> bool:
    """The last pattern that fits decides; one that starts with `!` takes the name out again."""
    taken = False
    for pattern in patterns:
        if _pattern(pattern.removeprefix("!")).fullmatch(name):
            taken = not pattern.startswith("!")
    return taken


def _pattern(glob: str) -> re.Pattern[str]:
    words = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "?", "+": "+"}
    parts = re.split(r"(\*\*/|\*\*|\*|\?|\+|\[[^\]]*\])", glob)
    return re.compile("".join(words.get(part, part if part.startswith("[") else re.escape(part)) for part in parts))
