"""The same in real kernels, as JupyterLab, VS Code and `jupyter execute` start them."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import nbformat
import psutil
import pytest
from jupyter_client.manager import start_new_kernel
from nbclient import NotebookClient

from course.services.cleanup import registry

# The kernel's own, not the course's
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]

COURSE = Path(__file__).parent / "course.toml"
SET_UP = f"""
from pathlib import Path
import course
from course.notebook.session import Session, use
from course.notebook.workspace import Workspace
from course.syllabus import load
use(Session(load(Path({str(COURSE)!r})), Workspace(Path.cwd())))
course.begin("06")
"""
CONFTEST = """%%conftest
import pytest
from fastapi.testclient import TestClient
from users_api.database import create_tables, engine
from users_api.main import app

@pytest.fixture
def client():
    create_tables(engine)
    with TestClient(app) as client:
        yield client
"""
SOLVED = """%%exercise 6.1
def test_a_missing_user_is_not_found(client):
    answer = client.get(f'/users/{9**5}')
    assert answer.status_code == 404
    assert answer.json()['detail'] == 'User not found'
"""
ASYNC = """%%exercise 6.2
import asyncio, pytest

@pytest.fixture
def anyio_backend():
    return "asyncio"

@pytest.mark.anyio
async def test_it():
    await asyncio.sleep(0)
"""
SLEEPS = "import time, os; 'COURSE_TEST_KERNEL' in os.environ or (open('{path}', 'w').close(), time.sleep(600))"


def test_a_notebook_runs_from_top_to_bottom_and_each_board_is_one_output(tmp_path):
    sources = (SET_UP, CONFTEST, SOLVED, ASYNC, "course.progress()")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = [cell.outputs for cell in notebook.cells]
    assert [len(outputs) for outputs in shown] == [1, 1, 1, 1, 1]
    texts = [outputs[0].data["text/plain"] for outputs in shown if outputs]
    assert "PostgreSQL: ●" in texts[0]
    assert texts[1] == "1 fixture: `client`"
    assert "solved" in texts[2]
    assert "✔ passes on right code" in texts[3]
    assert "1 of 6 exercises" in texts[4]
    assert all("<script" not in outputs[0].data["text/html"] for outputs in shown if outputs)


@pytest.fixture
def kernel(tmp_path):
    manager, client = start_new_kernel(cwd=str(tmp_path), env={**os.environ, "COURSE_TEST_KERNEL": "1"})
    yield manager, client
    client.stop_channels()
    if manager.is_alive():
        manager.shutdown_kernel(now=True)
    manager.cleanup_resources()


def run(client, source, timeout=120):
    messages = []
    reply = client.execute_interactive(source, timeout=timeout, output_hook=messages.append)
    return reply["content"], messages


def folders_of(pid):
    return [entry.folder for entry in registry.entries() if entry.owner.pid == pid and entry.folder]


def processes_of(pid, folders):
    """All that a kernel has started: its children, and what has a folder of its in the command line."""
    found = {each.pid: each for each in psutil.Process(pid).children(recursive=True)}
    for process in psutil.process_iter(["cmdline"]):
        if any(str(folder) in part for part in process.info["cmdline"] or () for folder in folders):
            found[process.pid] = process
    return list(found.values())


def test_after_kill_9_of_the_kernel_nothing_stays(kernel):
    manager, client = kernel
    for source in (SET_UP, CONFTEST, SOLVED):
        content, _ = run(client, source)
        assert content["status"] == "ok", content
    pid = manager.provisioner.process.pid
    folders = folders_of(pid)
    started = processes_of(pid, folders)
    assert len(started) > 3
    os.kill(pid, 9)
    _, alive = psutil.wait_procs(started, timeout=10)
    assert not alive
    deadline = time.monotonic() + 10
    while [folder for folder in folders if folder.exists()]:
        assert time.monotonic() < deadline, "a folder stays"
        time.sleep(0.05)


def test_a_kernel_that_is_shut_down_leaves_nothing(kernel):
    manager, client = kernel
    for source in (SET_UP, CONFTEST, SOLVED):
        run(client, source)
    pid = manager.provisioner.process.pid
    folders = folders_of(pid)
    started = processes_of(pid, folders)
    manager.shutdown_kernel()
    _, alive = psutil.wait_procs(started, timeout=10)
    assert not alive
    assert not [folder for folder in folders if folder.exists()]


def test_an_interrupt_stops_the_proof_and_the_kernel_goes_on(kernel, tmp_path):
    manager, client = kernel
    for source in (SET_UP, CONFTEST, SOLVED):
        run(client, source)
    pid = manager.provisioner.process.pid
    before = {each.pid for each in psutil.Process(pid).children(recursive=True)}

    def press():
        while not (tmp_path / "runs").exists():
            time.sleep(0.02)
        os.kill(pid, signal.SIGINT)

    threading.Thread(target=press, daemon=True).start()
    content, _ = run(client, f"{SOLVED}\n    {SLEEPS.format(path=tmp_path / 'runs')}")
    assert content["ename"] == "StoppedError"
    assert content["traceback"] == ["Stopped. Nothing of it runs on."]
    while {each.pid for each in psutil.Process(pid).children(recursive=True)} - before:
        time.sleep(0.05)
    content, messages = run(client, SOLVED)
    assert content["status"] == "ok"
    shown = [each["content"]["data"]["text/plain"] for each in messages if "data" in each["content"]]
    assert "solved" in shown[-1]
