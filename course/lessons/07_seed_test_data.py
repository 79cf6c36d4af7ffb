# %% set_up tags=["setup"]
import course

course.begin("07_seed_test_data")

# %% [markdown]
# ## Three people in a file
#
# Who may see what? To test that, you need people first: an admin, and some who are not. Rows that are there before a test begins are called
# **seeds**. Many projects keep them in an SQL file. Here is one, loaded into a schema of its own:

# %% load_file
import os

from sqlalchemy import create_engine, make_url, text
from users_api.database import create_tables

url = make_url(os.environ["DATABASE_URL"]).update_query_dict({"options": "-csearch_path=demo"})
demo = create_engine(url)
with demo.begin() as db:
    db.execute(text("DROP SCHEMA IF EXISTS demo CASCADE; CREATE SCHEMA demo"))
create_tables(demo)
with demo.begin() as db:
    db.execute(text("""INSERT INTO users (id, name, email, role, password_hash) VALUES
        (1, 'Root', 'root@example.org', 'admin', '-'),
        (2, 'Ada', 'ada@example.org', 'user', '-'),
        (3, 'Grace', 'grace@example.org', 'user', '-')"""))

# %% [markdown]
# No error, three rows. Now Alan signs up, and tries again when it fails:

# %% sign_up tags=["nbval-check-output"]
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from users_api.users import create_user

ALAN = {"name": "Alan", "email": "alan@example.org", "password": "correct horse battery"}
with Session(demo) as session:
    for attempt in range(1, 5):
        try:
            alan = create_user(session, **ALAN)
            print(f"attempt {attempt}: Alan has id {alan.id}")
        except IntegrityError as error:
            print(f"attempt {attempt}: {error.orig.diag.message_detail}")
# OUTPUT:
# attempt 1: Key (id)=(1) already exists.
# attempt 2: Key (id)=(2) already exists.
# attempt 3: Key (id)=(3) already exists.
# attempt 4: Alan has id 4

# %% [markdown]
# PostgreSQL counts ids itself, but only for rows that come without one. The file wrote its ids by hand, so the counter still stood at 1, and each
# attempt moved it on. In a test suite this looks like bad luck: red, red, red, green.
#
# First rule: **a seed never writes an id.** Take that column out of the file. Is it good now?
#
# ## Exercise 7.1: seeds that survive a change
#
# The fixtures below are shorter than those of lesson 06: `engine` works in the database of `DATABASE_URL` itself, and `session` empties the table after
# each test. (There is something wrong with that. You will see it in exercise 7.3.)
#
# `seed_users` is yours. Do it with the file first: put these lines in place of the `raise` line, and run the cell.
#
# ```python
#     session.execute(text("""INSERT INTO users (name, email, role, password_hash) VALUES
#         ('Root', 'root@example.org', 'admin', '-'),
#         ('Ada', 'ada@example.org', 'user', '-'),
#         ('Grace', 'grace@example.org', 'user', '-')"""))
#     session.commit()
# ```
#
# Then complete the test below it. Two bugs are in play, both in `create_user`: one makes everybody an admin, one forgets to commit. The board also runs your
# test on right programs, which differ from this one in things that nobody promised.
#
# **Predict.** You seed with the file. Which of the two bugs will the board catch?

# %% seeds tags=["conftest"] exercise="7.1"
import os

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.orm import Session
from users_api.database import build_engine, create_tables, get_db
from users_api.main import app
from users_api.users import create_user

PASSWORD = "correct horse battery"


@pytest.fixture(scope="session")
def engine():
    engine = build_engine(os.environ["DATABASE_URL"])
    create_tables(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def session(engine):
    with Session(engine, expire_on_commit=False) as session:
        yield session
        session.rollback()
        session.execute(text("DELETE FROM users"))
        session.commit()


@pytest.fixture
def client(engine):
    def get_test_db():
        with Session(engine) as session:
            yield session

    app.dependency_overrides[get_db] = get_test_db
    yield TestClient(app, raise_server_exceptions=False)
    app.dependency_overrides.clear()


@pytest.fixture
def seed_users(session):
    """One admin and two users, by name."""
    # BEGIN SOLUTION: put Root, Ada and Grace into the database
    admin = {"password": PASSWORD, "role": "admin"}
    return {
        "root": create_user(session, name="Root", email="root@example.org", **admin),
        "ada": create_user(session, name="Ada", email="ada@example.org", password=PASSWORD),
        "grace": create_user(session, name="Grace", email="grace@example.org", password=PASSWORD),
    }
    # END SOLUTION

# %% finds_the_seeds tags=["exercise"] exercise="7.1"
def test_the_seeded_users_are_there(client, seed_users):
    """One admin and two users, known by their addresses."""
    # BEGIN SOLUTION: GET /users, and compare {email: role} of its items with the three that you seeded
    items = client.get("/users").json()["items"]
    roles = {"root@example.org": "admin", "ada@example.org": "user", "grace@example.org": "user"}
    assert {user["email"]: user["role"] for user in items} == roles
    # END SOLUTION

# %% [markdown]
# With the file it catches neither: a file writes *past* `create_user`, so nothing of it is tested. And it raises a **false alarm**: one of the right programs
# has a column more, a nickname, and there the file breaks. So does every file of a project, whenever somebody adds such a column.
#
# Now let the program write its own rows: a **programmatic seed**. Go back to `seed_users` and call `create_user(session, name=…, email=…, password=PASSWORD)`
# three times. Root gets `role="admin"` as well; say nothing of the others, for who signs up is a user. Return the three by name, as
# `{"root": …, "ada": …, "grace": …}`, and run both cells again. The program with the nickname doesn't trouble you any more: its own `create_user` knows it.
#
# | | SQL file | programmatic seed |
# |---|---|---|
# | a column is added | each file breaks | the program fills it in |
# | a password | a hash that somebody copied, or `-` | a real one: people can log in |
# | what else is tested | nothing | `create_user` |
# | a million rows | seconds | too slow: here a file is right |
#
# ## Who is first?
#
# The admin list shows all users. Look at it while people arrive, one after the other:

# %% who_is_first
from users_api.users import list_with_logins

with demo.begin() as db:
    db.execute(text("TRUNCATE users RESTART IDENTITY CASCADE"))
with Session(demo) as session:
    for name in ("Root", "Ada", "Grace", "Alan", "Barbara"):
        create_user(session, name=name, email=f"{name}@example.org", password="correct horse battery")
        print([user.name for user, last_login_at in list_with_logins(session)])

# %% [markdown]
# Root came first, and does not stay first. That is no bug. The contract says: *Left open: its order*. The query asks for none, and PostgreSQL
# answers in whatever order is quickest. A test that takes `rows[0]` for Root, or id 1, is right by luck.
#
# Second rule: **find a row by what it is.** A dictionary does that: `by_email = {row["email"]: row for row in rows}`.
#
# ## Exercise 7.2: exactly the seeded users
#
# Only an admin sees this list. Root logs in by `POST /login`, a form (`data=`, not `json=`), and gets a **bearer token**: a signed text, and whoever
# bears it is let in. It goes along with each request, in a header. `log_in` below does that.
#
# Three bugs are in play. One list lacks people who never logged in; one shows people twice who logged in twice; one gives everybody the same `last_login_at`.
#
# **Predict.** First compare sets: `{row["email"] for row in rows} == {…}`. Which one of the three will that catch?

# %% exactly_the_seeds tags=["exercise"] exercise="7.2"
PASSWORD = "correct horse battery"


def log_in(client, email):
    answer = client.post("/login", data={"username": email, "password": PASSWORD})
    assert answer.status_code == 200
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def test_the_admin_list_holds_exactly_the_seeded_users(client, seed_users):
    """Each of the three stands there once, and only Root has logged in."""
    log_in(client, "root@example.org")
    headers = log_in(client, "root@example.org")  # once yesterday, once today
    # BEGIN SOLUTION: GET /admin/users with headers=headers; compare the addresses, then look at last_login_at
    rows = client.get("/admin/users", headers=headers).json()
    seeded = ["ada@example.org", "grace@example.org", "root@example.org"]
    assert sorted(row["email"] for row in rows) == seeded
    by_email = {row["email"]: row for row in rows}
    assert by_email["root@example.org"]["last_login_at"] is not None
    assert by_email["ada@example.org"]["last_login_at"] is None
    # END SOLUTION

# %% [markdown]
# A set forgets how often something is there. Two sorted lists forget only the order, and that is all that the contract leaves open.
#
# ## Exercise 7.3: rows of somebody else
#
# *Exactly* was easy: the database was yours alone, and empty. Now Carl, a colleague, works on the same server, with the same tables:

# %% colleague
from users_api.database import engine as shared  # on the database in DATABASE_URL
from users_api.users import find_by_email

create_tables(shared)
with Session(shared) as session:
    if find_by_email(session, "carl@example.org"):
        print("Carl is still there.")
    else:
        create_user(session, name="Carl", email="carl@example.org", password="correct horse battery")
        print("Carl was not there. He has just signed up.")

# %% [markdown]
# `engine` is yours. First put the one of exercise 7.1 in, and complete the test: Root makes Ada an admin, and afterwards the admin list holds exactly three
# people, each in the right role. The other fixtures you know. New is `as_user`: it makes the header that a login would give.
#
# ```python
#     engine = build_engine(os.environ["DATABASE_URL"])
#     create_tables(engine)
#     yield engine
#     engine.dispose()
# ```
#
# **Predict.** You run the test twice, and then Carl's cell again. What will you see the first time, what the second time, and what of Carl?

# %% own_schema tags=["conftest"] exercise="7.3"
import os
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import make_url, text
from sqlalchemy.orm import Session
from users_api.database import build_engine, create_tables, get_db
from users_api.main import app
from users_api.tokens import create_token
from users_api.users import create_user

PASSWORD = "correct horse battery"


@pytest.fixture(scope="session")
def engine():
    """An engine that sees our own tables, and no others."""
    # BEGIN SOLUTION: make the engine and the tables, yield the engine, leave nothing behind
    schema = f"tests_{uuid4().hex}"
    url = make_url(os.environ["DATABASE_URL"]).update_query_dict({"options": f"-csearch_path={schema}"})
    engine = build_engine(url.render_as_string(hide_password=False))
    with engine.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    create_tables(engine)
    yield engine
    with engine.begin() as connection:
        connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    engine.dispose()
    # END SOLUTION


@pytest.fixture
def session(engine):
    with Session(engine, expire_on_commit=False) as session:
        yield session
        session.rollback()
        session.execute(text("DELETE FROM users"))
        session.commit()


@pytest.fixture
def client(engine):
    def get_test_db():
        with Session(engine) as session:
            yield session

    app.dependency_overrides[get_db] = get_test_db
    yield TestClient(app, raise_server_exceptions=False)
    app.dependency_overrides.clear()


@pytest.fixture
def seed_users(session):
    """One admin and two users, by name."""
    roles = {"root": {"role": "admin"}, "ada": {}, "grace": {}}
    for name, role in roles.items():
        role |= {"name": name.title(), "email": f"{name}@example.org", "password": PASSWORD}
    return {name: create_user(session, **fields) for name, fields in roles.items()}


@pytest.fixture
def as_user():
    """The headers of somebody who has logged in, now or at another time."""

    def headers(user, issued_at=None):
        return {"Authorization": f"Bearer {create_token(user.id, issued_at)}"}

    return headers

# %% one_more_admin tags=["exercise"] exercise="7.3"
def test_one_user_is_made_an_admin_and_nobody_else(client, seed_users, as_user):
    """Root and Ada are admins, Grace is not, and there is nobody else."""
    root, ada = seed_users["root"], seed_users["ada"]
    # BEGIN SOLUTION: PATCH /admin/users/{ada.id} as Root, then compare {email: role} of the admin list
    answer = client.patch(f"/admin/users/{ada.id}", json={"role": "admin"}, headers=as_user(root))
    assert answer.status_code == 200
    rows = client.get("/admin/users", headers=as_user(root)).json()
    roles = {"root@example.org": "admin", "ada@example.org": "admin", "grace@example.org": "user"}
    assert {row["email"]: row["role"] for row in rows} == roles
    # END SOLUTION

# %% [markdown]
# With the engine of 7.1: red the first time, because Carl is in your list. Green the second time, because the fixture `session` says `DELETE FROM users`, and
# **Carl is gone**. It isn't solved, either. The board has a new row: your suite in a database **with ids from 1000 and other rows present**. (Some people mend
# this by emptying the table *before* each test. Then everything is green, and Carl is gone sooner.)
#
# Third rule: **don't meet what is not yours.** Give the tests a schema of their own, as in lesson 06, and with a name that is drawn (`uuid4().hex`), so that two
# runs on one server don't meet, either. Make it, make the tables in it, `yield`, and drop it. Now *exactly* is true again, `DELETE` meets your own rows alone, and
# Carl stays. Look: run his cell again.
#
# ## Exercise 7.4: who may come in
#
# Two refusals that people mix up. **401** asks *who are you?* Log in, and try again. **403** says *I know who you are, and you may not*: logging in again
# won't help. One test for each line; the first is begun.
#
# 1. Without a token, and with the token `nonsense`: 401.
# 2. With Ada's token: 403, for `GET /admin/users` and for `PATCH /admin/users/{id}` alike.
# 3. A token is good for 30 minutes. With one that was issued 29 minutes ago, `as_user(root, issued_at)`, Root comes in: 200. With one of 31 minutes ago: 401.
# 4. With the token of a user who was deleted meanwhile: 401.

# %% who_may_come_in tags=["exercise"] exercise="7.4"
from datetime import UTC, datetime, timedelta

import pytest


NONSENSE = {"Authorization": "Bearer nonsense"}


@pytest.mark.parametrize("headers", [{}, NONSENSE], ids=["no token", "nonsense"])
def test_who_is_unknown_is_answered_with_401(client, seed_users, headers):
    # BEGIN SOLUTION: GET /admin/users with these headers, assert 401; then a test for each of the lines 2 to 4
    assert client.get("/admin/users", headers=headers).status_code == 401


def test_a_user_who_is_no_admin_is_answered_with_403(client, seed_users, as_user):
    ada = seed_users["ada"]
    assert client.get("/admin/users", headers=as_user(ada)).status_code == 403
    answer = client.patch(f"/admin/users/{ada.id}", json={"role": "admin"}, headers=as_user(ada))
    assert answer.status_code == 403


@pytest.mark.parametrize(("minutes", "status"), [(29, 200), (31, 401)])
def test_a_token_is_good_for_half_an_hour(client, seed_users, as_user, minutes, status):
    headers = as_user(seed_users["root"], datetime.now(UTC) - timedelta(minutes=minutes))
    assert client.get("/admin/users", headers=headers).status_code == status


def test_the_token_of_a_deleted_user_is_answered_with_401(client, seed_users, as_user):
    ada = seed_users["ada"]
    client.delete(f"/users/{ada.id}")
    assert client.get("/admin/users", headers=as_user(ada)).status_code == 401
    # END SOLUTION

# %% [markdown]
# ## Exercise 7.5: a crowd
#
# Three people are quickly written down. But a page of `GET /users` holds 20, so its test needs more, and nobody wants to make up 25 names. A **builder** is a
# function that returns somebody valid; a test says only what matters to it: `build_user(name="Barbara 100% Liskov")`.
#
# Write `build_user`: defaults for `name`, `email` and `password_hash` (`"-"` will do, nobody logs in), and over them the `fields` that the test gives. Each
# address must be another one: `next(numbers)` counts. The last test holds your builder to its word. Then write two tests above that one:
#
# 1. 25 users fill two pages, of 20 and 5 (`params={"offset": 20}`), without a gap, oldest first, and the `total` is 25.
# 2. There are others, and a search for `100%` finds Barbara alone; so does a search for a part of her address.

# %% crowd tags=["exercise"] exercise="7.5"
from itertools import count

import pytest
from users_api.models import User

numbers = count(1)


def build_user(**fields):
    """A valid user: defaults for all that the test does not say."""
    # BEGIN SOLUTION: return a User with defaults and an address of their own; then write tests 1 and 2
    number = next(numbers)
    defaults = {"name": f"User {number}", "email": f"user{number}@example.org", "password_hash": "-"}
    return User(**defaults | fields)


def test_pages_follow_each_other(client, session):
    crowd = [build_user() for _ in range(25)]
    session.add_all(crowd)
    session.commit()
    first, second = (client.get("/users", params={"offset": offset}).json() for offset in (0, 20))
    assert (len(first["items"]), first["total"]) == (20, 25)
    assert [user["name"] for user in first["items"] + second["items"]] == [user.name for user in crowd]


@pytest.mark.parametrize("search", ["100%", "barbara@"])
def test_a_search_finds_her_alone(client, session, search):
    barbara = build_user(name="Barbara 100% Liskov", email="barbara@example.org")
    session.add_all([build_user(name="100 years old"), barbara, build_user()])
    session.commit()
    found = client.get("/users", params={"search": search}).json()
    assert ([user["name"] for user in found["items"]], found["total"]) == (["Barbara 100% Liskov"], 1)
    # END SOLUTION


def test_builders_do_not_get_in_each_others_way(session):
    session.add_all([build_user(), build_user(role="admin"), build_user(name="Alan")])
    session.commit()
    assert session.query(User).count() == 3

# %% [markdown]
# `create_user` or a builder? Where somebody logs in, or where the rules of the program matter, `create_user`. A builder writes past the program, as the file
# did. But it goes through the *model*: a new column comes along by itself.
#
# ## A library that builds
#
# With twenty models you don't want to write twenty builders. **polyfactory** reads a model and makes up a value for each column. (In many projects you will meet
# `factory_boy`, which is older and does the same.) Two lines, then:

# %% any_values
from polyfactory.factories.sqlalchemy_factory import SQLAlchemyFactory
from users_api.models import User


class UserFactory(SQLAlchemyFactory[User]):
    pass


somebody = UserFactory.build()
for column in ("id", "name", "email", "role"):
    print(f"{column:<6}", str(getattr(somebody, column))[:60])
with Session(demo) as session:
    try:
        session.add(somebody)
        session.flush()
    except IntegrityError as error:
        print(error.orig.diag.message_primary)

# %% [markdown]
# It knows that a name is text of at most 100 characters. It does not know what an address looks like, nor that there are two roles, and the database refuses the
# row. It also writes an id, against the first rule. Tell it what *valid* means, once:

# %% factory
from polyfactory import Ignore


class UserFactory(SQLAlchemyFactory[User]):
    __set_primary_key__ = False  # the database counts
    role = "user"
    created_at = Ignore()  # the database's default

    @classmethod
    def name(cls):
        return cls.__faker__.name()

    @classmethod
    def email(cls):
        return cls.__faker__.unique.email()


print([f"{user.name} <{user.email}>" for user in UserFactory.batch(3)])

# %% [markdown]
# Names as in real life. Good? Test the search: 25 such users, and Ada. How many does a search for `ada` find? It must be one. Thirty runs:

# %% luck
from users_api.users import list_users

totals, others = [], set()
for _ in range(30):
    with Session(demo) as session:
        session.query(User).delete()
        session.add_all([*UserFactory.batch(25), UserFactory.build(name="Ada", email="ada@example.org")])
        found, total = list_users(session, search="ada")
        totals.append(total)
        others |= {f"{user.name} <{user.email}>" for user in found if user.name != "Ada"}
print("Others that were found:", *list(others)[:4], sep="\n")

# %% plot
import matplotlib.pyplot as plt

figure, axes = plt.subplots(figsize=(8, 1.9), layout="constrained")
axes.bar(range(1, 31), totals, color=["#1a7f4b" if total == 1 else "#c0392b" for total in totals])
axes.axhline(1, color="gray", linewidth=1, linestyle="--")
axes.set(xlabel="run", ylabel="users found by ada", xlim=(0, 31), yticks=range(max(totals) + 1))
axes.set_title(f"{sum(total > 1 for total in totals)} of 30 runs would be red", fontsize=10)
plt.show()

# %% [markdown]
# Adam comes by, and so do the Adamses. Run both cells again: other runs are red. `UserFactory.seed_random(7)` would draw the same people each time. That helps
# to see a failure again, and it is still luck. So let a factory draw only what *cannot* matter. What the test asks for, write down; and see to it that nothing
# drawn can look like it. The builder of 7.5 counts: `User 7` is never taken for Ada.
#
# ## What the bugs have in common
#
# Look over your five boards. With one user in the database you would see hardly any of these bugs. They show on the *others*: on somebody who never logged in,
# who is no admin, who has left, who stands on the second page, whose role nobody touched. So for each promise ask: **who must be there so that it could be
# broken?** Let the program seed them, find them by what they are, and keep them out of other people's tables.
#
# ## Further reading
#
# - polyfactory, *SQLAlchemyFactory*: <https://polyfactory.litestar.dev/latest/usage/library_factories/sqlalchemy_factory.html>
# - pytest, *Factories as fixtures*: <https://docs.pytest.org/en/stable/how-to/fixtures.html#factories-as-fixtures>
# - PostgreSQL 16, *Sequence Manipulation Functions*: <https://www.postgresql.org/docs/16/functions-sequence.html>
# - PostgreSQL 16, *Schemas*, on the search path: <https://www.postgresql.org/docs/16/ddl-schemas.html>
# - FastAPI, *OAuth2 with Password and Bearer with JWT tokens*: <https://fastapi.tiangolo.com/tutorial/security/oauth2-jwt/>
# - RFC 9110, *HTTP Semantics*, section 15.5 on 401 and 403: <https://www.rfc-editor.org/rfc/rfc9110#section-15.5>
#
# What one test leaves behind, the next one finds.

# %% quiz
course.quiz("07")

# %% next
course.next()
