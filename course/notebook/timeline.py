"""A rehearsed workflow as GitHub shows it: its jobs, their steps with seconds, and what a failed step said last."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.text import Text

from course.notebook.panel import Mark, Panel, Row
from course.workflows import Event, JobResult, RehearsalResult, StepResult, read_workflow, rehearse

LINES = 20  # of a failed step's output
MARKS: dict[str, Mark] = {"success": "ok", "failure": "bad", "cancelled": "bad"}
NO_CHECK = "GitHub starts nothing on this event: no check is shown, and nothing keeps the commit out."


def timeline(result: RehearsalResult, title: str) -> Panel:
    """Show a rehearsal.

    Example:
        >>> steps = (StepResult("Run pytest", "failure", "failure", 0.1, 1.23, "1 failed"),)
        >>> print(timeline(RehearsalResult(True, (JobResult("test", "failure", steps),)), "integration"))
        integration  failure · 1.3 s
          ✗ job test (failure)
          ✗ Run pytest (1.2 s)
              1 failed
    """
    seconds = max((step.start + step.seconds for job in result.jobs for step in job.steps), default=0.0)
    rows = tuple(row for job in result.jobs for row in _job(job, seconds or 1.0)) or (Row(NO_CHECK, "todo"),)
    return Panel(title, right=f"**{result.conclusion}** · {seconds:.1f} s", rows=rows)


def rehearse_file(file: Path, project: Path, event: str, seconds: float) -> bool:
    """Rehearse a workflow in a terminal, show its timeline, and return whether it is red.

    Args:
        file: The workflow.
        project: The folder that stands for the commit.
        event: `push` or `pull_request`.
        seconds: What all of it may take.

    Raises:
        WorkflowError: The file is no workflow that can be rehearsed.
    """
    workflow = read_workflow(file.read_text(encoding="utf-8", errors="replace"))
    paths = tuple(path.relative_to(project).as_posix() for path in project.rglob("*") if path.is_file())
    result = rehearse(workflow, project, Event(event, paths=paths), seconds)
    shown = Text(str(timeline(result, workflow.name or file.name)))
    shown.highlight_regex("✔", "green")
    shown.highlight_regex("✗", "red")
    Console().print(shown, soft_wrap=True)
    return result.red


def _job(job: JobResult, whole: float) -> Iterator[Row]:
    yield Row(f"job **{job.name}**", _mark(job.conclusion), dim=job.conclusion)
    yield from (_step(step, whole) for step in job.steps)


def _step(step: StepResult, whole: float) -> Row:
    hidden = "it failed, and `continue-on-error` hides that" if step.outcome != step.conclusion else ""
    seconds = "skipped" if step.conclusion == "skipped" else f"{step.seconds:.1f} s"
    said = "\n".join(step.output.rstrip().splitlines()[-LINES:])
    dim = " · ".join(filter(None, (seconds, step.note, hidden)))
    span = None if step.conclusion == "skipped" else (step.start / whole, step.seconds / whole)
    is_open = step.conclusion in ("failure", "cancelled")
    return Row(step.name, _mark(step.conclusion), dim=dim, code=said, is_open=is_open, span=span)


def _mark(conclusion: str) -> Mark:
    return MARKS.get(conclusion, "todo")
