"""A file that GitHub would not take, or that would change this machine, is refused before anything runs."""

from __future__ import annotations

import pytest

from course.workflows import RefusedError, WorkflowError, read_workflow


@pytest.mark.parametrize(
    ("right", "wrong", "line", "sentence"),
    [
        ("jobs:", "jobs: [", 5, "this is no YAML"),
        ("  test:", "\ttest:", 4, "tab"),
        ("runs-on", "run-on", 4, "`runs-on`"),
        ("services:", "service:", 6, 'Did you mean "services"?'),
        ("ports:", "port:", 10, 'Did you mean "ports"?'),
        ("with:", "wiht:", 19, 'Did you mean "with"?'),
        ('["5432:5432"]', '"5432:5432"', 10, "must be a list"),
        ("      postgres:\n        image", "      - image", 6, "must be keys with values"),
        ("runs-on: ubuntu-latest", "name: test", 4, "lacks `runs-on`"),
        ("on: [push, pull_request]\n", "", 1, "lacks `on`"),
        ("[push, pull_request]", "pull_requests", 2, 'Did you mean "pull_request"?'),
        ("    env:\n", "    needs: build\n    env:\n", 4, "needs build, and there is no such job"),
        ("    env:\n", "    needs: test\n    env:\n", 4, "waits for itself"),
        ("    env:\n", "    strategy: {matrix: \"${{ fromJSON('{}') }}\"}\n    env:\n", 4, "is computed"),
    ],
)
def test_a_file_that_github_would_not_take_is_told_with_its_line(good, right, wrong, line, sentence):
    with pytest.raises(WorkflowError) as caught:
        read_workflow(good.replace(right, wrong, 1))
    assert sentence in str(caught.value)
    assert caught.value.line == line
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "just words", "- a\n- list"])
def test_what_is_no_workflow_at_all_is_told(text):
    with pytest.raises(WorkflowError, match="A workflow has the keys `on` and `jobs`"):
        read_workflow(text)


@pytest.mark.parametrize(
    "command",
    [
        "sudo apt-get install postgresql",
        "apt-get update",
        "echo hello && sudo reboot",
        "DEBIAN_FRONTEND=noninteractive apt install x",
        "rm -rf /",
        "rm -rf ~/work",
        "rm -rf ../other",
        "rm -rf $HOME",
        "docker run postgres",
    ],
)
def test_what_would_change_this_machine_is_refused_and_nothing_has_run(run, job, tmp_path, command):
    witness = tmp_path / "ran"
    with pytest.raises(RefusedError, match="Line 6: a rehearsal does not run"):
        run(job(f"run: |\n  touch {witness}\n  {command}"))
    assert not witness.exists()


@pytest.mark.parametrize("command", ["rm -rf build", "rm -rf $GITHUB_WORKSPACE/build", "echo sudo"])
def test_what_stays_in_the_copy_runs(run, job, command):
    assert run(job(f"run: {command}")).conclusion == "success"
