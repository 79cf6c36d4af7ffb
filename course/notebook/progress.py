"""Keeps what a learner has done in one small file, safe from crashes and from two sessions at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from course.atomic import write_atomically

VERSION = 1
LOCK_SECONDS = 5.0

Content = dict[str, Any]
Change = Callable[[Content], None]


class Progress:
    """Which exercises are solved, which hints were shown, and the learner's cells as they ran last.

    Every change is read, changed and written under a lock, so that two sessions lose nothing of each other. What cannot
    be written (a full disk, say) is kept, and written with the next change.

    Args:
        path: The file; made with the first change.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.news: list[str] = []  # sentences for the learner, shown once
        self._unsaved: list[Change] = []

    # What is asked

    def solved(self) -> frozenset[str]:
        """Ids of the exercises that were solved once."""
        exercises = self._seen()["exercises"]
        return frozenset(id_ for id_, exercise in exercises.items() if exercise.get("solved"))

    def hints(self, exercise: str) -> tuple[str, ...]:
        """The hints of an exercise that were shown, in their order."""
        return tuple(self._seen()["exercises"].get(exercise, {}).get("hints", ()))

    def alive(self, exercise: str) -> tuple[str, ...]:
        """Ids of the bugs that the latest run of an exercise left alive."""
        return tuple(self._seen()["exercises"].get(exercise, {}).get("alive", ()))

    def cells(self, exercise: str) -> dict[str, str]:
        """The files of an exercise as they passed last, else as they ran last: name to text; empty where none ran."""
        cells = self._seen()["exercises"].get(exercise, {})
        return dict(cells.get("passing") or cells.get("latest") or {})

    # What is told

    def ran(self, exercise: str, files: dict[str, str], *, solved: bool, alive: tuple[str, ...] = ()) -> None:
        """Remember a run of an exercise.

        Args:
            exercise: Its id.
            files: Its suite.
            solved: Whether it holds on right code and catches all bugs. Solved once is solved.
            alive: Ids of the bugs that it did not catch.
        """

        def change(content: Content) -> None:
            entry = content["exercises"].setdefault(exercise, {})
            entry["latest"] = files
            entry["alive"] = list(alive)
            if solved:
                entry["passing"] = files
                entry.setdefault("solved", now())

        self.apply(change)

    def showed(self, exercise: str, hint: str) -> None:
        """Remember that a hint was shown."""

        def change(content: Content) -> None:
            hints = content["exercises"].setdefault(exercise, {}).setdefault("hints", [])
            if hint not in hints:
                hints.append(hint)

        self.apply(change)

    def apply(self, change: Change) -> None:
        """Change the file; what cannot be written now is written with the next change."""
        self._unsaved.append(change)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{self.path}.lock", timeout=LOCK_SECONDS):
                content = self._changed()
                write_atomically(self.path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
        except Timeout:
            self.tell(
                f"Your progress is being written by another session; this step is saved with the next one: {self.path}"
            )
        except OSError as error:
            self.tell(
                f"Your progress could not be saved ({error.strerror or error}): {self.path}. "
                "Nothing is lost: make room, and it is saved with the next cell that you run."
            )
        else:
            self._unsaved.clear()

    def tell(self, sentence: str) -> None:
        if sentence not in self.news:
            self.news.append(sentence)

    def take_news(self) -> tuple[str, ...]:
        """Sentences that the learner should see once."""
        news, self.news = tuple(self.news), []
        return news

    def _seen(self) -> Content:
        """What stands in the file, as far as it can be read, with the changes that could not be written yet."""
        try:
            return self._changed()
        except OSError as error:
            self.tell(f"Your progress cannot be read ({error.strerror or error}): {self.path}.")
            return empty()

    def _changed(self) -> Content:
        content = self._read()
        for change in self._unsaved:
            change(content)
        return content

    def _read(self) -> Content:
        try:
            return checked(json.loads(self.path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return empty()
        except (ValueError, TypeError, KeyError, AttributeError):
            return self._begin_anew()

    def _begin_anew(self) -> Content:
        aside = self.path.with_name(f"{self.path.name}.broken")
        number = 1
        while aside.exists():
            number += 1
            aside = self.path.with_name(f"{self.path.name}.broken-{number}")
        try:
            self.path.replace(aside)
        except OSError:
            aside = self.path
        self.tell(f"The progress file could not be read. It is kept as {aside.name}, and a new one is begun.")
        return empty()


def empty() -> Content:
    return {"version": VERSION, "exercises": {}}


def checked(content: Any) -> Content:
    """Return the content if it has the shape that we write.

    Raises:
        TypeError, KeyError, AttributeError: It has not, as when somebody has edited the file.
    """
    exercises = content["exercises"]
    shapes = {"solved": str, "hints": list, "alive": list, "latest": dict, "passing": dict}
    for entry in exercises.values():
        for name, shape in shapes.items():
            if not isinstance(entry.get(name, shape()), shape):
                raise TypeError(name)
    return dict(content)


def now() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")
