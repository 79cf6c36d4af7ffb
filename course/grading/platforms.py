"""How learning platforms name what learners hand in: whose it is, whether it came late, and which attempt it is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Tag:
    """What a platform's name for a file or a folder says.

    Attributes:
        learner: Their name, as the platform writes it.
        key: Tells learners apart who have one name.
        attempt: Orders the attempts of one learner; the last one counts.
        time: When it was handed in, by the platform's clock, where the name says so.
        is_late: It came after the deadline.
        file: The name that the learner gave the file; empty for a folder.
    """

    learner: str
    key: str
    attempt: str = ""
    is_late: bool = False
    file: str = ""
    time: datetime | None = None


FORMS = tuple(
    re.compile(form)
    for form in (
        # Moodle: Ada Lovelace_4711_assignsubmission_file_, a folder or in front of a name
        r"(?P<learner>.+?)_(?P<key>\d+)_assignsubmission_(?:file|onlinetext)_?(?P<file>.*)",
        # Blackboard: Todo Challenge_ada_attempt_2026-05-01-10-00-00_suite.zip, and a .txt for each attempt
        r".+?_(?P<learner>(?P<key>[^_]+))(?P<late>_LATE)?_attempt_(?P<attempt>\d{4}(?:-\d\d){5})(?:_(?P<file>.+)|\.txt)",
        # Brightspace: 123-456 - Ada Lovelace - May 1, 2026 1000 AM, a folder or in front of a name
        r"(?P<key>\d+)-\d+ - (?P<learner>.+?) - (?P<attempt>\w+ \d{1,2}, \d{4} \d{3,4} [AP]M)(?: - (?P<file>.+))?",
        # Gradescope: submission_4711, with the names in a file beside them
        r"(?P<learner>submission_(?P<key>\d+))(?P<file>)",
        # Canvas puts a name, perhaps LATE, and two numbers in front of a name: lovelaceada_LATE_4711_101_suite.zip
        r"(?P<learner>[^_/]+)(?P<late>_LATE)?_(?P<key>\d+)_(?P<attempt>\d+)_(?P<file>.+)",
    )
)
# Teams has a folder for each attempt in that of a learner
VERSION = re.compile(r"Version (\d+)")
# Canvas numbers a file that was handed in again under the same name
AGAIN = re.compile(r"(?P<stem>.+)-(?P<number>\d+)(?P<suffix>\.\w+)")


def read_tag(name: str) -> Tag | None:
    """What a name says; None where no platform has given it.

    Example:
        >>> read_tag("lovelaceada_LATE_4711_101_suite.zip")
        Tag(learner='lovelaceada', key='4711', attempt='000000000101', is_late=True, file='suite.zip', time=None)
    """
    for form in FORMS:
        if match := form.fullmatch(name):
            said = {key: value or "" for key, value in match.groupdict().items()}
            late = bool(said.get("late"))
            time = _time(said.get("attempt", ""))
            attempt = time.isoformat() if time else said.get("attempt", "").zfill(12)
            return Tag(said["learner"], said["key"], attempt, late, said["file"], time)
    return None


def first_name(file: str) -> tuple[str, int]:
    """A file's name as it was before the platform has numbered it, and that number.

    Example:
        >>> first_name("suite-2.zip"), first_name("conftest.py")
        (('suite.zip', 2), ('conftest.py', 0))
    """
    match = AGAIN.fullmatch(file)
    return (match["stem"] + match["suffix"], int(match["number"])) if match else (file, 0)


def _time(attempt: str) -> datetime | None:
    """The time in the name of an attempt, without an offset: the platform names no zone."""
    clock = re.sub(r"\b(\d{3}) ([AP]M)$", r"0\1 \2", attempt)
    for form in ("%Y-%m-%d-%H-%M-%S", "%b %d, %Y %I%M %p", "%B %d, %Y %I%M %p"):
        try:
            return datetime.strptime(clock, form)  # noqa: DTZ007 - the platform names no zone
        except ValueError:
            continue
    return None
