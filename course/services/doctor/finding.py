"""What the doctor found out about one thing on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "note", "problem"]


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's table.

    Attributes:
        subject: Such as "Docker".
        state: "note" where something is missing that the course can do without, "problem" where it cannot.
        here: What is here.
        advice: What to do about it, if anything.
    """

    subject: str
    state: State
    here: str
    advice: str = ""
