# %% set_up tags=["setup"]
import course

course.begin("03_find_the_boundary")

# %% [markdown]
# ## Two green tests, and a broken program
#
# A shop tells other programs of each new customer. A mail service reads these messages and welcomes people. Two teams, two functions, and a
# test for each. They are green.
#
# Then let the two meet. **NATS** is a message queue: a server that takes messages from one program and hands them to others. One runs here for
# you, and its address is in `NATS_URL`.

# %% two_sides tags=["nbval-check-output"]
import json


def announce(name, email):  # in the shop
    return str({"name": name, "email": email}).encode()


def address_in(message):  # in the mail service
    return json.loads(message)["email"]


assert b"ada@example.org" in announce("Ada", "ada@example.org")
assert address_in(b'{"name": "Ada", "email": "ada@example.org"}') == "ada@example.org"
print("both tests are green")
# OUTPUT:
# both tests are green

# %% they_meet tags=["nbval-check-output"]
import os

import nats

broker = await nats.connect(os.environ["NATS_URL"])
inbox = await broker.subscribe("customers")
await broker.publish("customers", announce("Ada", "ada@example.org"))
message = await inbox.next_msg(timeout=5)
await broker.close()
try:
    print("welcome,", address_in(message.data))
except ValueError as error:
    print(message.data)
    print(error)
# OUTPUT:
# b"{'name': 'Ada', 'email': 'ada@example.org'}"
# Expecting property name enclosed in double quotes: line 1 column 2 (char 1)

# %% [markdown]
# The shop writes Python, with single quotes. The mail service reads JSON, which has double quotes. Nobody is ever welcomed, and all tests
# are green.
#
# Which of the two tests is wrong? Neither. Each one stays on its own side. The bug lives **between** them, at a **boundary**: a place where
# your code hands something to what is not your code, and hopes that it is understood. Four boundaries matter in nearly every program:
#
# | boundary | on the other side | what goes wrong there |
# |---|---|---|
# | database | PostgreSQL | what SQL means, types, what was committed |
# | API | a browser, somebody's script | the status, the names and types of fields |
# | message queue | a program that reads later | the format, the subject, once or twice |
# | file system | whoever opens the file | encoding, line breaks, what is not yet written |
#
# A **unit test** stays on one side. An **integration test** goes through a boundary, to the real thing behind it.
#
# For the first three boundaries you get a fixture: `db_session` talks to PostgreSQL, `client` speaks HTTP with the application, and `receive()`
# returns the messages that arrive at a reader on NATS, as bytes. For the fourth one pytest has `tmp_path`. (Run the cell now, and read it when
# you need it.)

# %% boundaries tags=["conftest"]
import os
from contextlib import contextmanager

import nats
import pytest
from anyio.from_thread import start_blocking_portal
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session
from users_api.database import create_tables, engine
from users_api.main import app
from users_api.models import Base
from users_api.relay import nats_publisher, relay


@pytest.fixture
def db_session():
    create_tables(engine)
    with Session(engine) as session:
        yield session
    Base.metadata.drop_all(engine)


@pytest.fixture
def client(db_session):
    return TestClient(app, raise_server_exceptions=False)


@contextmanager
def mail_service():
    """Let users_api send its messages, and read what arrives."""
    with nats_publisher(os.environ["NATS_URL"]) as publish, start_blocking_portal() as portal:
        reader = portal.call(nats.connect, os.environ["NATS_URL"])
        inbox = portal.call(reader.subscribe, "users.signed_up")
        portal.call(reader.flush)  # now the server knows of the inbox

        def receive():
            with Session(engine) as session:
                relay(session, publish)
            portal.call(reader.flush)  # now all that was sent is here
            return [portal.call(inbox.next_msg).data for _ in range(inbox.pending_msgs)]

        yield receive
        portal.call(reader.close)


@pytest.fixture
def receive(db_session):
    with mail_service() as receive:
        yield receive

# %% [markdown]
# ## Exercise 3.1: the same test, through a boundary
#
# In exercise 1.5 a bug stayed alive: `ada@example.org` and `Ada@example.org` are two accounts. The function `normalize_email` is right, so every
# unit test of it is green. But the rule stands in a second place, in the database, and there it is broken.
#
# The test below is the one from lesson 01. Only what stands behind `count_accounts` changes: there it compared texts in memory. Let it **sign
# everybody up** in PostgreSQL and count the users.

# %% one_account tags=["exercise"] exercise="3.1"
from contextlib import suppress

import pytest
from users_api.users import EmailTakenError, create_user, list_users


@pytest.fixture
def count_accounts(db_session):
    """How many accounts these addresses make, in the database."""

    def count(*emails):
        # BEGIN SOLUTION: create_user for each address; suppress(EmailTakenError); return list_users(db_session)[1]
        for email in emails:
            with suppress(EmailTakenError):
                create_user(db_session, name="Ada", email=email, password="correct horse battery")
        return list_users(db_session)[1]
        # END SOLUTION

    return count


ADDRESSES = [
    ("ada@example.org", "ADA@EXAMPLE.ORG", 1),
    ("ada@example.org", "Ada@example.org", 1),
    ("ada@example.org", "ada+news@example.org", 2),
    ("strasse@example.org", "straße@example.org", 2),
]


@pytest.mark.parametrize(("one", "other", "accounts"), ADDRESSES)
def test_addresses_that_differ_only_in_case_are_one_account(count_accounts, one, other, accounts):
    assert count_accounts(one, other) == accounts

# %% [markdown]
# Caught, and the test has not changed by a letter. **Where a test runs decides what it can see.**
#
# ## Three levels
#
# A third kind of test goes all the way. An **end-to-end test** (E2E) sends a real request to a real server, and waits for what comes out at the
# other end.
#
# `whole_program` starts such a server. Below it stands one test for each level, and all three ask: *can Ada sign up?*

# %% serve
from threading import Thread
from time import sleep

import httpx
import uvicorn
from users_api.main import app


@contextmanager
def whole_program():
    """Yield an HTTP client of a real server, and a function that returns what has arrived."""
    create_tables(engine)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical"))
    Thread(target=server.run, daemon=True).start()
    while not server.started:
        sleep(0.005)
    url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    try:
        with httpx.Client(base_url=url) as client, mail_service() as receive:
            yield client, receive
    finally:
        server.should_exit = True
        Base.metadata.drop_all(engine)

# %% levels
import json

from users_api.passwords import password_problem
from users_api.users import create_user, find_by_email

PASSWORD = "correct horse battery"


def unit(email, *_):
    assert password_problem(PASSWORD, email) is None


def integration(email, *_):
    with Session(engine) as session, Session(engine) as another:
        create_user(session, name="Ada", email=email, password=PASSWORD)
        assert find_by_email(another, email).name == "Ada"


def end_to_end(email, client, receive):
    answer = client.post("/users", json={"name": "Ada", "email": email, "password": PASSWORD})
    assert answer.status_code == 201
    assert json.loads(receive()[-1])["email"] == email

# %% [markdown]
# ## What does each of them cost, and what does it see?
#
# **Predict.** How many unit tests run in the time of one integration test? How many integration tests in the time of one that goes end to end?

# %% measure
from statistics import median
from time import perf_counter


def milliseconds(test, program):
    began = perf_counter()
    test(f"{began}@example.org", *program)
    return 1000 * (perf_counter() - began)


times = {unit: [], integration: [], end_to_end: []}
for _ in range(5):  # in turns: whatever else this machine does hits all three alike
    for test, taken in times.items():
        with whole_program() as program:
            taken += [milliseconds(test, program) for _ in range(10)]
cost = {test: median(taken) for test, taken in times.items()}
for test, taken in cost.items():
    print(f"{test.__name__:12}{taken:9.3f} ms, or {60_000 / taken:12,.0f} tests a minute")

# %% [markdown]
# Now break one thing at a time, run all three, and look which of them fails. `patch` replaces a part of the program for the length of a `with`:
# a rule, the commit, the routes of the API, the format of messages, the export into a file.
#
# **Predict.** Which of the five does each test notice? Is there one that nobody notices?

# %% break_things
from unittest.mock import patch

from users_api.events import UserSignedUp

faults = {
    "a rule": patch("users_api.passwords.SHORTEST", 100),
    "database": patch.object(Session, "commit", Session.flush),
    "API": patch.object(app.router, "routes", []),
    "queue": patch.object(UserSignedUp, "encode", lambda event: str(event).encode()),
    "file": patch("users_api.export.write_users", None),
}


def notices(test, fault):
    with whole_program() as program, fault:
        try:
            test("ada@example.org", *program)
        except Exception:
            return True
    return False


noticed = {test: [notices(test, fault) for fault in faults.values()] for test in cost}

# %% pyramid
from math import log10

import matplotlib.pyplot as plt

figure, (left, right) = plt.subplots(1, 2, figsize=(8, 2), width_ratios=(5, 4), layout="constrained")
for row, test in enumerate(cost):
    width = log10(60_000 / cost[test])  # each further digit makes a bar one step wider
    left.barh(row, width, left=-width / 2, height=0.95, color="#0b6e99")
    words = f"{test.__name__}\n{60_000 / cost[test]:,.0f} a minute"
    left.text(0, row, words, ha="center", va="center", color="white")
    for column, seen in enumerate(noticed[test]):
        right.plot(column, row, "o", markersize=14, color="#0b6e99", fillstyle="full" if seen else "none")
left.axis("off")
right.set(xticks=range(len(faults)), xticklabels=faults, yticks=[], title="notices")
right.set(ylim=(-0.6, 2.6), xlim=(-0.6, 4.6))
right.tick_params(length=0)
plt.show()

# %% [markdown]
# This is the **test pyramid**, drawn from your own numbers. A full circle is a fault that was noticed.
#
# - **Unit tests** are so fast that you can have thousands. Each sees one rule, and tells exactly what is broken.
# - **Integration tests** take milliseconds. Each sees one boundary.
# - **End-to-end tests** are the slowest, and here everything runs on one machine, without a browser. One test sees nearly everything, and tells
#   only *that* something is broken.
#
# And the file? No test came by there. **A test sees only what it goes through**, at whatever level.
#
# ## Go through the real thing
#
# One more trap before you choose. Who logged in last? Ada, since Eve has never logged in. Ask two databases (a connection's *dialect* is the kind of
# SQL that its database speaks):

# %% two_databases tags=["nbval-check-output"]
from sqlalchemy import create_engine, text

logins = "(VALUES ('Ada', '2030-01-02'), ('Eve', NULL)) AS logins"
for url in ("sqlite://", os.environ["DATABASE_URL"]):
    with create_engine(url).connect() as database:
        last = database.scalar(text(f"SELECT column1 FROM {logins} ORDER BY column2 DESC"))
        print(f"{database.dialect.name:<12}{last}")
# OUTPUT:
# sqlite      Ada
# postgresql  Eve

# %% [markdown]
# The same SQL, no error, and two answers: SQLite takes NULL for smaller than everything, PostgreSQL for larger. A stand-in takes the same
# questions as the real thing. Nobody promised that it gives the same answers.
#
# ## Exercise 3.2: choose the level
#
# Four reports have come in:
#
# 1. *The list for admins is a server error in production. On my laptop, with SQLite, it works.*
# 2. *Our script reads `total` from the answer to `GET /users`. Since today there is none.*
# 3. *Our office is in India. By your messages, everybody signed up five hours ago.*
# 4. *We are the mail service. We cannot read a single message of yours.*
#
# Five small checks stand ready below, from cheap to dear. Each sends Ada through another part of the program, and says for one report or two
# whether all is well there. (`fixture("client")` asks for a fixture only when it is needed, so `unit` starts nothing.) Choose for each report
# **the cheapest one that shows the bug**. A wrong choice lets it live.
#
# **Predict.** `unit` reads back what it has written itself. Which of the two reports on messages, 3 and 4, does it show?

# %% choose tags=["exercise"] exercise="3.2"
import json

import pytest
from sqlalchemy.orm import Session
from users_api.database import build_engine, create_tables
from users_api.events import UserSignedUp
from users_api.users import create_user, list_with_logins

ADA = {"name": "Ada", "email": "ada@example.org", "password": "correct horse battery"}


def unit(fixture):
    event = UserSignedUp("Ada", "ada@example.org")
    read = UserSignedUp.decode(event.encode())
    return {3: read.at == event.at, 4: read.email == event.email}


def sqlite(fixture):
    engine = build_engine("sqlite://")
    create_tables(engine)
    with Session(engine) as session:
        create_user(session, **ADA)
        return {1: [user.name for user, _ in list_with_logins(session)] == ["Ada"]}


def postgresql(fixture):
    create_user(fixture("db_session"), **ADA)
    return {1: [user.name for user, _ in list_with_logins(fixture("db_session"))] == ["Ada"]}


def http(fixture):
    ada = fixture("client").post("/users", json=ADA).json()
    return {2: fixture("client").get("/users").json() == {"items": [ada], "total": 1}}


def end_to_end(fixture):
    fixture("client").post("/users", json=ADA)
    return {4: json.loads(fixture("receive")()[0])["email"] == ADA["email"]}


@pytest.mark.parametrize("report", [1, 2, 3, 4])
def test_the_chosen_level_shows_the_report(report, request):
    # BEGIN SOLUTION: level = {1: …, 2: …, 3: …, 4: …}[report], with unit, sqlite, postgresql, http, end_to_end
    level = {1: postgresql, 2: http, 3: unit, 4: end_to_end}[report]
    # END SOLUTION
    all_is_well = level(request.getfixturevalue)
    assert report in all_is_well, f"{level.__name__} does not look at report {report}"
    assert all_is_well[report]

# %% [markdown]
# Did one of the reports on messages get past `unit`? Open that bug on the board: the program reads its own messages well, since writer and
# reader share one mistake. **A round trip proves that two halves agree with each other, and not that either of them is right.** It takes a reader
# from outside.
#
# With more assertions `end_to_end` could catch all four. But why pay more?
#
# ## An endpoint is not its function
#
# The next trap is at the API. This function returns a number. What does a browser get?

# %% prices tags=["nbval-check-output"]
from decimal import Decimal

from fastapi import FastAPI
from fastapi.testclient import TestClient

shop = FastAPI()


@shop.get("/price")
def price() -> Decimal:
    return Decimal("19.90")


print("called:   ", price() + 5)
print("over HTTP:", TestClient(shop).get("/price").json() + "5")
# OUTPUT:
# called:    24.90
# over HTTP: 19.905

# %% [markdown]
# JSON has no `Decimal`, so FastAPI sends text. JavaScript adds 5 to a text just as this line does, and a customer pays 19.905. No test that
# calls `price()` can see it.
#
# ## Exercise 3.3: a test for the API
#
# Test the answer to a login as another program reads it. From the contract:
#
# > `POST /login`, a form with `username` (the email address) and `password`: 200, and
# > `{"access_token": …, "token_type": "bearer", "expires_in": seconds}`. A token is good for 30 minutes.
#
# A form is sent with `client.post(path, data={…})`.

# %% login tags=["exercise"] exercise="3.3"
ADA = {"name": "Ada", "email": "ada@example.org", "password": "correct horse battery"}


def test_the_answer_to_a_login_has_the_shape_of_the_contract(client):
    """Names, types and units, as a program in another language needs them."""
    client.post("/users", json=ADA)
    # BEGIN SOLUTION: log in; assert the status, the set of names, token_type, and how many seconds
    answer = client.post("/login", data={"username": ADA["email"], "password": ADA["password"]})
    assert answer.status_code == 200
    token = answer.json()
    assert set(token) == {"access_token", "token_type", "expires_in"}
    assert token["token_type"] == "bearer"
    assert token["expires_in"] == 30 * 60
    # END SOLUTION

# %% [markdown]
# ## Exercise 3.4: tests for the queue
#
# `create_user` saves the user **and** a message, in one transaction; the message waits in a table named `outbox`. Later, `relay` sends what
# waits there. That is two boundaries in a row, and there is a promise for each step. From the contract:
#
# 1. On `users.signed_up` arrives a JSON object with `name`, `email`, `at`, `id` and `version`, perhaps with more fields, in any order.
# 2. Of who was refused, nobody hears. (Sign somebody up with Ada's address; `suppress(EmailTakenError)` lets the test go on.)
# 3. What was sent is not sent again: a second `receive()` brings nothing.
#
# The first test is begun; write the other two below it. Read the bytes with `json.loads`, as a stranger would.

# %% messages tags=["exercise"] exercise="3.4"
import json
from contextlib import suppress

from users_api.users import EmailTakenError, create_user

ADA = {"name": "Ada", "email": "ada@example.org", "password": "correct horse battery"}


def test_a_message_tells_who_has_signed_up(db_session, receive):
    create_user(db_session, **ADA)
    # BEGIN SOLUTION: take the one message of receive(), read it, compare name and email; then lines 2 and 3
    [message] = receive()
    told = json.loads(message)
    assert (told["name"], told["email"]) == ("Ada", "ada@example.org")


def test_of_who_was_refused_nobody_hears(db_session, receive):
    create_user(db_session, **ADA)
    with suppress(EmailTakenError):
        create_user(db_session, **ADA | {"name": "Eve"})
    assert [json.loads(message)["name"] for message in receive()] == ["Ada"]


def test_what_was_sent_is_not_sent_again(db_session, receive):
    create_user(db_session, **ADA)
    assert len(receive()) == 1
    assert receive() == []
    # END SOLUTION

# %% [markdown]
# ## Exercise 3.5: a test for the file system
#
# `write_users(path, users)` writes a CSV file: in UTF-8, first a line with the names of the columns, then the users. It is complete when the
# function returns, and a reader of CSV finds every name as it was. `read` is such a reader.
#
# **Predict.** Five bugs are in play. How many of them does a test catch in which nobody but `Ada` signs up? Write it like that first, and run
# it. Then choose names that are hard on a file: a name is any text of 1 to 100 characters.

# %% files tags=["exercise"] exercise="3.5"
import csv

from users_api.export import write_users
from users_api.users import create_user


def read(path):
    """What a reader of CSV finds: a dict for each line, by the names of the columns."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_name_comes_back_from_a_file(db_session, tmp_path):
    def add(name, email):
        return create_user(db_session, name=name, email=email, password="correct horse battery")

    # BEGIN SOLUTION: add users with difficult names, write them to tmp_path / "users.csv", read it, compare the names
    names = ["Ada", "Łukasz", "Hopper, Grace", "two\nlines"]
    users = [add(name, f"{number}@example.org") for number, name in enumerate(names)]
    write_users(tmp_path / "users.csv", users)
    assert [row["name"] for row in read(tmp_path / "users.csv")] == names
    # END SOLUTION

# %% [markdown]
# ## What these bugs have in common
#
# Open a few of them on your boards. Most change a line or two, and the new line looks right as well: `str` for `json.dumps`, `"latin-1"` for
# `"utf-8"`, a commit that comes too early. Each side is fine by itself. The two sides **disagree**, and what they disagree on stands in neither:
#
# | they disagree on | you met it as |
# |---|---|
# | the format | Python for JSON, a comma in a name |
# | names, types, units | `mail`, `"1800"`, minutes for seconds |
# | meaning | where NULL sorts, what may be grouped, whether `Ada@` is `ada@` |
# | the moment | told before it was saved, sent and not marked, read before it was written |
#
# So ask of each line that hands something over: *who is on the other side, and which of my tests has ever asked them?*
#
# ## Further reading
#
# - Ham Vocke, *The Practical Test Pyramid*: <https://martinfowler.com/articles/practical-test-pyramid.html>
# - Martin Fowler, *Integration Test*: <https://martinfowler.com/bliki/IntegrationTest.html>
# - NATS, *What is NATS*: <https://docs.nats.io/nats-concepts/what-is-nats>
# - Python, *csv: CSV File Reading and Writing*: <https://docs.python.org/3/library/csv.html>
# - microservices.io, *Transactional outbox*: <https://microservices.io/patterns/data/transactional-outbox.html>
#
# How far does a stand-in carry you, and where does it let you fall?

# %% quiz
course.quiz("03")

# %% next
course.next()
