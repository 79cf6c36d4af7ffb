"""The engine, and one session for each request."""

from collections.abc import Iterator
from pathlib import Path
from sqlite3 import Connection
from typing import Any

from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import StaticPool

from users_api.models import Base
from users_api.settings import settings

__all__ = ["Base", "build_engine", "create_tables", "engine", "get_db", "migrate", "new_session"]


def build_engine(url: str) -> Engine:
    """Build an engine on which SQLite keeps its foreign keys, and keeps a database in memory across threads."""
    where = make_url(url)
    if where.get_backend_name() != "sqlite":
        return create_engine(where)
    if where.database in {None, "", ":memory:"}:
        built = create_engine(where, poolclass=StaticPool, connect_args={"check_same_thread": False})
    else:
        built = create_engine(where)
    event.listen(built, "connect", _enforce_foreign_keys)
    return built


def _enforce_foreign_keys(connection: Connection, _record: Any) -> None:
    connection.execute("PRAGMA foreign_keys = ON")


def create_tables(bind: Engine) -> None:
    """Create the tables that are missing. Whoever deploys the application calls it; the application itself does not."""
    Base.metadata.create_all(bind)


def migrate(bind: Engine) -> None:
    """Bring the tables to the newest version, step by step, as a deployment does."""
    from alembic import command  # noqa: PLC0415 - half a second that the application itself never needs
    from alembic.config import Config  # noqa: PLC0415 - the same

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with bind.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


engine = build_engine(settings().database_url)
new_session = sessionmaker(engine, expire_on_commit=False)


def get_db() -> Iterator[Session]:
    """Give a request its session. Tests put another one here: `app.dependency_overrides[get_db] = …`."""
    with new_session() as session:
        yield session
