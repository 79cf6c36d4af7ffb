"""The actions that a rehearsal knows: what it does in their place, and says so."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Mapping
from pathlib import Path

# What a commit does not hold
LEFT_OUT = shutil.ignore_patterns("__pycache__", ".git", ".venv", "node_modules")


def simulate(uses: str, given: Mapping[str, str], commit: Path, workspace: Path) -> str:
    """Do what stands for an action here, and return what to say about it.

    Args:
        uses: Such as `actions/checkout@v5`.
        given: The step's `with`, its expressions replaced.
        commit: The repository at the commit that is rehearsed.
        workspace: Where the steps run.
    """
    name = uses.partition("@")[0]
    if name == "actions/checkout":
        target = workspace / given.get("path", "")
        shutil.copytree(commit, target, dirs_exist_ok=True, ignore=LEFT_OUT)
        return "Copied the project."
    if name == "actions/setup-python":
        asked = given.get("python-version", "any")
        return f"Simulated: Python {platform.python_version()} is here, {asked} was asked for."
    if name == "actions/setup-node":
        return f"Simulated: the Node of this machine, {given.get('node-version', 'any')} was asked for."
    if name == "actions/cache":
        return "Simulated: nothing is cached here."
    if name == "actions/upload-artifact":
        return _uploaded(given.get("path", ""), workspace)
    return f"Not rehearsed: nothing here stands for {uses}. GitHub runs it."


def _uploaded(path: str, workspace: Path) -> str:
    """GitHub only warns where the path is not there, and so does this."""
    found = [each for line in path.splitlines() if line.strip() for each in workspace.glob(line.strip())]
    if not found:
        return f"Warning: no files were found with the path {path.strip() or '(none)'}. No artifact is uploaded."
    return f"Simulated: would upload {', '.join(sorted(str(each.relative_to(workspace)) for each in found))}."
