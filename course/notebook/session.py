"""Holds what lives as long as the kernel: the servers, the prover, the program under test and the conftest cells."""

from __future__ import annotations

import atexit
import contextlib
import os
import threading
from pathlib import Path

from course import stand_in
from course.engine import Prover, Variant, load_subject
from course.errors import CourseError
from course.notebook.cell import Cell
from course.notebook.program import Program, no_proxy
from course.notebook.progress import Progress
from course.notebook.workspace import Workspace, default_folder
from course.services.cleanup import registry
from course.services.cleanup.scratch import Scratch
from course.services.embedded.postgres import Embedded
from course.services.pool.pool import Database, DatabasePool
from course.services.providers.nats import NatsServer, nats
from course.services.providers.postgres import postgres
from course.services.server import Server
from course.syllabus import Exercise, Lesson, Syllabus, syllabus


class NotBegunError(CourseError):
    """A lesson's services are asked for before `course.begin`."""


class Session:
    """One kernel's state. `session()` gives the one that there is.

    Args:
        course: The syllabus.
        workspace: Where progress is kept and where exports go.
    """

    def __init__(self, course: Syllabus, workspace: Workspace) -> None:
        self.course = course
        self.workspace = workspace
        self.progress = Progress(workspace.progress)
        self.lesson: Lesson | None = None
        self.latest: Exercise | None = None
        self.server: Server | None = None
        self.conftests: dict[str, Cell] = {}  # by exercise id; "" for all exercises
        self._lock = threading.RLock()
        self._scratch: Scratch | None = None
        self._prover: Prover | None = None
        self._program: Program | None = None
        self._pool: DatabasePool | None = None
        self._database: Database | None = None
        self.nats: NatsServer | None = None
        atexit.register(self.close)

    # A lesson

    def begin(self, lesson: Lesson) -> None:
        """Start what a lesson needs and does not have yet; a second time, everything stays as it is.

        Raises:
            CourseError: A service did not start; the error says what to do.
        """
        with self._lock:
            registry.reap()
            new = lesson is not self.lesson
            before = (self.server, self.nats)
            if "postgresql" in lesson.services:
                self._ensure_server()
            if "nats" in lesson.services:
                self._ensure_nats()
            if new or (self.server, self.nats) != before:
                self._open(lesson)
            if new:
                self.conftests.clear()
            self.lesson = lesson
            if any(exercise.subject for exercise in lesson.exercises):
                self.prover()

    def require(self, exercise: Exercise) -> Lesson:
        """Return the lesson of an exercise, which must have begun.

        Raises:
            NotBegunError: It has not.
        """
        lesson = self.course.lesson_of(exercise)
        if self.lesson is not lesson:
            raise NotBegunError(
                f"Lesson {lesson.number} has not begun in this kernel.",
                f'Run the first cell, with `course.begin("{lesson.slug}")`, and then this one again.',
            )
        return lesson

    def require_servers(self) -> None:
        """Do nothing while the servers answer that were started for lessons.

        Raises:
            ServerGoneError: One was ended by something else.
        """
        for server in (self.server, self.nats):
            if server is not None:
                server.require()

    def lesson_meant(self, name: str = "") -> Lesson:
        """The lesson of that name; without one, the lesson that has begun.

        Raises:
            NotBegunError: None has, and none is named.
            UnknownLessonError: There is none of that name.
        """
        if name:
            return self.course.lesson(name, planned=True)
        if self.lesson is None:
            raise NotBegunError("No lesson has begun in this kernel.", "Run the first cell, or name a lesson.")
        return self.lesson

    def exercise_meant(self, name: str = "") -> Exercise:
        """The exercise of that name; without one, the one that ran last, or the first that is not solved.

        Raises:
            NotBegunError: No lesson has begun, or it has no exercises, and none is named.
            UnknownExerciseError: There is none of that name.
        """
        if name:
            return self.course.exercise(name)
        lesson, done = self.lesson_meant(), self.progress.solved()
        if not lesson.exercises:
            raise NotBegunError(f"Lesson {lesson.number} has no exercises.", "Name one of another lesson.")
        if self.latest in lesson.exercises:
            return self.latest
        return next((each for each in lesson.exercises if each.id not in done), lesson.exercises[-1])

    def conftest(self, exercise: Exercise) -> Cell | None:
        """The conftest cell that an exercise runs with: the latest of its own name, else the latest of all."""
        return self.conftests.get(exercise.id) or self.conftests.get("")

    # What it runs on

    def prover(self) -> Prover:
        """The kernel's one prover; it warms up in the background when it is first asked for."""
        with self._lock:
            if self._prover is None:
                self._prover = Prover(lambda: Embedded().start(), folder=self.scratch())
                self._prover.warm_up()
            return self._prover

    def scratch(self) -> Path:
        """A temporary folder; it is removed when the kernel ends, however it ends."""
        if self._scratch is None or not self._scratch.folder.is_dir():
            self._scratch = Scratch("kernel")
        return self._scratch.folder

    def close(self) -> None:
        """End everything that this session has started; safe to call again."""
        with self._lock, contextlib.ExitStack() as stack:
            stack.callback(self._remove_scratch)
            for end in (self._stop_server, self._stop_nats, self._stop_prover, self._leave_lesson):
                stack.callback(end)

    def _leave_lesson(self) -> None:
        if self._program is not None:
            self._program.remove()
        self._program, self.lesson = None, None

    def _stop_prover(self) -> None:
        if self._prover is not None:
            self._prover.close()
        self._prover = None

    def _stop_nats(self) -> None:
        if self.nats is not None:
            self.nats.stop()
        self.nats = None

    def _stop_server(self) -> None:
        if self._pool is not None:
            self._pool.close()
        if self.server is not None:
            self.server.stop()
        self._pool = self._database = self.server = None

    def _remove_scratch(self) -> None:
        if self._scratch is not None:
            self._scratch.remove()
        self._scratch = None

    def _ensure_server(self) -> None:
        if self.server is not None and not self.server.alive():
            with contextlib.suppress(CourseError):
                self._stop_server()
            self._pool = self._database = self.server = None
        if self.server is None:
            self.server = postgres()

    def _ensure_nats(self) -> None:
        if self.nats is None or not self.nats.alive():
            self._stop_nats()
            self.nats = nats()

    def _open(self, lesson: Lesson) -> None:
        """Put the lesson's program and its variables into the kernel, in place of the lesson's before."""
        if self._program is not None:
            self._program.remove()
        names = dict.fromkeys(each for each in (lesson.subject, *(e.subject for e in lesson.exercises)) if each)
        subjects = [load_subject(name) for name in names]
        environment: dict[str, str | None] = {"DATABASE_URL": self._database_url(lesson), "no_proxy": no_proxy()}
        if self.nats is not None:
            environment["NATS_URL"] = self.nats.url
        for subject in subjects:
            environment |= subject.environment
        trees = tuple(self.prover().trees.path(Variant(subject)) for subject in subjects)
        # For what a cell starts as a process of its own, such as a server
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, (*map(str, trees), os.environ.get("PYTHONPATH"))))
        self._program = Program(trees, tuple(subject.package for subject in subjects), environment)
        stand_in.install()

    def _database_url(self, lesson: Lesson) -> str:
        """The URL of a fresh database of the course. It never reads DATABASE_URL."""
        if "postgresql" not in lesson.services or self.server is None:
            return "sqlite://"
        if self._pool is None:
            self._pool = DatabasePool(self.server, name="lesson", ahead=1)
        if self._database is not None:
            with contextlib.suppress(CourseError):
                self._pool.give_back(self._database)
        self._database = self._pool.take()
        return self._database.url


_current: list[Session] = []


def session() -> Session:
    """The kernel's session, made when it is first asked for."""
    if not _current:
        named = os.environ.get("COURSE_WORKSPACE")
        use(Session(syllabus(), Workspace(Path(named) if named else default_folder())))
    return _current[0]


def use(other: Session) -> Session:
    """Make a session the kernel's own: one with another syllabus, or on another workspace."""
    _current[:] = [other]
    return other
