"""One run of one job: its services, its steps in order, and what each may know of those before it."""

from __future__ import annotations

import os
import re
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from course.services.cleanup.process import run
from course.services.cleanup.scratch import Scratch
from course.workflows.actions import simulate
from course.workflows.definition import Job, Step, Value, Workflow
from course.workflows.events import Event
from course.workflows.expression import ExpressionError, fill, holds, shown
from course.workflows.results import JobResult, StepResult
from course.workflows.services import Provisioned, ServiceError, provision

# As GitHub starts them: without `shell` there is no pipefail
# https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idstepsshell
SHELLS = {
    "": ["bash", "-e"],
    "bash": ["bash", "--noprofile", "--norc", "-eo", "pipefail"],
    "sh": ["sh", "-e"],
    "python": [sys.executable],
}
# pip looks whether the packages are there, and installs nothing: this environment is the learner's own
PIP = {"PIP_DRY_RUN": "1", "PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
NUMBER = re.compile(r"(?<![\w.])\d{2,5}(?![\w.])")


@dataclass(frozen=True)
class Rehearsed:
    """What all jobs of a rehearsal share.

    Attributes:
        workflow: What is rehearsed.
        commit: The project's folder.
        event: What has happened.
        closed: A port that nothing listens on: it stands for 5432 where no service maps that one, so that no step
            reaches a server of the learner's own.
        plugins: pytest's plugins that its steps find, by comma.
        begin: When it began, as `time.monotonic` tells.
        seconds: How long it may take.
        stop: Set when all must end.
    """

    workflow: Workflow
    commit: Path
    event: Event
    closed: str
    plugins: str
    begin: float
    seconds: float
    stop: threading.Event

    @property
    def now(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self.begin


@dataclass
class JobRun:
    """One job, or one combination of its matrix.

    Attributes:
        shared: What all jobs share.
        job: What to run.
        matrix: The combination; empty without a matrix.
        needed: Job id to result, of the jobs it needs.
    """

    shared: Rehearsed
    job: Job
    matrix: Mapping[str, Value]
    needed: Mapping[str, str]
    _status: str = "success"
    _env: dict[str, str] = field(default_factory=dict)
    _steps: dict[str, dict[str, Any]] = field(default_factory=dict)
    _services: Provisioned = field(default_factory=Provisioned)
    _folder: Path = Path()

    @property
    def name(self) -> str:
        """As GitHub shows it: `test (3.12)`."""
        values = ", ".join(shown(value) for value in self.matrix.values())
        given = self.job.settings.get("name")
        return fill(str(given), self._contexts()) if given else f"{self.job.id} ({values})" if values else self.job.id

    def run(self) -> JobResult:
        """Run it, unless its `if` or a job that it needs keeps it back."""
        before = "failure" if set(self.needed.values()) - {"success"} else "success"
        if not holds(str(self.job.settings.get("if", "")), self._contexts(), before):
            return JobResult(self.name, "skipped")
        scratch = Scratch("workflow", in_memory=False)
        try:
            self._folder = scratch.folder.resolve()
            for name in ("work", "home", "temp"):
                (self._folder / name).mkdir()
            steps = tuple(self._results())
        finally:
            scratch.remove()
        return JobResult(self.name, self._status, steps)

    def _results(self) -> Iterator[StepResult]:
        start = self.shared.now
        try:
            with provision(self.job.services) as self._services:
                if self._services.notes:
                    said = "\n".join(self._services.notes)
                    yield StepResult(
                        "Initialize containers", "success", "success", start, self.shared.now - start, said
                    )
                for step in self.job.steps:
                    yield self._result(step)
        except ServiceError as error:
            self._status = "failure"
            yield StepResult("Initialize containers", "failure", "failure", start, self.shared.now - start, str(error))

    def _result(self, step: Step) -> StepResult:
        """Run one step, or skip it, and note how it went for those that come after it."""
        start, name, output, note = self.shared.now, step.name, "", ""
        try:
            name = fill(step.name, self._contexts())
            outcome = "skipped"
            if holds(str(step.settings.get("if", "")), self._contexts(), self._status):
                outcome, output, note = self._action(step) if step.uses else self._script(step)
        except ExpressionError as error:
            outcome, output = "failure", str(error)
        forgiven = outcome == "failure" and step.settings.get("continue-on-error") is True
        conclusion = "success" if forgiven else outcome
        self._status = conclusion if conclusion in ("failure", "cancelled") else self._status
        self._told(step).update(outcome=outcome, conclusion=conclusion)
        return StepResult(name, conclusion, outcome, start, self.shared.now - start, output, note)

    def _told(self, step: Step) -> dict[str, Any]:
        return self._steps.setdefault(str(step.settings.get("id", "")), {"outputs": {}})

    def _action(self, step: Step) -> tuple[str, str, str]:
        given = {key: self._filled(value) for key, value in step.settings.get("with", {}).items()}
        return "success", "", simulate(step.uses or "", given, self.shared.commit, self._folder / "work")

    def _script(self, step: Step) -> tuple[str, str, str]:
        """Outcome, output and note of a script."""
        place, shell = (self._filled(self._setting(step, name)) for name in ("working-directory", "shell"))
        folder = self._folder / "work" / place
        if not folder.is_dir():
            return "failure", f"Error: there is no folder {place}.\n", ""
        if shell not in SHELLS:
            return "failure", f"Error: a rehearsal has no shell {shell}.\n", ""
        script = self._folder / "temp" / "step.sh"
        script.write_text(f"{self._filled(step.run)}\n", encoding="utf-8")
        minutes = float(step.settings.get("timeout-minutes", self.job.settings.get("timeout-minutes", 360)))
        left = max(self.shared.seconds - self.shared.now, 0)
        command, log = [*SHELLS[shell], str(script)], script.with_suffix(".log")
        code, output = run(
            command, folder, self._environment(step), min(left, minutes * 60), log, self.shared.stop.is_set
        )
        output = self._as_in_the_file(output)
        self._read_files(step)
        if code is None and minutes * 60 < left:
            return "failure", f"{output}Error: The action has timed out after {minutes:g} minutes.\n", ""
        if code is None:
            return "cancelled", output, f"Ended here after {left:.0f} s; GitHub would wait for {minutes:g} minutes."
        return ("failure" if code else "success"), output + _exit_code(code), ""

    def _setting(self, step: Step, name: str) -> str:
        for place in (step.settings, self.job.settings.get("defaults", {}).get("run", {}), self.shared.workflow.run):
            if name in place:
                return str(place[name])
        return ""

    def _filled(self, value: object) -> str:
        """A value with its expressions replaced, and with the ports that stand here for those of the file."""
        ports = self._ports()
        return NUMBER.sub(lambda found: ports.get(found[0], found[0]), fill(shown(value), self._contexts()))

    def _ports(self) -> dict[str, str]:
        return {"5432": self.shared.closed, **self._services.ports}

    def _as_in_the_file(self, output: str) -> str:
        """What a step printed, with the ports of the file again."""
        ports = {here: there for there, here in self._ports().items()}
        return NUMBER.sub(lambda found: ports.get(found[0], found[0]), output)

    def _environment(self, step: Step) -> dict[str, str]:
        given = {**self.shared.workflow.env, **self.job.settings.get("env", {}), **step.settings.get("env", {})}
        return {**self._own(), **self._env, **{name: self._filled(value) for name, value in given.items()}}

    def _own(self) -> dict[str, str]:
        """What GitHub's runner gives each step, and nothing of the learner's own environment but the path."""
        temp = self._folder / "temp"
        return {
            "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath))),
            "HOME": str(self._folder / "home"),
            "TMPDIR": str(temp),
            "LANG": "C.UTF-8",
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_NAME": self.shared.event.name,
            "GITHUB_WORKSPACE": str(self._folder / "work"),
            "GITHUB_ENV": str(temp / "env"),
            "GITHUB_OUTPUT": str(temp / "output"),
            "GITHUB_STEP_SUMMARY": str(temp / "summary"),
            "RUNNER_TEMP": str(temp),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTEST_PLUGINS": self.shared.plugins,
            **PIP,
        }

    def _read_files(self, step: Step) -> None:
        """Take over what a step leaves to those after it: `NAME=value` lines in $GITHUB_ENV and $GITHUB_OUTPUT."""
        for name, target in (("env", self._env), ("output", self._told(step)["outputs"])):
            path = self._folder / "temp" / name
            if path.is_file():
                lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
                target.update((line.partition("=")[0], line.partition("=")[2]) for line in lines if "=" in line)
                path.unlink()

    def _contexts(self) -> dict[str, Any]:
        event, work = self.shared.event, str(self._folder / "work")
        return {
            "github": {"event_name": event.name, "base_ref": event.branch, "workspace": work},
            "env": {**self.shared.workflow.env, **self.job.settings.get("env", {}), **self._env},
            "matrix": self.matrix,
            "job": {"status": self._status, "services": self._services.by_service},
            "steps": self._steps,
            "needs": {job: {"result": result} for job, result in self.needed.items()},
            "runner": {"os": "Linux", "temp": str(self._folder / "temp")},
        }


def _exit_code(code: int) -> str:
    return f"Error: Process completed with exit code {code}.\n" if code else ""
