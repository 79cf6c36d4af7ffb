"""What comes in and goes out as JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StringConstraints

from .models import Priority

MAX_NOTES = 2_000
MAX_BATCH = 100
MAX_OFFSET = 1_000_000_000


def refuse_nul(text: str) -> str:
    """Refuse the one character that PostgreSQL cannot store."""
    if "\0" in text:
        raise ValueError("the character NUL is not allowed")
    return text


def read_instant(value: object) -> datetime:
    """Read a date and time with its offset from text; numbers and times without an offset would be guesses."""
    if not isinstance(value, str):
        raise ValueError("a date and time must be text")  # noqa: TRY004 -- pydantic reports ValueError as a 422
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError("a date and time needs an offset from UTC")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("this moment lies outside the calendar") from None


Title = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    AfterValidator(refuse_nul),
]
Notes = Annotated[str, StringConstraints(max_length=MAX_NOTES), AfterValidator(refuse_nul)]
Instant = Annotated[datetime, BeforeValidator(read_instant)]


class NewTodo(BaseModel):
    model_config = ConfigDict(extra="forbid")

    title: Title
    notes: Notes | None = None
    done: StrictBool = False
    priority: Priority = Priority.NORMAL
    due: Instant | None = None


class TodoChanges(NewTodo):
    """The same fields, none of them required: what is absent stays as it was."""

    title: Title = ""


class TodoQuery(BaseModel):
    done: bool | None = None
    priority: Priority | None = None
    search: Annotated[str, AfterValidator(refuse_nul)] = ""
    due_before: Instant | None = None
    order: Literal["created", "-created", "title", "-title", "due", "-due", "priority", "-priority"] | None = None
    limit: int = Field(20, ge=1, le=100)
    offset: int = Field(0, ge=0, le=MAX_OFFSET)


class TodoOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    title: str
    notes: str | None
    done: bool
    priority: Priority
    due: datetime | None
    created_at: datetime
    updated_at: datetime


class TodoPage(BaseModel):
    items: list[TodoOut]
    total: int
