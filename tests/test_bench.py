"""The command of the benchmarks; what they measure is no test's business."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent / "bench"


@pytest.fixture
def bench(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(HERE))
    spec = importlib.util.spec_from_file_location("bench", HERE / "__main__.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "REPORT", tmp_path / "build" / "bench.json")
    return module


def one(name):
    def measure():
        yield {"name": f"{name}_s", "value": 1.0, "unit": "s", "limit": "≤ 2", "ok": True}

    return measure


def run(bench, monkeypatch, known, *names):
    monkeypatch.setattr(bench, "measures", lambda: known)
    monkeypatch.setattr(sys, "argv", ["bench", *names])
    code = bench.main()
    return code, [row["name"] for row in json.loads(bench.REPORT.read_text())] if bench.REPORT.exists() else []


def test_one_measure_is_taken_by_its_name(bench, monkeypatch, capsys):
    assert run(bench, monkeypatch, {"board": one("board"), "begin": one("begin")}, "board") == (0, ["board_s"])
    assert "✔ board_s" in capsys.readouterr().out


def test_a_wrong_name_is_an_error_that_lists_the_names(bench, monkeypatch, capsys):
    assert run(bench, monkeypatch, {"board": one("board"), "begin": one("begin")}, "bord") == (2, [])
    assert 'Nothing called "bord" is measured. There are: board, begin.' in capsys.readouterr().out


def test_what_is_measured_is_kept_when_it_is_stopped(bench, monkeypatch, capsys):
    def stopped():
        yield from one("board")()
        raise KeyboardInterrupt

    assert run(bench, monkeypatch, {"board": stopped, "begin": one("begin")}) == (130, ["board_s"])
    assert "Stopped. What was measured is kept in" in capsys.readouterr().out


def test_the_measure_that_the_makefile_names_is_there(bench):
    assert "board" in bench.measures()
