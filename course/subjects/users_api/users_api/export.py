"""Writes users to a file that spreadsheets and other programs read."""

import csv
from collections.abc import Iterable
from io import StringIO
from pathlib import Path
from tempfile import NamedTemporaryFile

from users_api.archives import pack
from users_api.models import User

COLUMNS = ("id", "name", "email", "role", "created_at")


def write_users(path: Path, users: Iterable[User]) -> None:
    """Write users as CSV in UTF-8, in the order given, below a line with the names of the columns.

    A path that ends in .zip or .tar.gz becomes an archive. A file that is there stays until the new one is complete.
    """
    text = StringIO(newline="")  # the csv module ends its lines itself
    rows = csv.writer(text)
    rows.writerow(COLUMNS)
    for user in users:
        rows.writerow([user.id, user.name, user.email, user.role, user.created_at.isoformat()])
    replace(path, pack(path, text.getvalue().encode()))


def replace(path: Path, content: bytes) -> None:
    """Put content into a file that only its owner may read. If it fails, what was there is there."""
    file = NamedTemporaryFile(dir=path.parent, delete=False)  # noqa: SIM115 - closed below, before it takes its place
    part = Path(file.name)
    try:
        with file:
            file.write(content)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
