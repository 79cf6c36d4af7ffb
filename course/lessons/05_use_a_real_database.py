# %% set_up tags=["setup"]
import course

course.begin("05_use_a_real_database")

# %% [markdown]
# ## One query, two answers
#
# In exercise 4.5 your best test was green, and a bug stayed alive behind it. Ask both databases the same question, and you see why.
# (`DATABASE_URL` is a PostgreSQL database that this lesson has just made for you. The *dialect* of a connection is what SQLAlchemy calls the kind of
# SQL that its database speaks.)

# %% two_answers tags=["nbval-check-output"]
import os

from sqlalchemy import create_engine, text

question = text("SELECT 'Ada Lovelace' LIKE '%lovelace%'")
for url in ("sqlite://", os.environ["DATABASE_URL"]):
    with create_engine(url).connect() as connection:
        print(f"{connection.dialect.name:<12}{bool(connection.scalar(question))}")
# OUTPUT:
# sqlite      True
# postgresql  False

# %% [markdown]
# No test on SQLite can see that. Your tests need the database that production has, in the same version.
#
# ## PostgreSQL for the length of a `with`
#
# A **container** is a program that Docker runs, shut off from the rest of your machine. What it is started from is an **image**: `postgres:16` is one
# that holds PostgreSQL 16. **Testcontainers** is a library that starts real services in throw-away containers, from inside of a test:

# %% first_container
from time import perf_counter

from testcontainers.community.postgres import PostgresContainer

began = perf_counter()
with PostgresContainer("postgres:16") as postgres:
    seconds = perf_counter() - began
    print(f"ready after {seconds:.1f} s at {postgres.get_connection_url()}")
    with create_engine(postgres.get_connection_url()).connect() as connection:
        print(connection.scalar(text("SELECT version()")))

# %% [markdown]
# Started, used, gone: nothing to install, nothing to clean up. **Is there no Docker here?** Then the course answered in its place, with a
# PostgreSQL 16 that it brings along. Your code is the same in both cases.
#
# **Never write down a port.** Inside of its container PostgreSQL listens on port 5432. Outside, Docker takes one that is free: look at the URL,
# and run the cell again. A test that says `localhost:5432` meets whatever runs there: nothing at all, or a colleague's data.
# `get_connection_url()` knows the host, the port, the user and the password. Use it and nothing else.
#
# ## Started is not ready
#
# A container *runs* long before PostgreSQL *answers*. A plain `DockerContainer` does not wait. Count how often it turns you away:

# %% refusals
from time import sleep

from sqlalchemy.exc import OperationalError
from testcontainers.core.container import DockerContainer


def refusals(container):
    with container.with_env("POSTGRES_PASSWORD", "test").with_exposed_ports(5432):
        where = f"{container.get_container_host_ip()}:{container.get_exposed_port(5432)}"
        for count in range(1000):
            try:
                create_engine(f"postgresql+psycopg2://postgres:test@{where}/postgres").connect().close()
                return count
            except OperationalError:
                sleep(0.05)


print("turned away:", refusals(DockerContainer("postgres:16")), "times")

# %% [markdown]
# With Docker it is dozens of times. (Without Docker it is once or twice: the course's own PostgreSQL needs a tenth of a second.) People put
# `sleep(5)` here, which is too long on one machine and too short on the next. Or they wait for the words *ready to accept connections* in the log.
# But PostgreSQL starts twice in its container, first for itself, to set up its data, and says them both times. A **wait strategy** that asks
# the server itself waits until the answer is yes:

# %% ready tags=["nbval-check-output"]
from testcontainers.core.wait_strategies import ExecWaitStrategy

strategy = ExecWaitStrategy(["pg_isready", "--host", "127.0.0.1"])
print("turned away:", refusals(DockerContainer("postgres:16").waiting_for(strategy)), "times")
# OUTPUT:
# turned away: 0 times

# %% [markdown]
# `PostgresContainer` brings such a strategy along: when its `with` lets you in, the database answers.
#
# ## How often will you start it?
#
# A fixture's `scope` decides. Take a suite of 60 tests in 5 files: `scope="function"` starts 60 containers, `"module"` five, `"session"` one.
# Multiply by the seconds that you saw above.
#
# So the container belongs to the **session** (or to the **module**, where a file needs another image or other settings). But then all tests
# share one database, and what one test leaves behind, the next one finds. Each test has to clean up.
#
# ## Exercise 5.1: the bug that survived
#
# Write the fixture that starts PostgreSQL: a container in a `with`, an engine on its URL (`build_engine`), the tables (`create_tables`), then
# `yield`. `db_session` is there: it empties all tables after each test.
#
# Below it stands the test of exercise 4.5, with the same two bugs. Put the lines in that you wrote there. The board has one more row: whether your suite
# runs in a container that it starts itself.
#
# **Predict.** On SQLite your test caught one of the two. How many now?

# %% real_database tags=["conftest"] exercise="5.1"
import pytest
from sqlalchemy.orm import Session
from testcontainers.community.postgres import PostgresContainer
from users_api.database import build_engine, create_tables
from users_api.models import Base


@pytest.fixture(scope="session")
def engine():
    """An engine on a PostgreSQL of our own, started once, with all tables."""
    # BEGIN SOLUTION: start a PostgresContainer, build an engine on its URL, create the tables, yield the engine
    with PostgresContainer("postgres:16") as postgres:
        engine = build_engine(postgres.get_connection_url())
        create_tables(engine)
        yield engine
        engine.dispose()
    # END SOLUTION


@pytest.fixture
def db_session(engine):
    """A session; what the test leaves in the tables goes afterwards."""
    with Session(engine) as session:
        yield session
    with engine.begin() as connection:
        for table in reversed(Base.metadata.sorted_tables):
            connection.execute(table.delete())

# %% search tags=["exercise"] exercise="5.1"
import pytest
from users_api.users import create_user, list_users

PASSWORD = "correct horse battery"


@pytest.mark.parametrize("search", ["Lovelace", "LOVELACE", "lovelace", "ada@example"])
def test_a_search_looks_in_names_and_addresses_in_any_case(db_session, search):
    """Ada is found by her name and by her address, and Grace is not."""
    create_user(db_session, name="Ada Lovelace", email="ada@example.org", password=PASSWORD)
    create_user(db_session, name="Grace Hopper", email="grace@example.org", password=PASSWORD)
    # BEGIN SOLUTION: search, and assert whose names are found, and the total
    found, total = list_users(db_session, search=search)
    assert [user.name for user in found] == ["Ada Lovelace"]
    assert total == 1
    # END SOLUTION

# %% [markdown]
# Is your board green? Not one line of the test has changed: only what stands behind it.
#
# (With Docker each run of an exercise starts a container first. The runs on wrong code don't: they get a database of their own on a server
# that is up already.)
#
# ## What else is real now
#
# What SQLite does not have, in a few lines. An **identity** column counts by itself. **JSONB** is a document that you can search, and `ILIKE` a
# search that ignores case. A **stored function** is code that lives in the database, and that only a test on the database runs. And an
# **upsert** inserts, or changes what is there, in one step that nobody can get in between. Both wishes below are Ada's.

# %% features tags=["nbval-check-output"]
database = create_engine(os.environ["DATABASE_URL"])
make = text("""
    DROP TABLE IF EXISTS settings;
    CREATE TABLE settings (id int GENERATED ALWAYS AS IDENTITY, owner text UNIQUE, wishes jsonb);
    CREATE OR REPLACE FUNCTION theme(jsonb) RETURNS text LANGUAGE sql AS $$ SELECT $1->>'theme' $$
""")
save = text("""INSERT INTO settings (owner, wishes) VALUES ('ada', :wishes)
    ON CONFLICT (owner) DO UPDATE SET wishes = :wishes""")
dark = text("""SELECT count(*) FROM settings WHERE wishes @> '{"theme": "dark"}'""")
with database.begin() as db:
    db.execute(make)
    for wishes in ('{"theme": "dark"}', '{"theme": "blue"}'):
        db.execute(save, {"wishes": wishes})
    print(db.execute(text("SELECT id, owner, theme(wishes) FROM settings WHERE owner ILIKE 'ADA'")).all())
    print(db.scalar(dark), "want it dark")
# OUTPUT:
# [(1, 'ada', 'blue')]
# 0 want it dark

# %% [markdown]
# ## Exercise 5.2: three promises that only PostgreSQL breaks
#
# From the contract of `users_api`. Write one test for each; the first is begun.
#
# 1. A name may have 100 letters. (SQLite stores any length in any column.)
# 2. A list is oldest first. (Without `ORDER BY`, PostgreSQL moves a row that was changed.)
# 3. `created_at` is now, wherever the session lives. `db_session.execute(text("SET LOCAL TIME ZONE 'Asia/Kolkata'"))` moves it, until the next
#    commit.
#
# **Predict.** Would a test for promise 3 catch its bug without that line? Try both.

# %% three_promises tags=["exercise"] exercise="5.2"
from datetime import UTC, datetime, timedelta

from sqlalchemy import text
from users_api.users import create_user, list_users, update_user


def add(session, name, email):
    return create_user(session, name=name, email=email, password="correct horse battery")


def test_a_name_may_have_a_hundred_letters(db_session):
    # BEGIN SOLUTION: add somebody with 100 letters and assert their name; then write a test for promise 2 and one for 3
    assert add(db_session, "x" * 100, "x@example.org").name == "x" * 100


def test_the_list_is_oldest_first_even_after_a_change(db_session):
    ada = add(db_session, "Ada", "ada@example.org")
    add(db_session, "Grace", "grace@example.org")
    update_user(db_session, ada.id, {"name": "Countess"})
    assert [user.name for user in list_users(db_session)[0]] == ["Countess", "Grace"]


def test_the_time_of_signing_up_is_now_in_every_time_zone(db_session):
    db_session.execute(text("SET LOCAL TIME ZONE 'Asia/Kolkata'"))
    ada = add(db_session, "Ada", "ada@example.org")
    assert abs(datetime.now(UTC) - ada.created_at) < timedelta(minutes=1)
    # END SOLUTION

# %% [markdown]
# ## Two at once
#
# Here is the way most people write a sign-up at first: look whether the name is free, then insert it. Two threads want each name.
#
# **Predict.** 50 names. How many get two owners?

# %% race
from concurrent.futures import ThreadPoolExecutor


def sign_up(name):
    with database.begin() as db:
        if not db.scalar(text("SELECT count(*) FROM guests WHERE name = :name"), {"name": name}):
            db.execute(text("INSERT INTO guests VALUES (:name)"), {"name": name})


with database.begin() as db:
    db.execute(text("DROP TABLE IF EXISTS guests; CREATE TABLE guests (name text)"))
with ThreadPoolExecutor(2) as threads:
    for number in range(50):
        list(threads.map(sign_up, [f"guest {number}"] * 2))
with database.connect() as db:
    doubles = db.scalar(text("SELECT count(*) - count(DISTINCT name) FROM guests"))
print(doubles, "of 50 names have two owners")

# %% [markdown]
# Run it again: another number. A test that waits for such luck is green on Monday and red on Tuesday.
#
# So leave nothing to luck, and **hold the door open**. One transaction takes the address and does not commit. The other one comes, and has
# to wait. PostgreSQL knows who waits: its table `pg_locks` lists every lock, and `NOT granted` are those that somebody waits for. Then the
# first one commits.
#
# ## Exercise 5.3: of two who want one address, one gets it
#
# The contract: *All this holds when two requests come at the same moment.* The first three moves are there. Make the last ones.
# (`submit` starts a function in a thread; `second.result(timeout=5)` waits for it, and returns or raises what the function did.) Always give `result` a
# `timeout`: a test that waits for ever tells nobody anything.
#
# **Predict.** Who is refused: `other`, who came first, or `second`, who wrote the address in capitals?

# %% one_address tags=["exercise"] exercise="5.3"
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session
from users_api.models import User
from users_api.users import EmailTakenError, create_user, list_users

SOMEBODY_WAITS = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
SECOND = {"name": "Second", "email": "Ada@example.org", "password": "correct horse battery"}


def test_of_two_who_want_one_address_one_gets_it(engine, db_session):
    with ThreadPoolExecutor() as threads, Session(engine) as other:
        other.add(User(name="First", email="ada@example.org", password_hash="-"))
        other.flush()  # taken, and not committed
        second = threads.submit(create_user, db_session, **SECOND)
        while not (second.done() or other.scalar(SOMEBODY_WAITS)):
            pass
        # BEGIN SOLUTION: commit the other one, expect EmailTakenError from second.result(timeout=5), count the users
        other.commit()
        with pytest.raises(EmailTakenError):
            second.result(timeout=5)
        assert list_users(db_session)[1] == 1
        # END SOLUTION

# %% [markdown]
# The look beforehand is not what protects you. The unique index is, and it exists in the database only.
#
# ## Locks: `FOR UPDATE`
#
# Where no index can help, a row is locked while you decide: `SELECT … FOR UPDATE` makes everybody else wait until you commit. (With `SKIP
# LOCKED` they take the next row, as the workers of a queue do.) On SQLite this clause is left out, so no test there can miss it.
#
# ## Exercise 5.4: of two admins who leave, one stays
#
# Both tests below need the moves of 5.3: `first` happens in a transaction of its own, `work` starts in a thread and runs into it, the
# transaction is committed, and what `work` returned or raised comes back. Write them once, as a function. (`lambda: …` is a function without a
# name: its line runs when `work()` is called, in the thread.)

# %% last_admin tags=["exercise"] exercise="5.4"
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import delete, text
from sqlalchemy.orm import Session
from users_api.models import User
from users_api.users import LastAdminError, UserNotFoundError, create_user, delete_user, update_user

SOMEBODY_WAITS = text("SELECT count(*) FROM pg_locks WHERE NOT granted")


def meet(engine, first, work):
    """Execute `first`, let `work` run into it, commit, and return what `work` returns."""
    # BEGIN SOLUTION: the moves of 5.3, for any statement `first` and any function `work`
    with ThreadPoolExecutor() as threads, Session(engine) as other:
        other.execute(first)
        second = threads.submit(work)
        while not (second.done() or other.scalar(SOMEBODY_WAITS)):
            pass
        other.commit()
        return second.result(timeout=5)
    # END SOLUTION


def add(session, name, role="user"):
    fields = {"name": name, "email": f"{name}@example.org", "password": "correct horse battery"}
    return create_user(session, role=role, **fields).id


def test_who_is_just_being_deleted_is_not_found(engine, db_session):
    ada = add(db_session, "ada")
    with pytest.raises(UserNotFoundError):
        leaves = delete(User).where(User.id == ada)
        meet(engine, leaves, lambda: update_user(db_session, ada, {"name": "Late"}))


def test_of_two_admins_who_leave_at_once_one_stays(engine, db_session):
    root, deputy = add(db_session, "root", "admin"), add(db_session, "deputy", "admin")
    with pytest.raises(LastAdminError):
        meet(engine, delete(User).where(User.id == root), lambda: delete_user(db_session, deputy))

# %% [markdown]
# ## A second service
#
# What holds for a database holds for anything that an image exists of. NATS passes messages; lesson 09 is about it. Here it is for one
# message:

# %% messages tags=["nbval-check-output"]
import nats
from testcontainers.community.nats import NatsContainer

with NatsContainer("nats:2") as broker:
    client = await nats.connect(broker.nats_uri())
    inbox = await client.subscribe("signups")
    await client.publish("signups", b"ada@example.org")
    print((await inbox.next_msg(timeout=5)).data)
    await client.close()
# OUTPUT:
# b'ada@example.org'

# %% [markdown]
# Redis, Kafka, a browser: each has such a container, or `DockerContainer` starts its image. Those need Docker; the course stands in for
# `postgres` and `nats` only.
#
# ## The whole set: Docker Compose
#
# When an application needs five services, describe them once, in a file, and start them together:
#
# ```yaml
# # compose.yaml
# services:
#   postgres:
#     image: postgres:16
#     environment: { POSTGRES_USER: course, POSTGRES_PASSWORD: course }
#     ports: ["127.0.0.1:54329:5432"]
#     healthcheck:
#       test: pg_isready --host=127.0.0.1 --username=course
#       interval: 1s
#   nats:
#     image: nats:2
#     command: --jetstream
#     ports: ["127.0.0.1:42229:4222"]
# ```
#
# `docker compose up --wait` returns when the health check says yes: it is Compose's wait strategy. `docker compose down --volumes` ends it.
# The services outlive your test run: quick to use again, and shared, so nobody cleans up for you. The course's own `compose.yaml` looks like
# this; the next cell uses it.
#
# ## Which one? Measure
#
# Four ways to get a database, and one test of yours: add a user, find them, empty the table. `course.compare` runs it on each, and asks each nine
# small questions to which PostgreSQL in production says *true*.
#
# **Predict.** Which way starts fastest, which runs the test fastest, and how many of the nine does SQLite answer as production does?

# %% compare
from sqlalchemy.orm import Session
from users_api.database import create_tables
from users_api.models import User
from users_api.users import create_user, list_users


def one_test(engine):
    with Session(engine) as session:
        create_user(session, name="Ada", email="ada@example.org", password="correct horse battery")
        list_users(session, search="ada")
        session.query(User).delete()
        session.commit()


course.compare(one_test, create_tables)

# %% [markdown]
# *(The last line depends on how the server was set up: the official image sorts as people do, other builds sort by code. No copy is
# production, not even a real PostgreSQL.)*
#
# | way | speed | fidelity | use it for |
# |---|---|---|---|
# | SQLite in memory | fast | low | simple queries, the model layer |
# | Testcontainers | slow to start | high | real database features, stored functions |
# | Docker Compose | medium | high | the full set of services |
# | embedded PostgreSQL | fast | high, less than a container | no Docker on this machine |
#
# Compare this table with what you measured. Where they differ, believe what you measured.

# %% quiz
course.quiz("05")

# %% [markdown]
# ## Further reading
#
# - Testcontainers for Python: <https://testcontainers-python.readthedocs.io>, and what the idea is: <https://testcontainers.com/getting-started/>
# - Docker, *Control startup and shutdown order in Compose*: <https://docs.docker.com/compose/how-tos/startup-order/>
# - PostgreSQL 16, *Explicit Locking*: <https://www.postgresql.org/docs/16/explicit-locking.html>
# - PostgreSQL 16, *JSON Types*: <https://www.postgresql.org/docs/16/datatype-json.html>
# - pytest, *Scope: sharing fixtures*: <https://docs.pytest.org/en/stable/how-to/fixtures.html#scope-sharing-fixtures-across-classes-modules-packages-or-session>
#
# In the next lesson you look at the same database through HTTP.

# %% next
course.next()
