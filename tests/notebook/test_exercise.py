"""An exercise: what its board shows of tests that are good, weak, red, unsteady or wrong."""

from __future__ import annotations

import pytest

from course.notebook.exercise import NotSolvedError

pytestmark = pytest.mark.slow  # each of them starts programs; `make check` has the quick ones

SOLVED = (
    "%%exercise 6.1",
    "def test_a_missing_user_is_not_found(client):",
    "    answer = client.get(f'/users/{9**5}')",
    "    assert answer.status_code == 404",
    "    assert answer.json()['detail'] == 'User not found'",
)


def test_a_good_test_solves_the_exercise(lesson):
    said = lesson.run(*SOLVED)
    assert "solved" in said.text
    assert "✔ passes on right code" in said.text
    assert said.text.count("[caught]") == 2
    assert "caught by `test_a_missing_user_is_not_found`" in said.text
    assert lesson.session.progress.solved() == {"6.1"}
    assert "<details><summary>one other way</summary><p>Compare both at once:</p>" in said.pages[-1]


def test_another_way_is_not_on_a_board_with_a_bug_alive(lesson):
    assert "one other way" not in lesson.run(*SOLVED[:-1]).pages[-1]


def test_a_board_is_html_without_a_script_and_shows_the_bug_that_was_caught(lesson):
    page = lesson.run(*SOLVED).pages[-1]
    assert "<script" not in page
    assert "<details><summary>says only not found" in page
    assert '<span class="course-plus">+' in page


def test_the_name_of_a_test_is_cut_where_its_value_makes_it_endless(lesson):
    table = ("import pytest", "@pytest.mark.parametrize('search', ['\u03b1' * 50])")
    said = lesson.run(SOLVED[0], *table, "def test_a_missing_user_is_not_found(client, search):", *SOLVED[2:])
    assert said.text.count("[caught]") == 2
    assert "caught by `test_a_missing_user_is_not_found[" in said.text
    assert "\\u03b1" * 20 not in said.text


def test_a_bug_that_is_alive_is_not_given_away(lesson):
    said = lesson.run(*SOLVED[:-1])
    assert "✗ a bug at the api boundary" in said.text
    assert 'course.hint("6.1")' in said.text
    assert "says only not found" not in said.text
    assert "What a customer tells you: “" in said.pages[-1]
    assert "course-plus" not in said.pages[-1].rpartition("</style>")[2].partition("alive")[0]
    assert said.error is None
    assert lesson.session.progress.solved() == frozenset()


def test_a_red_test_shows_the_learner_s_line_and_no_board(lesson):
    said = lesson.run(*SOLVED[:2], "    answer = client.get('/users/1')", "    assert answer.status_code == 200")
    assert "`test_a_missing_user_is_not_found`, line 4" in said.text
    assert "> assert answer.status_code == 200" in said.text
    assert "404 == 200" in said.text
    assert "boundary" not in said.text


def test_an_error_in_the_program_points_at_the_learner_s_line_and_says_where_it_was_raised(lesson):
    said = lesson.run(
        "%%exercise 6.1", "from users_api.tokens import expires_at", "def test_it():", "    expires_at(1, 2)"
    )
    assert "line 4" in said.text
    assert "raised in users_api/tokens.py, line" in said.text


def test_a_stub_is_to_do_and_no_failure(lesson):
    said = lesson.run(*SOLVED[:2], '    raise NotImplementedError("TODO 6.1: ask for one that is not there")')
    assert "○ TODO 6.1: ask for one that is not there" in said.text
    assert "to do" in said.text
    assert "✗" not in said.text


def test_a_part_that_fails_is_red_like_a_test_that_does(lesson):
    said = lesson.run(
        "%%exercise 6.1",
        "def test_it(client, subtests):",
        "    for wanted in (404, 200):",
        "        with subtests.test(wanted=wanted):",
        "            assert client.get(f'/users/{9**5}').status_code == wanted",
    )
    assert "`test_it`, line 5" in said.text
    assert "404 == 200" in said.text
    assert "boundary" not in said.text


def test_a_test_that_asserts_nothing_is_told_and_solves_nothing(lesson):
    words = "    client.get(f'/users/{9**5}').json()['detail'].index('User')"
    said = lesson.run(*SOLVED[:2], words)
    assert said.text.count("[caught]") == 2
    assert "✗ `test_a_missing_user_is_not_found` asserts nothing" in said.text
    assert "not yet" in said.text
    assert lesson.session.progress.solved() == frozenset()


def test_a_line_that_is_never_reached_is_told_and_the_exercise_is_not_solved(lesson):
    inside = ("    import pytest", "    with pytest.raises(KeyError):", "        answer.json()['name']")
    said = lesson.run(*SOLVED, *inside, "        assert answer.json()['nobody'] == 1")
    assert said.text.count("[caught]") == 2
    assert "✗ This line is never reached: line 8 raises, and that ends the `with`" in said.text
    assert "`test_a_missing_user_is_not_found`, line 9" in said.text
    assert "not yet" in said.text


def test_what_a_red_test_printed_is_shown(lesson):
    said = lesson.run(*SOLVED[:2], "    print('seen:', 42)", "    assert False")
    assert "seen: 42" in said.text


def test_what_a_green_test_printed_is_shown_on_demand(lesson):
    said = lesson.run(*SOLVED, "    print('seen:', 42)")
    assert "printed</summary><pre>seen: 42" in said.pages[-1]


def test_a_false_alarm_is_told_with_its_line(lesson):
    said = lesson.run(
        "%%exercise 6.1",
        "def test_a_missing_user_is_not_found(client):",
        "    assert client.get(f'/users/{9**5}').status_code == 404",
        "def test_words(client):",
        "    body = {'name': 'A', 'email': 'a@example.org', 'password': 'correct horse battery'}",
        "    client.post('/users', json=body)",
        "    assert client.post('/users', json=body).json()['detail'] == 'A user with this email already exists'",
    )
    assert "✗ false alarm" in said.text
    assert "`test_words` · line 7" in said.text
    assert "a correct variant that uses other words" in said.text


def test_a_diff_has_no_colours_and_no_advice_for_a_terminal(lesson, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")  # as ipykernel sets it
    here, there = (
        lesson.run(
            "%%exercise 6.1",
            "def test_a_missing_user_is_not_found(client):",
            "    body = {'name': 'A', 'email': 'a@example.org', 'password': 'correct horse battery'}",
            "    client.post('/users', json=body)",
            f"    words = client.post('/users', json=body).json()['detail'] {words}",
            "    assert ['x', words.upper()] == ['x', 'A USER WITH THIS EMAIL ALREADY EXISTS']",
        ).text
        for words in ("+ '!'", "")
    )
    assert "At index 1 diff: 'A USER" in here
    assert "At index 1 diff: '" in there
    assert "correct variant" in there
    for text in (here, there):
        assert "\x1b" not in text
        assert "-v" not in text


def test_tests_that_lean_on_each_other_are_told(lesson):
    said = lesson.run(
        "%%exercise 6.1",
        "seen = []",
        "def test_one(client):",
        "    seen.append(1)",
        "    assert client.get(f'/users/{9**5}').json()['detail'] == 'User not found'",
        "def test_two():",
        "    assert seen",
    )
    assert "order-dependent" in said.text
    assert "`test_two`" in said.text


def test_a_test_that_passes_every_second_time_is_told(lesson, tmp_path):
    said = lesson.run(
        "%%exercise 6.1",
        "import itertools",
        "from pathlib import Path",
        "def test_luck(client):",
        "    client.get('/users/1')",
        "    for number in itertools.count(1):",
        "        try:",
        f"            Path({str(tmp_path)!r}, str(number)).touch(exist_ok=False)",
        "        except FileExistsError:",
        "            continue",
        "        assert number % 2",
        "        break",
    )
    # Which one it is depends on who comes first
    assert "flaky" in said.text or "order-dependent" in said.text
    assert lesson.session.progress.solved() == frozenset()


def test_the_cell_s_names_are_there_in_the_notebook_afterwards(lesson):
    lesson.run("%%exercise 6.1", "ANSWER = 42", "def test_it(): assert ANSWER")
    assert lesson.shell.user_ns["ANSWER"] == 42


def test_a_test_that_was_renamed_does_not_run_again(lesson):
    lesson.run("%%exercise 6.1", "def test_old_name(): assert False")
    assert "test_old_name" not in lesson.run(*SOLVED).text


def test_all_tests_skipped_proves_nothing(lesson):
    said = lesson.run("%%exercise 6.1", "import pytest", "@pytest.mark.skip", "def test_it(): pass")
    assert "Every test was skipped" in said.text


def test_exit_in_a_cell_does_not_end_the_kernel(lesson):
    assert "SystemExit" in lesson.run("%%exercise 6.1", "import sys", "sys.exit(1)").text
    assert "SystemExit" in lesson.run("%%exercise 6.1", "import sys", "def test_it(): sys.exit(1)").text


def test_an_async_test_runs(lesson):
    said = lesson.run(
        "%%exercise 6.2",
        "import asyncio, pytest",
        "@pytest.fixture",
        "def anyio_backend(): return 'asyncio'",
        "@pytest.mark.anyio",
        "async def test_it():",
        "    await asyncio.sleep(0)",
    )
    assert "✔ passes on right code" in said.text


def test_a_dataclass_and_a_doctest_like_future_import_work(lesson):
    said = lesson.run(
        "%%exercise 6.2",
        "from __future__ import annotations",
        "from dataclasses import dataclass",
        "@dataclass",
        "class Thing:",
        "    x: int",
        "def test_it(): assert Thing(1).x == 1",
    )
    assert "✔ passes on right code" in said.text


def test_a_test_may_write_into_the_current_folder_and_leaves_nothing_in_the_workspace(lesson, tmp_path):
    lesson.run("%%exercise 6.2", "from pathlib import Path", "def test_it(): Path('left.txt').write_text('x')")
    assert [path.name for path in tmp_path.iterdir()] == [".course"]


def test_an_exercise_without_a_program_only_has_to_pass(kernel):
    kernel.run("course.begin('01')")
    said = kernel.run("%%exercise 1.1", "def test_it(): assert 1 + 1 == 2")
    assert "✔ 1 test passes" in said.text
    assert kernel.session.progress.solved() == {"1.1"}


def test_a_bug_that_stays_alive_on_purpose_does_not_stand_in_the_way(kernel):
    kernel.run("course.begin('04')")
    said = kernel.run(
        "%%exercise 4.1",
        "from users_api.emails import normalize_email",
        "def test_it(): assert normalize_email('A@Example.org') == normalize_email('a@EXAMPLE.org')",
    )
    assert "it stays alive on purpose" in said.text
    assert "solved" in said.text


def test_under_strict_an_exercise_that_is_not_solved_raises_a_short_error(lesson, monkeypatch):
    monkeypatch.setenv("COURSE_STRICT", "1")
    said = lesson.run(*SOLVED[:2], '    raise NotImplementedError("TODO 6.1: ask")')
    assert isinstance(said.error, NotSolvedError)
    assert said.printed.strip() == "NotSolvedError: Exercise 6.1 is not solved: TODO 6.1: ask."
    assert isinstance(lesson.run(*SOLVED[:-1]).error, NotSolvedError)
    assert lesson.run(*SOLVED).error is None


@pytest.mark.parametrize(("id_", "near"), [("6.22", "6.2"), ("06.3", "6.")])
def test_a_wrong_id_is_told_with_the_nearest(lesson, id_, near):
    said = lesson.run(f"%%exercise {id_}", "def test_it(): pass")
    assert said.printed.startswith("UnknownExerciseError: There is no exercise")
    assert near in said.printed
    assert len(said.printed.splitlines()) == 1


def test_without_a_number_the_exercises_of_the_lesson_are_told(lesson, kernel):
    said = lesson.run("%%exercise", "def test_it(): pass").printed
    assert "`%%exercise` needs the number of an exercise. This lesson has 6.1 to 6." in said
    assert "Write `%%exercise 6.1`." in said
    kernel.session._leave_lesson()
    assert "Write one behind it: `%%exercise 6.2`." in kernel.run("%%exercise", "def test_it(): pass").printed


def test_a_lesson_that_has_not_begun_is_told(kernel):
    said = kernel.run("%%exercise 6.1", "def test_it(): pass")
    assert 'Run the first cell, with `course.begin("06_test_an_api")`, and then this one again.' in said.printed


def test_a_fixture_that_is_missing_because_no_conftest_cell_has_run_is_told_so(kernel):
    kernel.run("course.begin('06')")
    said = kernel.run("%%exercise 6.1", "def test_it(client): pass")
    assert "There is no fixture `client`. No `%%conftest` cell has run in this kernel: run it" in said.text
