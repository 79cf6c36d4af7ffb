"""A class as it is delivered: which entries of a folder or of a zip are hand-ins, whose they are, and what is none.

Two learners are never graded as one, nor a file that lies about as a learner: in doubt nothing is graded.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path

from course.errors import CourseError
from course.grading.contents import Contents, is_packed, is_stray
from course.grading.loading import Parts
from course.grading.platforms import VERSION, Tag, first_name, read_tag
from course.hygiene.scrub import shown

SEVERAL = 2
HANDED_IN = "Handed in "
NEWEST = "the newest counts"
SHOWN = 3


class DoubtError(CourseError):
    """It is not clear what is one learner's, so that nothing is graded."""

    def __init__(self, where: str, what: str) -> None:
        super().__init__(
            f"{shown(where)} {what}. Is it one hand-in, or several?",
            "Name the folder whose entries are the hand-ins, or say --each: then each entry of a folder is one.",
        )


class Role(Enum):
    """What a folder or a zip is to the class."""

    CLASS = "a folder that a teacher has named: of one that is no project, each entry is a hand-in"
    ALONE = "the only entry of such a folder, or a zip that a teacher has named"
    ENTRY = "one entry of several"


@dataclass(frozen=True)
class HandIn:
    """One learner's part of a delivery.

    Attributes:
        name: Whose it is.
        path: The folder or file that it is, or that it is in.
        files: Which files of `path` it is, and how they are called in it; all when None.
        notes: What its names say, as sentences.
        entry: What it is called in what was delivered; the name of `path` where empty.
        time: When it was handed in, where its name says so.
    """

    name: str
    path: Path
    files: Mapping[Parts, Parts] | None = None
    notes: tuple[str, ...] = ()
    entry: str = ""
    time: datetime | None = None


class Delivery:
    """Tells hand-ins apart in what a teacher has named.

    Args:
        each: Each entry of a folder is one, whatever is in it.

    Attributes:
        left_out: Names of what is no hand-in.
    """

    def __init__(self, *, each: bool = False) -> None:
        self.left_out: list[str] = []
        self._each = each

    def hand_ins(self, path: Path) -> Iterator[HandIn]:
        """The hand-ins in a hand-in, or in a folder or a zip of such.

        Raises:
            DoubtError: It is not clear what is one learner's.
        """
        whole = HandIn(stem(path), path)
        if path.is_symlink() or not (path.is_dir() or path.suffix.lower() == ".zip"):
            yield whole
        elif self._each:
            yield from self._entries(Contents.of(path), None) if path.is_dir() else [whole]
        else:
            yield from self._told_apart(Contents.of(path), whole, Role.CLASS if path.is_dir() else Role.ALONE)

    def _told_apart(self, contents: Contents, whole: HandIn, role: Role) -> Iterator[HandIn]:
        """The hand-ins in a folder or a zip, or `whole` where all of it is one."""
        tagged = {name: tag for name in contents.names if (tag := read_tag(name))}
        if any(map(contents.may_hold, tagged)):
            if {"tests", "module"} & contents.markers:
                raise DoubtError(contents.name, f"holds tests of its own, and beside them {_list(list(tagged))}")
            yield from _by_tag(contents, tagged)
            yield from self._entries(contents, Role.ENTRY, leaving=tagged)
        elif role is not Role.ENTRY and not contents.inside and _is_flat(contents):
            raise DoubtError(contents.name, f"holds {_list(contents.loose)}, and no test_*.py")
        elif _is_one(contents, role):
            yield whole
        elif role is Role.CLASS:
            yield from self._entries(contents, Role.ENTRY if len(contents.handed_in) >= SEVERAL else Role.ALONE)
        else:
            yield from self._within(contents, whole, role)

    def _within(self, contents: Contents, whole: HandIn, role: Role) -> Iterator[HandIn]:
        """The same for what is no project, inside of a folder or a zip that may be one learner's."""
        rivals = contents.rivals
        if rivals and all(map(VERSION.fullmatch, rivals)):
            yield whole
        elif len(rivals) >= SEVERAL:
            if role is Role.ENTRY or not all(map(contents.is_only_packed, rivals)):
                raise DoubtError(contents.name, f"holds {_list(rivals)}")
            yield from self._entries(contents, Role.ENTRY)
        elif rivals and (inner := contents.entry(rivals[0])):
            yield from self._told_apart(inner, whole, role)
        else:
            yield whole

    def _entries(self, contents: Contents, role: Role | None, leaving: Iterable[str] = ()) -> Iterator[HandIn]:
        """The hand-ins in each entry; without a role each entry is one."""
        for name in (name for name in contents.names if name not in leaving):
            if name not in contents.folders and not is_packed(name) and is_stray(name):
                self.left_out.append(name)
            elif role is None or not (inner := contents.entry(name)):
                yield _entry(contents, name)
            else:
                yield from self._told_apart(inner, _entry(contents, name), role)


def stem(path: Path) -> str:
    """What a hand-in is called by its file or folder."""
    path = path if path.name not in ("", "..") else path.resolve()
    return path.stem if not path.is_dir() and path.suffix.lower() in (".zip", ".ipynb", ".py") else path.name


def _is_flat(contents: Contents) -> bool:
    """Whether Python files lie side by side, none of which pytest takes for tests: each may be another learner's."""
    return not contents.markers - {"conftest"} and not contents.handed_in and len(contents.loose) >= SEVERAL


def _is_one(contents: Contents, role: Role) -> bool:
    """Whether a folder or a zip is a project, with all that lies in it.

    Raises:
        DoubtError: It looks like one, and so does what lies in it.
    """
    markers = contents.markers
    if contents.is_workspace if role is Role.CLASS else contents.has_lessons:
        return True
    if not markers or "submission" in markers:
        return bool(markers)
    rivals = contents.rivals
    if markers == {"test"}:  # somebody's name, perhaps
        return rivals == ["test"]
    alone = [name for name in rivals if name in contents.folders and contents.below(name).markers - {"module"}]
    if len(rivals if len(markers) < SEVERAL else alone) >= SEVERAL:
        raise DoubtError(contents.name, f"holds tests or settings of its own, and beside them {_list(rivals)}")
    return True


def _entry(contents: Contents, name: str) -> HandIn:
    if contents.path.is_dir():
        path = contents.path.joinpath(*contents.inside, name)
        return HandIn(stem(path), path)
    files = {(*contents.inside, *parts): parts[1:] or parts for parts in contents.files if parts[0] == name}
    return HandIn(stem(Path(name)), contents.path, files, entry=name)


def _by_tag(contents: Contents, tagged: Mapping[str, Tag]) -> Iterator[HandIn]:
    """All that bears one learner's name; of several attempts the last one counts."""
    learners: dict[tuple[str, str], dict[str, Tag]] = defaultdict(dict)
    for name, tag in tagged.items():
        learners[tag.learner, tag.key][name] = tag
    for (learner, _), mine in sorted(learners.items()):
        attempts = sorted({tag.attempt for tag in mine.values()})
        last = {name: tag for name, tag in mine.items() if tag.attempt == attempts[-1]}
        notes = [f"{HANDED_IN}{len(attempts)} times: {NEWEST}."] if len(attempts) > 1 else []
        notes += [f"{HANDED_IN}late, as its name says."] if any(tag.is_late for tag in last.values()) else []
        files = _newest(contents, last, notes)
        yield HandIn(learner, contents.path, files, tuple(notes), min(last), last[min(last)].time)


def _newest(contents: Contents, tagged: Mapping[str, Tag], notes: list[str]) -> dict[Parts, Parts]:
    """The files of one attempt under the names that the learner gave them; of a file with numbers the highest."""
    numbered: dict[str, tuple[int, str]] = {}
    files: dict[Parts, Parts] = {}
    for name, tag in tagged.items():
        if name in contents.folders:
            files |= {(*contents.inside, name, *parts): parts for parts in contents.below(name).files}
            continue
        first, number = first_name(tag.file or name)
        if first in numbered:
            notes.append(f"{shown(first)} was handed in again: {NEWEST}.")
        numbered[first] = max(numbered.get(first, (-1, "")), (number, name))
    return files | {(*contents.inside, name): (first,) for first, (_, name) in numbered.items()}


def _list(names: Sequence[str]) -> str:
    some = ", ".join(shown(name) for name in names[:SHOWN])
    return some if len(names) <= SHOWN else f"{some} and {len(names) - SHOWN} more"
