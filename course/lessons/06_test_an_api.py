# %% set_up tags=["setup"]
import course

course.begin("06_test_an_api")

# %% [markdown]
# ## Whose database is it?
#
# FastAPI's `TestClient` calls an application without a network: your request goes in, its response comes out. Ask `users_api` for somebody:

# %% without_override tags=["nbval-check-output"]
from fastapi.testclient import TestClient
from sqlalchemy.exc import ProgrammingError
from users_api.main import app

try:
    TestClient(app).get("/users/1")
except ProgrammingError as error:
    print(str(error.orig).splitlines()[0])
# OUTPUT:
# relation "users" does not exist

# %% [markdown]
# The application went to *its own* database, the one in its settings. Here that is an empty one. On your laptop it is the one you work with,
# and with a wrong variable it is the one your customers work with.
#
# So a test needs a database of its own. Let us make one, as a **schema** beside the application's: the same server, other tables.

# %% own_schema
import os

from sqlalchemy import create_engine, make_url, text
from users_api.database import create_tables

url = make_url(os.environ["DATABASE_URL"]).update_query_dict({"options": "-csearch_path=demo"})
demo = create_engine(url)
with demo.begin() as db:
    db.execute(text("DROP SCHEMA IF EXISTS demo CASCADE; CREATE SCHEMA demo"))
create_tables(demo)

# %% [markdown]
# How does the application get there? Each of its routes asks FastAPI for a session, by the dependency `get_db`. A test may put something
# else in its place:

# %% override tags=["nbval-check-output"]
from sqlalchemy.orm import Session
from users_api.database import get_db


def get_demo_db():
    with Session(demo) as session:
        yield session


app.dependency_overrides[get_db] = get_demo_db
answer = TestClient(app).get("/users/1")
print(answer.status_code, answer.json())
# OUTPUT:
# 404 {'detail': 'User not found'}

# %% [markdown]
# Not one line of the application changed. Note that the new dependency opens **a new session for each request**, as the real one does. Hand
# out one session for all requests, and you never notice that nobody committed.
#
# ## A short life in seven requests
#
# The status says how it went, the body says what. Ada signs up, and signs up again. Eve signs up without a password. Then Ada is read, changed,
# deleted, and read once more. At the end the override is taken away.
#
# **Predict.** Write down the seven statuses before you run it.

# %% seven_requests
app.dependency_overrides[get_db] = get_demo_db
ada = {"name": "Ada", "email": "ada@example.org", "password": "correct horse battery"}
client = TestClient(app)
first = client.post("/users", json=ada)
path = f"/users/{first.json()['id']}"
print("POST  ", first.status_code, first.json())
requests = [("POST", "/users", ada), ("POST", "/users", {"name": "Eve"}), ("GET", path, None)]
requests += [("PATCH", path, {"name": "Countess"}), ("DELETE", path, None), ("GET", path, None)]
for method, where, body in requests:
    answer = client.request(method, where, json=body)
    print(f"{method:<6}", answer.status_code, answer.text[:90])
app.dependency_overrides.clear()

# %% [markdown]
# | status | means | who is to act |
# |---|---|---|
# | 200, 201, 204 | done; created; done, and there is no body | nobody |
# | 400, 422 | refused: against a rule; not even well-formed | the caller |
# | 404 | nobody has this id | the caller |
# | 500 | the program broke | us |
#
# A `TestClient` raises what the application raised, as you saw at the start. With `raise_server_exceptions=False` it answers 500, as real
# clients see it, and your assertion tells what it expected instead.
#
# ## Exercise 6.1: a user is created
#
# From now on a fixture puts the override there, for each test anew:
#
# - `engine` makes the tests' own schema, once.
# - `tables` is `autouse`: every test gets empty tables before it (**set-up**), and they are dropped after it (**tear-down**), asked or not.
# - `client` is yours: the override, a `TestClient(app, raise_server_exceptions=False)` to `yield`, and the override gone again.
#
# Then the test, in the cell below it. The answer to a creation is a promise. Only **another request** shows whether it was kept.
#
# **Predict.** One of its two bugs answers 201 and never commits. Which of your assertions will fail on it?

# %% api_client tags=["conftest"] exercise="6.1"
import os

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.orm import Session
from users_api.database import create_tables, get_db
from users_api.main import app
from users_api.models import Base


@pytest.fixture(scope="session")
def engine():
    url = make_url(os.environ["DATABASE_URL"]).update_query_dict({"options": "-csearch_path=tests"})
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA IF EXISTS tests CASCADE; CREATE SCHEMA tests"))
    yield engine
    engine.dispose()


@pytest.fixture(autouse=True)
def tables(engine):
    create_tables(engine)
    yield
    Base.metadata.drop_all(engine)


@pytest.fixture
def client(engine):
    # BEGIN SOLUTION: override get_db with sessions on `engine`, yield a TestClient, clear the overrides
    def get_test_db():
        with Session(engine) as session:
            yield session

    app.dependency_overrides[get_db] = get_test_db
    yield TestClient(app, raise_server_exceptions=False)
    app.dependency_overrides.clear()
    # END SOLUTION

# %% creates_a_user tags=["exercise"] exercise="6.1"
ADA = {"name": "Ada Lovelace", "email": "ada@example.org", "password": "correct horse battery"}


def test_a_user_is_created(client):
    """201 and the user, who is still there in the next request."""
    answer = client.post("/users", json=ADA)
    # BEGIN SOLUTION: assert the status and the name; then GET the user by the id of the answer, and compare
    assert answer.status_code == 201
    user = answer.json()
    assert user["name"] == "Ada Lovelace"
    assert client.get(f"/users/{user['id']}").json() == user
    # END SOLUTION

# %% [markdown]
# ## Exercise 6.2: a missing user is not found
#
# The contract: 404, and `detail` is `User not found`. Why the text as well? FastAPI answers 404 to any path that does not exist, with
# `Not Found`. A typing error in your test would be green.
#
# Which id does nobody have? Not simply 999: ids may start at 1000.
#
# **Predict.** Three bugs. How many of them would a test catch that asserts the status alone?

# %% finds_nobody tags=["exercise"] exercise="6.2"
ADA = {"name": "Ada Lovelace", "email": "ada@example.org", "password": "correct horse battery"}


def test_a_missing_user_is_not_found(client):
    """404, and it says what was not found."""
    ada = client.post("/users", json=ADA).json()
    # BEGIN SOLUTION: GET an id that nobody has, and assert the status and the whole body
    answer = client.get(f"/users/{ada['id'] + 1}")
    assert answer.status_code == 404
    assert answer.json() == {"detail": "User not found"}
    # END SOLUTION

# %% [markdown]
# ## Exercise 6.3: a duplicate is refused
#
# 400, and `detail` *contains* `already exists`. The rest of the wording is left open: a test that compares the whole sentence fails when
# somebody improves it. And who was refused has changed nothing: count the users.

# %% refuses_a_duplicate tags=["exercise"] exercise="6.3"
import pytest

ADA = {"name": "Ada Lovelace", "email": "ada@example.org", "password": "correct horse battery"}


@pytest.mark.parametrize("email", ["ada@example.org", "Ada@Example.org"])
def test_a_duplicate_is_refused(client, email):
    """An address belongs to one user, however it is spelled."""
    client.post("/users", json=ADA)
    # BEGIN SOLUTION: POST somebody else with `email`; assert the status, the detail, and the total of GET /users
    answer = client.post("/users", json=ADA | {"name": "Somebody else", "email": email})
    assert answer.status_code == 400
    assert "already exists" in answer.json()["detail"]
    assert client.get("/users").json()["total"] == 1
    # END SOLUTION

# %% [markdown]
# Those are the three tests that every API deserves first. Eight bugs get past them. Catch four, and then four more.
#
# ## Exercise 6.4: the shape of an answer
#
# Other programs read your answers. A field too few breaks them, and a field too many can be a leak. From the contract:
#
# - A user has `id`, `name`, `email`, `role`, `created_at`, and **no other field**.
# - `id` is a whole number. `created_at` is ISO 8601 **with a time zone** (`datetime.fromisoformat(…).tzinfo`).
# - `GET /users` answers `{"items": […], "total": n}`, and each item is a user just as they look alone.

# %% has_a_shape tags=["exercise"] exercise="6.4"
from datetime import datetime

ADA = {"name": "Ada Lovelace", "email": "ada@example.org", "password": "correct horse battery"}


def test_an_answer_has_the_fields_and_types_of_the_contract(client):
    user = client.post("/users", json=ADA).json()
    # BEGIN SOLUTION: assert the set of fields, the type of id, the zone of created_at, and the list
    assert set(user) == {"id", "name", "email", "role", "created_at"}
    assert isinstance(user["id"], int)
    assert datetime.fromisoformat(user["created_at"]).tzinfo is not None
    assert client.get("/users").json() == {"items": [user], "total": 1}
    # END SOLUTION

# %% [markdown]
# ## Exercise 6.5: change, delete, refuse
#
# One test for each line. The first is begun; write the others below it.
#
# 1. `PATCH /users/{id}` with a name alone: 200, and everything else is as before.
# 2. `DELETE /users/{id}`: 204 and **no body**. A second time: 404.
# 3. `POST /users` with a name of spaces, or with the password `secret`: 422, and the answer does not repeat the password.

# %% changes_and_refuses tags=["exercise"] exercise="6.5"
import pytest

ADA = {"name": "Ada Lovelace", "email": "ada@example.org", "password": "correct horse battery"}


@pytest.fixture
def ada(client):
    return client.post("/users", json=ADA).json()


def test_a_change_of_the_name_leaves_the_rest(client, ada):
    # BEGIN SOLUTION: PATCH the name, compare status and body; then write a test for line 2 and one for line 3
    answer = client.patch(f"/users/{ada['id']}", json={"name": "Countess"})
    assert (answer.status_code, answer.json()) == (200, ada | {"name": "Countess"})


def test_a_user_is_deleted_once(client, ada):
    answer = client.delete(f"/users/{ada['id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert client.delete(f"/users/{ada['id']}").status_code == 404


@pytest.mark.parametrize("wrong", [{"name": "   "}, {"password": "secret"}])
def test_what_is_wrong_is_refused_and_not_repeated(client, wrong):
    answer = client.post("/users", json=ADA | wrong)
    assert answer.status_code == 422
    assert "secret" not in answer.text
    # END SOLUTION

# %% [markdown]
# ## A real server beside it
#
# A `TestClient` leaves HTTP out. Mostly that is a gain. To see what it hides, run a real server as well: **uvicorn** in a thread, on a port
# that is free.

# %% serve
from contextlib import contextmanager
from threading import Thread
from time import sleep

import uvicorn


@contextmanager
def serve(app):
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical"))  # port 0: any that is free
    thread = Thread(target=server.run)
    thread.start()
    try:
        while thread.is_alive() and not server.started:
            sleep(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()

# %% [markdown]
# Here is a mistake that people make: 204 means *no body*, and this route sends one. Who notices?

# %% strange tags=["nbval-check-output"]
import httpx
from fastapi import FastAPI, Response

strange = FastAPI()


@strange.delete("/it")
def delete_it():
    return Response('{"deleted": true}', status_code=204)


print("in process:", TestClient(strange).delete("/it").content)
with serve(strange) as url:
    print("over HTTP: ", httpx.delete(f"{url}/it").content)
# OUTPUT:
# in process: b'{"deleted": true}'
# over HTTP:  b''

# %% [markdown]
# In process you get a body that no client in the world will ever see. Over HTTP the server refuses to send it, and breaks the connection off.
# Headers, time-outs, proxies, parallel connections: the same holds for all of them.
#
# Both clients have the same methods, so one and the same test can use either. What does the real one cost? 100 requests each:

# %% measure
app.dependency_overrides[get_db] = get_demo_db
with serve(app) as url, httpx.Client(base_url=url) as over_http, TestClient(app) as in_process:
    course.measure(
        {"in process": lambda: in_process.get("/users"), "over HTTP": lambda: over_http.get("/users")},
        times=100,
        what="GET /users, on this machine",
    )
app.dependency_overrides.clear()

# %% [markdown]
# The difference is small, and sometimes HTTP even wins: most of the time goes to the application and its database, and those are real in
# both. So it is not speed that decides. In process a failure shows you the line in the application, and there is no thread to start and no port to wait for. Write nearly
# all API tests that way, and a few over HTTP for what only HTTP knows.

# %% quiz
course.quiz("06")

# %% [markdown]
# ## Further reading
#
# - FastAPI, *Testing*: <https://fastapi.tiangolo.com/tutorial/testing/>
# - FastAPI, *Testing Dependencies with Overrides*: <https://fastapi.tiangolo.com/advanced/testing-dependencies/>
# - Starlette, *Test Client*: <https://www.starlette.io/testclient/>
# - RFC 9110, *HTTP Semantics*, section 15 on status codes: <https://www.rfc-editor.org/rfc/rfc9110#section-15>
# - pytest, *Autouse fixtures*: <https://docs.pytest.org/en/stable/how-to/fixtures.html#autouse-fixtures-fixtures-you-don-t-have-to-request>
#
# Everybody can call these routes. Who may see what? That is for the next lesson.

# %% next
course.next()
