"""Bearer tokens: signed, and good for a while."""

from datetime import UTC, datetime, timedelta

import jwt

from users_api.settings import settings

ALGORITHM = "HS256"


class InvalidTokenError(Exception):
    """The token is not ours, was changed, or has expired."""


def expires_at(issued_at: datetime, minutes: int) -> datetime:
    """Return when a token ends, in UTC. Fractions of a second may be dropped: a token knows whole seconds.

    Raises:
        ValueError: The moment has no time zone, or the token would be good for no time at all.

    Example:
        >>> expires_at(datetime(2030, 1, 1, 23, 45, tzinfo=UTC), minutes=30).isoformat()
        '2030-01-02T00:15:00+00:00'
    """
    if issued_at.tzinfo is None:
        raise ValueError("A token needs a moment with a time zone.")
    if minutes <= 0:
        raise ValueError("A token must be good for a minute or more.")
    return issued_at.astimezone(UTC) + timedelta(minutes=minutes)


def create_token(user_id: int, issued_at: datetime | None = None) -> str:
    """Sign a token for a user. It starts now unless told otherwise."""
    end = expires_at(issued_at or datetime.now(UTC), settings().token_minutes)
    return jwt.encode({"sub": str(user_id), "exp": end}, settings().secret, ALGORITHM)


def read_token(token: str) -> int:
    """Return the id of the user that a token was made for.

    Raises:
        InvalidTokenError: The token is not ours, was changed, or has expired.
    """
    try:
        claims = jwt.decode(token, settings().secret, [ALGORITHM], options={"require": ["sub", "exp"]})
    except jwt.InvalidTokenError as error:
        raise InvalidTokenError from error
    return int(claims["sub"])
