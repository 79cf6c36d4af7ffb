"""How a rehearsal went: conclusions of steps, jobs and the whole, in GitHub's own words."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class StepResult:
    """One step.

    Attributes:
        name: As the file names it.
        conclusion: `success`, `failure`, `skipped` or `cancelled`: what the job goes by.
        outcome: The same before `continue-on-error`.
        start: Seconds since the rehearsal began.
        seconds: How long it took.
        output: What it printed.
        note: What the rehearsal did otherwise than GitHub; empty where nothing.
    """

    name: str
    conclusion: str
    outcome: str
    start: float = 0.0
    seconds: float = 0.0
    output: str = ""
    note: str = ""


@dataclass(frozen=True)
class JobResult:
    """One job, or one combination of its matrix: its name, its conclusion and its steps in order."""

    name: str
    conclusion: str
    steps: tuple[StepResult, ...] = ()


@dataclass(frozen=True)
class RehearsalResult:
    """A whole rehearsal.

    Attributes:
        started: False where the event does not start the workflow: then GitHub shows no check at all.
        jobs: In the order they ran.
    """

    started: bool
    jobs: tuple[JobResult, ...] = field(default=())

    @property
    def conclusion(self) -> str:
        """`success`, `failure`, or `no check` where nothing ran."""
        if not self.started:
            return "no check"
        return "failure" if any(job.conclusion in {"failure", "cancelled"} for job in self.jobs) else "success"

    @property
    def red(self) -> bool:
        """Whether GitHub shows a red cross, which is what keeps a bad commit out."""
        return self.conclusion == "failure"
