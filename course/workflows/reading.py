"""Reads a workflow file, and says line and fix where GitHub would refuse it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache
from graphlib import CycleError, TopologicalSorter
from typing import Any

from check_jsonschema.builtin_schemas import get_builtin_schema
from jsonschema.exceptions import ValidationError, best_match
from jsonschema.protocols import Validator
from jsonschema.validators import validator_for
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from course.errors import CourseError, nearest
from course.workflows.definition import Job, Service, Step, Workflow

KEPT_APART = ("name", "run", "uses")
KINDS = {"array": "a list, with `- ` before each entry", "object": "keys with values, such as `name: value`"}


class WorkflowError(CourseError):
    """GitHub would not take the file: what, at which line, and the fix.

    Args:
        line: Counted from 1; 0 where the file as a whole is meant.
    """

    def __init__(self, line: int, what: str, next_step: str = "") -> None:
        super().__init__(f"Line {line}: {what}" if line else what, next_step)
        self.line = line


def read_workflow(text: str) -> Workflow:
    r"""Read a workflow.

    Args:
        text: The file, as YAML 1.2.

    Raises:
        WorkflowError: It is no YAML, not what GitHub's schema asks for, or a job needs one that is not there.

    Example:
        >>> workflow = read_workflow("on: push\njobs: {test: {runs-on: ubuntu-latest, steps: [{run: pytest}]}}")
        >>> workflow.jobs[0].steps[0].run
        'pytest'
    """
    content = _content(text)
    _check_schema(content)
    jobs = tuple(_job(id_, job, _line(content["jobs"], id_)) for id_, job in content["jobs"].items())
    _check_needs(jobs)
    run = content.get("defaults", {}).get("run", {})
    return Workflow(content.get("name", ""), _events(content["on"]), content.get("env", {}), jobs, run)


def _content(text: str) -> Any:
    tab = next((number for number, line in enumerate(text.splitlines(), 1) if "\t" in line[: _indent(line)]), 0)
    if tab:
        raise WorkflowError(tab, "it is indented with a tab, and YAML takes spaces only.", "Write two spaces.")
    try:
        content = YAML().load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise WorkflowError(mark.line + 1 if mark else 0, f"this is no YAML: {error.problem}.") from None
    except YAMLError as error:
        raise WorkflowError(0, f"This is no YAML: {error}.") from None
    if not isinstance(content, Mapping):
        raise WorkflowError(0, "This is no workflow.", "A workflow has the keys `on` and `jobs`.")
    return content


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


@cache
def _schema() -> Validator:
    schema = get_builtin_schema("vendor.github-workflows")
    return validator_for(schema)(schema)


def _check_schema(content: Mapping[str, Any]) -> None:
    error = best_match(_schema().iter_errors(content))
    if error is None:
        return
    error = _nearest_branch(error)
    unknown = _unknown_key(error)
    path = [*error.absolute_path, *unknown]
    raise WorkflowError(_line_of(content, path), _said(error, unknown), _fix(error, unknown))


def _nearest_branch(error: ValidationError) -> ValidationError:
    """Where the schema allows this or that, the branch with the fewest faults is the one that was meant."""
    while error.context:
        branches = defaultdict(list)
        for each in error.context:
            branches[each.schema_path[0]].append(each)
        fewest = min(branches.values(), key=len)
        if sum(len(branch) == len(fewest) for branch in branches.values()) > 1:
            break
        error = fewest[0]
    return error


def _unknown_key(error: ValidationError) -> list[str]:
    if error.validator != "additionalProperties" or not isinstance(error.instance, Mapping):
        return []
    known = error.schema.get("properties", {}) if isinstance(error.schema, Mapping) else {}
    return [str(key) for key in error.instance if key not in known][:1]


def _said(error: ValidationError, unknown: list[str]) -> str:
    """What the schema misses, in words; a place reads as `jobs.test.steps[0]`."""
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path).lstrip(".")
    place = path or "a workflow"
    if unknown:
        return f"`{unknown[0]}` is no key of {place}."
    if error.validator == "enum":
        return f"{place} cannot be {error.instance!r}."
    if error.validator == "type" and error.validator_value in KINDS:
        return f"{place} must be {KINDS[error.validator_value]}."
    if error.validator == "required":
        missing = sorted(set(error.validator_value) - set(error.instance))
        return f"{place} lacks {' and '.join(f'`{name}`' for name in missing)}."
    if isinstance(error.instance, Mapping) and error.context:
        missing = sorted(
            {name for each in error.context if each.validator == "required" for name in each.validator_value}
        )
        return f"{place} lacks {' or '.join(f'`{name}`' for name in missing) or 'a key'}."
    return f"GitHub does not take {place}: {error.message}."


def _fix(error: ValidationError, unknown: list[str]) -> str:
    if unknown and isinstance(error.schema, Mapping):
        return nearest(unknown[0], sorted(error.schema.get("properties", {})))
    return nearest(str(error.instance), map(str, error.validator_value)) if error.validator == "enum" else ""


def _line_of(content: Any, path: Sequence[str | int]) -> int:
    """The line of the deepest part of the path that knows its own."""
    line, part = 1, content
    for key in path:
        line = _line(part, key) or line
        part = part[key]
    return line


def _line(part: Any, key: str | int) -> int:
    try:
        return int((part.lc.item(key) if isinstance(key, int) else part.lc.key(key))[0]) + 1
    except (AttributeError, KeyError, TypeError):
        return 0


def _events(on: Any) -> dict[str, dict[str, Any]]:
    if isinstance(on, str):
        return {on: {}}
    if isinstance(on, Mapping):
        return {name: dict(filters or {}) for name, filters in on.items()}
    return {name: {} for name in on}


def _job(id_: str, job: Mapping[str, Any], line: int) -> Job:
    if "steps" not in job:
        raise WorkflowError(line, f"the job {id_} calls another workflow, which is not here.", "Write its steps.")
    _check_matrix(id_, job, line)
    needs = job.get("needs", ())
    services = tuple(_service(name, each) for name, each in job.get("services", {}).items())
    steps = tuple(_step(each, _line(job["steps"], place)) for place, each in enumerate(job["steps"]))
    settings = {key: value for key, value in job.items() if key not in {"needs", "services", "steps"}}
    return Job(id_, (needs,) if isinstance(needs, str) else tuple(needs), services, steps, settings, line)


def _check_matrix(id_: str, job: Mapping[str, Any], line: int) -> None:
    matrix = job.get("strategy", {}).get("matrix", {})
    if not isinstance(matrix, Mapping) or any(isinstance(values, str) for values in matrix.values()):
        raise WorkflowError(line, f"the matrix of {id_} is computed, and not here.", "Write its values as lists.")


def _service(name: str, service: Mapping[str, Any]) -> Service:
    ports = tuple(str(port) for port in service.get("ports", ()))
    return Service(name, service["image"], service.get("env", {}), ports, service.get("options", ""))


def _step(step: Mapping[str, Any], line: int) -> Step:
    run, uses = step.get("run"), step.get("uses")
    shown = f"Run {run.strip().splitlines()[0]}" if run and run.strip() else f"Run {uses}"
    settings = {key: value for key, value in step.items() if key not in KEPT_APART}
    return Step(step.get("name", shown), run, uses, settings, line)


def _check_needs(jobs: tuple[Job, ...]) -> None:
    known: set[str] = {job.id for job in jobs}
    for job in jobs:
        for need in job.needs:
            if need not in known:
                raise WorkflowError(job.line, f"the job {job.id} needs {need}, and there is no such job.")
    try:
        TopologicalSorter({job.id: job.needs for job in jobs}).prepare()
    except CycleError as error:
        job = next(job for job in jobs if job.id in error.args[1])
        raise WorkflowError(job.line, f"the job {job.id} waits for itself.", "Take one `needs` out.") from None
