"""A whole class is graded: fairly, the same each time, and whatever some of it does."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import threading
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from rich.console import Console

from course.engine import Prover, Step, load_subject
from course.errors import CourseError
from course.grading.batch import KEPT, Batch
from course.grading.command import Order, TrustError, grade
from course.grading.grader import Grader
from course.grading.report import class_page, learner_page
from course.grading.submission import find_submissions
from course.grading.summary import line
from course.services.embedded.postgres import Embedded

pytestmark = pytest.mark.slow
CATEGORIES = ("create", "read", "update", "delete", "duplicate", "not_found", "validation", "boundary")


@pytest.fixture
def subject():
    """The challenge with one bug of each category and two correct variants, for speed."""
    whole = load_subject("todo_api")
    bugs = tuple(next(bug for bug in whole.bugs if bug.group == group) for group in CATEGORIES)
    return replace(whole, bugs=bugs, correct=whole.correct[:2])


@pytest.fixture
def grade_class(tmp_path, subject, challenge):
    """Grades a folder of submissions into records by name."""

    def grade_class(folder, *, jobs=2, again=False, tell=None, out=tmp_path / "out", only=None):
        with Prover(Embedded().start, jobs=jobs) as prover, Grader(prover, subject, challenge) as grader:
            grader.measure_reference()
            batch = Batch(grader, prover, out, again, tell and (lambda *news: tell(prover, *news)))
            found = [each for each in find_submissions([folder]) if not only or each.name in only]
            records, whole = batch.grade(found)
        assert whole == (len(records) == len(found))
        return {record["submission"]: record for record in records}

    return grade_class


def failed_proofs(record):
    return {proof["name"]: proof["evidence"] for proof in record["hygiene"] if not proof["passed"]}


def fates(record):
    return {bug["id"]: bug["fate"] for bug in record["bugs"]}


def test_each_common_mistake_is_found_and_shown(classroom, tmp_path, grade_class):
    folder = tmp_path / "class"
    own, shared = classroom.CONFTEST, classroom.SHARED
    classroom.good(folder / "good")
    classroom.contained(folder / "contained")
    classroom.write(folder / "never-cleans", {"conftest.py": shared, "test_a.py": classroom.NEVER_CLEANS})
    classroom.write(folder / "id-one", {"conftest.py": own, "test_a.py": classroom.ID_ONE})
    classroom.write(folder / "hard-coded", {"conftest.py": classroom.HARD_CODED, "test_a.py": classroom.TESTS})
    classroom.write(
        folder / "production", {"conftest.py": own, "test_a.py": classroom.TESTS, "test_p.py": classroom.PRODUCTION}
    )
    classroom.write(folder / "order", {"conftest.py": own, "test_a.py": classroom.ORDER})
    records = grade_class(folder)
    for name in ("good", "contained"):
        assert set(failed_proofs(records[name])) <= {"tests_error_answers"}, name
    # A container of its own hides nothing of what a suite reaches
    assert fates(records["contained"]) == fates(records["good"])
    never = failed_proofs(records["never-cleans"])
    assert "1 row in todos" in never["leaves_nothing_behind"]
    assert "test_a_todo_is_created fails" in never["cleans_its_database"]
    assert "test_the_first_todo_has_the_first_id" in failed_proofs(records["id-one"])["depends_on_no_seed"]
    assert "5432" in failed_proofs(records["hard-coded"])["takes_any_address"]
    assert "shop_production" in failed_proofs(records["production"])["leaves_production_alone"]
    assert "test_b_needs_what_a_made" in failed_proofs(records["order"])["passes_in_any_order"]


def test_a_program_in_a_process_of_its_own_is_the_variant_too(classroom, tmp_path, grade_class):
    classroom.good(tmp_path / "class" / "good")
    classroom.served(tmp_path / "class" / "served")
    records = grade_class(tmp_path / "class")
    caught = {name: [b for b, fate in fates(record).items() if fate == "CAUGHT"] for name, record in records.items()}
    assert caught["served"] == caught["good"]
    assert not failed_proofs(records["served"]).keys() - {"tests_error_answers", "is_fast"}


def test_the_same_submission_gets_the_same_result_on_any_number_of_jobs(classroom, tmp_path, grade_class):
    folder = tmp_path / "class"
    classroom.good(folder / "ada")
    classroom.weak(folder / "bob")
    classroom.write(folder / "eve", classroom.HOSTILE["syntax-error"])

    def pages(jobs):
        records = list(grade_class(folder, jobs=jobs, out=tmp_path / f"out{jobs}").values())
        without = [json.dumps({k: v for k, v in record.items() if k != "times"}) for record in records]
        written = [*map(learner_page, records), class_page(records)]
        return without, [re.sub(r'<span class="time">.*?</span>', "", page) for page in written]

    assert pages(1) == pages(3)


def test_equal_suites_get_equal_grades_however_they_are_wrapped(classroom, tmp_path, grade_class):
    conftest, tests, folder = classroom.CONFTEST, classroom.TESTS, tmp_path / "class"
    classroom.good(folder / "plain")
    settings = "[pytest]\naddopts = --cov -m 'not e2e'\nmarkers = e2e\ntestpaths = e2e\nfilterwarnings = error\n"
    classroom.write(
        folder / "settings", {"p/pytest.ini": settings, "p/e2e/conftest.py": conftest, "p/e2e/test_a.py": tests}
    )
    cells = (
        f"%%conftest\n{conftest}",
        f"%%exercise 14.1\n{tests}",
        f"%%conftest\n{conftest}\nONE = 1",
        "%%exercise 14.2\n",
    )
    notebook = {"cells": [{"cell_type": "code", "source": cell} for cell in cells]}
    classroom.write(folder / "notebook", {"14_challenge_todo.ipynb": json.dumps(notebook), "notes.txt": "x"})
    classroom.zipped(folder / "all.zip", {"adal_11_101_conftest.py": conftest, "adal_11_101_test_a.py": tests})
    records = grade_class(folder)
    assert sorted(records) == ["adal", "notebook", "plain", "settings"]
    assert {name: failed_proofs(record) for name, record in records.items()} == {name: {} for name in records}
    assert len({record["score"]["points"] for record in records.values()}) == 1
    assert "No plugin here knows --cov" in records["settings"]["notes"][0]


def test_nothing_stops_the_batch(classroom, tmp_path, grade_class):
    records = grade_class(classroom.hostile_class(tmp_path / "class"))
    said = {name: line(record) for name, record in records.items()}
    sound = {"ada-good", "mia-good", "zoe-good", "twin", "twin (2)", "zip-links", "folder-links"}
    good = sound.intersection(records)
    assert len(good) == 7
    assert len({records[name]["score"]["points"] for name in good}) == 1
    assert records["ada-good"]["score"]["points"] > 50
    for name, words in {
        "empty": "It is empty.",
        "no-test-files": "It holds no tests.",
        "no-tests": "There are no tests.",
        "syntax-error": "SyntaxError",
        "missing-package": "a_package_that_is_not_there",
        "endless-loop": "ended after its time during test_it.py::test_endless",
        "sys-exit": "sys.exit",
        "fork-bomb": "processes",
        "endless-output": "printed more than",
        "assert-false": "No test passes on right code",
        "memory": "No test passes on right code",
        "exits-at-the-end": "No test passes on right code",
        "rewrites-reports": "No test passes on right code",
        "zip-bomb": "larger than|swells",
        "zip-outside": "leads outside",
        "zip-absolute": "leads outside",
        "zip-long-name": "too long",
        "zip-broken": "cannot be read",
    }.items():
        assert re.search(words, said[name]), (name, said[name])
    for name in ("assert-true", "two-thousand", "kills-connections"):
        assert records[name]["score"]["points"] == 0, name
    assert not (tmp_path / "outside.py").exists()
    assert not (tmp_path / "class" / "outside.py").exists()
    assert not {n: (r["standing"], said[n]) for n, r in records.items() if r["standing"] == "GRADER_ERROR"}


def test_what_was_unpacked_goes_as_soon_as_it_is_graded(classroom, tmp_path, subject, challenge):
    (one,) = find_submissions([classroom.weak(tmp_path / "ada")])
    with Prover(Embedded().start, jobs=1) as prover, Grader(prover, subject, challenge) as grader:
        with grader.reading(one) as loaded:
            assert loaded.suite.folder.is_dir()
        assert not loaded.suite.folder.exists()


def test_a_server_that_is_killed_is_started_again_and_so_is_the_run(classroom, tmp_path, grade_class):
    classroom.good(tmp_path / "class" / "ada")
    classroom.good(tmp_path / "class" / "zoe")
    killed = []

    def kill_once(prover, submission, news):
        if not killed and isinstance(news, Step) and news.done == 4:
            url = prover._all_slots[0].databases.url(driver=None)
            with psycopg.connect(url) as connection:
                (text,) = connection.execute("SELECT pg_read_file('postmaster.pid')").fetchone()
            killed.append(int(text.splitlines()[0]))
            os.kill(killed[0], signal.SIGKILL)

    records = grade_class(tmp_path / "class", tell=kill_once)
    assert killed
    assert {record["standing"] for record in records.values()} == {"PROVED"}
    assert records["ada"]["score"] == records["zoe"]["score"]


def test_what_is_done_before_ctrl_c_is_not_done_again(classroom, tmp_path, grade_class, monkeypatch):
    for name in ("ada", "bob", "cid", "dan", "eve", "fay"):
        classroom.weak(tmp_path / "class" / name)
    pressed, cancelled, cancel = threading.Lock(), threading.Event(), Batch._cancel

    def interrupt(prover, submission, news):
        if isinstance(news, Step):
            return
        if pressed.acquire(blocking=False):
            os.kill(os.getpid(), signal.SIGINT)
        cancelled.wait()  # on a busy machine the others would else be done before the main thread has its turn

    monkeypatch.setattr(Batch, "_cancel", lambda *arguments: (cancel(*arguments), cancelled.set()))
    before = grade_class(tmp_path / "class", tell=interrupt, jobs=1)
    assert 1 <= len(before) < 6
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / KEPT).glob("*.json")}
    after = grade_class(tmp_path / "class")
    assert len(after) == 6
    assert len(kept) >= len(before)
    assert all(after[name]["times"] == before[name]["times"] for name in before)


def test_a_class_page_keeps_those_who_are_not_graded_again(classroom, tmp_path):
    for name in ("ada", "bob"):
        (tmp_path / "class" / name).mkdir(parents=True)
    order = Order([tmp_path / "class"], tmp_path / "out", trust=True)

    def rows(*only):
        text = io.StringIO()
        assert grade(replace(order, only=only), Console(file=text, width=120)) == 0
        return [row.partition(",")[0] for row in (tmp_path / "out" / "grades.csv").read_text().splitlines()[1:]], text

    assert rows("bob")[0] == ["bob"]
    names, text = rows("ada")
    assert names == ["ada", "bob"]
    assert "bob" not in text.getvalue()
    classroom.write(tmp_path / "class" / "bob", classroom.HOSTILE["syntax-error"])
    names, text = rows("ada")
    assert names == ["ada", "bob"]
    assert "Graded before a change of suite" in (tmp_path / "out" / "grades.csv").read_text()


def test_a_teacher_s_own_bugs_count_beside_ours(classroom, tmp_path, subject, grade_class):
    own = tmp_path / "own" / "create"
    own.mkdir(parents=True)
    patch = load_subject("todo_api").bug("create/answers_200")
    (own / "answers_two_hundred.patch").write_text(Path(patch.path).read_text())
    more = subject.with_bugs(own.parent)
    assert "create/answers_two_hundred" in {bug.id for bug in more.bugs}


def test_without_trust_nothing_runs(classroom, tmp_path):
    classroom.weak(tmp_path / "class" / "ada")
    with pytest.raises(TrustError, match="all rights that you have"):
        grade(Order([tmp_path / "class"], tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_a_wrong_name_is_answered_with_the_nearest(classroom, tmp_path):
    classroom.weak(tmp_path / "class" / "ada")
    with pytest.raises(CourseError, match='Did you mean "ada"'):
        grade(Order([tmp_path / "class"], tmp_path / "out", only=["adda"], trust=True))


def test_the_command_shows_a_table_and_writes_all_reports(classroom, tmp_path):
    (tmp_path / "class" / "ada").mkdir(parents=True)
    classroom.write(tmp_path / "class" / "[bold]bob", classroom.HOSTILE["syntax-error"])
    text = io.StringIO()
    assert grade(Order([tmp_path / "class"], tmp_path / "out", trust=True), Console(file=text, width=120)) == 0
    assert "It is empty." in text.getvalue()
    assert "2/2 " in text.getvalue()
    assert "ada: 0.00 points It is empty." in text.getvalue()
    assert "[bold]bob" in text.getvalue()
    names = {path.name for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert names >= {"index.html", "grades.csv", "junit.xml", "report.html", "result.json", "results.json", "ada.json"}
