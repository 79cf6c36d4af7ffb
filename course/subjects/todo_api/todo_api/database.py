"""Reaches the database: engines, tables, and the two types that databases treat differently."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from sqlalchemy import DateTime, Dialect, Engine, Text, create_engine
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.schema import CreateTable
from sqlalchemy.types import TypeDecorator

TABLES_LOCK = 7_306_019

# Sorts by code point wherever it runs: what the server's locale is must not change an order
SortedText = Text().with_variant(Text(collation="C"), "postgresql")


class Base(DeclarativeBase):
    pass


class Instant(TypeDecorator[datetime]):
    """A point in time: goes in with any offset and comes back in UTC, whatever zone the session has."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 -- SQLAlchemy's signature
        return value and value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


@lru_cache(maxsize=8)  # many applications on one database share its few connections
def open_engine(database_url: str) -> Engine:
    return create_engine(database_url, pool_size=2, max_overflow=20, pool_pre_ping=True)


def create_tables(engine: Engine) -> None:
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            # Two processes may start on an empty database at once; the second finds the tables there
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({TABLES_LOCK})")
        for table in Base.metadata.sorted_tables:
            connection.execute(CreateTable(table, if_not_exists=True))
