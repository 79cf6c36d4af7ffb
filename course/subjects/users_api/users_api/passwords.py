"""Which passwords are good enough, and how they are kept: as argon2 hashes."""

from functools import cache

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from users_api.emails import normalize_email
from users_api.settings import settings

SHORTEST = 10
LONGEST = 128


def password_problem(password: str, email: str) -> str | None:
    """Say what is wrong with a new password, or None if it will do.

    Example:
        >>> password_problem("short", "ada@example.org")
        'The password needs at least 10 characters.'
    """
    if len(password) < SHORTEST:
        return f"The password needs at least {SHORTEST} characters."
    if len(password) > LONGEST:
        return f"The password may have at most {LONGEST} characters."
    if not password.isprintable():
        return "The password must not hold signs that cannot be printed."
    if len(set(password)) == 1:
        return "The password needs different characters."
    if normalize_email(password) == normalize_email(email):
        return "The password must not be the email address."
    return None


def hash_password(password: str) -> str:
    """Hash a password, with a salt of its own."""
    return _hasher().hash(password)


def verify_password(password: str, password_hash: str | None) -> bool:
    """Tell whether a password belongs to a hash. No hash takes as long: time must not tell who is registered."""
    matches = _hasher().verify(password, password_hash or _decoy())
    return matches and password_hash is not None


@cache
def _hasher() -> PasswordHash:
    cost = settings()
    return PasswordHash([Argon2Hasher(time_cost=cost.hash_time_cost, memory_cost=cost.hash_memory_kib, parallelism=1)])


@cache
def _decoy() -> str:
    return hash_password("nobody has this password")
