"""A run whose process stays, to be forked for the runs that follow: quicker, and never a different verdict."""

from __future__ import annotations

import psutil
import pytest

from course.engine import Ending, Fate, Validity, Variant, proof, slot

pytestmark = pytest.mark.slow  # each of them starts programs; `make check` has the quick ones
# Alone it asks for a run that is its own rehearsal, and with anything else for a run that comes after one
REHEARSED = {"rehearse": True}


def went(results):
    return [
        (result.rehearsed, result.stays, [outcome.result for outcome in result.outcomes], result.ending)
        for result in results
    ]


def run(*outcomes, rehearsed=False, stays=False, ending=Ending.FINISHED):
    return rehearsed, stays, list(outcomes), ending


def test_the_process_of_a_rehearsal_is_forked_for_the_runs_after_it(runs):
    text = """
        import till
        visits = []
        def test_it(tmp_path):
            visits.append(1)
            till.write(f"visit {len(visits)}")
            (tmp_path / "note").write_text("here")
            assert till.read() == [f"visit {len(visits)}"]
            assert len(visits) <= 2
    """
    results, loads = runs(text, REHEARSED, REHEARSED, REHEARSED)
    assert went(results) == [run("passed", stays=True), run("passed", rehearsed=True), run("passed", rehearsed=True)]
    assert loads == 1


def test_who_wants_no_rehearsal_gets_none(runs):
    text = "visits = []\ndef test_it():\n    visits.append(1)\n    assert len(visits) == 1"
    results, loads = runs(text, REHEARSED, REHEARSED, {})
    assert went(results) == [run("passed", stays=True), run("failed", rehearsed=True), run("passed")]
    assert loads == 2


@pytest.mark.parametrize(
    "statement",
    [
        "kept.append(psycopg.connect(os.environ['DATABASE_URL'].replace('+psycopg2', '')))",
        "threading.Thread(target=threading.Event().wait, daemon=True).start()",
        "subprocess.Popen(['sleep', '60'])",
        "kept.append(open(__file__))",
        "os.environ['TZ'] = 'Asia/Tokyo'",
        "os.chdir('/')",
    ],
    ids=["a connection", "a thread", "a process", "a file", "a variable", "another folder"],
)
def test_a_run_that_leaves_something_behind_in_its_process_is_no_rehearsal(runs, statement):
    text = f"kept = []\ndef test_it():\n    assert not kept\n    {statement}"
    results, loads = runs(text, REHEARSED, REHEARSED)
    assert went(results) == [run("passed"), run("passed")]
    assert loads == 1


def test_a_run_that_fails_is_no_rehearsal(runs):
    results, loads = runs("def test_it(): assert False", REHEARSED, REHEARSED)
    assert went(results) == [run("failed"), run("failed")]
    assert loads == 1


@pytest.mark.parametrize(
    ("statement", "ending", "loaded"), [("os._exit(0)", Ending.DIED, 1), ("while True: pass", Ending.TIMED_OUT, 2)]
)
def test_a_run_that_does_not_end_as_it_should_takes_nothing_along(runs, statement, ending, loaded):
    text = f"def test_good(): pass\ndef test_bad():\n    {statement}"
    good = {"select": frozenset({"test_it.py::test_good"}), "rehearse": ["test_it.py::test_good"]}
    bad = good | {"select": None, "seconds": 2}
    results, loads = runs(text, good, bad, good, bad)
    assert [(result.ending, len(result.outcomes)) for result in results] == [(Ending.FINISHED, 1), (ending, 1)] * 2
    assert [result.rehearsed for result in results[:2]] == [False, True]
    assert loads == loaded
    assert not [each for each in psutil.Process().children(recursive=True) if "test_it" in " ".join(each.cmdline())]


def test_a_rehearsal_that_ends_its_process_is_none(runs):
    results, loads = runs("def test_it(): os._exit(0)", REHEARSED, REHEARSED)
    assert went(results) == [run(ending=Ending.DIED)] * 2
    assert loads == 1


def test_what_a_run_starts_ends_with_it(runs, tmp_path):
    pid = tmp_path / "pid"
    text = f"""
        import pathlib
        def test_first(): pass
        def test_it():
            sleeper = subprocess.Popen(["sleep", "60"], start_new_session=True)
            pathlib.Path({str(pid)!r}).write_text(str(sleeper.pid))
    """
    first = {"select": frozenset({"test_it.py::test_first"}), "rehearse": ["test_it.py::test_first"]}
    results, _ = runs(text, first, first | {"select": None}, first)
    assert went(results)[1:] == [run("passed", "passed", rehearsed=True), run("passed", rehearsed=True)]
    assert not psutil.pid_exists(int(pid.read_text()))


def test_what_is_loaded_for_another_run_rehearses_first(runs, till):
    wrong = REHEARSED | {"variant": Variant(till, till.bug("api/forgets_the_last_price")), "swap": True}
    text = "import till\nvisits = []\ndef test_it():\n    visits.append(1)\n    assert till.total([1, 2]) == 3, visits"
    results, loads = runs(text, wrong, wrong)
    assert went(results) == [run("failed", rehearsed=True)] * 2
    assert {result.failed[0].message.splitlines()[0] for result in results} == {"[1, 1]"}
    assert loads == 1


def test_a_suite_gets_so_many_rehearsals_and_then_runs_without(runs, monkeypatch):
    monkeypatch.setattr(slot, "REHEARSALS_AT_MOST", 1)
    late = REHEARSED | {"shuffle": 1}
    results, loads = runs("def test_it(): pass", REHEARSED, {}, late, late)
    assert [result.rehearsed for result in results] == [False] * 4
    assert loads == 2


def test_a_function_is_swapped_in_the_process_of_a_rehearsal(runs, till):
    wrong = REHEARSED | {"variant": Variant(till, till.bug("api/forgets_the_last_price")), "swap": True}
    text = "import till\ndef test_it(): assert till.total([1, 2]) == 3"
    results, loads = runs(text, REHEARSED, wrong, REHEARSED)
    assert [(result.rehearsed, bool(result.failed)) for result in results] == [
        (False, False),
        (True, True),
        (True, False),
    ]
    assert loads == 1


def test_a_program_that_the_rehearsal_imports_is_loaded_from_then_on(runs, till):
    text = "def test_it():\n    import till\n    assert till.total([1, 2]) == 3"
    broken = REHEARSED | {"variant": Variant(till, till.bug("api/does_not_import"))}
    results, _ = runs(text, REHEARSED, broken, REHEARSED)
    assert [bool(result.failed) for result in results] == [False, True, False]


@pytest.fixture
def rehearsing(monkeypatch):
    """Have even the smallest proof begin with a rehearsal."""
    monkeypatch.setattr(proof, "WORTHWHILE_FROM", 0)


def test_a_proof_with_a_rehearsal_says_what_one_without_says(prove, rehearsing):
    text = """
        import till
        def test_sums(): assert till.total([1, 2]) == 3
        def test_small(): assert till.discount(5) == 5
    """
    verdict = prove(text, ["api/forgets_the_last_price", "api/gives_the_discount_too_early"], ["adds_with_sum"])
    assert verdict.fates() == {
        "api/forgets_the_last_price": Fate.CAUGHT,
        "api/gives_the_discount_too_early": Fate.SURVIVED,
    }
    assert {test.validity for test in verdict.tests} == {Validity.VALID}
    assert verdict.runs == 2 + 1 + 1 + 2  # twice the original, once more after the rehearsal, and the variants


def test_a_suite_that_asks_the_program_once_for_all_runs_is_proved_without_a_rehearsal(prove, rehearsing):
    text = """
        import functools, till
        total = functools.cache(lambda *prices: till.total(prices))
        def test_sums(): assert total(1, 2) == 3
    """
    verdict = prove(text, ["api/forgets_the_last_price"])
    assert verdict.fates() == {"api/forgets_the_last_price": Fate.CAUGHT}


def test_a_test_that_passes_once_in_a_process_is_proved_without_a_rehearsal(prove, rehearsing):
    text = """
        import till
        visits = []
        def test_sums():
            visits.append(1)
            assert till.total([1, 2]) == 3
            assert len(visits) == 1
    """
    verdict = prove(text, ["api/forgets_the_last_price"], ["adds_with_sum"])
    assert verdict.fates() == {"api/forgets_the_last_price": Fate.CAUGHT}
    assert {test.validity for test in verdict.tests} == {Validity.VALID}
