"""`course.hand_in`: a lesson's tests in one zip, with a list of what is in it, for whoever grades them."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from course.atomic import write_atomically
from course.notebook.export import NothingToExportError, project
from course.notebook.faults import guarded
from course.notebook.panel import Panel, Row
from course.notebook.session import session
from course.notebook.showing import show
from course.syllabus import Lesson

LEFT_OUT = ("__pycache__", ".venv", "venv", "node_modules")
LARGEST = 1 << 20  # bytes of one file; tests are small


@guarded
def hand_in(lesson: str = "14", folder: str | Path | None = None) -> None:
    """Pack your tests of a lesson into one zip, in the workspace's folder `handed_in`.

    With them goes `submission.json`: the lesson, the time, the course's version, and the files' SHA-256 sums.

    Args:
        lesson: Its name or its number.
        folder: A folder with your test files, in place of your cells of that lesson.

    Raises:
        CourseError: There is no such lesson, or nothing to hand in.
    """
    here = session()
    chosen = here.course.lesson(lesson, planned=True)
    files = read_folder(Path(folder)) if folder is not None else tests_of(project(here, chosen))
    now = datetime.now().astimezone()
    path = here.workspace.folder / "handed_in" / f"{chosen.slug}_{now:%Y-%m-%d_%H-%M-%S}.zip"
    write_atomically(path, pack(chosen, files, now))
    show(_panel(chosen, files, path))


def tests_of(files: Mapping[str, str]) -> dict[str, str]:
    """The tests of a project and its settings; who grades brings the program."""
    return {name: text for name, text in files.items() if name.startswith("tests/") or name == "pyproject.toml"}


def read_folder(folder: Path) -> dict[str, str]:
    """The text files of a folder: path below it to text.

    Raises:
        NothingToExportError: There is no test file in it.
    """
    files = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        hidden = any(part.startswith(".") or part in LEFT_OUT for part in name.parts)
        if path.is_file() and not hidden and path.stat().st_size <= LARGEST:
            try:
                files[name.as_posix()] = path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue  # a test needs no binary file that it could not make itself
    if not any(Path(name).name.startswith("test_") for name in files):
        raise NothingToExportError(f"There is no test file in {folder}.", "Their names begin with `test_`.")
    return files


def pack(lesson: Lesson, files: Mapping[str, str], time: datetime) -> bytes:
    """The zip, as bytes."""
    manifest = {
        "lesson": lesson.slug,
        "course": version("integration-testing-course"),
        "time": time.isoformat(timespec="seconds"),
        "files": {name: hashlib.sha256(text.encode()).hexdigest() for name, text in files.items()},
    }
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("submission.json", json.dumps(manifest, indent=1) + "\n")
        for name, text in files.items():
            archive.writestr(name, text)
    return content.getvalue()


def _panel(lesson: Lesson, files: Mapping[str, str], path: Path) -> Panel:
    rows = (Row(f"`{path}`", label="File"), Row(", ".join(f"`{name}`" for name in files), label="In it"))
    return Panel(f"{lesson.number} · {lesson.title}", dim="ready to hand in", rows=rows)
