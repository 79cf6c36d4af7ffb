"""The tables."""

from datetime import UTC, datetime

from sqlalchemy import CheckConstraint, DateTime, Dialect, ForeignKey, Index, LargeBinary, String, TypeDecorator, func
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

EMAIL_INDEX = "users_email_lower_key"
MAX_ID = 2**31 - 1  # the largest INTEGER of PostgreSQL


class Moment(TypeDecorator[datetime]):
    """A point in time. PostgreSQL keeps it with its zone; SQLite has no zones, so it is UTC there."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        if value and value.tzinfo is None:
            return value.replace(tzinfo=UTC)
        return value


class Base(DeclarativeBase):
    """Knows every table: `Base.metadata.create_all(engine)`."""


class User(Base):
    """Somebody who signed up. An email address belongs to one user, however its letters are cased."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    email: Mapped[str] = mapped_column(String(254))
    role: Mapped[str] = mapped_column(String(20), default="user", server_default="user")
    password_hash: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(Moment, server_default=func.now())

    __table_args__ = (
        Index(EMAIL_INDEX, func.lower(email), unique=True),
        CheckConstraint("role IN ('user', 'admin')", name="users_role_check"),
    )


class Login(Base):
    """One successful login. It goes when its user goes."""

    __tablename__ = "logins"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime] = mapped_column(Moment, server_default=func.now())


class OutboxMessage(Base):
    """A message for other programs. It is saved in the transaction that it tells of, and sent afterwards."""

    __tablename__ = "outbox"

    id: Mapped[int] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(String(100))
    body: Mapped[bytes] = mapped_column(LargeBinary)
    sent_at: Mapped[datetime | None] = mapped_column(Moment)


class Welcome(Base):
    """An event whose mail was sent. The same event is not welcomed again."""

    __tablename__ = "welcomes"

    event_id: Mapped[str] = mapped_column(String(100), primary_key=True)
