"""What differs between a laptop, a test and production is read from the environment, once."""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache


@dataclass(frozen=True)
class Settings:
    """The settings of one process.

    Attributes:
        database_url: SQLAlchemy URL, `sqlite://…` or `postgresql+psycopg2://…`.
        secret: Key that signs tokens, 32 bytes or more.
        token_minutes: How long a token is good for.
        hash_time_cost: Passes of argon2 over its memory.
        hash_memory_kib: Memory that one password hash takes, in KiB.
        address_check_url: Whom to ask whether mail arrives at an address; empty where nobody is asked.
        address_check_seconds: How long to wait for that answer.
    """

    database_url: str
    secret: str = field(repr=False)
    token_minutes: int
    hash_time_cost: int
    hash_memory_kib: int
    address_check_url: str
    address_check_seconds: float

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Read the settings, with defaults for a laptop.

        Without USERS_API_SECRET each process makes its own secret: safe, but tokens end with the process.

        Example:
            >>> Settings.from_environment({"USERS_API_TOKEN_MINUTES": "5"}).token_minutes
            5
        """
        return cls(
            database_url=environment.get("DATABASE_URL", "sqlite:///users.db"),
            secret=environment.get("USERS_API_SECRET") or secrets.token_hex(32),
            token_minutes=int(environment.get("USERS_API_TOKEN_MINUTES", "30")),
            hash_time_cost=int(environment.get("USERS_API_HASH_TIME_COST", "3")),
            hash_memory_kib=int(environment.get("USERS_API_HASH_MEMORY_KIB", "65536")),
            address_check_url=environment.get("USERS_API_ADDRESS_CHECK_URL", ""),
            address_check_seconds=float(environment.get("USERS_API_ADDRESS_CHECK_SECONDS", "2")),
        )


@cache
def settings() -> Settings:
    """The settings of this process."""
    return Settings.from_environment(os.environ)
