"""The pytest plugins of other projects that a suite finds, in a notebook, under `%%pytest` and in a run alike.

A suite gets those that it names: each one makes every run a little longer.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

# Gives suites the fixtures `worker_id` and `testrun_uid`, and `-n 2`; the only one that somebody may do without
XDIST = ("xdist.plugin",) if find_spec("xdist") else ()
# Those that lessons teach, which the fork server loads ahead, by the words that a suite needs to speak of one.
# Modules, not names: by their names pytest would look for each of them in all that is installed
TAUGHT: Mapping[str, str] = {
    "anyio.pytest_plugin": "anyio",
    "pytest_asyncio.plugin": "asyncio",
    "pytest_httpserver.pytest_plugin": "httpserver",
    "course.engine.worker.stub_server": "httpserver",  # our own: it changes pytest-httpserver
    "pytest_socket": "socket",
    "respx.plugin": "respx",
    "time_machine": "time_machine",
    **dict.fromkeys(XDIST, r"xdist|worker|testrun_uid|[\s\"'=]-n"),
}
HYPOTHESIS = "_hypothesis_pytestplugin"
# Those that people bring along
OTHERS: Mapping[str, str] = {
    HYPOTHESIS: "hypothesis",
    "faker.contrib.pytest.plugin": "faker",
    "pytest_env.plugin": r"pytest_env|^\s*env\b",
    "pytest_mock": "mocker|pytest_mock",
    "pytest_timeout": "timeout",
}
# What plugins warn of where it is not set, which is an error under `filterwarnings = error`
DEFAULTS = {"pytest_asyncio.plugin": ("asyncio_default_fixture_loop_scope", "function")}
SUFFIXES = (".py", ".ini", ".toml", ".cfg")


def plugins_for(text: str) -> tuple[str, ...]:
    """The modules of the plugins that a suite speaks of and that are installed.

    Args:
        text: All of the suite, its settings included.

    Example:
        >>> plugins_for("def test_one(respx_mock): ...")
        ('respx.plugin',)
    """
    spoken = [name for name, words in {**TAUGHT, **OTHERS}.items() if re.search(words, text, re.MULTILINE)]
    return tuple(name for name in spoken if find_spec(name.partition(".")[0]))


def load_plugins(names: Iterable[str]) -> list[ModuleType]:
    """The plugins as modules."""
    loaded = []
    for name in names:
        with suppress(ImportError):
            loaded.append(importlib.import_module(name))
    return loaded


def text_of(folder: Path) -> str:
    """All that the files of a suite say, code and settings."""
    files = sorted(path for path in folder.rglob("*") if path.suffix in SUFFIXES and path.is_file())
    return "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in files)
