"""What other programs are told: that somebody signed up. On the wire it is JSON."""

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from uuid import uuid4

VERSION = 1


class UnreadableEventError(ValueError):
    """These bytes are no event of ours, or of a version that is not known here."""


@dataclass(frozen=True)
class UserSignedUp:
    """Somebody signed up.

    Attributes:
        name: Who it is.
        email: Where they can be reached.
        at: When it was, with a time zone.
        id: The event's own; whoever gets it a second time knows it by that.
    """

    SUBJECT = "users.signed_up"

    name: str
    email: str
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    id: str = field(default_factory=lambda: uuid4().hex)

    def encode(self) -> bytes:
        """Return the event as a JSON object, in UTF-8."""
        return json.dumps(asdict(self) | {"at": self.at.isoformat(), "version": VERSION}).encode()

    @classmethod
    def decode(cls, data: bytes) -> "UserSignedUp":
        """Read an event; fields that are not known here are left alone.

        Raises:
            UnreadableEventError: The bytes are no event, or of another version.

        Example:
            >>> UserSignedUp.decode(UserSignedUp("Ada", "ada@example.org").encode()).name
            'Ada'
        """
        try:
            told = json.loads(data)
            if told["version"] != VERSION:
                raise UnreadableEventError(f"version {told['version']}")
            return cls(told["name"], told["email"], datetime.fromisoformat(told["at"]), told["id"])
        except (ValueError, KeyError, TypeError) as error:
            raise UnreadableEventError(f"no event: {error}") from error
