"""What a todo is in the database."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from unicodedata import normalize

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from .database import Base, Instant, SortedText

# Between two texts: the kelvin sign, which no folded text has, since folding makes a k of it
BORDER = "\u212a"


class Priority(StrEnum):
    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


def now() -> datetime:
    return datetime.now(UTC)


def fold(text: str) -> str:
    """Bring a text to the form in which texts are compared: no case, and one spelling of each accented letter."""
    return normalize("NFC", normalize("NFD", text).casefold())


class Todo(Base):
    __tablename__ = "todos"
    # PostgreSQL never hands out a number twice; SQLite has to be told
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(Text)
    title_key: Mapped[str] = mapped_column(SortedText, unique=True)
    notes: Mapped[str | None] = mapped_column(Text)
    search_text: Mapped[str] = mapped_column(Text)
    done: Mapped[bool]
    priority: Mapped[str] = mapped_column(String(10))
    due: Mapped[datetime | None] = mapped_column(Instant)
    created_at: Mapped[datetime] = mapped_column(Instant)
    updated_at: Mapped[datetime] = mapped_column(Instant)

    def set(self, **values: object) -> None:
        """Set fields, and the form of the title in which no two may be the same."""
        for field, value in values.items():
            setattr(self, field, value)
        self.title_key = fold(self.title)

    def index(self) -> None:
        """Bring what a search looks through up to date."""
        self.search_text = fold(self.title) + BORDER + fold(self.notes or "")
