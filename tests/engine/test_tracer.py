"""The tracer in processes of their own: it changes how they import, and cannot be taken out again."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap

import pytest

SCRIPT = """
import json, sys, threading
from pathlib import Path
from course.engine.tracer import Tracer

tree = Path(sys.argv[1])
sys.path.insert(0, str(tree))
tracer = Tracer(tree, {{"shop/till.py": [1, 3, 6], "other.py": [1]}})
tracer.start()
{use}
print(json.dumps(tracer.result()))
"""
TILL = "RATE = 2\ndef price(n):\n    return n * RATE\n\ndef tax(n):\n    return n / 5\n"


@pytest.fixture
def trace(tmp_path):
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").touch()
    (tmp_path / "shop" / "till.py").write_text(TILL)
    (tmp_path / "other.py").write_text("X = 1\n")

    def run(use):
        script = SCRIPT.format(use=textwrap.dedent(use))
        return json.loads(subprocess.check_output([sys.executable, "-c", script, tmp_path], text=True))

    return run


def test_each_test_has_the_lines_that_it_reached(trace):
    told = trace("""
        from shop import till
        tracer.enter("a"); till.price(1); tracer.leave()
        tracer.enter("b"); till.tax(1); till.tax(1); tracer.leave()
    """)
    assert told == {
        "shared": [["shop/till.py", 1]],
        "loading": [["shop/till.py", 1]],
        "tests": {"a": [["shop/till.py", 3]], "b": [["shop/till.py", 6]]},
        "complete": True,
    }


def test_what_a_shared_fixture_reaches_belongs_to_all(trace):
    told = trace("""
        from shop import till
        tracer.enter("a")
        with tracer.shared():
            till.price(1)
        till.tax(1)
    """)
    assert ["shop/till.py", 3] in told["shared"]
    assert told["tests"] == {"a": [["shop/till.py", 6]]}


def test_another_thread_counts_for_the_test_that_runs(trace):
    told = trace("""
        from shop import till
        tracer.enter("a")
        thread = threading.Thread(target=till.price, args=(1,)); thread.start(); thread.join()
    """)
    assert told["tests"] == {"a": [["shop/till.py", 3]]}


def test_a_module_that_is_imported_anew_is_still_watched(trace):
    told = trace("""
        from shop import till
        del sys.modules["shop.till"], sys.modules["shop"]
        tracer.enter("a")
        from shop import till
        till.price(1)
    """)
    assert told["tests"]["a"] == [["shop/till.py", 3]]


def test_what_runs_on_import_belongs_to_all_whoever_imports_first(trace):
    told = trace("""
        tracer.loaded()
        tracer.enter("a")
        from shop import till
        till.price(1)
        tracer.leave()
        tracer.enter("b")
        till.tax(1)
    """)
    assert told["shared"] == told["loading"] == [["shop/till.py", 1]]
    assert told["tests"] == {"a": [["shop/till.py", 3]], "b": [["shop/till.py", 6]]}


@pytest.mark.parametrize(
    "use",
    [
        "import subprocess; subprocess.run([sys.executable, '-c', ''])",
        "import runpy; runpy.run_path(str(tree / 'other.py'))",
        "path = tree / 'other.py'; exec(compile(path.read_text(), path, 'exec'))",
        """
        import importlib.util
        spec = importlib.util.spec_from_file_location("anything", tree / "shop" / "till.py")
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
        """,
    ],
    ids=["another process", "runpy", "exec", "another loader"],
)
def test_what_runs_unseen_makes_the_account_incomplete(trace, use):
    assert trace(use)["complete"] is False


def test_reading_the_source_is_not_running_it(trace):
    assert trace("import inspect; from shop import till; inspect.getsource(till.price)")["complete"] is True


def test_a_program_of_the_database_runs_nothing_of_the_program(trace):
    assert (
        trace("""
        import subprocess
        try:
            subprocess.run(["/no/such/folder/psql", "-c", "select 1"])
        except FileNotFoundError:
            pass
    """)["complete"]
        is True
    )
