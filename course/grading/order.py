"""What a teacher has asked `course grade` for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from course.errors import CourseError


class TrustError(CourseError):
    """Strangers' code would run, and `--trust` was not given."""

    def __init__(self) -> None:
        super().__init__(
            "Grading runs the submissions' code with all rights that you have on this machine: it can read, change and "
            "send away your files. The limits on time and memory keep accidents in, not attacks.",
            "Grade in a container or an account that holds nothing else, then say so with --trust.",
        )


@dataclass(frozen=True)
class Order:
    """What a teacher asked for.

    Attributes:
        submissions: Folders of submissions, or single ones.
        out: Folder of reports.
        challenge: Name of the subject.
        jobs: How many runs go on at once; the number of processors when not given.
        only: Names of submissions to grade; all when empty.
        since: Date from which on hand-ins are graded, as the teacher wrote it; all when empty.
        again: Grade also what was graded just so before.
        bugs: Folder of a teacher's own bugs.
        late: File of late rules.
        gradebook: Exports of Canvas or Moodle, to be filled in.
        column: Title of the column of those that takes the grades.
        similarity: Folder for JPlag and Dolos.
        harvest: Folder for what the class has made.
        reveal: Show learners what they missed.
        trust: Whether the submissions' code may run here.
        each: Each entry of a folder is one submission, whatever is in it.
    """

    submissions: Sequence[Path]
    out: Path
    challenge: str = "todo_api"
    jobs: int | None = None
    only: Sequence[str] = ()
    since: str = ""
    again: bool = False
    bugs: Path | None = None
    late: Path | None = None
    gradebook: Sequence[Path] = ()
    column: str = ""
    similarity: Path | None = None
    harvest: Path | None = None
    reveal: bool = False
    trust: bool = False
    each: bool = False
