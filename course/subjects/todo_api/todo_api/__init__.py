"""A small service that keeps todos in PostgreSQL."""

from .app import create_app

__all__ = ["create_app"]
