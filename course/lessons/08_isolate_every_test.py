# %% set_up tags=["setup"]
import course

course.begin("08_isolate_every_test")

# %% [markdown]
# ## Green in one order
#
# Three tests of `users_api`, which share a database. Read them: none of them is wrong. (`lock_timeout` lets a query that waits for somebody give
# up after two seconds. Without it, it waits for ever.)

# %% three_tests
import os

from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session
from users_api.database import create_tables, migrate
from users_api.models import Base
from users_api.users import EmailTakenError, create_user, find_by_email, list_users

engine = create_engine(os.environ["DATABASE_URL"], connect_args={"options": "-c lock_timeout=2s"})
ADA = {"name": "Ada", "email": "ada@example.org", "password": "correct horse battery"}


def nobody_is_there(session):
    assert list_users(session)[1] == 0


def ada_signs_up(session):
    assert create_user(session, **ADA).role == "user"


def ada_is_found(session):
    assert find_by_email(session, "ada@example.org").name == "Ada"

# %% [markdown]
# Three tests can run in six orders. **Predict.** In how many of them are all three green?

# %% six_orders tags=["nbval-check-output"]
from itertools import permutations


def run(test):
    with Session(engine) as session:
        try:
            test(session)
        except Exception:
            return "✗"
        return "✔"


for order in permutations([nobody_is_there, ada_signs_up, ada_is_found]):
    Base.metadata.drop_all(engine)
    create_tables(engine)
    print("   ".join(f"{run(test)} {test.__name__:<15}" for test in order).rstrip())
# OUTPUT:
# ✔ nobody_is_there   ✔ ada_signs_up      ✔ ada_is_found
# ✔ nobody_is_there   ✗ ada_is_found      ✔ ada_signs_up
# ✔ ada_signs_up      ✗ nobody_is_there   ✔ ada_is_found
# ✔ ada_signs_up      ✔ ada_is_found      ✗ nobody_is_there
# ✗ ada_is_found      ✔ nobody_is_there   ✔ ada_signs_up
# ✗ ada_is_found      ✔ ada_signs_up      ✗ nobody_is_there

# %% [markdown]
# In one: the order in which you wrote them. pytest runs a file from top to bottom, so the suite is green for months. Then somebody runs one test
# alone (`-k`), the failed ones first (`--ff`), or two halves at once (`-n 2`), and it is red "at random".
#
# There are two kinds of such tests, and two cures:
#
# - `ada_is_found` **needs** what another test has left. Cure: each test makes what it needs.
# - `nobody_is_there` **breaks** on what another test has left. Cure: a fixture cleans up.
#
# ## Exercise 8.1: any order will do
#
# First the fixture: yield a session and, when it is closed, delete the rows of all tables. `create_user` commits, so a rollback is not
# enough. `Base.metadata.sorted_tables` lists the tables, parents before children; delete from the children first.
#
# Then finish `test_ada_is_found`: it has to pass alone. The board runs your suite in fifty random orders.

# %% clean_session tags=["conftest"] exercise="8.1"
import os

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session
from users_api.database import create_tables
from users_api.models import Base


@pytest.fixture(scope="session")
def engine():
    engine = create_engine(os.environ["DATABASE_URL"], connect_args={"options": "-c lock_timeout=2s"})
    Base.metadata.drop_all(engine)
    create_tables(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def session(engine):
    """A session on empty tables, which are empty again after the test."""
    # BEGIN SOLUTION: yield a session in a `with`; below the `with`, delete the rows of all tables
    with Session(engine) as session:
        yield session
    with engine.begin() as db:
        for table in reversed(Base.metadata.sorted_tables):
            db.execute(table.delete())
    # END SOLUTION

# %% any_order tags=["exercise"] exercise="8.1"
import pytest
from users_api.users import EmailTakenError, create_user, find_by_email, list_users

ADA = {"name": "Ada", "email": "ada@example.org", "password": "correct horse battery"}


def test_nobody_is_there_at_first(session):
    assert list_users(session) == ([], 0)


def test_ada_signs_up(session):
    assert create_user(session, **ADA).role == "user"


def test_ada_is_found(session):
    # BEGIN SOLUTION: let Ada sign up here too, then find her as "Ada@Example.org", and assert her name
    create_user(session, **ADA)
    assert find_by_email(session, "Ada@Example.org").name == "Ada"
    # END SOLUTION


def test_an_address_belongs_to_one_user(session):
    create_user(session, **ADA)
    with pytest.raises(EmailTakenError):
        create_user(session, **ADA | {"email": "ADA@example.org"})

# %% [markdown]
# One bug stays alive, and no test of yours could catch it on these tables. Its turn comes in 8.3.
#
# ## Other ways to a clean database
#
# You have deleted rows. People also drop and create the tables, or TRUNCATE them: PostgreSQL throws the whole content of a table away, and
# `RESTART IDENTITY` lets ids begin at 1 again. Each way below is the body of a fixture, without its decorator:

# %% ways
def drop_and_create():
    Base.metadata.drop_all(engine)
    create_tables(engine)
    with Session(engine) as session:
        yield session


def delete():
    with Session(engine) as session:
        yield session
    with engine.begin() as db:
        for table in reversed(Base.metadata.sorted_tables):
            db.execute(table.delete())


def truncate():
    with Session(engine) as session:
        yield session
    with engine.begin() as db:
        db.execute(text(f"TRUNCATE {', '.join(Base.metadata.tables)} RESTART IDENTITY"))

# %% [markdown]
# ## Never there at all
#
# The quickest way writes nothing that has to be removed. You open a connection, begin a transaction on it, and give *that connection* to
# the session. The code under test may commit: a session commits only what it began itself. Your transaction is around it, and when the
# connection is closed, it is rolled back.
#
# Ada signs up, and then somebody wants her address. **Predict.** How many users are there after the refusal?

# %% around tags=["nbval-check-output"]
Base.metadata.drop_all(engine)
create_tables(engine)
with engine.connect() as connection:
    connection.begin()
    with Session(connection) as session:
        create_user(session, **ADA)
        print("signed up:", list_users(session)[1])
        try:
            create_user(session, **ADA)
        except EmailTakenError:
            print("refused, and now there are", list_users(session)[1])
# OUTPUT:
# signed up: 1
# refused, and now there are 0

# %% [markdown]
# Ada is gone, and the program is right: after a refusal it rolls back, as its contract says. But the transaction that it rolled back was
# **yours**.
#
# The cure is a **savepoint**: a mark inside of a transaction, to which one can go back. With `join_transaction_mode="create_savepoint"` the
# session does all its work behind a savepoint. Its commit keeps what came after the mark, its rollback goes back to the mark, and neither
# touches your transaction.
#
# ## Exercise 8.2: the code commits, and nothing stays
#
# Write the fixture with a connection, a transaction around everything, and a session that creates savepoints. Then finish the first test.
# The other two hold your fixture to its word: they need a commit that is one, and a rollback that takes back just enough.

# %% rolled_back tags=["conftest"] exercise="8.2"
import os

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session
from users_api.database import create_tables
from users_api.models import Base


@pytest.fixture(scope="session")
def engine():
    engine = create_engine(os.environ["DATABASE_URL"], connect_args={"options": "-c lock_timeout=2s"})
    Base.metadata.drop_all(engine)
    create_tables(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def session(engine):
    """A session whose commits and rollbacks stay inside of a transaction that is rolled back after the test."""
    # BEGIN SOLUTION: connect, begin, and yield a Session on the connection that creates savepoints
    with engine.connect() as connection:
        connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint") as session:
            yield session
    # END SOLUTION

# %% code_that_commits tags=["exercise"] exercise="8.2"
import pytest
from users_api.users import (
    EmailTakenError, LastAdminError, UserNotFoundError, create_user, delete_user, get_user, list_users,
)

ADA = {"name": "Ada", "email": "ada@example.org", "password": "correct horse battery"}


def test_who_was_refused_has_changed_nothing(session):
    create_user(session, **ADA)
    # BEGIN SOLUTION: expect EmailTakenError when Ada's address is used again, then count the users
    with pytest.raises(EmailTakenError):
        create_user(session, **ADA)
    assert list_users(session)[1] == 1
    # END SOLUTION


def test_the_only_admin_stays(session):
    root = create_user(session, **ADA, role="admin").id
    with pytest.raises(LastAdminError):
        delete_user(session, root)
    assert get_user(session, root).role == "admin"


def test_who_was_deleted_does_not_come_back(session):
    ada = create_user(session, **ADA).id
    delete_user(session, ada)
    session.rollback()
    with pytest.raises(UserNotFoundError):
        get_user(session, ada)

# %% [markdown]
# ## A database for each test
#
# All these ways share one database. PostgreSQL can also **copy** one, with tables and rows: `CREATE DATABASE … TEMPLATE …`. Make a template once,
# and give each test a copy of it. First your way from 8.2 for the lab, then the copies:

# %% copies
def roll_back():
    with engine.connect() as connection:
        connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint") as session:
            yield session


def on_server(statement):
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as db:
        db.execute(text(statement))


def copy_a_template():
    on_server(f"CREATE DATABASE {template}_copy TEMPLATE {template}")
    own = create_engine(engine.url.set(database=f"{template}_copy"))
    with Session(own) as session:
        yield session
    own.dispose()
    on_server(f"DROP DATABASE {template}_copy WITH (FORCE)")

# %% [markdown]
# Copies take a while, and your test waits. A **pool** makes them ahead, in the background, and hands one over when a test asks. The course has such
# a pool. It builds its template with `build`, once:

# %% pool
def build(url):
    made = create_engine(url)
    migrate(made)
    made.dispose()


def take_from_a_pool():
    with pool.database() as database:
        own = create_engine(database.url)
        with Session(own) as session:
            yield session
        own.dispose()

# %% [markdown]
# ## The isolation lab
#
# The lab runs `one_test` twenty times under each way. Then it runs a test that behaves badly: it sets a time zone, takes an **advisory lock** (a
# lock on a number, which programs use where there is no row to lock) and forgets to close a connection. What of it does the *next* test see?
#
# **Predict.** Which way is the quickest, and which one the slowest? Is TRUNCATE quicker than DELETE? Which ways leak nothing?

# %% lab
from itertools import count

numbers, template = count(), f"{engine.url.database}_template"


def one_test(session):
    create_user(session, name="Ada", email=f"ada{next(numbers)}@example.org", password="correct horse battery")
    list_users(session, search="ada")


on_server(f"DROP DATABASE IF EXISTS {template} WITH (FORCE)")
on_server(f"CREATE DATABASE {template}")
build(engine.url.set(database=template))
lab = course.isolation_lab(engine, one_test)
with course.postgres() as server, course.DatabasePool(server, build, name="lab") as pool:
    lab.measure(drop_and_create, delete, truncate, roll_back, copy_a_template, take_from_a_pool)

# %% plot
on_server(f"DROP DATABASE {template}")
lab.plot()

# %% [markdown]
# Believe your own figures. What the right side says holds everywhere:
#
# - **Sequences** are never rolled back: a number that was handed out is gone. So a test never asks for id 1.
# - A **setting** that was committed stays on its connection, and the engine hands the same connection to the next test. A rollback takes it back.
# - An **advisory lock** belongs to the connection, not to the transaction. The next test that wants it from another connection waits.
# - A **connection** that was left open does no harm until it is inside a transaction. Then TRUNCATE and DROP wait for it. `canceling statement due
#   to lock timeout` always means: somebody has not closed a session.
# - A copy leaks nothing, and costs most.
#
# | your test | give it |
# |---|---|
# | calls code with a session that it passes in | a rollback |
# | has code that opens sessions itself, threads, or a real server | DELETE, or TRUNCATE where there are many rows |
# | changes tables, settings or locks, or tests what only a real commit does | a copy, best from a pool |
#
# What a rollback never shows: that *others* see a commit, `NOTIFY`, constraints that are checked at the commit. And `now()` stands still inside of a
# transaction: all its rows get one `created_at`.
#
# ## Two workers
#
# `pytest -n 2` (from pytest-xdist) runs your tests in two processes, `gw0` and `gw1`. Each has session fixtures of its own, and both have the same
# `DATABASE_URL`. Two threads can play them, each with the clean-up that you have just measured:

# %% two_workers
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager


def worker(name):
    for number in range(20):
        with contextmanager(truncate)() as session:
            create_user(session, **ADA | {"email": f"{name}.{number}@example.org"})
            yield list_users(session)[1] == 1


with ThreadPoolExecutor(2) as workers:
    for results in workers.map(lambda name: list(worker(name)), ["gw0", "gw1"]):
        print("".join("✗✔"[green] for green in results))

# %% [markdown]
# Each one finds rows of the other, or finds its own gone. **Each worker needs a database of its own.** The environment variable
# `PYTEST_XDIST_WORKER` holds the worker's name; without workers it is not set.
#
# ## Tables as production has them
#
# `create_tables` makes the tables that the *models* describe. In production nobody calls it: there, **migrations** make them, step by step, and whoever
# wrote a step may have forgotten something. `users_api` has two steps, in `users_api/migrations`, and `migrate(engine)` runs them with Alembic.
# Tests on tables that production does not have are what let a bug live in 8.1.
#
# ## Exercise 8.3: a database for each worker, made by migrations
#
# Write `engine`: a name that is the worker's own, a database of that name, `migrate`, and after the tests the database is dropped. `on_server` is there
# for what no transaction may hold. Then finish the second test; the first one you know from 8.1. **Predict.** Which one catches which bug?

# %% own_database tags=["conftest"] exercise="8.3"
import os

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.orm import Session
from users_api.database import migrate


def on_server(statement):
    server = create_engine(os.environ["DATABASE_URL"], isolation_level="AUTOCOMMIT")
    with server.connect() as db:
        db.execute(text(statement))
    server.dispose()


@pytest.fixture(scope="session")
def engine():
    """An engine on this worker's own database, which migrations have made."""
    url = make_url(os.environ["DATABASE_URL"])
    # BEGIN SOLUTION: choose a name by PYTEST_XDIST_WORKER, create the database, migrate, yield the engine, drop it
    name = f"{url.database}_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
    on_server(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    on_server(f"CREATE DATABASE {name}")
    engine = create_engine(url.set(database=name))
    migrate(engine)
    yield engine
    engine.dispose()
    on_server(f"DROP DATABASE {name} WITH (FORCE)")
    # END SOLUTION


@pytest.fixture
def session(engine):
    with engine.connect() as connection:
        connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint") as session:
            yield session

# %% migrated tags=["exercise"] exercise="8.3"
import pytest
from sqlalchemy import func, select
from users_api.models import Login
from users_api.users import EmailTakenError, create_user, delete_user, list_users, log_in

ADA = {"name": "Ada", "email": "ada@example.org", "password": "correct horse battery"}


def test_an_address_belongs_to_one_user(session):
    create_user(session, **ADA)
    with pytest.raises(EmailTakenError):
        create_user(session, **ADA | {"email": "ADA@example.org"})


def test_a_user_goes_with_their_logins(session):
    ada = create_user(session, **ADA).id
    # BEGIN SOLUTION: let Ada log in, delete her, and assert that no row of Login is left
    log_in(session, ADA["email"], ADA["password"])
    delete_user(session, ada)
    assert session.scalar(select(func.count()).select_from(Login)) == 0
    # END SOLUTION


def test_nobody_is_there_at_first(session):
    assert list_users(session) == ([], 0)

# %% [markdown]
# ## Async: whose loop is it?
#
# An **event loop** runs coroutines, and an async connection waits inside of the loop in which it was opened. pytest-asyncio gives each test a new loop. Here
# are two tests that share one engine, as they would with a session fixture, with both drivers:

# %% loops tags=["nbval-check-output"]
import asyncio

from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine


async def count_users(engine):
    async with AsyncSession(engine) as session:
        return (await session.run_sync(list_users))[1]


for driver in ("psycopg", "asyncpg"):
    shared = create_async_engine(engine.url.set(drivername=f"postgresql+{driver}"))
    with ThreadPoolExecutor(1) as tests:  # this thread has a loop already: the notebook's
        for test in ("first", "second"):
            error = tests.submit(asyncio.run, count_users(shared)).exception()
            print(f"{driver}, {test} test:", "red, " + str(error)[-28:] if error else "green")
# OUTPUT:
# psycopg, first test: green
# psycopg, second test: green
# asyncpg, first test: green
# asyncpg, second test: red, attached to a different loop

# %% [markdown]
# The engine kept the first test's connection for the second one, whose loop is another. (`run_sync` runs a function that was written for a plain session.
# The test after that would say `another operation is in progress`: the same illness.) psycopg asks for the loop at each wait, so it gets away with it.
# Three cures:
#
# - The engine is made and disposed of **in each test's fixture**. Simple, and always right; it costs a connection for each test.
# - `poolclass=NullPool`: the engine keeps no connection. It costs the same.
# - One loop for all: `loop_scope="session"` on the fixture *and* on every test (pytest-asyncio), or an `anyio_backend` fixture of session scope (anyio).
#
# Use one of the two plugins. In its mode `strict`, the default, pytest-asyncio leaves alone what does not bear its marks, and anyio's tests have
# `@pytest.mark.anyio`; in the mode `auto` it takes those, too.
#
# ## Exercise 8.4: an async fixture that leaks
#
# Here is one that passes. It leaves Ada in the table, and a connection open for each test; after a hundred tests PostgreSQL says `too many clients`:
#
# ```python
# @pytest_asyncio.fixture
# async def session(url):
#     yield AsyncSession(create_async_engine(url))
# ```
#
# Write one that leaks nothing: the way of 8.2, with `async with` and `await`, on an engine that is disposed of. **Predict.** Which of the board's lines
# would be red with the fixture above?

# %% async_session tags=["conftest"] exercise="8.4"
import os

import pytest
import pytest_asyncio
from sqlalchemy import create_engine, make_url
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from users_api.database import create_tables
from users_api.models import Base


@pytest.fixture(scope="session")
def url():
    """The URL of a database with tables, for an async engine."""
    url = make_url(os.environ["DATABASE_URL"])
    engine = create_engine(url, connect_args={"options": "-c lock_timeout=2s"})
    Base.metadata.drop_all(engine)
    create_tables(engine)
    engine.dispose()
    return url.set(drivername="postgresql+asyncpg")


@pytest_asyncio.fixture
async def session(url):
    """An async session of which nothing stays: no row, no transaction, no connection."""
    # BEGIN SOLUTION: an async engine, a connection with a transaction, an AsyncSession that creates savepoints, dispose
    engine = create_async_engine(url)
    async with engine.connect() as connection:
        await connection.begin()
        async with AsyncSession(connection, join_transaction_mode="create_savepoint") as session:
            yield session
    await engine.dispose()
    # END SOLUTION

# %% async_tests tags=["exercise"] exercise="8.4"
import pytest
from users_api.users import EmailTakenError, create_user, list_users

ADA = {"name": "Ada", "email": "ada@example.org", "password": "correct horse battery"}
GRACE = ADA | {"name": "Grace", "email": "grace@example.org"}


@pytest.mark.asyncio
async def test_a_search_looks_in_addresses_and_counts_what_it_found(session):
    for user in (ADA, GRACE):
        await session.run_sync(create_user, **user)
    # BEGIN SOLUTION: await a search for "ada@" with list_users, and assert the names that are found and the total
    found, total = await session.run_sync(list_users, search="ada@")
    assert [user.name for user in found] == ["Ada"]
    assert total == 1
    # END SOLUTION


@pytest.mark.asyncio
async def test_who_was_refused_has_changed_nothing(session):
    await session.run_sync(create_user, **ADA)
    with pytest.raises(EmailTakenError):
        await session.run_sync(create_user, **ADA)
    assert (await session.run_sync(list_users))[1] == 1

# %% quiz
course.quiz("08")

# %% [markdown]
# ## What the caught bugs have in common
#
# TODO
#
# ## Further reading
#
# TODO
#
# **Next:** 09
