"""A rehearsal ends as GitHub would: what is green, what is red, and what never runs."""

from __future__ import annotations

import pytest

from course.workflows import Event

BREAKS = "run: python -c 'raise SystemExit(1)'"


def conclusions(result):
    return [step.conclusion for done in result.jobs for step in done.steps]


def said(result):
    return "\n".join(step.output for done in result.jobs for step in done.steps)


@pytest.mark.slow
def test_a_good_workflow_is_green_on_a_good_commit_and_red_on_a_bad_one(run, good, project):
    assert run(good).conclusion == "success"
    (project / "shop.py").write_text("def price(pence):\n    return ''\n")
    result = run(good)
    assert result.red
    assert conclusions(result)[-2:] == ["failure", "skipped"]
    assert "exit code 1" in said(result)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("right", "wrong", "sentence"),
    [
        ("localhost:5432/", "localhost:5433/", "port 5433 failed: Connection refused"),
        ('"5432:5432"', '"15432:5432"', "port 5432 failed: Connection refused"),
        ("shop:secret@", "shop:other@", "password authentication failed"),
        ("secret@localhost", "secret@postgres", "postgres"),
        ("--health-cmd pg_isready", "--hostname store", "Error: Process completed with exit code 1"),
    ],
    ids=["port", "mapping", "password", "host", "no health check"],
)
def test_a_database_that_cannot_be_reached_is_red(run, good, right, wrong, sentence):
    result = run(good.replace(right, wrong))
    assert result.red
    assert sentence in said(result)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ("--health-cmd curl", "`curl` cannot run there"),
        ("--health-cmd 'pg_isready --nonsense'", "nonsense"),
        ("--healt-cmd pg_isready", 'Did you mean "--health-cmd"?'),
    ],
)
def test_a_health_check_that_cannot_pass_is_red_before_the_first_step(run, good, options, sentence):
    result = run(good.replace("--health-cmd pg_isready", options))
    assert conclusions(result) == ["failure"]
    assert sentence in said(result)


@pytest.mark.parametrize(
    ("image", "sentence"),
    [("redis:8", "no redis:8"), ("postgres:16", "wants a password")],
    ids=["unknown", "no password"],
)
def test_a_service_that_cannot_be_had_is_named(run, job, image, sentence):
    services = f"    services:\n      store:\n        image: {image}"
    result = run(job("run: echo hello", before=services))
    assert result.red
    assert sentence in said(result)


@pytest.mark.parametrize(
    ("step", "conclusion"),
    [
        (BREAKS, "failure"),
        (f"{BREAKS} || true", "success"),
        (f"{BREAKS}\ncontinue-on-error: true", "success"),
        (f"{BREAKS} | tee report.txt", "success"),
        (f"{BREAKS} | tee report.txt\nshell: bash", "failure"),
        ("run: raise SystemExit(1)\nshell: python", "failure"),
        ("run: Get-Location\nshell: pwsh", "failure"),
        ("run: python -m pytest tests/nothing", "failure"),
        ("run: pwd\nworking-directory: tests/unit", "success"),
        ("run: pwd\nworking-directory: tests/nothing", "failure"),
    ],
)
def test_a_step_ends_as_its_shell_does(run, job, step, conclusion):
    assert run(job("uses: actions/checkout@v5", step)).conclusion == conclusion


def test_a_swallowed_exit_code_is_still_known(run, job):
    (step,) = run(job(f"{BREAKS}\ncontinue-on-error: true")).jobs[0].steps
    assert (step.outcome, step.conclusion) == ("failure", "success")


def test_without_checkout_there_is_no_project(run, job):
    assert run(job("run: test -f shop.py")).red


def test_after_a_failure_only_what_says_so_runs(run, job):
    result = run(job(BREAKS, "run: echo next", "run: echo last\nif: always()", "run: echo hurt\nif: ${{ failure() }}"))
    assert conclusions(result) == ["failure", "skipped", "success", "success"]


def test_a_step_hands_over_variables_and_outputs(run, job):
    result = run(
        job(
            'run: |\n  echo "GREETING=hello" >>"$GITHUB_ENV"\n  echo "size=3" >>"$GITHUB_OUTPUT"\nid: first',
            "run: echo $GREETING ${{ steps.first.outputs.size }} ${{ env.GREETING }}",
        )
    )
    assert result.jobs[0].steps[1].output == "hello 3 hello\n"


def test_a_step_sees_nothing_of_the_learner_s_own_environment(run, job, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://somebody/else")
    assert run(job('run: test -z "$DATABASE_URL" && test "$CI" = true')).conclusion == "success"


def test_an_artifact_that_is_not_there_is_a_warning(run, job):
    upload = "uses: actions/upload-artifact@v5\nwith: {path: report.xml}"
    with_it, without = (run(job(step, upload)) for step in ("run: touch report.xml", "run: pwd"))
    assert with_it.jobs[0].steps[1].note == "Simulated: would upload report.xml."
    assert without.jobs[0].steps[1].note.startswith("Warning: no files were found")


def test_an_action_that_is_not_known_is_named(run, job):
    assert (
        "Not rehearsed: nothing here stands for acme/deploy@v1"
        in run(job("uses: acme/deploy@v1")).jobs[0].steps[0].note
    )


MATRIX = """    strategy:
      {fail_fast}matrix:
        python: ["3.11", "3.12", "3.13"]"""


@pytest.mark.parametrize(
    ("fail_fast", "ends"),
    [("", ["success", "failure", "cancelled"]), ("fail-fast: false\n      ", ["success", "failure", "success"])],
)
def test_a_matrix_runs_each_combination_until_one_fails(run, job, fail_fast, ends):
    result = run(job('run: test "${{ matrix.python }}" != 3.12', before=MATRIX.format(fail_fast=fail_fast)))
    assert [done.conclusion for done in result.jobs] == ends
    assert result.jobs[1].name == "test (3.12)"
    assert result.red


def test_a_job_waits_for_those_it_needs_and_is_skipped_when_one_fails(run):
    text = (
        "on: pull_request\njobs:\n"
        "  deploy: {needs: test, runs-on: ubuntu-latest, steps: [{run: echo deployed}]}\n"
        f"  test: {{runs-on: ubuntu-latest, steps: [{{{BREAKS}}}]}}\n"
        "  report: {needs: test, if: always(), runs-on: ubuntu-latest, steps: [{run: echo reported}]}\n"
    )
    result = run(text)
    assert [(done.name, done.conclusion) for done in result.jobs] == [
        ("test", "failure"), ("deploy", "skipped"), ("report", "success"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("on", "event", "conclusion"),
    [
        ("push", Event("pull_request"), "no check"),
        ("{push: {branches: [main]}}", Event("push", "main"), "success"),
        ("{push: {branches: [main]}}", Event("push", "idea"), "no check"),
        ("{pull_request: {paths: ['src/**']}}", Event(paths=("shop.py",)), "no check"),
        ("{pull_request: {paths: ['**.py']}}", Event(paths=("api/shop.py",)), "success"),
        ("{pull_request: {paths-ignore: ['docs/**']}}", Event(paths=("docs/a.md",)), "no check"),
        ("{pull_request: {paths-ignore: ['docs/**']}}", Event(paths=("docs/a.md", "shop.py")), "success"),
    ],
)
def test_an_event_that_the_file_does_not_name_shows_no_check(run, job, on, event, conclusion):
    result = run(job("run: echo hello", on=on), event)
    assert result.conclusion == conclusion
    assert not result.red


def test_a_step_that_takes_too_long_is_ended(run, job):
    result = run(job("run: sleep 3600", "run: echo next"), seconds=1)
    assert conclusions(result) == ["cancelled", "skipped"]
    assert "GitHub would wait for 360 minutes" in result.jobs[0].steps[0].note
