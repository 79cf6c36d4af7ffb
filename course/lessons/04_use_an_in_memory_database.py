# %% set_up tags=["setup"]
import course

course.begin("04_use_an_in_memory_database")

# %% [markdown]
# ## A database that costs nothing
#
# `sqlite://` is a whole SQL database inside your Python process: no server, no file, no clean-up. It lives as long as its
# connection. Make one, create the tables of `users_api`, add a user:

# %% first_user tags=["nbval-check-output"]
from sqlalchemy import create_engine
from sqlalchemy.orm import Session
from users_api.models import Base, User
from users_api.users import create_user, list_users

engine = create_engine("sqlite://")
Base.metadata.create_all(engine)
with Session(engine) as session:
    ada = create_user(session, name="Ada", email="ada@example.org", password="correct horse battery")
    print(ada.name, ada.role)
# OUTPUT:
# Ada user

# %% [markdown]
# ## First trap: another thread, another database
#
# Web frameworks run your code in threads. Ask the same engine here, and then from a thread:

# %% another_thread tags=["nbval-check-output"]
from concurrent.futures import ThreadPoolExecutor


def count_users(engine):
    with Session(engine) as session:
        return list_users(session)[1]


print("here:", count_users(engine))
with ThreadPoolExecutor() as threads:
    print("in a thread:", threads.submit(count_users, engine).exception().orig)
# OUTPUT:
# here: 1
# in a thread: no such table: users

# %% [markdown]
# Your table is not gone. SQLAlchemy opens one connection for each thread, and in memory **a connection is the database**: the
# thread got a new, empty one.
#
# `StaticPool` hands the same connection to everybody. Is that enough?

# %% one_connection tags=["nbval-check-output"]
from sqlalchemy.pool import StaticPool

engine = create_engine("sqlite://", poolclass=StaticPool)
Base.metadata.create_all(engine)
with ThreadPoolExecutor() as threads:
    error = threads.submit(count_users, engine).exception()
print(str(error.orig).partition(".")[0])
# OUTPUT:
# SQLite objects created in a thread can only be used in that same thread

# %% [markdown]
# Not yet. Python's `sqlite3` keeps a connection in the thread that opened it, unless you take the responsibility yourself. In a
# test you may: your test waits while the other thread works.

# %% two_arguments tags=["nbval-check-output"]
engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
Base.metadata.create_all(engine)
with ThreadPoolExecutor() as threads:
    print("in a thread:", threads.submit(count_users, engine).result())
# OUTPUT:
# in a thread: 0

# %% [markdown]
# Remember the pair: `StaticPool` *and* `check_same_thread=False`. One without the other fails.
#
# ## Second trap: one connection, one transaction
#
# A shared connection has a price. Add a user in one session without committing, look from a second session, and commit:

# %% one_transaction tags=["nbval-check-output"]
first = Session(engine)
first.add(User(name="Grace", email="grace@example.org", password_hash="-"))
first.flush()  # sent to the database, not committed
print("the second session sees", count_users(engine))
first.commit()
print("after the commit there are", count_users(engine))
first.close()
# OUTPUT:
# the second session sees 1
# after the commit there are 0

# %% [markdown]
# Wrong twice, and silently:
#
# - The second session saw a row that nobody had committed. Both sit in **the same transaction**.
# - When it closed, it rolled that transaction back. `commit()` had nothing left to commit.
#
# So in memory: **one session for each test**. And to prove that something was committed, don't ask a second session. Roll back, then
# read: what survives a rollback was committed.
#
# ## Exercise 4.1: a session for each test
#
# Two cells are yours. First write the fixture: an engine with both arguments, the tables, a session to `yield`, and `engine.dispose()`
# afterwards. Each test then has an empty database of its own.
#
# Then finish the first test in the cell below it. The second test is there already: it holds your fixture to its word.

# %% db_session tags=["conftest"] exercise="4.1"
import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import StaticPool
from users_api.models import Base


@pytest.fixture
def db_session():
    """A session on an empty database in memory, which ends with the test."""
    # BEGIN SOLUTION: make the engine and the tables, yield a session, dispose of the engine
    engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        yield session
    engine.dispose()
    # END SOLUTION

# %% read_back tags=["exercise"] exercise="4.1"
from concurrent.futures import ThreadPoolExecutor

from users_api.users import create_user, get_user, list_users


def test_a_new_user_can_be_read_back(db_session):
    """What create_user saved is still there after a rollback."""
    user_id = create_user(db_session, name="Ada", email="ada@example.org", password="correct horse battery").id
    # BEGIN SOLUTION: roll back, read the user, and assert their name
    db_session.rollback()
    assert get_user(db_session, user_id).name == "Ada"
    # END SOLUTION


def test_the_database_is_empty_and_every_thread_sees_it(db_session):
    with ThreadPoolExecutor() as threads:
        assert threads.submit(list_users, db_session).result() == ([], 0)

# %% [markdown]
# ## Exercise 4.2: an address belongs to one user
#
# The contract of `users_api`: *No two users share an email address, and case makes no difference.* An index **in the database** keeps
# it, so no test without a database can see it break. Here are three ways to break it.

# %% one_address tags=["exercise"] exercise="4.2"
import pytest
from users_api.users import EmailTakenError, create_user, find_by_email

ADA = {"name": "Ada", "password": "correct horse battery"}


def test_an_address_belongs_to_one_user(db_session):
    """However it is spelled, an address leads to Ada and is refused to everybody else."""
    ada = create_user(db_session, email="ada@example.org", **ADA)
    # BEGIN SOLUTION: find ada by her address, and expect EmailTakenError from a second create_user
    for email in ("ada@example.org", "Ada@Example.org"):
        assert find_by_email(db_session, email) == ada
        with pytest.raises(EmailTakenError):
            create_user(db_session, email=email, **ADA)
    # END SOLUTION

# %% [markdown]
# ## Exercise 4.3: what a newcomer is
#
# Defaults are easy to forget, because nobody writes them down in a call. The contract: who signs up is a `"user"`, and the database
# holds *only a hash* of the password. Your session can look at the row itself, at columns that no API would ever show.

# %% newcomer tags=["exercise"] exercise="4.3"
from users_api.users import create_user

PASSWORD = "correct horse battery"


def test_a_newcomer_is_a_user_with_a_hashed_password(db_session):
    """Nobody said what Ada is, and nobody can read her password."""
    ada = create_user(db_session, name="Ada", email="ada@example.org", password=PASSWORD)
    # BEGIN SOLUTION: assert what her role is, and what her password_hash does not hold
    assert ada.role == "user"
    assert PASSWORD not in ada.password_hash
    # END SOLUTION

# %% [markdown]
# ## When the database says no
#
# The CHECK constraint of `users` knows two roles. Commit a third, then ask the session for something harmless:

# %% broken_session tags=["nbval-check-output"]
from sqlalchemy.exc import IntegrityError, PendingRollbackError

session = Session(engine)
session.add(User(name="Eve", email="eve@example.org", password_hash="-", role="boss"))
for step in (session.commit, lambda: list_users(session)):
    try:
        step()
    except (IntegrityError, PendingRollbackError) as error:
        print(type(error).__name__)
session.rollback()
print("after a rollback:", list_users(session))
# OUTPUT:
# IntegrityError
# PendingRollbackError
# after a rollback: ([], 0)

# %% [markdown]
# After an error a session refuses *everything* until it is rolled back. In a web application the next innocent query gets the blame.
#
# ## Exercise 4.4: a refusal leaves nothing behind
#
# `create_user` promises to roll back and to leave the session usable. It raises `EmailTakenError` for a used address, and `IntegrityError`
# for a role that does not exist. Test both, and after each one use the session again.

# %% refusals tags=["exercise"] exercise="4.4"
import pytest
from sqlalchemy.exc import IntegrityError
from users_api.users import EmailTakenError, create_user, list_users

ADA = {"name": "Ada", "email": "ada@example.org", "password": "correct horse battery"}


@pytest.mark.parametrize(
    ("wrong", "error"),
    [({"name": "Eve"}, EmailTakenError), ({"email": "eve@example.org", "role": "boss"}, IntegrityError)],
    ids=["used address", "unknown role"],
)
def test_who_was_refused_has_changed_nothing(db_session, wrong, error):
    """A refusal is told for what it is, and the session goes on."""
    create_user(db_session, **ADA)
    # BEGIN SOLUTION: expect the error from create_user(db_session, **ADA | wrong), then count the users
    with pytest.raises(error):
        create_user(db_session, **ADA | wrong)
    assert list_users(db_session)[1] == 1
    # END SOLUTION

# %% [markdown]
# ## How fast is it?
#
# Don't believe, measure. An engine, the tables, a user, and gone: 30 times in memory, and 30 times in a file.

# %% measure
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter


def one_test(url):
    started, engine = perf_counter(), create_engine(url)
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        create_user(session, name="Ada", email="ada@example.org", password="correct horse battery")
    engine.dispose()
    return 1000 * (perf_counter() - started)


with TemporaryDirectory() as folder:
    urls = {"in a file": f"sqlite:///{Path(folder).as_posix()}/{{}}.db", "in memory": "sqlite://"}
    times = {name: [one_test(url.format(number)) for number in range(30)] for name, url in urls.items()}

# %% plot
from statistics import median

import matplotlib.pyplot as plt

figure, axes = plt.subplots(figsize=(8, 1.8), layout="constrained")
for row, (name, values) in enumerate(times.items()):
    axes.plot(values, [row] * len(values), "o", alpha=0.35)
    axes.plot(median(values), row, "k|", markersize=22)
    axes.annotate(f"{median(values):.1f} ms", (median(values), row + 0.28), ha="center")
axes.set(yticks=range(len(times)), yticklabels=times, ylim=(-0.5, 1.7), xlim=(0, None))
axes.set_xlabel("milliseconds for a fresh database and one user, on this machine")
plt.show()

# %% [markdown]
# A thousand such tests take seconds. That is why people love SQLite in memory. Now see what you pay for it.
#
# ## What is lost
#
# Production runs on PostgreSQL. Here is what PostgreSQL 16 answers to five small questions (in lesson 05 you will ask it yourself):

# %% real_answers
on_postgresql = {
    "SELECT 'Ada' LIKE 'ada'": "false",
    "SELECT lower('ÉMILE')": "émile",
    "SELECT CAST('many' AS INTEGER)": '*invalid input syntax for type integer: "many"*',
    "SELECT CAST('Ada Lovelace' AS VARCHAR(3))": "Ada",
    "SELECT split_part('ada@example.org', '@', 2)": "example.org",
}

# %% [markdown]
# And here is SQLite, asked now:

# %% fidelity
from IPython.display import Markdown
from sqlalchemy import text


def ask(sql):
    try:
        with create_engine("sqlite://").connect() as connection:
            return connection.scalar(text(sql))
    except Exception as error:
        return f"*{error.orig}*"


rows = [f"| `{sql}` | {ask(sql)} | {real} |" for sql, real in on_postgresql.items()]
Markdown("\n".join(["| SQL | SQLite | PostgreSQL |", "|---|---|---|", *rows]))

# %% [markdown]
# `LIKE` ignores case, but only of ASCII letters. Types are suggestions. Lengths are ignored. PostgreSQL's functions are missing, and you
# cannot make your own: SQLite has no `CREATE FUNCTION`, so a stored function is never tested here.
#
# Constraints are kept, with one exception. Who logs in here?

# %% foreign_keys tags=["nbval-check-output"]
from users_api.models import Login

with Session(engine) as session:
    session.add(Login(user_id=12345))
    session.commit()
    print("user 12345 logged in, and there are", list_users(session)[1], "users")
# OUTPUT:
# user 12345 logged in, and there are 0 users

# %% [markdown]
# SQLite checks foreign keys only on a connection that was told `PRAGMA foreign_keys = ON`. (`users_api.database.build_engine` does, by an
# event listener, and uses `StaticPool`: in a project that offers such a function your fixture calls it.)
#
# And concurrency? `users_api` locks a row before it changes it. Compile that query for both databases:

# %% locks tags=["nbval-check-output"]
from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

query = select(User.id).with_for_update()
for database in (postgresql, sqlite):
    print(" ".join(str(query.compile(dialect=database.dialect())).split()))
# OUTPUT:
# SELECT users.id FROM users FOR UPDATE
# SELECT users.id FROM users

# %% [markdown]
# The lock is dropped without a word. With one connection there is nobody to wait for, and no race that a test could lose.
#
# ## Exercise 4.5: the bug that gets away
#
# Test the search: *users whose name or email address contains it, whatever the case of ASCII letters*. Two bugs are in play. You can catch
# one of them. The other one is real, customers see it, and **your best test passes on it here**. It stays on the board, alive.

# %% search tags=["exercise"] exercise="4.5"
import pytest
from users_api.users import create_user, list_users


@pytest.mark.parametrize("search", ["Lovelace", "LOVELACE", "lovelace", "ada@example"])
def test_a_search_looks_in_names_and_addresses_in_any_case(db_session, search):
    """Ada is found by her name and by her address, and Grace is not."""
    create_user(db_session, name="Ada Lovelace", email="ada@example.org", password="correct horse battery")
    create_user(db_session, name="Grace Hopper", email="grace@example.org", password="correct horse battery")
    # BEGIN SOLUTION: search, and assert whose names are found, and the total
    found, total = list_users(db_session, search=search)
    assert [user.name for user in found] == ["Ada Lovelace"]
    assert total == 1
    # END SOLUTION

# %% [markdown]
# Keep this test. In lesson 05 you run it again, unchanged, on real PostgreSQL.
#
# ## When to use it
#
# | your question | in memory? |
# |---|---|
# | Do my models, defaults and simple queries work? | yes: milliseconds, nothing to install |
# | Does my code commit, roll back, and survive an error? | yes, with one session for each test |
# | Do search, types, lengths, time zones and functions behave as in production? | no: ask the real database |
# | What happens when two requests come at once? | no: there is one connection |
#
# A good suite has both: many tests of this kind, and some on the real thing for whatever only the real thing knows.

# %% quiz
course.quiz("04")

# %% [markdown]
# ## Further reading
#
# - SQLAlchemy, *SQLite: Using a Memory Database in Multiple Threads*:
#   <https://docs.sqlalchemy.org/en/20/dialects/sqlite.html#using-a-memory-database-in-multiple-threads>
# - SQLAlchemy, *Session Basics*: <https://docs.sqlalchemy.org/en/20/orm/session_basics.html>
# - SQLite, *In-Memory Databases*: <https://www.sqlite.org/inmemorydb.html>
# - SQLite, *Datatypes*: <https://www.sqlite.org/datatype3.html>, and *Foreign Key Support*: <https://www.sqlite.org/foreignkeys.html>
# - PostgreSQL 16, *Pattern Matching*: <https://www.postgresql.org/docs/16/functions-matching.html>
#
# One bug is waiting for you in the next lesson.

# %% next
course.next()
