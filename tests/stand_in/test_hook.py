"""Being told of an import."""

from __future__ import annotations

import sys

from course.stand_in.hook import AfterImport


def test_it_is_told_once_right_after_the_import(tmp_path, monkeypatch):
    (tmp_path / "late_module.py").write_text("VALUE = 1")
    monkeypatch.syspath_prepend(tmp_path)
    told = []
    watch = AfterImport("late_module", lambda: told.append(sys.modules["late_module"].VALUE))
    watch.watch()
    watch.watch()
    assert told == []
    import late_module  # noqa: F401, PLC0415 - the import is what is tested

    assert told == [1]
    assert watch not in sys.meta_path
    watch.watch()
    assert told == [1, 1]
    monkeypatch.delitem(sys.modules, "late_module")


def test_after_the_end_it_is_told_nothing(tmp_path, monkeypatch):
    (tmp_path / "other_module.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    told = []
    watch = AfterImport("other_module", lambda: told.append(1))
    watch.watch()
    watch.end()
    import other_module  # noqa: F401, PLC0415 - the import is what is tested

    assert told == []
    monkeypatch.delitem(sys.modules, "other_module")
