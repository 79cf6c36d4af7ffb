"""The HTTP interface: each route opens a transaction, which has ended before the answer is sent."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Query, Request, Response
from sqlalchemy.orm import Session, sessionmaker

from .bodies import StrictRoute
from .listing import list_todos
from .models import Todo
from .schemas import MAX_BATCH, NewTodo, TodoChanges, TodoOut, TodoPage, TodoQuery
from .store import add_todo, add_todos, change_todo, find_todo, remove_todo

router = APIRouter(prefix="/todos", route_class=StrictRoute)


async def sessions_of(request: Request) -> sessionmaker[Session]:
    return request.app.state.sessions


Sessions = Annotated[sessionmaker[Session], Depends(sessions_of)]


@router.post("", status_code=201, response_model=TodoOut)
def create(new: NewTodo, sessions: Sessions, response: Response) -> Todo:
    with sessions.begin() as session:
        todo = add_todo(session, new)
    response.headers["Location"] = f"/todos/{todo.id}"
    return todo


@router.post("/batch", status_code=201, response_model=list[TodoOut])
def create_many(
    news: Annotated[list[NewTodo], Body(min_length=1, max_length=MAX_BATCH)], sessions: Sessions
) -> list[Todo]:
    with sessions.begin() as session:
        return add_todos(session, news)


@router.get("", response_model=TodoPage)
def read_page(query: Annotated[TodoQuery, Query()], sessions: Sessions) -> dict[str, object]:
    with sessions.begin() as session:
        items, total = list_todos(session, query)
    return {"items": items, "total": total}


@router.get("/{todo_id}", response_model=TodoOut)
def read(todo_id: str, sessions: Sessions) -> Todo:
    with sessions.begin() as session:
        return find_todo(session, todo_id)


@router.patch("/{todo_id}", response_model=TodoOut)
def change(todo_id: str, changes: TodoChanges, sessions: Sessions) -> Todo:
    with sessions.begin() as session:
        return change_todo(session, todo_id, changes)


@router.delete("/{todo_id}", status_code=204)
def remove(todo_id: str, sessions: Sessions) -> None:
    with sessions.begin() as session:
        remove_todo(session, todo_id)
