"""Adds users from a file that another program wrote."""

import csv
import secrets
import zlib
from io import StringIO
from pathlib import Path
from tarfile import TarError
from zipfile import BadZipFile

from pydantic import BaseModel, EmailStr
from sqlalchemy.orm import Session

from users_api.archives import unpack
from users_api.models import User
from users_api.passwords import hash_password
from users_api.schemas import Name, Role
from users_api.users import add_users

UNREADABLE = (OSError, ValueError, EOFError, RuntimeError, csv.Error, zlib.error, BadZipFile, TarError)


class UnreadableFileError(ValueError):
    """The file is damaged, too large, or holds something else than users."""


class UserImport(BaseModel):
    """A line of the file; other columns are left alone."""

    name: Name
    email: EmailStr
    role: Role = "user"


def import_users(session: Session, path: Path) -> int:
    """Add the users of a CSV file, alone or in an archive: all of them or none. Return how many.

    Raises:
        UnreadableFileError: The file is damaged, too large, or holds something else than users.
        EmailTakenError: An address belongs to somebody already, or stands in the file twice.
    """
    try:
        new = read_users(path)
    except UNREADABLE as error:
        raise UnreadableFileError(f"{path.name}: {error}") from error
    unknown = hash_password(secrets.token_urlsafe())  # nobody logs in with it
    add_users(session, [User(**user.model_dump(), password_hash=unknown) for user in new])
    return len(new)


def read_users(path: Path) -> list[UserImport]:
    """Read a file of users, or raise one of the errors in UNREADABLE."""
    text = unpack(path).decode("utf-8-sig")  # spreadsheets begin with a byte order mark
    rows = csv.DictReader(StringIO(text, newline=""), strict=True)
    if not {"name", "email"} <= set(rows.fieldnames or ()):
        raise ValueError("no columns `name` and `email`")
    return [UserImport.model_validate(row) for row in rows]
