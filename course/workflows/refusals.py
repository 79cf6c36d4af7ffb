"""What a rehearsal does not run: commands that change the machine, or delete outside of the copy."""

from __future__ import annotations

import re
import shlex

from course.errors import CourseError
from course.workflows.definition import Workflow

MACHINE = {
    "sudo": "it would act as root on your machine",
    "apt": "it would install packages on your machine",
    "apt-get": "it would install packages on your machine",
    "brew": "it would install packages on your machine",
    "docker": "it would use your own containers",
    "reboot": "it would end more than the rehearsal",
    "shutdown": "it would end more than the rehearsal",
}
COMMAND_ENDS = re.compile(r"&&|\|\||[;|&\n]")
OUTSIDE = re.compile(r"/|~|\$HOME|\$\{HOME\}|.*(?:^|/)\.\.(?:/|$)")
WITHIN = re.compile(r"\$\{?(?:GITHUB_WORKSPACE|RUNNER_TEMP)\b|\$\{\{ *(?:github\.workspace|runner\.temp) *\}\}")


class RefusedError(CourseError):
    """A step would do something to the machine that a rehearsal must not do."""


def check(workflow: Workflow) -> None:
    """Look through all scripts before anything runs.

    Raises:
        RefusedError: One would change the machine; line, command and reason are named.
    """
    for job in workflow.jobs:
        for step in job.steps:
            for command in COMMAND_ENDS.split(step.run or ""):
                reason = _reason(command)
                if reason:
                    what = f"Line {step.line}: a rehearsal does not run `{command.strip()}`: {reason}."
                    raise RefusedError(what, "Take it out of the file; on GitHub it runs on a machine of its own.")


def _reason(command: str) -> str:
    try:
        words = shlex.split(command, comments=True)
    except ValueError:
        words = command.split()
    while words and re.fullmatch(r"\w+=.*|env|exec|time|then|do|else|!|\(|\{", words[0]):
        words = words[1:]
    if not words:
        return ""
    name = words[0].rpartition("/")[2]
    if name in MACHINE:
        return MACHINE[name]
    if name in {"rm", "rmdir", "mv", "shred", "find"} and any(_is_outside(word) for word in words[1:]):
        return "it would reach files outside of the copy"
    return ""


def _is_outside(word: str) -> bool:
    return not WITHIN.match(word) and OUTSIDE.match(word) is not None
