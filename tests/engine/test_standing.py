"""A suite is loaded once and forked for each run, unless a fork would see another world than a fresh process."""

from __future__ import annotations

import textwrap

import psutil
import pytest

from course.engine import Ending, Fate, Suite, Variant, load_subject, standing
from course.engine.run import Round

pytestmark = pytest.mark.slow  # each of them starts programs; `make check` has the quick ones


def went(results):
    return [(result.ending, [outcome.result for outcome in result.outcomes]) for result in results]


PASSED = (Ending.FINISHED, ["passed"])


def test_a_suite_is_loaded_once_and_each_run_has_a_fresh_database(runs):
    text = """
        import till
        def test_it():
            till.write("once")
            assert till.read() == ["once"]
    """
    results, loads = runs(text, {}, {"shuffle": 3}, {"seed": "other"})
    assert went(results) == [PASSED] * 3
    assert loads == 1


@pytest.mark.parametrize(
    "statement",
    [
        "kept = psycopg.connect(os.environ['DATABASE_URL'].replace('+psycopg2', ''))",
        "psycopg.connect(os.environ['DATABASE_URL'].replace('+psycopg2', '')).close()",
        (
            "with psycopg.connect(os.environ['DATABASE_URL'].replace('+psycopg2', '')) as c:\n"
            "    c.execute('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()')"
        ),
        "threading.Thread(target=threading.Event().wait, daemon=True).start()",
        "subprocess.Popen(['sleep', '60'])",
        "kept = open(__file__)",
    ],
    ids=["a connection", "a visit to the database", "an end of all connections", "a thread", "a process", "a file"],
)
def test_a_suite_that_holds_something_when_it_is_loaded_has_processes_of_its_own(runs, statement):
    results, loads = runs(f"{statement}\ndef test_it(): pass", {}, {}, {})
    assert went(results) == [PASSED] * 3
    assert loads == 3


def test_a_suite_that_writes_beside_itself_finds_nothing_of_it_in_the_next_run(runs):
    text = """
        from pathlib import Path
        def test_it():
            assert not Path("left").exists()
            Path("left").write_text("here")
            assert not list(Path(os.environ["TMPDIR"]).iterdir())
            Path(os.environ["TMPDIR"], "left").write_text("here")
    """
    results, _ = runs(text, {}, {}, {})
    assert went(results) == [PASSED] * 3


def test_a_suite_that_is_too_old_is_loaded_again(runs, monkeypatch):
    monkeypatch.setattr(standing, "MAX_AGE", 0.0)
    results, loads = runs("def test_it(): pass", {}, {}, {})
    assert went(results) == [PASSED] * 3
    assert loads == 3


@pytest.mark.parametrize(
    ("statement", "ending"),
    [
        ("os._exit(0)", Ending.DIED),
        ("os.kill(os.getppid(), 9); threading.Event().wait()", Ending.DIED),
        ("while True: pass", Ending.TIMED_OUT),
    ],
)
def test_a_run_that_does_not_end_as_it_should_takes_nothing_along(runs, statement, ending):
    text = f"def test_good(): pass\ndef test_bad():\n    {statement}"
    good = {"select": frozenset({"test_it.py::test_good"})}
    results, _ = runs(text, good, {"seconds": 2}, good)
    assert went(results) == [PASSED, (ending, ["passed"]), PASSED]
    assert not [each for each in psutil.Process().children(recursive=True) if "test_it" in " ".join(each.cmdline())]


TOTAL = "import till\ndef test_it(): assert till.total([1, 2]) == 3"


def test_a_function_of_a_loaded_program_is_swapped(runs, till):
    wrong = {"variant": Variant(till, till.bug("api/forgets_the_last_price")), "swap": True}
    results, loads = runs(TOTAL, {}, wrong, {})
    assert [bool(result.failed) for result in results] == [False, True, False]
    assert loads == 1


def test_a_program_that_is_imported_again_is_the_swapped_one(runs, till):
    wrong = {"variant": Variant(till, till.bug("api/forgets_the_last_price")), "swap": True}
    for again in ("importlib.reload(till)", "sys.modules.pop('till')\n    import till"):
        text = f"import importlib, sys, till\ndef test_it():\n    {again}\n    assert till.total([1, 2]) == 3"
        results, loads = runs(text, {}, wrong)
        assert [bool(result.failed) for result in results] == [False, True]
        assert loads == 1


def test_a_program_that_is_imported_late_may_differ_in_anything(runs, till):
    late = "def test_it():\n    import till\n    assert till.total([1, 2]) == 3"
    results, loads = runs(late, {}, {"variant": Variant(till, till.bug("api/does_not_import"))}, {})
    assert [bool(result.failed) for result in results] == [False, True, False]
    assert loads == 1


def test_a_program_that_is_loaded_and_differs_in_more_than_functions_has_a_process_of_its_own(runs, till):
    results, loads = runs(TOTAL, {}, {"variant": Variant(till, till.bug("api/does_not_import"))}, {})
    assert [result.ending for result in results] == [Ending.FINISHED, Ending.NOT_COLLECTED, Ending.FINISHED]
    assert loads == 2


def test_a_file_that_a_loaded_program_opens_by_its_path_is_that_of_the_variant(one_slot, tmp_path):
    folder = tmp_path / "shop"
    (folder / "bugs" / "api").mkdir(parents=True)
    (folder / "shop.py").write_text(
        "from pathlib import Path\ndef price(): return (Path(__file__).parent / 'p').read_text()"
    )
    (folder / "p").write_text("2\n")
    (folder / "subject.toml").write_text('package = "shop"\n')
    header = "Boundary: api\nShows: It is wrong.\nHint: Look.\n\n"
    (folder / "bugs" / "api" / "raises.patch").write_text(header + "--- a/p\n+++ b/p\n@@ -1 +1 @@\n-2\n+3\n")
    shop = load_subject("shop", tmp_path)
    suite = Suite.from_files({"test_it.py": "import shop\ndef test_it(): assert shop.price() == '2\\n'"})
    assert one_slot.prove(suite, shop).fates() == {"api/raises": Fate.CAUGHT}


def test_the_first_tests_may_be_chosen(runs):
    text = "def test_a(): pass\ndef test_b(): assert False\ndef test_c(): pass"
    order = tuple(f"test_it.py::test_{letter}" for letter in "cba")
    results, _ = runs(text, {}, {"select": order}, {"select": order, "first_failure": True})
    assert [[o.test[-1] for o in result.outcomes] for result in results] == [
        ["a", "b", "c"],
        ["c", "b", "a"],
        ["c", "b"],
    ]


ROUNDS = """
    import till

    def test_all_prices_are_added():
        assert till.total([1, 2, 3]) == 6

    def test_a_big_sum_gets_a_discount():
        assert till.discount(101) == 91

    def test_a_small_sum_gets_none():
        assert till.discount(100) == 100
"""
TESTS = tuple(f"test_it.py::test_{name}" for name in ("all_prices_are_added", "a_small_sum_gets_none"))


def rounds(till, *bugs, tests=TESTS):
    return {"rounds": tuple(Round(Variant(till, till.bug(f"api/{bug}")), tests) for bug in bugs)}


def test_one_process_tries_many_bugs_and_says_which_test_caught_which(runs, till):
    bugs = ("forgets_the_last_price", "gives_too_much", "gives_the_discount_too_early")
    ((result,), loads) = runs(ROUNDS, rounds(till, *bugs))
    assert {bug: outcome.test for bug, outcome in result.caught.items()} == {
        "api/forgets_the_last_price": TESTS[0],
        "api/gives_the_discount_too_early": TESTS[1],
    }
    assert (loads, result.ending) == (1, Ending.FINISHED)


@pytest.mark.parametrize(
    "body",
    ["assert till.total([1, 2, 3]) == 6 and not seen", "assert till.total([1, 2]) == 3 or not seen"],
    ids=["fails on right code the second time", "fails with the bug the first time only"],
)
def test_a_round_says_nothing_that_a_repetition_does_not_bear_out(runs, till, body):
    text = f"import till\nseen = []\ndef test_it():\n    try:\n        {body}\n    finally:\n        seen.append(1)"
    text = text.replace("or not seen", "or seen")
    ((result,), _) = runs(text, rounds(till, "forgets_the_last_price", tests=("test_it.py::test_it",)))
    assert result.caught == {}


def test_a_suite_that_may_not_be_forked_tries_no_bug_in_rounds(runs, till):
    ((result,), loads) = runs(
        f"kept = open(__file__)\n{textwrap.dedent(ROUNDS)}", rounds(till, "forgets_the_last_price")
    )
    assert (result.caught, loads) == ({}, 1)


def test_a_round_that_ends_the_process_keeps_what_was_caught_before(runs, till):
    text = textwrap.dedent(ROUNDS) + "\ndef test_order(): till.order('ab')\n"
    options = rounds(till, "forgets_the_last_price") | {"seconds": 2}
    forever = Round(Variant(till, till.bug("api/never_returns")), ("test_it.py::test_order",))
    ((result,), _) = runs(text, options | {"rounds": (*options["rounds"], forever)})
    assert (list(result.caught), result.ending) == (["api/forgets_the_last_price"], Ending.TIMED_OUT)
