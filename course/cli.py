"""The `course` command: each verb is a few lines here and loads its room when it is called."""

from __future__ import annotations

import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

import click

from course.errors import CourseError
from course.verbs import Grouped, Verbs

FOLDER_THERE = click.Path(path_type=Path, exists=True, file_okay=False)
FOLDER_MADE = click.Path(path_type=Path, file_okay=False)
FILE_THERE = click.Path(path_type=Path, exists=True, dir_okay=False)
FOLDER = click.option("--folder", type=click.Path(path_type=Path), help="The workspace, where it is not the usual one.")


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="integration-testing-course", message="%(version)s")
def cli() -> None:
    """Learn integration testing: every test you write is proved on right and on wrong code."""


@cli.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", metavar="[FOLDER] [JUPYTERLAB OPTIONS]...", nargs=-1, type=click.UNPROCESSED)
def lab(arguments: tuple[str, ...]) -> None:
    """Open the lessons in JupyterLab.

    FOLDER is your workspace: lessons that you did not change are refreshed in it, yours are kept. Options such as
    --no-browser or --port=9000 go to JupyterLab.
    """
    from course.notebook import lab as jupyter
    from course.notebook.workspace import open_workspace

    named = bool(arguments) and not arguments[0].startswith("-")
    workspace = open_workspace(Path(arguments[0]) if named else None)
    for news in workspace.refresh():
        click.echo(str(news))
    port = jupyter.chosen_port(arguments)
    if port not in {None, jupyter.FIRST_PORT}:
        click.echo(f"Port {jupyter.FIRST_PORT} is taken (another JupyterLab?): this one is at port {port}.")
    sys.exit(jupyter.run(workspace, port, arguments[1:] if named else arguments))


@cli.command()
def doctor() -> None:
    """Say what is on this machine, and what to do about what is not."""
    from rich.console import Console

    from course.services.doctor.doctor import examine, table

    findings = examine()
    Console().print(table(findings))
    sys.exit(1 if any(finding.state == "problem" for finding in findings) else 0)


@cli.command()
@FOLDER
def status(folder: Path | None) -> None:
    """Show the path and how far you are."""
    from rich.console import Console

    from course.notebook.status import status_table
    from course.notebook.workspace import open_workspace

    Console().print(status_table(open_workspace(folder)))


@cli.command()
@click.argument("lesson", required=False)
@click.option("--all", "everything", is_flag=True, help="All lessons.")
@FOLDER
def reset(lesson: str | None, folder: Path | None, *, everything: bool) -> None:
    """Put a lesson, and your progress in it, back to the start; a backup is kept."""
    from course.notebook.workspace import open_workspace
    from course.syllabus import syllabus

    if bool(lesson) == everything:
        raise click.UsageError("Name one lesson, or give --all: course reset 06")
    chosen = syllabus().lessons if everything else (syllabus().lesson(str(lesson)),)
    backup = open_workspace(folder).reset([each.slug for each in chosen])
    click.echo(f"{', '.join(each.slug for each in chosen)}: back to the start.")
    click.echo(f"What you had is in {backup}" if backup else "There was nothing of yours to keep.")


@cli.command()
def prefetch() -> None:
    """Fetch and warm what lessons need, ahead of a workshop or a flight."""
    from course.javascript.prefetch import prefetch as fetch_packages
    from course.services.doctor.prefetch import prefetch as fetch

    sys.exit(0 if all([fetch(), fetch_packages()]) else 1)


@cli.command()
@click.argument("lesson", required=False)
@click.option("--check", is_flag=True, help="Write nothing; fail where a derived file is stale.")
def render(lesson: str | None, *, check: bool) -> None:
    """Write notebooks/ and solutions/ from course/lessons/ (for authors, in a clone)."""
    from course.authoring import render as rendering

    if check:
        rendering.check()
    for name in [] if check else rendering.render(lesson):
        click.echo(name)


@cli.command()
@click.argument("names", metavar="[SUBJECT|SUBJECT/GROUP/BUG|LESSON]...", nargs=-1)
def verify(names: tuple[str, ...]) -> None:
    """Prove every subject, bug and exercise (for authors)."""
    from course.authoring.verify import verify as prove

    sys.exit(prove(names))


@cli.command(
    cls=Grouped,
    headings={"each": "Which submissions", "late": "What learners read", "gradebook": "For other programs"},
)
@click.argument("submissions", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder for the reports.")
@click.option("--trust", is_flag=True, help="The submissions' code may run with your rights.")
@click.option("--challenge", "--subject", default="todo_api", show_default=True, help="What the suites test.")
@click.option("--bugs", type=FOLDER_THERE, help="Your own bugs, beside ours.")
@click.option("--jobs", type=click.IntRange(1, 64), help="Runs at once; as many as processors when not given.")
@click.option("--each", is_flag=True, help="Each entry of the folders named is one submission, whatever is in it.")
@click.option("--only", multiple=True, metavar="NAME", help="Grade this one only; may be given again.")
@click.option("--since", default="", metavar="DATE", help="Grade what was handed in from then on: 2026-05-01T18:30.")
@click.option("--again", is_flag=True, help="Grade anew also what would come out the same.")
@click.option("--late", type=FILE_THERE, metavar="FILE", help="Late rules, see below.")
@click.option("--reveal", is_flag=True, help="Show learners the bugs that they missed, for after the deadline.")
@click.option(
    "--gradebook", type=FILE_THERE, multiple=True, metavar="CSV", help="Canvas's or Moodle's export, to fill in."
)
@click.option("--column", default="", metavar="TITLE", help="Its column for the grades, where there are several.")
@click.option("--similarity", type=FOLDER_MADE, help="Folder to write for JPlag and Dolos, which find copied work.")
@click.option("--harvest", type=FOLDER_MADE, help="Folder to write with what the class has made and you may keep.")
def grade(**options: Any) -> None:
    """Grade the suites of many learners (for teachers).

    Of SUBMISSIONS, a folder with test files in it, a zip, a notebook and a Python file are one; of any other folder,
    each entry is one. What a learning platform has packed may be named as it is. Where it is not clear what is one
    learner's, nothing is graded: --each then says that each entry is.

    What was graded before is taken over, unless the hand-in, a bug, a rule or the course is another one. So the same
    command goes on after Ctrl-C, and other late rules or grade books take seconds.

    \b
    What stands in OUT afterwards:
      index.html                  the class, for its teacher: it names every bug
      grades.csv, junit.xml       the same for other programs
      changes.csv                 each grade that became another one, with why
      canvas-*.csv, moodle-*.csv  --gradebook with the grades in it
      learners/NAME/report.html   for one learner, with hints for what is missed
      learners/NAME/result.json   the same as data, see result.schema.json
      learners/NAME/results.json  the same for Gradescope
      released/NUMBER/NAME        what `course release OUT` has put out
      .course                     full records, with points before late rules

    \b
    Late rules (applied to reports; no grade is made again for them; kept as OUT/late.toml, which holds until you
    name others or delete it):
      deadline = 2026-05-01T23:59:00+02:00
      grace_minutes = 10
      percent_per_day = 10   # or points_per_day
      most = 50
      [[learner]]            # as often as you like
      name = "ada"
      deadline = 2026-05-08T23:59:00+02:00
      handed_in = 2026-05-08T20:00:00+02:00   # where the time of the file is wrong
    """  # noqa: D301 - click wants the character itself
    from course.grading.command import grade as grade_all
    from course.grading.order import Order

    sys.exit(grade_all(Order(**options)))


@cli.command()
@click.argument("out", type=FOLDER_THERE)
def release(out: Path) -> None:
    """Put reports out for learners (for teachers).

    OUT is what `course grade --out` has written. All its reports are copied to OUT/released/NUMBER, a folder for each
    learner, which is never changed again: grading goes on in OUT, and the next release gets the next number.
    """
    from rich.console import Console

    from course.grading.release import release as put_out
    from course.grading.tables import show_release

    show_release(put_out(out), Console())


@cli.command()
@click.argument("file", type=FILE_THERE)
@click.option(
    "--project",
    type=FOLDER_THERE,
    default=Path(),
    help="The folder that stands for the commit; the current one when not given.",
)
@click.option("--event", type=click.Choice(["push", "pull_request"]), default="pull_request", show_default=True)
@click.option("--seconds", type=click.FloatRange(1), default=600, show_default=True, help="What all of it may take.")
def rehearse(file: Path, project: Path, event: str, seconds: float) -> None:
    """Run a GitHub Actions workflow here, before it is pushed.

    FILE is checked against GitHub's schema. Then each job runs in a clean copy of the project, with the services that
    it names (PostgreSQL) and without packages of its own: what this environment has is what its steps find. Actions
    are simulated, and the timeline says which. Exit code 1 where GitHub would show a red cross.
    """
    from course.notebook.timeline import rehearse_file

    sys.exit(1 if rehearse_file(file, project, event, seconds) else 0)


def main() -> None:
    """Run the command; every error is a sentence, and no traceback is shown."""
    try:
        cli.main(prog_name="course", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except CourseError as error:
        click.echo(f"course: {error}", err=True)
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 - the last door: what nobody foresaw is told without a traceback
        click.echo(f"course: {fault(error)}", err=True)
        sys.exit(1)


def fault(error: Exception) -> str:
    """Keep the traceback in a file and say where it is."""
    with tempfile.NamedTemporaryFile("w", prefix="course-fault-", suffix=".txt", delete=False) as file:
        file.write("".join(traceback.format_exception(error)))
    return f"a fault of the course, not yours ({type(error).__name__}: {error}). Please report it with {file.name}"


if __name__ == "__main__":
    main()
