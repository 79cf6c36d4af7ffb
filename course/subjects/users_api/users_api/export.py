"""Writes users to a file that spreadsheets and other programs read."""

import csv
from collections.abc import Iterable
from pathlib import Path

from users_api.models import User

COLUMNS = ("id", "name", "email", "role", "created_at")


def write_users(path: Path, users: Iterable[User]) -> None:
    """Write users as CSV in UTF-8, in the order given, below a line with the names of the columns."""
    with path.open("w", encoding="utf-8", newline="") as file:  # newline="": the csv module ends its lines itself
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        for user in users:
            rows.writerow([user.id, user.name, user.email, user.role, user.created_at.isoformat()])
