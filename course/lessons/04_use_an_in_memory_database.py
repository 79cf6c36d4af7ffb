# %% set_up tags=["setup"]
import course

course.begin("04_use_an_in_memory_database")

# %% [markdown]
# ## A database that costs nothing
#
# `sqlite://` is a whole SQL database inside your Python process: no server, no file, no clean-up. It lives as long as its
# connection.
#
# SQLAlchemy is an **ORM**: it shows you the rows of tables as objects, and writes the SQL. Two words of it first. An **engine** knows where a
# database is, and opens connections to it. A **session** collects what you change and sends it to the database, in a **transaction**: a
# *commit* keeps all of it, a *rollback* none of it. Make both, create the tables of `users_api`, add a user:

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
# Web frameworks run your code in threads. Ask the same engine here, and then from a thread.
#
# **Predict.** One user was added. How many does the thread see?

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
# Neither one nor none: your table is not there. SQLAlchemy opens one connection for each thread, and in memory **a connection is the
# database**. The thread got a new, empty one.
#
# The cure has two halves. `StaticPool` hands the same connection to everybody. And `check_same_thread=False` allows that: Python's `sqlite3`
# otherwise keeps a connection in the thread that opened it. Remember the pair: one without the other fails.
#
# ## Second trap: one connection, one transaction
#
# A shared connection has a price. Add a user in one session, and only **flush**: the row is sent to the database, and not committed.
# Then look from a second session, and commit.
#
# **Predict.** How many users does the second session see? And how many are there after the commit?

# %% one_transaction tags=["nbval-check-output"]
from sqlalchemy.pool import StaticPool

engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
Base.metadata.create_all(engine)
first = Session(engine)
first.add(User(name="Grace", email="grace@example.org", password_hash="-"))
first.flush()
print("the second session sees", count_users(engine))
first.commit()
print("after the commit there are", count_users(engine))
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
# Two cells are yours. First write the fixture. Its lines stand in the cells above: the engine with both arguments, the tables, a session in a
# `with`; then `yield` it, and `engine.dispose()` afterwards, which closes the connections. Each test then has an empty database of its own.
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

ADA = {"name": "Ada", "email": "ada@example.org", "password": "correct horse battery"}


def test_a_new_user_can_be_read_back(db_session):
    """What create_user saved is still there after a rollback."""
    user_id = create_user(db_session, **ADA).id
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
# The contract of `users_api`: *No two users share an email address, and case makes no difference.* A unique index **in the database** keeps
# it, a list of all addresses that takes none twice. So no test without a database can see it break. Three bugs break it.
#
# **Predict.** You will first write the test with `"ada@example.org"` alone, and run it. How many of the three will it catch?

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
# The table `users` has a CHECK constraint, a rule that the database holds each row to: two roles are allowed. Commit a third, then ask the
# session for something harmless:

# %% broken_session tags=["nbval-check-output"]
from sqlalchemy.exc import IntegrityError, PendingRollbackError

session = Session(engine)
session.add(User(name="Eve", email="eve@example.org", password_hash="-", role="boss"))
try:
    session.commit()
except IntegrityError as error:
    print("first: ", error.orig)
try:
    list_users(session)
except PendingRollbackError as error:
    print("second:", type(error).__name__)
session.rollback()
print("after a rollback:", list_users(session))
# OUTPUT:
# first:  CHECK constraint failed: users_role_check
# second: PendingRollbackError
# after a rollback: ([], 0)

# %% [markdown]
# After an error a session refuses *everything* until it is rolled back. In a web application the next innocent query gets the blame.
#
# ## Exercise 4.4: a refusal leaves nothing behind
#
# `create_user` promises to roll back and to leave the session usable. It raises `EmailTakenError` for a used address, and `IntegrityError`
# for a role that does not exist. Test both, and after each one use the session again.
#
# One test is enough for both: `parametrize` runs it once with each pair of `wrong` and `error`, and `ids` gives the two runs their names.
# `ADA | wrong` is Ada's dictionary with the wrong fields on top.

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
# Don't believe, measure: an engine, the tables, a user, and gone. 30 times in memory, and 30 times in a file. (`lambda: …` is a function without
# a name: `course.measure` calls it 30 times.)

# %% measure
from tempfile import TemporaryDirectory
from uuid import uuid4


def one_test(url):
    engine = create_engine(url)
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        create_user(session, name="Ada", email="ada@example.org", password="correct horse battery")
    engine.dispose()


folder = TemporaryDirectory()
ways = {
    "in memory": lambda: one_test("sqlite://"),
    "in a file": lambda: one_test(f"sqlite:///{folder.name}/{uuid4()}.db"),
}
course.measure(ways, what="A fresh database and one user, on this machine")

# %% [markdown]
# Each dot is one run. A thousand such tests take seconds: that is why people love SQLite in memory. Now see what you pay for it.
#
# ## What is lost
#
# Production runs on PostgreSQL. Here is what PostgreSQL 16 answers to four small questions:
#
# | question | PostgreSQL |
# |---|---|
# | `'Ada' LIKE 'ada'` | false |
# | `lower('ÉMILE')` | émile |
# | `CAST('many' AS INTEGER)` | an error: invalid input syntax |
# | `CAST('Ada Lovelace' AS VARCHAR(3))` | Ada |
#
# **Predict.** How many of the four does SQLite answer in the same way?

# %% fidelity tags=["nbval-check-output"]
from sqlalchemy import text

questions = ["'Ada' LIKE 'ada'", "lower('ÉMILE')"]
questions += ["CAST('many' AS INTEGER)", "CAST('Ada Lovelace' AS VARCHAR(3))"]
with Session(engine) as session:
    for question in questions:
        print(f"{question:<36}", session.scalar(text(f"SELECT {question}")))
# OUTPUT:
# 'Ada' LIKE 'ada'                     1
# lower('ÉMILE')                       Émile
# CAST('many' AS INTEGER)              0
# CAST('Ada Lovelace' AS VARCHAR(3))   Ada Lovelace

# %% [markdown]
# None. `LIKE` ignores case, but only of ASCII letters, and so does `lower`. Types are suggestions. Lengths are ignored. And there is no
# `CREATE FUNCTION`: a stored function, code that lives in the database, is never tested here.
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
# SQLite checks **foreign keys**, columns that point to a row of another table, only on a connection that was told `PRAGMA foreign_keys = ON`.
# (`users_api.database.build_engine` tells each new connection, and uses `StaticPool`: in a project that offers such a function your fixture calls it.)
#
# And two at once? PostgreSQL can lock a row while you change it (`FOR UPDATE`), and `users_api` asks for that. For SQLite, SQLAlchemy leaves
# the lock out without a word. With one connection there is nobody to wait for, and nobody who could come first.
#
# ## Exercise 4.5: the bug that gets away
#
# Test the search: *users whose name or email address contains it, whatever the case of ASCII letters*. Two bugs are in play. You can catch
# one of them. The other one is real, customers see it, and **your best test passes on it here**. It stays on the board, alive.
#
# **Predict.** One bug looks in names only. The other one minds the case. Which one gets away, and which line above told you so?

# %% search tags=["exercise"] exercise="4.5"
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
