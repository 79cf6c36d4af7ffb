"""Speed and memory of the notebook: begin, boards, the overhead of a cell, and what runs beside the kernel."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from rows import Row, row

HERE = Path(__file__)
LESSON, WITH_NATS, IN_JAVASCRIPT, WITH_WORKFLOWS = "06", "09", "11", "12"
BUGS = 4


def begins() -> Iterator[Row]:
    """What a learner waits for when a lesson begins, in processes of their own: nothing is warm there."""
    all_ = [_ask("begin") for _ in range(3)]
    yield row("begin_first_s", statistics.median(each["first"] for each in all_), "s", at_most=2.5)
    yield row("begin_again_s", statistics.median(each["again"] for each in all_), "s", at_most=0.3)
    yield row("nats_begin_s", statistics.median(each["nats"] for each in all_), "s", at_most=1)


def board() -> Iterator[Row]:
    """What a learner waits for at each exercise, in a process of its own."""
    rest = _ask("boards")
    yield row("board_s_p50", rest["board"], "s", at_most=1.0)
    yield row("board_vs_subprocess", rest["subprocesses"] / rest["board"], "x", at_least=8)
    yield row("exercise_overhead_ms", rest["overhead"] * 1000, "ms", at_most=60)
    yield row("resident_mb", rest["resident"], "MB", at_most=350)


def rehearsal() -> Iterator[Row]:
    """What a learner waits for at a workflow's board: the median of three, on the original and all commits."""
    yield row("workflow_rehearsal_s", _ask("workflow")["seconds"], "s", at_most=20)


def jest() -> Iterator[Row]:
    """What a learner waits for at a board of tests in JavaScript, the first one left out."""
    yield row("jest_board_s_p50", _ask("jest")["seconds"], "s", at_most=3)


def _ask(what: str) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="course-bench-") as folder:
        environment = {**os.environ, "COURSE_WORKSPACE": folder}
        command = [sys.executable, str(HERE), what]
        answer = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True, cwd=folder, text=True)
    return json.loads(answer.stdout.splitlines()[-1])


# Inside of such a process


def begin() -> dict[str, float]:
    """A first begin, `import course` included, a second one, and one of a lesson that needs NATS as well."""
    shell = _shell()
    started = time.perf_counter()
    _run(shell, "import course")
    return {
        "first": time.perf_counter() - started + _seconds(lambda: _run(shell, f'course.begin("{LESSON}")')),
        "again": _seconds(lambda: _run(shell, f'course.begin("{LESSON}")')),
        "nats": _seconds(lambda: _run(shell, f'course.begin("{WITH_NATS}")')),
    }


def boards() -> dict[str, float]:
    """All that needs a lesson that has begun."""
    shell, case = _shell(), Case()
    case.use()
    _run(shell, f'import course\ncourse.begin("{LESSON}")')
    _run(shell, f"%%conftest\n{case.conftest}")
    for _ in range(3):
        _run(shell, case.cell)
    from course.notebook.session import session

    assert case.proved.id in session().progress.solved(), "the lesson's own solution does not solve its exercise"
    resident = _resident()
    board, subprocesses = [], []
    for _ in range(3):
        board += [_board(shell, case) for _ in range(5)]
        subprocesses.append(_one_process_per_variant(case))
    return {
        "board": statistics.median(board),
        "subprocesses": statistics.median(subprocesses),
        "resident": resident,
        "overhead": _overhead(shell, case),
    }


def workflow_board() -> dict[str, float]:
    """The author's solution of an exercise with a database: the median of three boards."""
    seconds = _boards_of(WITH_WORKFLOWS, "database/", 3)
    return {"seconds": statistics.median(seconds)}


def jest_board() -> dict[str, float]:
    """The author's solution of the first exercise: the median of five boards, behind one that warms up."""
    return {"seconds": statistics.median(_boards_of(IN_JAVASCRIPT, "", 6)[1:])}


def _boards_of(number: str, group: str, times: int) -> list[float]:
    """The seconds of several boards of a solved exercise, the lesson's first with a bug of that group."""
    shell = _shell()
    from course.authoring.render import LESSONS
    from course.authoring.suites import exercise_files
    from course.syllabus import syllabus

    lesson = syllabus().lesson(number)
    exercise = next(each for each in lesson.exercises if each.bugs and each.bugs[0].startswith(group))
    (text,) = exercise_files(lesson, exercise, LESSONS / f"{lesson.slug}.py").values()
    _run(shell, f'import course\ncourse.begin("{lesson.slug}")')
    return [_seconds(lambda: _run(shell, f"{exercise.magic}\n{text}")) for _ in range(times)]


class Case:
    """A lesson's own exercise, as its author solved it: the first with enough bugs, cut down to the original and these.

    A second exercise of the lesson loses its variants, to measure a cell without any.
    """

    def __init__(self) -> None:
        from course.authoring.render import LESSONS
        from course.authoring.suites import exercise_files
        from course.syllabus import syllabus

        self._all = syllabus().everything
        self._lesson = next(lesson for lesson in self._all if lesson.number == LESSON)
        whole = next(exercise for exercise in self._lesson.exercises if len(exercise.bugs) >= BUGS)
        self.proved = replace(whole, bugs=whole.bugs[:BUGS], alive=(), correct=())
        other = next(exercise for exercise in self._lesson.exercises if exercise.id != whole.id)
        self.bare = replace(other, subject=None, bugs=(), alive=(), correct=())
        files = exercise_files(self._lesson, whole, LESSONS / f"{self._lesson.slug}.py")
        self.conftest = files.pop("conftest.py")
        ((self.file, self.text),) = files.items()
        self.cell = f"%%exercise {self.proved.id}\n{self.text}"
        self.bare_cell = f"%%exercise {self.bare.id}\n{self.text}"

    def use(self) -> None:
        """Make this the kernel's course."""
        from course.notebook.session import Session, use
        from course.notebook.workspace import Workspace
        from course.syllabus import Syllabus

        changed = {exercise.id: exercise for exercise in (self.proved, self.bare)}
        exercises = tuple(changed.get(exercise.id, exercise) for exercise in self._lesson.exercises)
        lesson = replace(self._lesson, exercises=exercises)
        lessons = tuple(lesson if each is self._lesson else each for each in self._all)
        use(Session(Syllabus(lessons), Workspace(Path(os.environ["COURSE_WORKSPACE"]))))

    def write(self, folder: Path) -> None:
        """The same suite as files."""
        (folder / "conftest.py").write_text(self.conftest)
        (folder / self.file).write_text(self.text)


def _board(shell: Any, case: Case) -> float:
    """One board, after a breath: nobody runs the next cell in the same moment."""
    time.sleep(0.5)
    return _seconds(lambda: _run(shell, case.cell))


def _one_process_per_variant(case: Case) -> float:
    """The same tests on the same variants as plain pytest processes, one after another; databases are ready before."""
    from course.engine import Variant, load_subject
    from course.notebook.session import session
    from course.services.pool.pool import DatabasePool

    here, subject = session(), load_subject("users_api")
    variants = [Variant(subject), Variant(subject), *(Variant(subject, subject.bug(name)) for name in case.proved.bugs)]
    seconds = 0.0
    with DatabasePool(here.server, name="bench") as pool, tempfile.TemporaryDirectory() as folder:
        case.write(Path(folder))
        for variant in variants:
            with pool.database() as database:
                environment = {
                    **os.environ,
                    **subject.environment,
                    # Without the plugins that only whoever develops the course has, some of which take seconds to load
                    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
                    "PYTEST_PLUGINS": "anyio.pytest_plugin",
                    "DATABASE_URL": database.url,
                    "PYTHONPATH": str(here.prover().trees.path(variant)),
                }
                command = [sys.executable, "-m", "pytest", "-q", "--rootdir", folder, folder]
                quiet = {"stdout": subprocess.DEVNULL, "cwd": folder, "env": environment}
                seconds += _seconds(lambda c=command, q=quiet: subprocess.run(c, check=False, **q))
    return seconds


def _overhead(shell: Any, case: Case) -> float:
    """`%%exercise` without variants, over `pytest.main` on the same two files in the same process; medians.

    Both leave out the plugin that collects garbage five times at the end: in a kernel that takes longer than the tests.
    """
    import pytest

    folder = Path(tempfile.mkdtemp())
    case.write(folder)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"

    def bare() -> None:
        for name in ("conftest", Path(case.file).stem):
            sys.modules.pop(name, None)
        with contextlib.redirect_stdout(io.StringIO()), contextlib.chdir(folder):
            without = ["-p", "no:cacheprovider", "-p", "no:unraisableexception"]
            assert pytest.main(["-q", *without, "--rootdir", str(folder), str(folder)]) == 0

    pairs = [(_seconds(lambda: _run(shell, case.bare_cell)), _seconds(bare)) for _ in range(12)][2:]
    shutil.rmtree(folder)
    ours, theirs = zip(*pairs, strict=True)
    return statistics.median(ours) - statistics.median(theirs)


def _resident() -> float:
    """Proportional set size of everything that this session has started, in MB."""
    import psutil

    from course.services.cleanup import registry

    folders = [str(each.folder) for each in registry.entries() if each.owner.pid == os.getpid() and each.folder]
    found = {each.pid: each for each in psutil.Process().children(recursive=True)}
    for process in psutil.process_iter(["cmdline"]):
        if any(folder in part for part in process.info["cmdline"] or () for folder in folders):
            found |= {each.pid: each for each in (process, *process.children(recursive=True))}
    total = 0
    for process in found.values():
        with contextlib.suppress(psutil.Error):
            total += process.memory_full_info().pss
    return total / 1e6


def _shell() -> Any:
    from IPython.core.interactiveshell import InteractiveShell

    return InteractiveShell.instance()


def _run(shell: Any, cell: str) -> None:
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        result = shell.run_cell(cell)
    assert result.success, printed.getvalue()


def _seconds(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


MEASURES = {"begin": begins, "board": board, "rehearsal": rehearsal, "jest": jest}

ASKED = {"begin": begin, "boards": boards, "workflow": workflow_board, "jest": jest_board}

if __name__ == "__main__":
    sys.stdout.write(json.dumps(ASKED[sys.argv[1]]()) + "\n")
