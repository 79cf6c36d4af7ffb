from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from jupyter_client.manager import start_new_kernel

from course.notebook.lab import chosen_port, command, environment, free_port, write_kernel, write_settings
from course.notebook.workspace import Workspace

COURSE = Path(sys.executable).with_name("course")


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path / "workspace")


def test_a_port_that_is_taken_is_passed_over():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert free_port(port) != port


@pytest.mark.parametrize("option", ["--port=9000", "--port", "--ServerApp.port=9000"])
def test_a_port_that_the_learner_names_is_the_learner_s(workspace, option):
    assert chosen_port((option,)) is None
    assert not any("ServerApp.port=" in each for each in command(workspace, None, ()))


def test_the_learner_s_own_options_come_last(workspace):
    assert command(workspace, 8888, ("--no-browser",))[-1] == "--no-browser"


def test_kernels_find_this_python_first(workspace):
    assert environment(workspace)["PATH"].split(os.pathsep)[0] == str(Path(sys.executable).parent)


def test_the_learner_s_own_jupyter_settings_are_not_written(workspace):
    write_settings(workspace)
    write_kernel(workspace)
    written = [path for path in workspace.folder.rglob("*") if path.is_file()]
    assert sorted(path.name for path in written) == ["kernel.json", "overrides.json"]
    assert all(str(workspace.folder) in each for each in command(workspace, 1, ()) if "_dir" in each)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # the kernel's own, not the course's
def test_the_magics_are_there_when_a_kernel_starts(workspace, monkeypatch, tmp_path):
    write_kernel(workspace)
    monkeypatch.setenv("JUPYTER_PATH", environment(workspace)["JUPYTER_PATH"])
    monkeypatch.setenv("COURSE_WORKSPACE", str(tmp_path))
    manager, client = start_new_kernel(cwd=str(tmp_path))
    try:
        errors = []
        for cell in ("%%exercise 6.1\ndef test_it(): pass", "%%conftest\nx = 1"):
            content = client.execute_interactive(cell, timeout=120, output_hook=lambda _: None)["content"]
            errors.append((content["ename"], content["evalue"]))
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        manager.cleanup_resources()
    assert [name for name, _ in errors] == ["NotBegunError"] * 2
    assert all("Run the first cell" in what for _, what in errors)


@pytest.mark.slow
def test_course_lab_serves_the_workspace_and_ends_at_once_on_ctrl_c(tmp_path, keyboard):
    """The whole way, as `make lab` goes it; HOME is a folder of its own, and nothing of Jupyter's settings is in it."""
    home = tmp_path / "home"
    home.mkdir()
    variables = {**os.environ, "HOME": str(home)}
    folder = tmp_path / "my lessons"
    log = tmp_path / "log"
    with log.open("wb") as output:
        lab = subprocess.Popen(
            [COURSE, "lab", folder, "--no-browser"], env=variables, stdin=keyboard, stdout=output, stderr=output
        )
        try:
            address = httpx.URL(await_address(log, lab))
            answer = httpx.get(address.copy_with(path="/api/contents"))
            names = [each["name"] for each in answer.json()["content"]]
            assert sorted(path.name for path in folder.glob("*.ipynb")) == sorted(names)
            lab.send_signal(signal.SIGINT)
            lab.wait(timeout=20)
        finally:
            lab.kill()
            lab.wait()
    assert not (home / ".jupyter").exists()


def await_address(log, lab):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and lab.poll() is None:
        if found := re.search(r"http://127\.0\.0\.1:\d+/lab\S*", log.read_text()):
            return found[0]
        time.sleep(0.2)
    raise AssertionError(log.read_text())
