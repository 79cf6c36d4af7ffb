"""Image names: which of them a program of the course can stand in for."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

# The majors that can run here, lowest first. A tag without a number runs on the first.
RUNS = (16, 18)

# What people mean who misspell a name
_KNOWN = ("postgres", "nats", "redis", "mysql", "mariadb", "mongo", "rabbitmq", "kafka", "postgis", "nginx", "python")

_NAME = re.compile(
    r"^(?:docker\.io/|index\.docker\.io/)?(?:library/)?(postgres|nats)(?::([\w.-]+))?(?:@sha256:[0-9a-f]+)?$"
)


def near_image(name: str) -> str | None:
    """The image that was meant by a misspelt name, its tag with it.

    Example:
        >>> near_image("postgress:16")
        'postgres:16'
        >>> near_image("postgres:16") is None
        True
    """
    base, colon, tag = name.partition(":")
    if "/" in base:
        return None  # somebody's own
    near = difflib.get_close_matches(base, _KNOWN, n=1, cutoff=0.75)
    return f"{near[0]}{colon}{tag}" if near and near[0] != base else None


@dataclass(frozen=True)
class Image:
    """An official image that has a stand-in.

    Attributes:
        name: As it was asked for, such as "postgres:16-alpine".
        program: What stands in: "postgres" or "nats".
        tag: The tag, "latest" where none was given.

    Example:
        >>> Image.read("postgres:16-alpine").program
        'postgres'
        >>> Image.read("docker.io/library/postgres").tag
        'latest'
        >>> Image.read("pgvector/pgvector:pg16") is None
        True
    """

    name: str
    program: str
    tag: str

    @classmethod
    def read(cls, name: str) -> Image | None:
        """The image of that name, or None where nothing stands in for it."""
        found = _NAME.match(name)
        return cls(name, found[1], found[2] or "latest") if found else None

    @property
    def asked(self) -> int | None:
        """The major version in the tag.

        Example:
            >>> Image.read("postgres:12.4").asked, Image.read("postgres:alpine").asked
            (12, None)
        """
        found = re.match(r"\d+", self.tag)
        return int(found[0]) if found else None

    @property
    def runs(self) -> int:
        """The major version that runs for it: the lowest that has all of its features, or else the highest.

        Example:
            >>> [Image.read(f"postgres:{tag}").runs for tag in ("9.5", "16", "17", "18", "latest")]
            [16, 16, 18, 18, 16]
        """
        asked = self.asked or RUNS[0]
        return next((major for major in RUNS if major >= asked), RUNS[-1])
