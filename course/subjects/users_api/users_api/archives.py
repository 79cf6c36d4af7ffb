"""A CSV file in a zip or tar.gz archive; the name of the archive tells which of the two, or that it is none."""

from collections.abc import Iterable
from gzip import GzipFile
from io import BytesIO
from pathlib import Path
from tarfile import TarFile, TarInfo
from typing import IO
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

MAX_BYTES = 1_000_000  # unpacked


def pack(path: Path, content: bytes) -> bytes:
    """Return an archive that holds `users.csv`, or the content as it is where the path names no archive."""
    archive = BytesIO()
    if path.suffix == ".zip":
        with ZipFile(archive, "w", ZIP_DEFLATED) as zipped:
            zipped.writestr("users.csv", content)
    elif path.name.endswith(".tar.gz"):
        with TarFile.open(fileobj=archive, mode="w:gz") as packed:
            member = TarInfo("users.csv")
            member.size = len(content)
            packed.addfile(member, BytesIO(content))
    else:
        return content
    return archive.getvalue()


def unpack(path: Path) -> bytes:
    """Return the CSV file of an archive, or a file that is no archive. Nothing is written to the disk.

    Raises:
        ValueError: There is not one CSV file in it, or more than MAX_BYTES. Damage raises what zipfile, tarfile and
            gzip raise.
    """
    with path.open("rb") as file:
        if path.suffix == ".zip":
            zipped = ZipFile(file)
            member = zipped.getinfo(_only_csv(zipped.namelist()))
            if member.compress_type not in {ZIP_STORED, ZIP_DEFLATED}:
                raise ValueError("packed in a way that Python cannot unpack bit by bit")
            return _read(zipped.open(member))
        if path.name.endswith(".tar.gz"):
            packed = TarFile(fileobj=BytesIO(_read(GzipFile(fileobj=file))))
            return _read(packed.extractfile(_only_csv(member.name for member in packed if member.isfile())))
        return _read(file)


def _only_csv(names: Iterable[str]) -> str:
    """Pick the CSV file, in whatever folder. Hidden ones do not count: macOS adds one to each file."""
    found = [name for name in names if name.endswith(".csv") and not name.rpartition("/")[2].startswith(".")]
    if len(found) != 1:
        raise ValueError(f"{len(found)} CSV files in it, where one was expected")
    return found[0]


def _read(file: IO[bytes]) -> bytes:
    """Read a file, but never more than MAX_BYTES of it: a few bytes of an archive can become gigabytes."""
    content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ValueError(f"more than {MAX_BYTES:,} bytes")
    return content
