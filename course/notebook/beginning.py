"""`course.begin`: a lesson's services start, and one panel says what runs where and what there is to do."""

from __future__ import annotations

from collections.abc import Iterator

from course.engine import load_subject
from course.errors import CourseError
from course.javascript import NAME as JAVASCRIPT
from course.notebook.faults import guarded
from course.notebook.health import health_panel
from course.notebook.jest import install_packages
from course.notebook.live import Live
from course.notebook.panel import Panel, Row
from course.notebook.session import Session, session
from course.services.doctor.examinations import examine_browser, examine_node
from course.services.machine import docker
from course.services.providers import images
from course.stand_in import collation
from course.syllabus import Lesson


class InPreparationError(CourseError):
    """A lesson that is not written yet cannot begin."""


@guarded
def begin(lesson: str) -> None:
    """Begin a lesson: start its services and show what runs where, and what there is to do.

    Args:
        lesson: Its name or its number, such as `"06_test_an_api"` or `"06"`.

    Raises:
        CourseError: There is no such lesson, or a service does not start; the error says what to do.

    Example:
        >>> import course
        >>> course.begin("06")  # doctest: +SKIP
    """
    here = session()
    chosen = here.course.lesson(lesson, planned=True)
    if chosen.planned:
        raise InPreparationError(
            f"Lesson {chosen.number}, {chosen.title}, is in preparation.", _next_written(here, chosen)
        )
    live = Live()
    install_packages(chosen, live.show)
    here.begin(chosen)
    live.end(overview(here, chosen))


def _next_written(here: Session, planned: Lesson) -> str:
    later = [each for each in here.course.lessons if each.number > planned.number]
    return f'The path goes on with {later[0].number}: course.begin("{later[0].slug}")' if later else ""


def overview(here: Session, lesson: Lesson) -> Panel:
    """What runs where, the program, and what is done and to do."""
    done = here.progress.solved()
    exercises = lesson.exercises
    count = sum(each.id in done for each in exercises)
    rows = (*_services(here, lesson), *_program(lesson), *_to_do(lesson, done))
    rows += tuple(Row(sentence, "note") for sentence in here.progress.take_news())
    dim = f"{lesson.minutes} min · {len(exercises)} {'exercise' if len(exercises) == 1 else 'exercises'}"
    share = count / len(exercises) if exercises else None
    right = f"{count} of {len(exercises)}" if exercises else ""
    return Panel(f"{lesson.number} · {lesson.title}", dim, right, share, rows)


def _services(here: Session, lesson: Lesson) -> Iterator[Row]:
    if "postgresql" in lesson.services and here.server is not None:
        yield _running("PostgreSQL", here.server.sentence)
    elif any(exercise.subject for exercise in lesson.exercises):
        yield Row("run on a PostgreSQL of the course's own, which starts in the background", "on", label="Boards")
    if "nats" in lesson.services and here.nats is not None:
        yield _running("NATS", here.nats.sentence)
    if "docker" in lesson.services:
        yield from _docker()
    for service, examine in (("node", examine_node), ("browser", examine_browser)):
        if service in lesson.services:
            yield from health_panel(tuple(examine())).rows


def _running(label: str, sentence: str) -> Row:
    told, _, remark = sentence.partition(" (")
    return Row(told, "on", f"({remark}" if remark else "", label=label)


def _docker() -> Iterator[Row]:
    """Who serves a learner's `PostgresContainer`."""
    engine = docker.engine()
    if not engine.answers:
        told = f"does not answer: {engine.why}"
        yield Row(told, "todo", "(`PostgresContainer` runs on embedded PostgreSQL instead)", label="Docker")
    elif lacking := images.missing():
        told = f"{engine.version} answers, without {', '.join(lacking)}"
        wait = "(your first container fetches what it needs; where that fails, it runs on embedded PostgreSQL instead)"
        yield Row(told, "todo", wait, label="Docker")
    else:
        yield Row(f"{engine.version} answers", "on", "(your containers run in it)", label="Docker")
        return
    if words := collation.notice():
        yield Row(words, "note")


def _program(lesson: Lesson) -> Iterator[Row]:
    if lesson.subject is not None:
        subject = load_subject(lesson.subject)
        if subject.language == JAVASCRIPT:
            line = f'require("{subject.package}")'
        else:
            has_app = (subject.folder / subject.package / "main.py").is_file()
            line = f"from {subject.package}.main import app" if has_app else f"import {subject.package}"
        yield Row(f"`{lesson.subject}`", dim=f"`{line}`", label="Program")
        if (subject.folder / "brief.md").is_file():
            yield Row("what the program promises", dim=f'`course.brief("{lesson.subject}")`', label="Contract")


def _to_do(lesson: Lesson, done: frozenset[str]) -> Iterator[Row]:
    if not lesson.exercises:
        return
    following = next((each.id for each in lesson.exercises if each.id not in done), None)
    parts = []
    for each in lesson.exercises:
        words = f"{each.id} {each.title}"
        parts.append(f"✔ {words}" if each.id in done else f"○ **{words}**" if each.id == following else f"○ {words}")
    yield Row("\u2003".join(parts), label="To do" if following else "Done")
