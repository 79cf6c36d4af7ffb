"""A test that never ends is told from a suite that is too slow as a whole."""

from __future__ import annotations

import pytest

from course.engine import Ending, Request, Variant, load_subject

pytestmark = pytest.mark.slow  # each of them starts programs; `make check` has the quick ones

ENDLESS = "def test_first(): pass\ndef test_endless():\n    while True: pass\ndef test_last(): pass\n"
SLOW = "import time, pytest\n@pytest.mark.parametrize('n', range(40))\ndef test_slow(n): time.sleep(0.2)\n"


@pytest.fixture
def run(prover, tmp_path):
    def run(text, **limits):
        (tmp_path / "test_it.py").write_text(text)
        request = Request(Variant(load_subject("users_api")), tmp_path, **limits)
        return prover.submit(lambda slot: slot.run(request)).result()

    return run


def test_one_test_that_never_ends_is_cut_off_long_before_the_deadline(run):
    result = run(ENDLESS, seconds=60, patience=1)
    assert (result.ending, result.current) == (Ending.TIMED_OUT, "test_it.py::test_endless")
    assert result.detail == "It was ended after 1 s during test_it.py::test_endless."


def test_of_a_suite_that_is_slow_as_a_whole_no_test_is_to_blame(run):
    result = run(SLOW, seconds=3, patience=30)
    assert (result.ending, result.current) == (Ending.TIMED_OUT, "")
    assert result.detail == "It was ended after 3 s."
