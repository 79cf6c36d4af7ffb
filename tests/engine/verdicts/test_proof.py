from __future__ import annotations

import os
import random
import sys
import textwrap

import pytest

from course.engine import Ending, Fate, Outcome, RunResult, Standing, Validity
from course.engine.programs.variant import Trees
from course.engine.verdicts.proof import SEED, Proof

GOOD = """
    import till

    def test_all_prices_are_added():
        assert till.total([1, 2, 3]) == 6

    def test_a_receipt_is_kept():
        till.write("milk")
        assert "milk" in till.read()
"""


def only(verdict):
    (judged,) = verdict.bugs
    return judged


def validity(verdict):
    return {test.name: test.validity for test in verdict.tests}


def test_a_bug_is_caught_by_the_test_that_fails_on_it(prove):
    verdict = prove(GOOD, ["api/forgets_the_last_price"], ["adds_with_sum"])
    assert verdict.standing is Standing.PROVED
    assert verdict.solved
    (catch,) = only(verdict).catches
    assert (catch.name, catch.assertion, catch.phase) == ("test_all_prices_are_added", True, "call")
    assert catch.message.startswith("assert 3 == 6")
    assert verdict.correct == ("adds_with_sum",)


def test_a_test_with_a_very_long_name_catches_a_bug(prove):
    verdict = prove(
        """
        import pytest, till

        @pytest.mark.parametrize("name", ["\u03b1" * 100])  # its name has 600 characters and more
        def test_all_prices_are_added(name):
            assert till.total([1, 2, 3]) == 6
        """,
        ["api/forgets_the_last_price"],
    )
    assert only(verdict).fate is Fate.CAUGHT


def test_each_run_has_a_fresh_database_in_database_url(prove):
    verdict = prove(
        """
        import till

        def test_a_receipt_is_kept():
            till.write("milk")
            assert till.read() == ["milk"]
        """,
        ["database/loses_the_receipt"],
    )
    assert only(verdict).fate is Fate.CAUGHT
    assert verdict.solved


def test_a_bug_that_no_assertion_notices_survives(prove):
    verdict = prove("import till\ndef test_it_adds(): till.total([1, 2])", ["api/forgets_the_last_price"])
    assert only(verdict).fate is Fate.SURVIVED
    assert only(verdict).ran == {"test_till.py::test_it_adds"}


def test_a_bug_whose_lines_no_test_reaches_is_settled_without_a_run(prove):
    reached, unreached = "api/gives_the_discount_too_early", "api/gives_too_much"
    verdict = prove("import till\ndef test_small(): assert till.discount(5) == 5", [reached, unreached])
    assert verdict.fates() == {reached: Fate.SURVIVED, unreached: Fate.NOT_REACHED}
    assert verdict.runs == 3


def test_what_a_shared_fixture_reaches_counts_for_every_test(prove):
    verdict = prove(
        """
        import pytest, till

        @pytest.fixture(scope="module")
        def total():
            return till.total([1, 2])

        def test_one(): pass

        def test_two(total): pass

        def test_three(total): assert total == 3
        """,
        ["api/forgets_the_last_price"],
    )
    assert only(verdict).fate is Fate.CAUGHT


def test_what_is_done_once_counts_for_every_test_whichever_comes_first(prove):
    text = """
        import functools, till

        total = functools.cache(lambda: till.total([1, 2]))

        def test_first(): total()

        def test_second(): total()

        def test_third(): assert total() == 3
    """
    assert [catch.name for catch in only(prove(text, ["api/forgets_the_last_price"])).catches] == ["test_third"]


def test_what_runs_on_import_counts_for_every_test_whichever_imports_first(prove):
    verdict = prove(
        """
        import pytest

        @pytest.fixture
        def till():
            import till
            return till

        def test_first(till): assert till.total([1]) == 1

        def test_coupon(till): assert till.Coupon.worth == 5

        def test_other_coupon(till): assert till.Coupon().worth > 4
        """,
        ["api/halves_a_coupon"],
    )
    assert {catch.name for catch in only(verdict).catches} == {"test_coupon", "test_other_coupon"}


def test_where_a_test_starts_a_process_nothing_is_settled_by_reach(prove):
    verdict = prove(
        """
        import subprocess, sys, pathlib, till

        def test_in_another_process():
            code = "import till; print(till.total([1, 2]))"
            here = pathlib.Path(till.__file__).parent
            assert subprocess.check_output([sys.executable, "-c", code], cwd=here).split() == [b"3"]
        """,
        ["api/forgets_the_last_price"],
    )
    assert only(verdict).fate is Fate.CAUGHT


@pytest.mark.slow
def test_a_bug_that_never_returns_is_inconclusive(prove):
    verdict = prove("import till\ndef test_it(): till.order('ab')", ["api/never_returns"], seconds=10)
    assert only(verdict).fate is Fate.INCONCLUSIVE
    assert only(verdict).detail == "It was ended after 10 s during test_till.py::test_it."


def test_a_bug_that_does_not_import_is_inconclusive(prove):
    verdict = prove(GOOD, ["api/does_not_import"])
    assert only(verdict).fate is Fate.INCONCLUSIVE
    assert "division by zero" in only(verdict).detail


def test_a_test_that_fails_on_right_code_is_a_false_alarm_and_catches_nothing(prove):
    verdict = prove("import till\ndef test_it(): assert till.total([1]) == 0", ["api/forgets_the_last_price"])
    (test,) = verdict.tests
    assert (test.validity, test.variant, test.where) == (Validity.FALSE_ALARM, "original", "test_till.py:2")
    assert only(verdict).fate is not Fate.CAUGHT


def test_a_test_that_checks_how_instead_of_what_fails_on_a_correct_variant(prove):
    verdict = prove(
        "import till\ndef test_it(): assert till.order('ba') == ['a', 'b']",
        ["api/never_returns"],
        ["orders_backwards"],
    )
    (test,) = verdict.tests
    assert (test.validity, test.variant) == (Validity.FALSE_ALARM, "correct/orders_backwards")
    assert only(verdict).fate is not Fate.CAUGHT


def test_a_test_that_two_correct_variants_refuse_is_a_false_alarm_of_the_first(prove):
    verdict = prove(
        "import till\ndef test_it(): assert (till._digits, till.order('ba')) == (2, ['a', 'b'])",
        correct=["calls_its_own_things_otherwise", "orders_backwards"],
    )
    (test,) = verdict.tests
    assert (test.validity, test.variant) == (Validity.FALSE_ALARM, "correct/calls_its_own_things_otherwise")


def test_a_suite_that_does_not_even_collect_on_a_correct_variant_is_no_proof(prove):
    verdict = prove(
        "from till import _digits, total\ndef test_it(): assert total([1, 2]) == 3",
        ["api/forgets_the_last_price"],
        ["calls_its_own_things_otherwise"],
    )
    (test,) = verdict.tests
    assert (test.validity, test.variant) == (Validity.FALSE_ALARM, "correct/calls_its_own_things_otherwise")
    assert "_digits" in test.message
    assert only(verdict).fate is not Fate.CAUGHT


@pytest.mark.slow
def test_what_a_hanging_test_keeps_from_running_on_a_correct_variant_is_tried_again(prove):
    verdict = prove(
        """
        import till

        def test_hangs():
            while till.order("ba") != ["a", "b"]:
                pass

        def test_leans_on_the_order():
            assert till.order("ba")[0] == "a"

        def test_adds():
            assert till.total([1]) == 1
        """,
        correct=["orders_backwards"],
        seconds=10,
    )
    assert validity(verdict) == {
        "test_hangs": Validity.NEVER_ENDS,
        "test_leans_on_the_order": Validity.FALSE_ALARM,
        "test_adds": Validity.VALID,
    }


@pytest.mark.parametrize("cut", [0, 1], ids=["in order", "reversed"])
def test_a_suite_that_ends_in_one_order_only_proves_nothing(till, tmp_path, cut):
    whole = RunResult(Ending.FINISHED, (Outcome("test_it.py::test_it", "passed"),), collected=("test_it.py::test_it",))
    runs = [whole, whole]
    runs[cut] = RunResult(Ending.TIMED_OUT, detail="It was ended after 4 s.")
    verdict = Proof(lambda *_: runs, Trees(tmp_path), tmp_path, till, till.bugs[:1], ()).verdict()
    assert (verdict.standing, verdict.detail) == (Standing.INCONCLUSIVE, "It was ended after 4 s.")


def test_a_test_that_fails_now_and_then_is_flaky(prove, tmp_path):
    verdict = prove(f"""
        import pathlib

        def test_every_second_time():
            path = pathlib.Path({str(tmp_path / "count")!r})
            path.write_text((path.read_text() if path.exists() else "") + "x")
            assert len(path.read_text()) != 2
    """)
    assert validity(verdict) == {"test_every_second_time": Validity.FLAKY}


def test_a_test_that_leans_on_another_is_order_dependent(prove):
    names = "abcdefgh"
    tests = "\n".join(f"def test_{name}():\n    seen.append('{name}')\n    assert len(seen) == {n}"
                      for n, name in enumerate(names, start=1))  # fmt: skip
    verdict = prove(f"seen = []\n{tests}\ndef test_alone(): pass\n")
    assert validity(verdict)["test_a"] is Validity.ORDER_DEPENDENT
    assert validity(verdict)["test_alone"] is Validity.VALID


def test_skipped_and_expected_failures_never_count(prove):
    verdict = prove("""
        import pytest

        @pytest.mark.skip(reason="later")
        def test_skipped(): pass

        @pytest.mark.xfail
        def test_expected(): assert False
    """)
    assert set(validity(verdict).values()) == {Validity.SKIPPED}
    assert not verdict.solved


PARTS = """
    import unittest
    import pytest, till

    def test_part(subtests):
        for price in (1, 2):
            with subtests.test(price=price):
                assert till.total([price]) == {first}

    def test_some_parts_do_not_apply(subtests):
        with subtests.test("here"):
            pytest.skip("not here")
        with subtests.test("there"):
            assert till.total([1, 1]) == 2

    class Case(unittest.TestCase):
        def test_part_of_a_case(self):
            for price in (1, 2):
                with self.subTest(price=price):
                    self.assertEqual(till.total([price]), {first})
"""


def test_a_part_of_a_test_counts_as_the_test(prove):
    verdict = prove(PARTS.format(first="price"), ["api/forgets_the_last_price"])
    assert set(validity(verdict).values()) == {Validity.VALID}
    caught = {catch.name: (catch.assertion, catch.message.splitlines()[0]) for catch in only(verdict).catches}
    assert caught.keys() == validity(verdict).keys()
    assert caught["test_part_of_a_case"] == (True, "0 != 1")


def test_a_part_that_fails_on_right_code_is_a_false_alarm(prove):
    verdict = prove(PARTS.format(first="1"), ["api/forgets_the_last_price"])
    found = validity(verdict)
    assert found.pop("test_some_parts_do_not_apply") is Validity.VALID
    assert set(found.values()) == {Validity.FALSE_ALARM}


@pytest.mark.slow
def test_the_end_of_a_test_counts_and_so_does_an_expected_failure_that_does_not_come(prove):
    verdict = prove("""
        import pytest, till

        @pytest.fixture
        def end():
            yield
            assert till.total([1]) == 2

        def test_end(end): pass

        @pytest.mark.xfail(strict=True)
        def test_passes_unexpectedly(): pass

        @pytest.mark.xfail(raises=ValueError)
        def test_fails_in_another_way(): assert till.total([1]) == 2

        @pytest.mark.xfail
        def test_passes_sometimes(): pass
    """)
    assert validity(verdict) == {
        "test_end": Validity.FALSE_ALARM,
        "test_passes_unexpectedly": Validity.FALSE_ALARM,
        "test_fails_in_another_way": Validity.FALSE_ALARM,
        "test_passes_sometimes": Validity.SKIPPED,
    }


def test_the_third_catch_ends_a_run_and_the_narrowest_tests_are_asked_first(prove):
    narrow = "".join(f"def test_{n}(): assert till.total([1, 2]) == 3\n" for n in range(4))
    text = f"import till\ndef test_wide(): assert till.total([till.discount(2), 2]) == 4\n{narrow}"
    bugs = ["api/forgets_the_last_price", "api/gives_the_discount_too_early"]
    judged = {judged.bug.id: judged for judged in prove(text, bugs).bugs}
    caught = judged["api/forgets_the_last_price"]
    assert [catch.name for catch in caught.catches] == ["test_0", "test_1", "test_2"]
    assert caught.others
    assert {test.rpartition("::")[2] for test in caught.ran} == {"test_0", "test_1", "test_2"}


def test_a_bug_that_fewer_tests_catch_has_run_all_that_reach_it(prove):
    text = "import till\n" + "".join(f"def test_{n}(): assert till.total([{n}, 2]) != {n}\n" for n in (1, 2))
    caught = only(prove(f"{text}def test_it(): till.total([])\n", ["api/forgets_the_last_price"]))
    assert (len(caught.catches), len(caught.ran), caught.others) == (2, 3, False)


def test_progress_is_told_after_each_run(prove):
    steps = []
    prove(GOOD, ["api/forgets_the_last_price"], ["adds_with_sum"], on_step=steps.append)
    assert [step.done for step in steps] == [1, 2, 3, 4]
    assert {step.what for step in steps} == {"original", "correct/adds_with_sum", "api/forgets_the_last_price"}
    assert steps[-1].total == 4


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "detail", "where"),
    [
        ("def test_it(: pass", "SyntaxError", "test_till.py:1"),
        ("import nowhere_at_all\ndef test_it(): pass", "No module named 'nowhere_at_all'", ""),
        ("from till import nowhere\ndef test_it(): pass", "cannot import name 'nowhere'", "test_till.py:1"),
        ("import till.nowhere\ndef test_it(): pass", "No module named 'till.nowhere'", "test_till.py:1"),
        ("x = 1", "There are no tests.", ""),
        ("raise SystemExit(0)", "The suite called sys.exit(0).", "test_till.py:1"),
    ],
    ids=["syntax error", "no such package", "no such name", "no such module", "no tests", "sys.exit"],
)
def test_a_suite_that_does_not_collect_is_broken(prove, text, detail, where):
    verdict = prove(text, ["api/forgets_the_last_price"])
    assert verdict.standing is Standing.BROKEN
    assert detail in verdict.detail
    assert verdict.where == where
    assert only(verdict).fate is Fate.INCONCLUSIVE


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ("import time; time.sleep(3600)", "ended after 20 s"),
        ("import os; os._exit(0)", "ended by itself with status 0"),
        ("import ctypes; ctypes.string_at(0)", "ended by itself with status -11"),
        ("import os\n    while True: os.fork()", "started 64 or more processes"),
        ("for _ in range(1 << 14): print('x' * (1 << 16))", "printed more than 16 MB"),
    ],
    ids=["sleeps for ever", "os._exit", "segfault", "fork bomb", "prints 1 GB"],
)
def test_a_test_that_ends_the_run_is_left_out_and_the_others_count(prove, body, detail):
    text = f"import till\ndef test_good(): assert till.total([1, 2]) == 3\n\ndef test_bad():\n    {body}\n"
    verdict = prove(text, ["api/forgets_the_last_price"], seconds=20)
    assert validity(verdict) == {"test_good": Validity.VALID, "test_bad": Validity.NEVER_ENDS}
    assert detail in next(test.message for test in verdict.tests if test.name == "test_bad")
    assert only(verdict).fate is Fate.CAUGHT


def test_sys_exit_in_a_test_is_a_failure_like_any_other(prove):
    verdict = prove("import sys\ndef test_it(): sys.exit(0)")
    assert validity(verdict) == {"test_it": Validity.FALSE_ALARM}


def test_what_a_suite_allocates_is_bounded(prove):
    verdict = prove("def test_it(): assert len(bytearray(5 << 30))")
    (test,) = verdict.tests
    assert test.message.startswith("MemoryError")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what is written to from what is reserved")
def test_a_suite_may_reserve_more_than_it_writes_to(prove):
    verdict = prove("import mmap\ndef test_it(): assert mmap.mmap(-1, 5 << 30, mmap.MAP_PRIVATE, prot=0)")
    assert validity(verdict) == {"test_it": Validity.VALID}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing is loaded ahead without fork")
def test_the_table_of_characters_that_hypothesis_makes_is_made_once_for_all_runs(prove):
    text = """
    from pathlib import Path
    from hypothesis import configuration, given, strategies as st
    from hypothesis.internal.charmap import intervals_from_codec

    def test_it():
        assert intervals_from_codec.cache_info().currsize == 1
        assert configuration.storage_directory().path == Path.cwd() / ".hypothesis"

    @given(st.text())
    def test_text(text):
        assert text.encode().decode() == text
    """
    assert validity(prove(textwrap.dedent(text))) == {"test_it": Validity.VALID, "test_text": Validity.VALID}


def test_a_conftest_that_rewrites_reports_changes_nothing(prove):
    conftest = """
import pytest

@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if call.when == "call":
        report.outcome = "failed" if "till" in item.name else "passed"
    return report
"""
    text = "import till\ndef test_till(): till.total([1])\ndef test_wrong(): assert False\n"
    verdict = prove(text, ["api/forgets_the_last_price"], files={"conftest.py": conftest})
    assert validity(verdict) == {"test_till": Validity.VALID, "test_wrong": Validity.FALSE_ALARM}
    assert only(verdict).fate is Fate.SURVIVED


def test_a_conftest_that_does_not_import_is_told_with_its_line(prove):
    verdict = prove("def test_it(): pass", files={"conftest.py": "import os\nimport nowhere_at_all\n"})
    assert verdict.standing is Standing.BROKEN
    assert verdict.detail.startswith("No module named 'nowhere_at_all'. The brief says what is there")
    assert verdict.where == "conftest.py:2"


def test_a_package_that_is_missing_costs_the_files_that_import_it_and_all_are_named(prove):
    lacking = "import nowhere_at_all\nfrom nowhere_else.part import thing\ndef test_it(): pass"
    other = "import own\ntry:\n    import nowhere_either\nexcept ImportError:\n    pass\ndef test_own(): assert own.X\n"
    verdict = prove(
        GOOD, ["api/forgets_the_last_price"], ["adds_with_sum"],
        files={"test_lacking.py": lacking, "test_other.py": other, "own.py": "X = 1"},
    )  # fmt: skip
    assert verdict.solved
    assert "test_own" in validity(verdict)
    assert "test_it" not in validity(verdict)
    assert verdict.left_out.startswith("No module named 'nowhere_at_all', 'nowhere_else', so that test_lacking.py does")


def test_a_doubtful_test_takes_no_other_s_place(prove):
    text = """
        import till

        def test_price():
            assert till.total([1, 2, 3]) == 6 and till._digits == 2

        def test_the_sum_of_all_prices():
            assert till.total([5, 5]) == 10
    """
    verdict = prove(text, ["api/forgets_the_last_price"], ["calls_its_own_things_otherwise"])
    assert validity(verdict)["test_price"] is Validity.FALSE_ALARM
    assert [catch.name for catch in only(verdict).catches] == ["test_the_sum_of_all_prices"]


def test_a_test_that_leans_on_any_of_two_others_is_found_in_the_orders_of_the_correct_variants(prove):
    verdict = prove(needing("assert seen"), ["api/gives_too_much"], ["adds_with_sum"])
    assert validity(verdict)["test_needs_it"] is Validity.ORDER_DEPENDENT


def test_a_test_that_leans_on_another_and_refuses_a_correct_variant_too_is_told_the_former(prove):
    text = needing("assert seen and till.order('ba')[0] == 'a'")
    verdict = prove(text, correct=["adds_with_sum", "orders_backwards"])
    assert validity(verdict)["test_needs_it"] is Validity.ORDER_DEPENDENT


def needing(body):
    """Tests of which one needs one of two others: both orders of the original have one of them before it.

    The order of the first correct variant has neither.
    """
    order = list(range(5))
    random.Random(SEED).shuffle(order)  # noqa: S311 - as the engine does it
    assert 0 < order[0] < 4
    tests = [
        ("makes_it", "seen.append(1)"),
        *((f"other_{n}", "pass") for n in (1, 2, 3)),
        ("makes_too", "seen.append(1)"),
    ]
    tests[order[0]] = ("needs_it", body)
    return "import till\nseen = []\n" + "\n".join(f"def test_{name}():\n    {text}" for name, text in tests)
