"""How far a proof is, for whoever shows it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """One run has ended.

    Attributes:
        done: Runs that have ended.
        total: Runs that are planned as far as is known.
        what: Id of the variant whose run has ended.
    """

    done: int
    total: int
    what: str
