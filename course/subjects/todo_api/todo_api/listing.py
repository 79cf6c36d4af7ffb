"""Answers with a page of the todos that match."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import Session

from .models import Priority, Todo, fold
from .schemas import TodoQuery

RANK = case({priority.value: rank for rank, priority in enumerate(Priority)}, value=Todo.priority)
COLUMNS = {"created": Todo.created_at, "title": Todo.title_key, "due": Todo.due}


def list_todos(session: Session, query: TodoQuery) -> tuple[Sequence[Todo], int]:
    """Return one page, and how many match on all pages together."""
    matches = _matches(query)
    total = session.scalar(select(func.count(Todo.id)).where(*matches))
    page = select(Todo).where(*matches).order_by(*_order(query.order)).limit(query.limit).offset(query.offset)
    return session.scalars(page).all(), total or 0


def _matches(query: TodoQuery) -> list[ColumnElement[bool]]:
    matches: list[ColumnElement[bool]] = []
    if query.done is not None:
        matches.append(Todo.done.is_(query.done))
    if query.priority is not None:
        matches.append(Todo.priority == query.priority)
    if query.search:
        matches.append(Todo.search_text.contains(fold(query.search), autoescape=True))
    if query.due_before is not None:
        matches.append(Todo.due < query.due_before)
    return matches


def _order(order: str | None) -> list[ColumnElement[object]]:
    """Order as asked for; the id decides between equals, so that pages never overlap."""
    if order is None:
        return [Todo.id.asc()]
    key = _key(order.removeprefix("-"))
    direction = key.desc() if order.startswith("-") else key.asc()
    return [direction.nulls_last(), Todo.id.asc()]


def _key(name: str) -> ColumnElement[Any]:
    if name == "priority":
        return RANK
    return COLUMNS[name]
