"""Keeps a suite's own settings as under plain pytest, but for those of missing plugins, and prints nothing.

pytest's own plugins are all there, with their fixtures and options. Left out is what only people would look at.
"""

from __future__ import annotations

import argparse
import io
import os
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

import pytest
from _pytest.config import Config
from _pytest.config.argparsing import Parser
from _pytest.config.findpaths import CONFIG_LOADERS_BY_NAME, ConfigDict, ConfigValue, load_config_dict_from_file

from course.engine.worker.plugins import DEFAULTS

# Of the files that may hold settings, in the order in which pytest looks for them
NAMES = tuple(CONFIG_LOADERS_BY_NAME)
# Reports for people, and what would keep tests from being run: each counts, in this process, whatever failed before
SILENT: Mapping[str, Any] = {
    "color": "no", "maxfail": 0, "stepwise": False, "stepwise_skip": False, "lf": False, "failedfirst": False,
    "usepdb": False, "trace": False, "xmlpath": None, "pastebin": None, "basetemp": None,
    "numprocesses": None, "dist": "no", "tx": [],
}  # fmt: skip
# Plugins that are asked for and not here are told by what they lack; pytest would not begin without them
ARGUMENTS = ("-o", "required_plugins=")


def find_settings(folder: Path) -> tuple[Path, ConfigDict] | None:
    """The file in a folder that pytest takes settings from, and what it says.

    A file that cannot be read is one: pytest says what is wrong with it.
    """
    for path in (folder / name for name in NAMES):
        try:
            settings = load_config_dict_from_file(path) if path.is_file() else None
        except (pytest.UsageError, OSError, ValueError, RecursionError):
            settings = {}
        if settings is not None:
            return path, settings
    return None


class Settings:
    """A pytest plugin that keeps what a suite has set, and leaves out options of plugins that are not here.

    Attributes:
        dropped: Options and settings that were left out.
    """

    def __init__(self) -> None:
        self.dropped: list[str] = []

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_load_initial_conftests(
        self, early_config: Config, parser: Parser, args: list[str]
    ) -> Generator[None, None, None]:
        """Drop unknown options, once each conftest has added its own."""
        known = early_config.known_args_namespace
        known.file_or_dir = [name for name in known.file_or_dir if os.path.exists(name.partition("::")[0])]  # noqa: PTH110 - may be no path at all
        yield
        self.dropped = _drop_options(parser, args) + _drop_settings(early_config)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_cmdline_main(self, config: Config) -> Generator[None, Any, Any]:
        """Leave out what is for people, before a plugin acts on it."""
        vars(config.option).update(SILENT)
        return (yield)

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: Config) -> None:
        """Throw away what pytest reports on the terminal."""
        if reporter := config.pluginmanager.get_plugin("terminalreporter"):
            reporter._tw._file = io.StringIO()  # noqa: SLF001 - it has no public name


def _drop_options(parser: Parser, args: list[str]) -> list[str]:
    """Take unknown options, and the words that belong to them, out of `args`."""
    unknown = set(parser.parse_known_and_unknown_args(args, argparse.Namespace())[1])
    dropped, kept, takes_word = list[str](), list[str](), False
    for word in args:
        if word in unknown:
            dropped.append(word.partition("=")[0])
        elif word.startswith("-") or not takes_word:
            kept.append(word)
        takes_word = word in unknown and "=" not in word and (word.startswith("--") or len(word) == len("-n"))
    args[:] = kept
    return dropped


def _drop_settings(config: Config) -> list[str]:
    unknown = sorted(config._get_unknown_ini_keys())  # noqa: SLF001 - the same as pytest itself would refuse
    for name in unknown:
        del config._inicfg[name]  # noqa: SLF001 - pytest has no public name for it
    for name, value in DEFAULTS.values():
        if name in config._parser._inidict:  # noqa: SLF001 - pytest has no public name for it
            value_of_ours = ConfigValue(value, origin="override", mode="ini")
            config._inicfg.setdefault(name, value_of_ours)  # noqa: SLF001 - pytest has no public name for it
    return unknown
