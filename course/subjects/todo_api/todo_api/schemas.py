"""What comes in and goes out as JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from .models import Priority

MAX_TITLE = 200
MAX_NOTES = 2_000
MAX_BATCH = 100
MAX_OFFSET = 1_000_000_000


def storable(text: str) -> str:
    """Refuse what PostgreSQL cannot store: the character NUL, and half of a surrogate pair."""
    if "\0" in text or text != text.encode(errors="ignore").decode():
        raise ValueError("the text has a character that cannot be stored")
    return text


def clean_title(value: object) -> str:
    """Trim a title; something must be left of it, and not too much."""
    if not isinstance(value, str):
        raise ValueError("a title must be text")  # noqa: TRY004 -- pydantic reports ValueError as a 422
    title = storable(value).strip()
    if not title:
        raise ValueError("a title needs more than white space")
    if len(title) > MAX_TITLE:
        raise ValueError(f"a title has at most {MAX_TITLE} characters")
    return title


def clean_notes(text: str) -> str:
    if len(text) > MAX_NOTES:
        raise ValueError(f"notes have at most {MAX_NOTES} characters")
    return storable(text)


def read_flag(value: object) -> bool:
    """Read true or false; what other programs take for it, such as 1 or "yes", would be a guess."""
    if not isinstance(value, bool):
        raise ValueError("this must be true or false")  # noqa: TRY004 -- likewise
    return value


def read_instant(value: object) -> datetime:
    """Read a date and time with its offset from text; numbers and times without an offset would be guesses."""
    if not isinstance(value, str):
        raise ValueError("a date and time must be text")  # noqa: TRY004 -- likewise
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError("a date and time needs an offset from UTC")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("this moment lies outside the calendar") from None


Title = Annotated[str, BeforeValidator(clean_title)]
Notes = Annotated[str, AfterValidator(clean_notes)]
Flag = Annotated[bool, BeforeValidator(read_flag)]
Instant = Annotated[datetime, BeforeValidator(read_instant)]


class NewTodo(BaseModel):
    model_config = ConfigDict(extra="forbid")

    title: Title
    notes: Notes | None = None
    done: Flag = False
    priority: Priority = Priority.NORMAL
    due: Instant | None = None


class TodoChanges(NewTodo):
    """The same fields, none of them required: what is absent stays as it was."""

    title: Title = ""


class TodoQuery(BaseModel):
    done: bool | None = None
    priority: Priority | None = None
    search: Annotated[str, AfterValidator(storable)] = ""
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
