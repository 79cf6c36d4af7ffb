from __future__ import annotations

import json
import os
import threading

import pytest

from course import shipped as shipped_module
from course.notebook.progress import Progress
from course.notebook.workspace import Workspace, WorkspaceError, default_folder
from course.shipped import CLONE, PACKAGE

SLUG = "06_test_an_api"


def notebook(*sources, **more):
    cells = [{"cell_type": "code", "id": f"c{n}", "source": text, **more} for n, text in enumerate(sources)]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


@pytest.fixture
def course(tmp_path):
    """The shipped lessons; the first one is there."""
    folder = tmp_path / "shipped"
    folder.mkdir()
    (folder / f"{SLUG}.ipynb").write_text(notebook("first"))
    return folder


@pytest.fixture
def workspace(tmp_path, course):
    return Workspace(tmp_path / "my lessons", course)


def mine(workspace, name=f"{SLUG}.ipynb"):
    return json.loads((workspace.folder / name).read_text())["cells"][0]["source"]


def edit(workspace, text="mine", name=f"{SLUG}.ipynb"):
    (workspace.folder / name).write_text(notebook(text))


def publish(course, text="second", slug=SLUG):
    (course / f"{slug}.ipynb").write_text(notebook(text))


def said(workspace):
    return [(news.slug, news.what) for news in workspace.refresh()]


def names(workspace):
    return sorted(path.name for path in workspace.folder.glob("*.ipynb"))


def test_the_first_refresh_brings_the_lessons(workspace):
    assert said(workspace) == [(SLUG, "new")]
    assert mine(workspace) == "first"
    assert said(workspace) == []


def test_an_untouched_lesson_is_refreshed(workspace, course):
    workspace.refresh()
    publish(course)
    assert said(workspace) == [(SLUG, "refreshed")]
    assert mine(workspace) == "second"


def test_an_edited_lesson_is_kept_and_the_new_one_is_laid_beside_it(workspace, course):
    workspace.refresh()
    edit(workspace)
    publish(course)
    (news,) = workspace.refresh()
    assert news.what == "kept"
    assert "06_test_an_api.new.ipynb" in str(news)
    assert (mine(workspace), mine(workspace, news.file.name)) == ("mine", "second")


def test_the_learner_is_told_once_even_after_throwing_the_new_one_away(workspace, course):
    workspace.refresh()
    edit(workspace)
    publish(course)
    (news,) = workspace.refresh()
    news.file.unlink()
    assert said(workspace) == []
    assert names(workspace) == [f"{SLUG}.ipynb"]


def test_an_edited_lesson_without_news_is_left_alone(workspace):
    workspace.refresh()
    edit(workspace)
    assert said(workspace) == []
    assert mine(workspace) == "mine"


def test_a_new_one_that_was_written_into_is_kept_as_well(workspace, course):
    workspace.refresh()
    edit(workspace)
    publish(course)
    workspace.refresh()
    edit(workspace, "mine too", f"{SLUG}.new.ipynb")
    publish(course, "third")
    assert said(workspace) == [(SLUG, "kept")]
    assert mine(workspace, f"{SLUG}.new.ipynb") == "mine too"
    assert mine(workspace, f"{SLUG}.new-2.ipynb") == "third"


def test_a_new_one_nobody_touched_is_replaced_by_the_next(workspace, course):
    workspace.refresh()
    edit(workspace)
    publish(course)
    workspace.refresh()
    publish(course, "third")
    workspace.refresh()
    assert names(workspace) == [f"{SLUG}.ipynb", f"{SLUG}.new.ipynb"]
    assert mine(workspace, f"{SLUG}.new.ipynb") == "third"


def test_running_a_lesson_does_not_edit_it_and_its_outputs_stay_while_nothing_is_new(workspace, course):
    workspace.refresh()
    ran = json.loads(notebook("first", " \n", outputs=["4"], execution_count=7))
    ran["metadata"] = {"language_info": {"name": "python"}}
    path = workspace.folder / f"{SLUG}.ipynb"
    path.write_text(json.dumps(ran))
    assert workspace.state(SLUG) == "untouched"
    assert said(workspace) == []
    assert json.loads(path.read_text()) == ran
    publish(course)
    assert said(workspace) == [(SLUG, "refreshed")]


def test_the_same_text_as_list_and_as_string_is_no_edit(workspace):
    workspace.refresh()
    (workspace.folder / f"{SLUG}.ipynb").write_text(notebook(["fir", "st"]))
    assert workspace.state(SLUG) == "untouched"


def test_a_lesson_that_was_deleted_comes_back(workspace):
    workspace.refresh()
    (workspace.folder / f"{SLUG}.ipynb").unlink()
    assert said(workspace) == [(SLUG, "new")]


def test_a_stranger_s_file_of_the_same_name_is_kept(workspace):
    workspace.folder.mkdir()
    edit(workspace, "somebody else's")
    assert said(workspace) == [(SLUG, "kept")]
    assert mine(workspace) == "somebody else's"


@pytest.mark.parametrize("broken", ["", "{", "[]", '{"cells": 3}', '{"delivered": [1]}', "\x00\xff"])
def test_a_broken_memory_loses_no_work(workspace, course, broken):
    workspace.refresh()
    edit(workspace)
    (workspace.hidden / "delivered.json").write_text(broken)
    publish(course)
    assert said(workspace) == [(SLUG, "kept")]
    assert mine(workspace) == "mine"


def test_a_half_written_notebook_counts_as_edited(workspace, course):
    workspace.refresh()
    (workspace.folder / f"{SLUG}.ipynb").write_text('{"cells": [')
    publish(course)
    assert said(workspace) == [(SLUG, "kept")]
    assert (workspace.folder / f"{SLUG}.ipynb").read_text() == '{"cells": ['


def test_reset_brings_the_lesson_back_and_keeps_a_backup(workspace, course):
    workspace.refresh()
    edit(workspace)
    publish(course)
    workspace.refresh()
    backup = workspace.reset([SLUG])
    assert names(workspace) == [f"{SLUG}.ipynb"]
    assert mine(workspace) == "second"
    assert sorted(path.name for path in backup.iterdir()) == [f"{SLUG}.ipynb", f"{SLUG}.new.ipynb"]
    assert "mine" in (backup / f"{SLUG}.ipynb").read_text()
    assert said(workspace) == []


def test_reset_leaves_other_notebooks_of_the_learner_alone(workspace):
    workspace.refresh()
    edit(workspace, "notes", f"{SLUG}_notes.ipynb")
    workspace.reset([SLUG])
    assert mine(workspace, f"{SLUG}_notes.ipynb") == "notes"


def test_two_resets_in_one_second_keep_two_backups(workspace):
    workspace.refresh()
    edit(workspace, "one")
    first = workspace.reset([SLUG])
    edit(workspace, "two")
    second = workspace.reset([SLUG])
    assert first != second
    assert "one" in (first / f"{SLUG}.ipynb").read_text()
    assert "two" in (second / f"{SLUG}.ipynb").read_text()


def test_reset_forgets_the_progress_in_the_lesson_only_and_backs_it_up(workspace):
    workspace.refresh()
    progress = Progress(workspace.progress)
    for exercise in ("6.1", "0.1", "16.1"):
        progress.ran(exercise, {}, solved=True)
    backup = workspace.reset([SLUG])
    assert progress.solved() == {"0.1", "16.1"}
    assert Progress(backup / "progress.json").solved() == {"0.1", "6.1", "16.1"}


@pytest.mark.parametrize("place", [PACKAGE / "lessons", CLONE, CLONE / "notebooks", CLONE / "solutions"])
def test_the_course_s_own_folders_are_no_workspace(place, course):
    with pytest.raises(WorkspaceError, match="holds the course itself"):
        Workspace(place, course).refresh()


def test_a_place_that_is_a_file_is_told_in_a_sentence(tmp_path, course):
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkspaceError, match="Name another folder"):
        Workspace(tmp_path / "file", course).refresh()


def test_a_failed_write_leaves_the_learner_s_file(workspace, course, monkeypatch):
    workspace.refresh()
    publish(course)

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WorkspaceError, match="No space left on device"):
        workspace.refresh()
    assert mine(workspace) == "first"
    monkeypatch.undo()
    assert said(workspace) == [(SLUG, "refreshed")]


def test_two_refreshes_at_once_don_t_disturb_each_other(workspace, course):
    for number in range(12):
        publish(course, f"lesson {number}", f"{number:02}_lesson")
    told = []
    threads = [threading.Thread(target=lambda: told.extend(said(workspace))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == len(set(told)) == 13


def test_the_workspace_we_stand_in_is_the_one_that_is_meant(workspace, monkeypatch):
    workspace.refresh()
    monkeypatch.chdir(workspace.folder)
    assert default_folder() == workspace.folder


def test_a_wheel_s_workspace_is_in_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(shipped_module, "CLONE", tmp_path)
    monkeypatch.chdir(tmp_path)
    assert default_folder() == tmp_path / "workspace"
