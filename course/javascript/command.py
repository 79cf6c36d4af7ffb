"""The command line of one run: Node with the runner, and what the runner is told."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from course.javascript.packages import dependencies, install
from course.services.machine.node import find

NAME = "javascript"  # the language of a subject and of an exercise
RUNNER = Path(__file__).parent / "runner"
# Of memory, in megabytes: what old objects may take, and room for young ones, which a run rarely fills. A run is too
# short for code to be worth optimising
OPTIONS = ("--max-old-space-size=1024", "--max-semi-space-size=64", "--min-semi-space-size=64", "--no-opt")


def command(subject: Path, package: str, tree: str, url: str) -> dict[str, Any]:
    """What a task needs so that Node runs it.

    Args:
        subject: Folder with the subject's `package.json` and `package-lock.json`.
        package: What a suite requires.
        tree: The folder of the variant.
        url: Of the database.

    Returns:
        `command`, what `run.js` reads beside it (`modules`, `packages`), and `variables` of the environment.

    Raises:
        CourseError: There is no Node, or its packages cannot be had.
    """
    modules = str(install(subject))
    return {
        "command": [find().program, *OPTIONS, str(RUNNER / "run.js")],
        "modules": modules,
        "packages": [package, *dependencies(subject)],
        "variables": {**_variables(tree, modules, url), "FORCE_COLOR": "0"},
    }


def plain_command(
    subject: Path, tree: Path, folder: Path, url: str, *, colour: bool = False
) -> tuple[list[str], dict[str, str]]:
    """The command line of jest itself on the tests in a folder, and its variables.

    Args:
        subject: Folder with the subject's `package.json` and `package-lock.json`.
        tree: The folder of the variant.
        folder: Holds the tests.
        url: Of the database.
        colour: Whether the report may hold a terminal's colours.

    Raises:
        CourseError: There is no Node, or its packages cannot be had.
    """
    modules = install(subject)
    paths = [str(tree), str(modules)]
    settings = {"rootDir": str(folder), "modulePaths": paths, "transform": {}, "cacheDirectory": str(folder / "cache")}
    program = modules / "jest" / "bin" / "jest.js"
    options = ["--runInBand", "--ci", "--watchman=false", "--verbose", f"--config={json.dumps(settings)}"]
    variables = {**_variables(str(tree), str(modules), url), "FORCE_COLOR": str(int(colour))}
    return [find().program, str(program), *options], variables


def _variables(tree: str, modules: str, url: str) -> dict[str, str]:
    return {
        "DATABASE_URL": re.sub(r"^(\w+)\+\w+:", r"\1:", url),  # a driver's name is known to SQLAlchemy only
        "NODE_PATH": os.pathsep.join((tree, modules)),
        "NODE_ENV": "test",
    }
