# %% set_up tags=["setup"]
import course

course.begin("08_isolate_every_test")

# %% [markdown]
# ## Green in one order only
#
# Here are three tests of `users_api` that share a database. Read them: none of them is wrong. They can run in six orders. **Predict.** In how many
# of the six are all three green?
#
# (`lock_timeout` lets a query give up after two seconds when it waits for somebody else. Without it, it waits for ever.)

# %% three_tests
import os

from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session
from users_api.database import create_tables, migrate
from users_api.models import Base
from users_api.users import create_user, find_by_email, list_users

database = create_engine(os.environ["DATABASE_URL"], connect_args={"options": "-c lock_timeout=2s"})
ADA = {"name": "Ada", "email": "ada@example.org", "password": "correct horse battery"}


def nobody_is_there(session):
    assert list_users(session)[1] == 0


def ada_signs_up(session):
    assert create_user(session, **ADA).role == "user"


def ada_is_found(session):
    assert find_by_email(session, "ada@example.org").name == "Ada"

# %% six_orders tags=["nbval-check-output"]
from itertools import permutations


def run(test):
    with Session(database) as session:
        try:
            test(session)
        except Exception:
            return "✗"
        return "✔"


for order in permutations([nobody_is_there, ada_signs_up, ada_is_found]):
    Base.metadata.drop_all(database)
    create_tables(database)
    print("   ".join(f"{run(test)} {test.__name__:<15}" for test in order).rstrip())
# OUTPUT:
# ✔ nobody_is_there   ✔ ada_signs_up      ✔ ada_is_found
# ✔ nobody_is_there   ✗ ada_is_found      ✔ ada_signs_up
# ✔ ada_signs_up      ✗ nobody_is_there   ✔ ada_is_found
# ✔ ada_signs_up      ✔ ada_is_found      ✗ nobody_is_there
# ✗ ada_is_found      ✔ nobody_is_there   ✔ ada_signs_up
# ✗ ada_is_found      ✔ ada_signs_up      ✗ nobody_is_there

# %% [markdown]
# In one: the order in which you wrote them. pytest runs a file from top to bottom, so such a suite is green for months. Then somebody runs one
# test alone (`-k`), the failed ones first (`--ff`), or two halves at once (`-n 2`), and it is red "at random".
#
# There are two kinds of tests that share state, and each has its cure:
#
# - `ada_is_found` **needs** what another test has left. Cure: each test makes what it needs.
# - `nobody_is_there` **breaks** on what another test has left. Cure: a fixture cleans up after each test.
#
# ## Exercise 8.1: any order will do
#
# First the fixture `session`: yield a session and, when it is closed, delete the rows of all tables. A rollback is not enough, because `create_user`
# commits. `Base.metadata.sorted_tables` lists the tables, parents before children; delete from the children first.
#
# Then `test_ada_is_found`: it has to pass alone.
#
# The board runs your suite in fifty random orders. Four bugs are in play: an address is found only as typed; everybody is an admin; two may share an
# address; a migration has forgotten an index. **Predict.** Which of them stays alive?

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
# The bug in the migration stays alive, on purpose: your fixture makes the tables in another way, so no test of yours can see it. Its turn comes in 8.3.
#
# ## Other ways to a clean database
#
# You have deleted rows. People also drop the tables and create them again, or use **TRUNCATE**: PostgreSQL throws the content of a table away as a whole, and
# `RESTART IDENTITY` lets ids begin at 1 again. Each way below is the body of a fixture, without its decorator:

# %% ways
def drop_and_create():
    Base.metadata.drop_all(database)
    create_tables(database)
    with Session(database) as session:
        yield session


def delete():
    with Session(database) as session:
        yield session
    with database.begin() as db:
        for table in reversed(Base.metadata.sorted_tables):
            db.execute(table.delete())


def truncate():
    with Session(database) as session:
        yield session
    with database.begin() as db:
        db.execute(text(f"TRUNCATE {', '.join(Base.metadata.tables)} RESTART IDENTITY"))

# %% [markdown]
# ## Never there at all
#
# The next way leaves nothing that has to be removed. Open a connection, begin a transaction on it, and give *that connection* to the session.
# Whatever the code under test commits is still inside of your transaction. When the connection is closed, all of it is rolled back:
#
# ```python
# with engine.connect() as connection:
#     connection.begin()
#     with Session(connection) as session:
#         yield session
# ```
#
# ## Exercise 8.2: the code commits, and nothing stays
#
# Put these lines into `session`, finish the first test, and run both cells. **Predict.** A sign-up is refused, the only admin stays, a deleted user is gone:
# which of the three tests are red?
#
# <details>
# <summary>Run first, then open: two are red, and why</summary>
#
# Ada is gone after the refusal, and the program is right: it rolls back after an error, as its contract says. But the transaction that it rolled back was
# **yours**.
#
# The cure is a **savepoint**: a mark inside of a transaction, to which one can go back. With `Session(connection, join_transaction_mode="create_savepoint")`
# the session works behind such a mark. Its commit keeps what was done since the mark, its rollback goes back to the mark, and neither of them ends your
# transaction.
#
# </details>

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
    """A session whose commits stay inside of a transaction that is rolled back after the test."""
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
# All these ways share one database. PostgreSQL can also **copy** one, with its tables and rows: `CREATE DATABASE … TEMPLATE …`. Make a template once,
# and give a copy of it to each test.
#
# A copy takes a while, and the test waits for it. A **pool** makes copies ahead, in the background, and hands one over when a test asks for it. The
# course has one, `course.DatabasePool`; it calls `build` once, to fill its template. A used copy comes back: the pool empties the tables that the test wrote
# to, and drops the copy if more than rows has changed. It is short enough to be read: `course.DatabasePool??`, in a cell of your own, shows it.
#
# Two cells get the lab ready. First your way from 8.2 and the copies, then the pool:

# %% copies
def roll_back():
    with database.connect() as connection:
        connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint") as session:
            yield session


def on_server(statement):
    with database.connect().execution_options(isolation_level="AUTOCOMMIT") as db:
        db.execute(text(statement))


def copy_a_template():
    on_server(f"CREATE DATABASE {template}_copy TEMPLATE {template}")
    own = create_engine(database.url.set(database=f"{template}_copy"))
    with Session(own) as session:
        yield session
    own.dispose()
    on_server(f"DROP DATABASE {template}_copy WITH (FORCE)")

# %% pool
def build(url):
    made = create_engine(url)
    migrate(made)
    made.dispose()


def take_from_a_pool():
    with pool.database() as copy:
        own = create_engine(copy.url)
        with Session(own) as session:
            yield session
        own.dispose()

# %% [markdown]
# ## The isolation lab
#
# The lab runs `one_test` twenty times under each way. Then it runs a test that behaves badly: it sets a time zone, takes an **advisory lock** (a lock on a
# number, which programs use where there is no row to lock), and forgets to close a connection. What of it does the *next* test see?
#
# **Predict.** Which way is the quickest, and which one the slowest? Is TRUNCATE quicker than DELETE? Which ways leak nothing?

# %% lab
from itertools import count

numbers, template = count(), f"{database.url.database}_template"


def one_test(session):
    create_user(session, **ADA | {"email": f"ada{next(numbers)}@example.org"})
    list_users(session, search="ada")


for left in (template, f"{template}_copy"):  # by an interrupted lab
    on_server(f"DROP DATABASE IF EXISTS {left} WITH (FORCE)")
on_server(f"CREATE DATABASE {template}")
build(database.url.set(database=template))
lab = course.isolation_lab(database, one_test)
with course.postgres() as server, course.DatabasePool(server, build, name="lab") as pool:
    lab.measure(drop_and_create, delete, truncate, roll_back, copy_a_template, take_from_a_pool)
on_server(f"DROP DATABASE {template}")
lab.plot()

# %% [markdown]
# The times are those of your machine. What leaks is the same everywhere:
#
# - **Sequences** are never rolled back: a number that was handed out is gone. So a test never asks for id 1.
# - A **setting** stays on its connection once it is committed, and the engine hands the same connection to the next test. A rollback takes it back.
# - An **advisory lock** belongs to the connection, not to the transaction. A test that wants it from another connection waits.
# - A **connection** that was left open does no harm until it is inside of a transaction. Then TRUNCATE and DROP wait for it. *canceling statement due to
#   lock timeout* nearly always means: somebody has not closed a session.
# - A copy leaks nothing, and costs the most.
#
# | your test | give it |
# |---|---|
# | calls code with a session that it passes in | a rollback |
# | runs code that opens sessions itself, or threads, or a real server | DELETE, or TRUNCATE where there are many rows |
# | changes tables, settings or locks, or tests what only a real commit does | a copy, best from a pool |
#
# What a rollback can never show: that *somebody else* sees a commit, constraints that are checked at the commit, `NOTIFY`. And `now()` stands still inside
# of a transaction: all its rows get the same `created_at`.
#
# ## Two workers
#
# `pytest -n 2` (from pytest-xdist) deals the tests out to two processes, the workers `gw0` and `gw1`. Each of them runs all fixtures itself, and both have the same
# `DATABASE_URL`. These forty tests clean up well, and are green without `-n 2`:

# %% two_workers
# %%pytest -n 2 --tb=no -r N
# import os
#
# import pytest
# from sqlalchemy import create_engine, text
# from sqlalchemy.orm import Session
# from users_api.users import create_user, list_users
#
# engine = create_engine(os.environ["DATABASE_URL"])
#
#
# @pytest.mark.parametrize("number", range(40))
# def test_ada_is_alone(number):
#     with Session(engine) as session:
#         create_user(session, name="Ada", email=f"ada{number}@example.org", password="ten chars!")
#         total = list_users(session)[1]
#         session.execute(text("DELETE FROM users"))
#         session.commit()
#     assert total == 1

# %% [markdown]
# Run it again: another number. Each worker finds users of the other one. So **each worker needs a database of its own**, and the environment variable
# `PYTEST_XDIST_WORKER` tells its name; without workers it is not set. (xdist's fixture `worker_id` tells the same, and says `master` without workers.)
#
# ## Tables as production has them
#
# `create_tables` makes the tables that the *models* describe. In production nobody calls it. There, **migrations** make the tables, step by step, and
# whoever wrote a step may have forgotten something. `users_api` has four steps, in `users_api/migrations`; `migrate(engine)` runs those that are
# missing, with Alembic.
#
# ## Exercise 8.3: a database for each worker, made by migrations
#
# Write `engine`: a database whose name is the worker's own, made with `CREATE DATABASE`, then `migrate`; after the tests, drop it. `on_server` executes what
# no transaction may hold. An interrupted run leaves its database behind, so drop what is there first: `DROP DATABASE IF EXISTS … WITH (FORCE)`.
#
# Then finish the second test. The first one you know from 8.1. **Predict.** Two bugs are in play, in two of the migrations: which test catches which?

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
# There is the bug of 8.1, caught by an unchanged test on other tables.
#
# ## Async: whose loop is it?
#
# An **event loop** runs your coroutines. An async connection belongs to the loop in which it was opened, and pytest-asyncio gives each test a new loop. Here
# are two tests with one engine for both, as a fixture of session scope would give it to them. First with one driver, then with the other:

# %% loops tags=["nbval-check-output"]
import asyncio
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine


async def count_users(engine):
    async with AsyncSession(engine) as session:
        return (await session.run_sync(list_users))[1]


for driver in ("psycopg", "asyncpg"):
    shared = create_async_engine(database.url.set(drivername=f"postgresql+{driver}"))
    with ThreadPoolExecutor(1) as tests:  # the notebook's own thread has a loop already
        for test in ("first", "second"):
            error = tests.submit(asyncio.run, count_users(shared)).exception()
            print(f"{driver}, {test} test:", "red, " + str(error)[-28:] if error else "green")
# OUTPUT:
# psycopg, first test: green
# psycopg, second test: green
# asyncpg, first test: green
# asyncpg, second test: red, attached to a different loop

# %% [markdown]
# The engine kept the connection of the first test for the second one, whose loop is another. (The next error would be *another operation is in progress*:
# the same illness.) psycopg holds on to no loop between two queries, and gets away with it. There are three cures:
#
# - Make the engine in **each test's own fixture**, and dispose of it there. Always right; it costs a connection for each test.
# - `poolclass=NullPool`: the engine keeps no connection. It costs the same.
# - One loop for all: `loop_scope="session"` on the fixture *and* on every test (pytest-asyncio), or an `anyio_backend` fixture of session scope (anyio).
#
# Use one of these two plugins, not both. In its mode *auto* pytest-asyncio takes every async test, those of anyio as well; in *strict*, the default, only
# those with its mark.
#
# ## Exercise 8.4: an async fixture that leaks
#
# Write `session` as in 8.2, with `async with` and `await`, on an async engine that the fixture makes. Then finish the first test. (`run_sync` runs a function
# that was written for a plain session.)
#
# The board has a line *closes its connections*. **Predict.** At the end of `async with engine.connect()`, is the connection closed? Run the cells and see.
# A server takes a hundred connections, as a rule; then it says *too many clients already*.

# %% async_session tags=["conftest"] exercise="8.4"
import os

import pytest
import pytest_asyncio
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from users_api.database import create_tables
from users_api.models import Base

# What an earlier run in this notebook has left open, and what dropping the tables would wait for
END_OLD_TRANSACTIONS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND state LIKE 'idle in transaction%'
"""


@pytest.fixture(scope="session")
def url():
    """The URL of a database with tables, for an async engine."""
    url = make_url(os.environ["DATABASE_URL"])
    engine = create_engine(url)
    with engine.begin() as db:
        db.execute(text(END_OLD_TRANSACTIONS))
    Base.metadata.drop_all(engine)
    create_tables(engine)
    engine.dispose()
    return url.set(drivername="postgresql+asyncpg")


@pytest_asyncio.fixture
async def session(url):
    """An async session of which nothing stays: no row, no transaction, no connection."""
    # BEGIN SOLUTION: an async engine; on it a connection, a transaction, an AsyncSession that creates savepoints
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
async def test_a_search_looks_in_addresses(session):
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
# None of them shows where it sits. A delete that nobody committed, a session that stays broken after a refusal, an index that a migration forgot: each of them
# shows only *afterwards*, to the next step, the next test or the next table. Your assertions were simple. They caught the bugs because you knew
# the state in which a test begins, and looked at the state in which it ends.
#
# So isolation is more than tidiness. It is the reason why a red test means that the program is wrong.
#
# In your own project: begin with a rollback, give a copy to the few tests that need a real commit, one database to each worker, and let migrations make it.
#
# ## Further reading
#
# - SQLAlchemy, *Joining a Session into an External Transaction*:
#   <https://docs.sqlalchemy.org/en/20/orm/session_transaction.html#joining-a-session-into-an-external-transaction-such-as-for-test-suites>
# - PostgreSQL 16, *Template Databases*: <https://www.postgresql.org/docs/16/manage-ag-templatedbs.html>, and *TRUNCATE*:
#   <https://www.postgresql.org/docs/16/sql-truncate.html>
# - pytest-xdist, *How-tos*: <https://pytest-xdist.readthedocs.io/en/stable/how-to.html>, and pytest-randomly, which shuffles for you:
#   <https://pypi.org/project/pytest-randomly/>
# - pytest-asyncio, *Concepts*: <https://pytest-asyncio.readthedocs.io/en/stable/concepts.html>, and AnyIO, *Testing with AnyIO*:
#   <https://anyio.readthedocs.io/en/stable/testing.html>
# - Alembic, *Sharing a Connection*: <https://alembic.sqlalchemy.org/en/latest/cookbook.html#connection-sharing>

# %% next
course.next()
