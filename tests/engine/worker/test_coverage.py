"""Coverage in processes of their own: it traces all that they run."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap

import pytest

pytestmark = pytest.mark.slow  # each of them starts a program; `make check` has the quick ones

SCRIPT = """
import json, sys, threading
from pathlib import Path
from course.engine.worker.coverage import LineCoverage

tree = Path(sys.argv[1])
sys.path.insert(0, str(tree))
coverage = LineCoverage(tree, {{"shop/till.py": [1, 3, 6], "other.py": [1]}})
coverage.start()
def use():
{use}
use()
print(json.dumps(coverage.result()))
"""
TILL = "RATE = 2\ndef price(n):\n    return n * RATE\n\ndef tax(n):\n    return n / 5\n"


@pytest.fixture
def measure(tmp_path):
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").touch()
    (tmp_path / "shop" / "till.py").write_text(TILL)
    (tmp_path / "other.py").write_text("X = 1\n")

    def run(use):
        script = SCRIPT.format(use=textwrap.indent(textwrap.dedent(use), "    "))
        return json.loads(subprocess.check_output([sys.executable, "-c", script, tmp_path], text=True))

    return run


def test_each_test_has_the_lines_that_it_reached(measure):
    told = measure("""
        from shop import till
        with coverage.context("a"):
            till.price(1)
        with coverage.context("b"):
            till.tax(1); till.tax(1)
    """)
    assert told == {
        "shared": [["shop/till.py", 1]],
        "tests": {"a": [["shop/till.py", 3]], "b": [["shop/till.py", 6]]},
        "complete": True,
    }


def test_what_a_shared_fixture_reaches_belongs_to_all(measure):
    told = measure("""
        from shop import till
        with coverage.context("a"):
            with coverage.context():
                till.price(1)
            till.tax(1)
    """)
    assert ["shop/till.py", 3] in told["shared"]
    assert told["tests"] == {"a": [["shop/till.py", 6]]}


@pytest.mark.parametrize(
    "use",
    [
        "thread = threading.Thread(target=till.price, args=(1,)); thread.start(); thread.join()",
        "import greenlet; greenlet.greenlet(till.price).switch(1)",
    ],
    ids=["thread", "greenlet"],
)
def test_what_runs_beside_the_test_counts_for_it(measure, use):
    told = measure(f"from shop import till\nwith coverage.context('a'):\n    {use}")
    assert told["tests"] == {"a": [["shop/till.py", 3]]}
    assert told["complete"]


@pytest.mark.parametrize(
    "use",
    [
        """
        import sys; from shop import till
        del sys.modules["shop.till"], sys.modules["shop"]
        from shop import till
        """,
        "import runpy, types; till = types.SimpleNamespace(**runpy.run_path(str(tree / 'shop' / 'till.py')))",
        """
        import importlib.util
        spec = importlib.util.spec_from_file_location("anything", tree / "shop" / "till.py")
        till = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(till)
        """,
    ],
    ids=["imported anew", "runpy", "another loader"],
)
def test_a_file_is_measured_whoever_loads_it(measure, use):
    told = measure(f"{textwrap.dedent(use)}\nwith coverage.context('a'):\n    till.price(1)")
    assert told["tests"] == {"a": [["shop/till.py", 3]]}
    assert told["complete"]


@pytest.mark.parametrize(
    "use",
    ["import subprocess; subprocess.run([sys.executable, '-c', ''])", "sys.settrace(None)"],
    ids=["another process", "another trace function"],
)
def test_what_runs_unseen_makes_the_account_incomplete(measure, use):
    assert measure(use)["complete"] is False


def test_a_program_of_the_database_runs_nothing_of_the_program(measure):
    told = measure("""
        import subprocess
        try:
            subprocess.run(["/no/such/folder/psql", "-c", "select 1"])
        except FileNotFoundError:
            pass
    """)
    assert told["complete"] is True
