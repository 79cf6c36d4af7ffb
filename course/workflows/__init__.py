"""GitHub Actions workflows, rehearsed on this machine: read, checked against GitHub's schema, and run on a commit."""

from course.workflows.definition import Job, Service, Workflow
from course.workflows.events import Event
from course.workflows.reading import WorkflowError, read_workflow
from course.workflows.refusals import RefusedError
from course.workflows.rehearsal import rehearse
from course.workflows.results import JobResult, RehearsalResult, StepResult

__all__ = [
    "Event", "Job", "JobResult", "RefusedError", "RehearsalResult", "Service", "StepResult", "Workflow",
    "WorkflowError", "read_workflow", "rehearse",
]  # fmt: skip
