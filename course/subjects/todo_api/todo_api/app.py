"""Puts the service together: one call makes an application on one database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from sqlalchemy.orm import sessionmaker

from .database import create_tables, open_engine
from .errors import answer_errors
from .routes import router


def create_app(database_url: str) -> FastAPI:
    """Make the application; the tables are there when this returns, so no start-up event has to run first."""
    engine = open_engine(database_url)
    create_tables(engine)

    @asynccontextmanager
    async def close_connections(_: FastAPI) -> AsyncIterator[None]:
        yield
        engine.dispose()

    app = FastAPI(title="Todos", lifespan=close_connections)
    # Rows stay readable after the commit, so that an answer is written when its transaction has ended
    app.state.sessions = sessionmaker(engine, expire_on_commit=False)
    app.include_router(router)
    answer_errors(app)
    return app
