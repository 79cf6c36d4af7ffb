from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement

from course.shipped import CLONE

PROJECT = tomllib.loads((CLONE / "pyproject.toml").read_text())
WANTED = [*PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"]["dev"]]


@pytest.fixture(scope="module")
def locked():
    """Versions by package name; a package may be locked twice, for different Pythons."""
    found = {}
    for name, version in re.findall(r"^([a-z0-9-]+)==(\S+)", (CLONE / "requirements.lock").read_text(), re.MULTILINE):
        found.setdefault(name, []).append(version)
    return found


def test_conda_users_get_the_same_packages_in_the_same_bounds():
    conda = yaml.safe_load((CLONE / "environment.yml").read_text())["dependencies"]
    assert f"python{PROJECT['project']['requires-python']}" in conda
    (pip,) = [each["pip"] for each in conda if isinstance(each, dict)]
    assert pip[0] == "--editable ."
    assert sorted(pip[1:]) == sorted(set(WANTED))


@pytest.mark.parametrize("requirement", WANTED)
def test_each_requirement_is_locked_within_its_bounds(locked, requirement):
    wanted = Requirement(requirement)
    versions = locked[wanted.name.replace("_", "-").lower()]
    assert all(wanted.specifier.contains(version) for version in versions)


def test_the_lock_has_hashes_for_everything_and_addresses_for_nothing():
    lock = (CLONE / "requirements.lock").read_text()
    entries = re.split(r"^(?=[a-z])", lock, flags=re.MULTILINE)[1:]
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []
    assert "://" not in lock


def test_bare_make_lists_every_verb_with_a_line():
    said = subprocess.run(["make"], cwd=CLONE, capture_output=True, text=True, check=True).stdout
    verbs = re.search(r"^\.PHONY: (help .+)$", (CLONE / "Makefile").read_text(), re.MULTILINE)[1].split()
    listed = dict(re.findall(r"^  (\w+) +(\S.+)$", said, re.MULTILINE))
    assert sorted(listed) == sorted(verbs)


@pytest.fixture
def bare_clone(tmp_path):
    """What `make setup` reads, in a folder of its own with a space in its name."""
    clone = tmp_path / "my clone"
    clone.mkdir()
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copy(CLONE / name, clone)
    return clone


def make(clone, path, *arguments):
    variables = {"PATH": str(path), "HOME": os.environ["HOME"]}
    program = shutil.which("make")
    return subprocess.run([program, *arguments], cwd=clone, env=variables, capture_output=True, text=True, check=False)


def tools(folder, **programs):
    """A PATH with the usual tools and with Pythons that are written here."""
    folder.mkdir()
    for name in ("sh", "cat", "cksum", "tr", "id", "awk", "test", "uname"):
        (folder / name).symlink_to(shutil.which(name))
    for name, script in programs.items():
        (folder / name).write_text(f"#!{shutil.which('sh')}\n{script}\n")
        (folder / name).chmod(0o755)
    return folder


def test_a_python_that_is_too_old_is_told_in_a_sentence(tmp_path, bare_clone):
    old = tools(tmp_path / "bin", python3='[ "$1" = --version ] && echo Python 3.9.1; exit 1')
    done = make(bare_clone, old, "lab")
    assert done.returncode != 0
    assert "needs Python 3.11 or newer" in done.stdout
    assert "Python 3.9.1" in done.stdout


def test_a_machine_without_python_is_told_so(tmp_path, bare_clone):
    done = make(bare_clone, tools(tmp_path / "bin"), "setup")
    assert "needs Python 3.11 or newer, and none is on the PATH (no python3)" in done.stdout


def test_a_python_without_venv_is_told_what_to_install(tmp_path, bare_clone):
    script = f'case "$2" in *ensurepip*) exit 1;; esac; exec {sys.executable} "$@"'
    done = make(bare_clone, tools(tmp_path / "bin", python3=script), "setup")
    assert done.returncode != 0
    assert "sudo apt install python3-venv" in done.stdout


@pytest.mark.slow
def test_a_fresh_machine_is_set_up_and_a_second_time_takes_a_moment(tmp_path, bare_clone):
    for name in ("course", "README.md", "LICENSE", "compose.yaml", "notebooks", "solutions"):
        source = CLONE / name
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(source, bare_clone / name, ignore=ignored) if source.is_dir() else shutil.copy(
            source, bare_clone
        )
    first = subprocess.run(["make", "setup", f"PYTHON={sys.executable}"], cwd=bare_clone, check=False)
    assert first.returncode == 0
    second = subprocess.run(["make", "-q", "setup"], cwd=bare_clone, check=False)
    assert second.returncode == 0
    version = [bare_clone / ".venv" / "bin" / "course", "--version"]
    assert subprocess.run(version, capture_output=True, text=True, check=True).stdout.strip() == "0.1.0"
