from __future__ import annotations

import re

import pytest
import yaml

from course.shipped import CLONE

WORKFLOW = yaml.safe_load((CLONE / ".github" / "workflows" / "integration.yml").read_text())
JOB = WORKFLOW["jobs"]["test"]


def test_the_database_is_ready_before_the_first_step():
    options = JOB["services"]["postgres"]["options"]
    assert "--health-cmd" in options
    assert "pg_isready" in options


def test_the_matrix_begins_with_the_oldest_python_that_is_promised():
    wanted = re.search(r'requires-python = ">=([\d.]+)"', (CLONE / "pyproject.toml").read_text())[1]
    assert JOB["strategy"]["matrix"]["python"][0] == wanted


@pytest.mark.parametrize("verb", ["setup", "check", "test"])
def test_ci_calls_the_makefile_s_verbs(verb):
    assert {"run": f"make {verb}"} in JOB["steps"]
    assert f"\n{verb}:" in (CLONE / "Makefile").read_text()


def test_no_step_swallows_an_exit_code():
    for step in JOB["steps"]:
        assert "|| true" not in step.get("run", "")
        assert not step.get("continue-on-error")
