"""Each rule has a suite that keeps it and one that breaks it, proved by running both."""

from __future__ import annotations

import textwrap

import pytest

from course import syllabus
from course.engine import JudgedTest, Prover, Standing, Suite, Validity, Verdict, load_subject
from course.hygiene import TITLES, Rule, prove_suite, rules_of
from course.hygiene import Hygiene as Judges
from course.hygiene.trial_runs import Trials
from course.services.embedded.postgres import Embedded
from course.syllabus import Exercise, Hygiene

CLEAN = """
import os
import pytest
from sqlalchemy.orm import Session
from sqlalchemy import text
from users_api.database import build_engine, create_tables
from users_api.models import Base

@pytest.fixture(scope="session")
def engine():
    schema = f"tests_{os.getpid()}"
    plain = build_engine(os.environ["DATABASE_URL"])
    with plain.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    engine = build_engine(os.environ["DATABASE_URL"] + f"?options=-csearch_path%3D{schema}")
    create_tables(engine)
    yield engine
    engine.dispose()
    with plain.begin() as connection:
        connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    plain.dispose()

@pytest.fixture
def session(engine):
    with Session(engine) as session:
        yield session
    with engine.begin() as connection:
        for table in reversed(Base.metadata.sorted_tables):
            connection.execute(table.delete())
"""
TESTS = """
from users_api.users import create_user, list_users
ADA = {"name": "Ada", "email": "ada@example.org", "password": "correct horse battery"}

def test_ada_signs_up(session):
    create_user(session, **ADA)
    assert [user.name for user in list_users(session)[0]] == ["Ada"]

def test_nobody_is_there_at_first(session):
    assert list_users(session)[1] == 0
"""
CREATE, DROP = "CREATE SCHEMA {schema}", "DROP SCHEMA {schema} CASCADE"
OWN, OPEN, EMPTY = (
    'schema = f"tests_{os.getpid()}"',
    "    with Session(engine) as session:",
    "assert list_users(session)[1] == 0",
)
IN_PUBLIC = ((OWN, 'schema = "public"'), (CREATE, "CREATE SCHEMA IF NOT EXISTS {schema}"), (DROP, "SELECT 1"))
CALLS_PRODUCTION = """
    try:
        build_engine(os.environ["PROD_DATABASE_URL"]).connect()
    except Exception:
        pass
"""
# What turns the clean suite into one that breaks a rule: pairs of old and new text
SICK = {
    "cleans_its_database": (*IN_PUBLIC, ("connection.execute(table.delete())", "pass"), (EMPTY, "pass")),
    "leaves_nothing_behind": ((DROP, "SELECT 1"),),
    "leaves_no_connection": (("    plain.dispose()", "    pytest.kept_open = plain"),),
    "leaves_production_alone": ((OPEN, CALLS_PRODUCTION + OPEN),),
    "depends_on_no_seed": IN_PUBLIC,
    "is_fast": ((OPEN, "    __import__('time').sleep(2)\n" + OPEN),),
    "passes_in_any_order": (
        (EMPTY, "assert SEEN"),
        ("    create_user(session, **ADA)", "    create_user(session, **ADA)\n    SEEN.append(1)"),
        ("ADA =", "SEEN = []\nADA ="),
        ("test_nobody_is_there_at_first", "test_ada_was_here"),
    ),
    "passes_under_two_workers": ((OWN, 'schema = "tests"'), (CREATE, "CREATE SCHEMA IF NOT EXISTS {schema}")),
}


@pytest.fixture(scope="module")
def prover():
    with Prover(Embedded().start, jobs=2) as prover:
        yield prover


@pytest.fixture
def proofs(prover):
    """Hold the clean suite, changed by pairs of texts, to rules; each rule's proof by its name."""

    def proofs(*rules, changes=(), on_step=None):
        files = {"conftest.py": CLEAN, "test_users.py": TESTS}
        for old, new in changes:
            assert any(old in text for text in files.values()), old
            files = {name: text.replace(old, new) for name, text in files.items()}
        subject = load_subject("users_api")
        verdict, found = prove_suite(
            prover, Suite.from_files({name: textwrap.dedent(text) for name, text in files.items()}), subject,
            bugs=[subject.bug("database/forgets_to_commit")], correct=[], rules=rules, on_step=on_step,
        )  # fmt: skip
        assert verdict.is_proved, verdict.detail
        return {proof.name: proof for proof in found}

    return proofs


def rule(name, **settings):
    return Rule(name, TITLES[name], settings=settings)


@pytest.mark.slow
def test_a_clean_suite_keeps_every_rule_and_the_steps_count_the_trials(proofs):
    steps = []
    found = proofs(*map(rule, SICK), on_step=steps.append)
    assert [(proof.name, proof.evidence) for proof in found.values() if not proof.passed] == []
    assert found.keys() == SICK.keys()
    assert steps[-1].done == steps[-1].total


@pytest.mark.slow
@pytest.mark.parametrize("name", SICK)
def test_a_suite_that_breaks_a_rule_is_found_by_running_it(proofs, name):
    (proof,) = proofs(rule(name), changes=SICK[name]).values()
    assert not proof.passed, proof.evidence


ROLLED_BACK = """
    with engine.connect() as connection, connection.begin() as transaction:
        with Session(connection, join_transaction_mode="create_savepoint") as session:
            yield session
        transaction.rollback()
"""


@pytest.mark.slow
def test_workers_that_wait_for_each_other_s_locks_are_not_held_up(proofs):
    changes = (
        *SICK["passes_under_two_workers"],
        (DROP, "SELECT 1"),
        (CLEAN.partition("def session(engine):\n")[2], ROLLED_BACK),
    )
    (proof,) = proofs(rule("passes_under_two_workers", workers=2), changes=changes).values()
    assert proof.passed, proof.evidence


@pytest.mark.slow
@pytest.mark.slow
def test_a_suite_that_wipes_rows_of_somebody_else_is_found_though_it_passes(proofs):
    wipes = "    plain = build_engine(os.environ['DATABASE_URL'])\n"
    clears = "    with plain.begin() as c: c.execute(text('DROP SCHEMA public CASCADE; CREATE SCHEMA public'))\n"
    (proof,) = proofs(rule("depends_on_no_seed"), changes=((wipes.replace("'", '"'), wipes + clears),)).values()
    assert (proof.passed, proof.tests) == (False, ())
    assert "2 rows in users" in proof.evidence


@pytest.mark.slow
def test_what_wipes_the_other_worker_s_rows_is_found_each_time(proofs):
    for _ in range(3):
        (proof,) = proofs(rule("passes_under_two_workers"), changes=SICK["passes_under_two_workers"]).values()
        tests = ("test_users.py::test_ada_signs_up", "test_users.py::test_nobody_is_there_at_first")
        assert (proof.passed, proof.tests) == (False, tests)


BOXED = """
    from testcontainers.community.postgres import PostgresContainer
    with PostgresContainer("postgres:16") as postgres:
        engine = build_engine(postgres.get_connection_url())
        create_tables(engine)
        yield engine
        engine.dispose()

"""
URL = "postgres.get_connection_url()"
ELSEWHERE = "the suite started a container, and went to the database of DATABASE_URL"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "evidence"),
    [
        ((BOXED, BOXED), "the suite started postgres:16, and worked in it"),
        (("postgres:16", "postgres:15"), "the suite started postgres:15, and production has postgres:16"),
        (
            (URL, 'os.environ["DATABASE_URL"]'),
            "the suite started a container, and went to the database of DATABASE_URL",
        ),
        ((BOXED, CLEAN.partition("def engine():")[2].partition("@")[0]), "the suite started no container"),
    ],
    ids=["postgres:16", "another image", "not used", "none"],
)
def test_a_suite_is_held_to_the_container_that_it_starts_itself(proofs, change, evidence):
    boxed = (CLEAN.partition("def engine():")[2].partition("@")[0], BOXED)
    (proof,) = proofs(rule("starts_its_own_container", image="postgres:16"), changes=(boxed, change)).values()
    assert (proof.evidence, proof.passed) == (evidence, evidence.endswith("worked in it"))


def test_a_suite_without_a_test_that_can_be_believed_is_not_called_fast():
    doubtful = JudgedTest("test_it.py::test_it", Validity.FALSE_ALARM, seconds=9.0)
    (proof,) = Judges([rule("is_fast")], Verdict(Standing.PROVED, (doubtful,)), Trials()).proofs()
    assert (proof.passed, proof.evidence) == (False, "none of its tests can be believed, so that none was timed")


@pytest.mark.slow
def test_without_rules_there_are_no_proofs(proofs):
    assert proofs() == {}


def test_the_rules_that_course_toml_may_name_are_those_that_can_be_proved():
    assert set(syllabus.HYGIENE) == set(TITLES)


def test_an_exercise_s_rules_come_with_their_titles_and_settings():
    exercise = Exercise("8.1", "One", "users_api", (), (), (), ("Think.",), None, None,
                        (Hygiene("passes_in_any_order", {"orders": 50}),))  # fmt: skip
    assert rules_of(exercise) == (rule("passes_in_any_order", orders=50),)
