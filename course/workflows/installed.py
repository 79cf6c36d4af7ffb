"""The pytest plugins that a workflow installs: its steps find no others, as on GitHub's machine."""

from __future__ import annotations

import re
from importlib.metadata import entry_points
from pathlib import Path

from course.workflows.definition import Workflow


def plugins(workflow: Workflow, commit: Path) -> str:
    """Those of the packages that the project's requirements or a step's script name, for `PYTEST_PLUGINS`."""
    files = [*sorted(commit.glob("requirements*.txt")), *commit.glob("pyproject.toml")]
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in files]
    texts += [step.run or "" for job in workflow.jobs for step in job.steps]
    named = {_name(word) for word in re.findall(r"\w[\w.-]*", "\n".join(texts))}
    found = [point.value for point in entry_points(group="pytest11") if point.dist and _name(point.dist.name) in named]
    # In the order of their package: pytest warns of a plugin that another one has imported before it
    return ",".join(dict.fromkeys(found))


def _name(package: str) -> str:
    return re.sub(r"[-_.]+", "-", package).lower()
