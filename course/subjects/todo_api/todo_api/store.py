"""Adds, finds, changes and removes todos, inside a transaction that the caller opens."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from .errors import TitleTakenError, TodoNotFoundError
from .models import Todo, now
from .schemas import NewTodo, TodoChanges

MAX_ID = 2**31 - 1
DEADLOCK = "40P01"


def add_todo(session: Session, new: NewTodo) -> Todo:
    todo = _todo(new, now())
    session.add(todo)
    _save(session)
    return todo


def add_todos(session: Session, news: Sequence[NewTodo]) -> list[Todo]:
    """Add all or none; they come back in the order given."""
    moment = now()
    todos = [_todo(new, moment) for new in news]
    # In one order for everyone: two requests with the same titles then never wait for each other in a ring
    session.add_all(sorted(todos, key=lambda todo: todo.title_key))
    _save(session)
    return todos


def find_todo(session: Session, todo_id: str, *, lock: bool = False) -> Todo:
    """Find one todo; with `lock`, nobody else changes it before this transaction ends."""
    number = _number(todo_id)
    todo = None if number is None else session.get(Todo, number, with_for_update=lock)
    if todo is None:
        raise TodoNotFoundError
    return todo


def change_todo(session: Session, todo_id: str, changes: TodoChanges) -> Todo:
    todo = find_todo(session, todo_id, lock=True)
    todo.set(**changes.model_dump(exclude_unset=True))
    todo.index()
    todo.updated_at = now()
    _save(session)
    return todo


def remove_todo(session: Session, todo_id: str) -> None:
    removed = session.execute(delete(Todo).where(Todo.id == _number(todo_id)).returning(Todo.id)).all()
    if not removed:
        raise TodoNotFoundError


def _todo(new: NewTodo, moment: datetime) -> Todo:
    todo = Todo(created_at=moment, updated_at=moment)
    todo.set(**new.model_dump())
    todo.index()
    return todo


def _number(todo_id: str) -> int | None:
    """Read an id; whatever can be no id of ours is simply not found."""
    if not (todo_id.isascii() and todo_id.isdigit() and len(todo_id) <= len(str(MAX_ID))):
        return None
    number = int(todo_id)
    return number if number <= MAX_ID and str(number) == todo_id else None


def _save(session: Session) -> None:
    """Send what was changed to the database, which alone knows whether a title is free."""
    try:
        session.flush()
    except DBAPIError as error:
        # Two that want each other's title wait for each other until the database ends one of them
        if isinstance(error, IntegrityError) or _code(error) == DEADLOCK:
            raise TitleTakenError from error
        raise


def _code(error: DBAPIError) -> str | None:
    """Read the SQLSTATE, which psycopg2 and psycopg 3 name differently."""
    return getattr(error.orig, "pgcode", None) or getattr(error.orig, "sqlstate", None)
