"""When something was handed in: as its platform or its file says, and never as the learner does."""

from __future__ import annotations

import os
import zipfile
from datetime import UTC, datetime

import pytest

from course.grading.handed_in import DateError, read_date
from course.grading.submission import find_submissions

MAY = datetime(2026, 5, 1, 10, tzinfo=UTC)
APRIL = datetime(2026, 4, 1, 10, tzinfo=UTC)


def found(folder):
    return {each.name: datetime.fromisoformat(each.handed_in) for each in find_submissions([folder])}


def test_the_newest_file_of_a_folder_counts(classroom, tmp_path):
    folder = classroom.weak(tmp_path / "class" / "ada")
    for path, time in ((folder / "conftest.py", MAY), (folder / "test_todos.py", APRIL), (folder, APRIL)):
        os.utime(path, (time.timestamp(), time.timestamp()))
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "x.pyc").touch()  # whoever unpacked it has tried it
    assert found(tmp_path / "class") == {"ada": MAY}


def test_a_file_counts_and_not_what_the_learner_wrote_in_it(classroom, tmp_path):
    files = {"submission.json": '{"time": "2020-01-01T00:00:00+00:00"}', "tests/test_a.py": classroom.WEAK}
    path = classroom.zipped(tmp_path / "ada.zip", files)
    os.utime(path, (MAY.timestamp(), MAY.timestamp()))
    assert found(path) == {"ada": MAY}


def test_a_platform_s_name_counts_before_its_file(classroom, tmp_path):
    (tmp_path / "class").mkdir()
    for name in (
        "Todo Challenge_ada_attempt_2026-05-01-10-00-00_suite.zip",
        "123-456 - Bob - May 1, 2026 1000 AM - suite.zip",
    ):
        classroom.zipped(tmp_path / "class" / name, {"test_a.py": classroom.WEAK})
    local = datetime(2026, 5, 1, 10).astimezone()
    assert found(tmp_path / "class") == {"ada": local, "Bob": local}


def test_in_a_platform_s_zip_each_entry_has_its_time(tmp_path):
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for name, hour in (("ada_11_101_test_a.py", 9), ("bob_12_102_test_a.py", 17)):
            archive.writestr(zipfile.ZipInfo(name, (2026, 5, 1, hour, 0, 0)), "def test_a(): pass\n")
    times = found(tmp_path / "all.zip")
    assert {name: (time.hour, time.day) for name, time in times.items()} == {"ada": (9, 1), "bob": (17, 1)}


def test_a_date_may_be_written_in_three_forms_which_are_told():
    assert read_date("2026-05-01T18:30+02:00") == datetime(2026, 5, 1, 16, 30, tzinfo=UTC)
    assert read_date("2026-05-01").tzinfo is not None
    with pytest.raises(DateError, match="2026-05-01T18:30"):
        read_date("last Friday")
