"""Runs all notebooks under nbval, strictly, and a canary first that proves that failures are seen.

With `COURSE_STRICT=1` an exercise that is not solved raises. Learner notebooks have their exercises tagged
`raises-exception`, so nothing else in them may raise; and this module, as a pytest plugin, fails a tagged cell that
raises nothing: an exercise that is green as shipped.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

from course.shipped import CLONE

CANARY = CLONE / "tests" / "canary" / "must_fail.ipynb"
CANARY_CELLS = 3


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Fail a cell that is tagged `raises-exception` and raises nothing: a green exercise in a learner's notebook."""
    yield
    options, outputs = getattr(item, "options", {}), getattr(item, "test_outputs", None) or []
    if options["check_exception"] and not any(output["output_type"] == "error" for output in outputs):
        pytest.fail("The cell is tagged raises-exception and raised nothing.", pytrace=False)


def command(notebooks: list[Path]) -> list[str]:
    """Build the command that runs notebooks in a pytest of its own."""
    plugins = ["-p", "course.authoring.notebooks", "-p", "no:cacheprovider"]
    nbval = ["--nbval-lax", "--nbval-current-env", "-W", "default"]
    return [sys.executable, "-m", "pytest", "-q", *plugins, *nbval, *map(str, notebooks)]


def run(notebooks: list[Path], *, quiet: bool = False) -> subprocess.CompletedProcess[str]:
    """Run notebooks; what they print is kept where `quiet`, and shown as it comes otherwise."""
    stdout = subprocess.PIPE if quiet else None
    with tempfile.TemporaryDirectory(prefix="course-nbval-") as workspace:
        variables = {**os.environ, "COURSE_STRICT": "1", "COURSE_WORKSPACE": workspace}
        return subprocess.run(command(notebooks), env=variables, cwd=CLONE, check=False, text=True, stdout=stdout)


def main(names: list[str]) -> int:
    """Run the canary, then the notebooks that are named, or all of them.

    Args:
        names: Slugs.

    Returns:
        0 where everything is as it should be.
    """
    last_line = run([CANARY], quiet=True).stdout.strip().rpartition("\n")[2]
    if not last_line.startswith(f"{CANARY_CELLS} failed in "):
        sys.stderr.write(f"Each cell of {CANARY} must fail, and nbval says: {last_line}. So nothing is proved.\n")
        return 1
    wanted = [path for each in ("solutions", "notebooks") for path in sorted((CLONE / each).glob("*.ipynb"))]
    chosen = [path for path in wanted if not names or path.stem in names]
    return run(chosen).returncode if chosen else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
