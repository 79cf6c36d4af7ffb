"""How suites for a subject are scored: `challenge.toml`, read and checked."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course.engine import SUBJECTS
from course.errors import CourseError
from course.hygiene import Rule


class ChallengeError(CourseError):
    """There is no challenge for a subject, or its `challenge.toml` is not well formed."""


@dataclass(frozen=True)
class Challenge:
    """The score of a subject's suites.

    Attributes:
        subject: Name of the subject.
        bug_points: Points for bugs, shared evenly by the categories.
        categories: Folder of bugs to its title, in the order of reports.
        hygiene: The hygiene proofs, in the order of reports.

    Example:
        >>> load_challenge("todo_api").total
        100.0
    """

    subject: str
    bug_points: float
    categories: Mapping[str, str]
    hygiene: tuple[Rule, ...]

    @property
    def total(self) -> float:
        """All points that there are."""
        return self.bug_points + sum(rule.points for rule in self.hygiene)

    def rule(self, name: str) -> Rule | None:
        """The hygiene rule of that name, if the challenge has it."""
        return next((rule for rule in self.hygiene if rule.name == name), None)


def load_challenge(subject: str, subjects: Path = SUBJECTS) -> Challenge:
    """Read the challenge of a subject, by its name.

    Raises:
        ChallengeError: There is none, or it is broken.
    """
    path = subjects / subject / "challenge.toml"
    try:
        return _challenge(subject, tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        known = ", ".join(sorted(found.parent.name for found in subjects.glob("*/challenge.toml"))) or "none"
        raise ChallengeError(f"{subject!r} is no challenge.", f"There are: {known}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError, TypeError, ValueError) as error:
        raise ChallengeError(f"{path} is broken: {error}.", "Mend that line.") from error


def _challenge(subject: str, data: Mapping[str, Any]) -> Challenge:
    rules = tuple(_rule(entry) for entry in data.get("hygiene", []))
    challenge = Challenge(subject, float(data["score"]["bugs"]), dict(data["categories"]), rules)
    worth = sum(rule.points for rule in rules)
    if worth != float(data["score"]["hygiene"]):
        raise ValueError(f"its hygiene proofs add up to {worth:g} points, not to {data['score']['hygiene']}")
    return challenge


def _rule(entry: Mapping[str, Any]) -> Rule:
    known = {"name", "title", "points"}
    settings = {key: value for key, value in entry.items() if key not in known}
    return Rule(str(entry["name"]), str(entry["title"]), float(entry["points"]), settings)
