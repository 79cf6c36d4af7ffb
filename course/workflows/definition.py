"""What a workflow file says: when it runs, its jobs, their services and their steps."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Value = str | int | float | bool | None


@dataclass(frozen=True)
class Step:
    """One step of a job.

    Attributes:
        name: As GitHub's page shows it: its `name`, or what it runs or uses.
        run: Its script, or None for a step that uses an action.
        uses: The action, such as `actions/checkout@v5`, or None.
        settings: The other keys of the step as they stand in the file (`if`, `env`, `with`, `working-directory`, …).
        line: Its line in the file, counted from 1.
    """

    name: str
    run: str | None
    uses: str | None
    settings: Mapping[str, Any]
    line: int


@dataclass(frozen=True)
class Service:
    """A service container of a job.

    Attributes:
        name: Its key, which is its host name on GitHub's network.
        image: Such as `postgres:16`.
        env: Its environment, such as `{"POSTGRES_PASSWORD": "secret"}`.
        ports: What `ports` lists, as text: `5432:5432`.
        options: The options of `docker create`, as text.
    """

    name: str
    image: str
    env: Mapping[str, Value]
    ports: tuple[str, ...]
    options: str


@dataclass(frozen=True)
class Job:
    """One job.

    Attributes:
        id: Its key in the file.
        needs: Ids of the jobs that must have run before it.
        services: Its service containers.
        steps: In order.
        settings: The other keys of the job as they stand in the file.
        line: Its line in the file, counted from 1.
    """

    id: str
    needs: tuple[str, ...]
    services: tuple[Service, ...]
    steps: tuple[Step, ...]
    settings: Mapping[str, Any]
    line: int

    def combinations(self) -> list[dict[str, Value]]:
        """The matrix, one dictionary for each run of the job; one empty one where it has none.

        Example:
            >>> job = Job("test", (), (), (), {"strategy": {"matrix": {"python": ["3.11", "3.14"]}}}, 1)
            >>> job.combinations()
            [{'python': '3.11'}, {'python': '3.14'}]
        """
        matrix = dict(self.settings.get("strategy", {}).get("matrix", {}))
        more, less = matrix.pop("include", []), matrix.pop("exclude", [])
        products = [dict(zip(matrix, values, strict=True)) for values in itertools.product(*matrix.values())]
        kept = [each for each in products if not any(each.items() >= out.items() for out in less)]
        for extra in more:
            fitting = [
                each for each in kept if matrix and not any(extra.get(key, each[key]) != each[key] for key in matrix)
            ]
            for each in fitting:
                each.update(extra)
            if not fitting:
                kept.append(dict(extra))
        return [each for each in kept if each] or [{}]


@dataclass(frozen=True)
class Workflow:
    """A workflow file.

    Attributes:
        name: As GitHub's page shows it.
        events: Event name to its filters, such as `{"pull_request": {"paths": ["src/**"]}}`.
        env: Variables of all jobs.
        run: Settings of `defaults.run`, such as `{"working-directory": "api"}`.
        jobs: In the order of the file.
    """

    name: str
    events: Mapping[str, Mapping[str, Any]]
    env: Mapping[str, Value]
    jobs: tuple[Job, ...]
    run: Mapping[str, str] = field(default_factory=dict)
