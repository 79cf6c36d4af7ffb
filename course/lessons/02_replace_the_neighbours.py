# %% set_up tags=["setup"]
import course

course.begin("02_replace_the_neighbours")

# %% [markdown]
# ## A neighbour has moods
#
# `users_api` can ask a neighbour, over HTTP, whether mail arrives at an email address. Where mail *bounces*, that is, comes back, nobody can sign
# up. Here is such a neighbour, on your own machine. Like a real one it needs its time, and every now and then it is overloaded (status 503):

# %% moody
import logging
from itertools import cycle
from time import perf_counter, sleep

from pytest_httpserver import HTTPServer
from werkzeug import Response

logging.getLogger("werkzeug").setLevel(logging.ERROR)  # no line for each request
status = cycle([200, 200, 503])


def moody(request):
    sleep(0.15)
    return Response('{"deliverable": false}', next(status), content_type="application/json")


def nine_times(ask):
    for _ in range(9):
        began = perf_counter()
        green = ask("gone@example.org") is False
        yield 1000 * (perf_counter() - began), green

# %% [markdown]
# `nine_times` runs a test nine times: *no mail arrives at `gone@example.org`*. It notes how long each run took, and whether it was green.
#
# Whom to ask is a setting. pytest's `MonkeyPatch` sets it, and puts back what was there, whatever happens in between. (The program reads its
# settings once; `cache_clear` has it read them again.)

# %% ask_the_moody tags=["nbval-check-output"]
import pytest
from users_api import addresses
from users_api.settings import settings

with HTTPServer() as server, pytest.MonkeyPatch.context() as patch:
    server.expect_request("/check").respond_with_handler(moody)
    patch.setenv("USERS_API_ADDRESS_CHECK_URL", server.url_for("/check"))
    settings.cache_clear()
    runs = {"the neighbour itself": list(nine_times(addresses.is_deliverable))}
settings.cache_clear()
print(*("green" if green else "RED" for milliseconds, green in runs["the neighbour itself"]))
# OUTPUT:
# green green RED green green RED green green RED

# %% [markdown]
# Nobody has changed a line. Your test depends on the mood of somebody else, it waits for them, and each run tells them an email address.
#
# ## Put something in its place
#
# What takes a neighbour's place in a test is called a **test double**. The smallest one is a **stub**: it gives one answer, whatever you ask.
#
# Here a stub that says no takes the place of `is_deliverable`: `lambda email: False` is a function without a name, which takes an `email` and returns
# `False`. **Predict.** You call the function in two ways. What does each of them print?

# %% stub tags=["nbval-check-output"]
from users_api.addresses import is_deliverable

with pytest.MonkeyPatch.context() as patch:
    patch.setattr("users_api.addresses.is_deliverable", lambda email: False)
    print("addresses.is_deliverable:", addresses.is_deliverable("ada@example.org"))
    print("is_deliverable:          ", is_deliverable("ada@example.org"))
print("afterwards:              ", addresses.is_deliverable("ada@example.org"))
# OUTPUT:
# addresses.is_deliverable: False
# is_deliverable:           True
# afterwards:               True

# %% [markdown]
# A patch replaces **a name in a module**, not the function. Whoever imported the function before still has the real one (no neighbour
# is set any more, so it says yes). So patch the name that the program looks up. The contract of `users_api` promises which one that is:
# `users_api.addresses.is_deliverable`.
#
# ## Exercise 2.1: an address that bounces does not sign up
#
# A sign-up has a second neighbour, the database. In the next cell a **fake** takes its place: something that really works, with less inside.
# Here it is SQLite in memory. (Lesson 04 shows what that hides.) Run the cell; there is nothing to write in it.

# %% client tags=["conftest"]
import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session
from users_api.database import build_engine, create_tables, get_db
from users_api.main import app


@pytest.fixture
def client():
    """The application, without a network, on an empty database in memory."""
    engine = build_engine("sqlite://")
    create_tables(engine)

    def get_test_db():
        with Session(engine) as session:
            yield session

    app.dependency_overrides[get_db] = get_test_db
    yield TestClient(app)
    app.dependency_overrides.clear()
    engine.dispose()

# %% [markdown]
# `client.post("/users", json=ADA)` signs Ada up; the `.status_code` of its answer is 201. Where the neighbour says no it is 422, and **nobody is
# there**: `client.get("/users").json()["total"]` is 0.
#
# In a test you need no `with`. The fixture `monkeypatch` has the same `setattr`, and puts everything back after the test.
#
# Two wrong programs wait: one doesn't look at the neighbour's answer, the other asks when it has saved Ada already. **Predict.** Which of them will an
# assertion on the status alone catch?

# %% keeps_out tags=["exercise"] exercise="2.1"
ADA = {"name": "Ada Lovelace", "email": "ada@example.org", "password": "correct horse battery"}


def test_an_address_that_bounces_does_not_sign_up(client, monkeypatch):
    """422, and nobody is there."""
    # BEGIN SOLUTION: put in a stub that says no; sign Ada up; assert the status, then the total
    monkeypatch.setattr("users_api.addresses.is_deliverable", lambda email: False)
    assert client.post("/users", json=ADA).status_code == 422
    assert client.get("/users").json()["total"] == 0
    # END SOLUTION

# %% [markdown]
# ## Exercise 2.2: the right question, and none too many
#
# A stub says no to every question, to a wrong one as well. Two more doubles:
#
# - a **fake** with a rule, where the question matters: `lambda email: email != "gone@example.org"`;
# - a **spy**, where you have to know whether anybody asked. `spy = create_autospec(is_deliverable, return_value=True)` can be called just as the
#   real function can, and remembers its calls: `spy.assert_not_called()`, `spy.assert_called_once_with("ada@example.org")`.
#
# (A **mock**, in the strict sense, is told beforehand which calls to expect, and fails by itself. In Python one class, `Mock`, plays them all.)
#
# `client.patch(f"/users/{ada['id']}", json={…})` changes a user. From the contract:
#
# 1. When the email address changes, the neighbour is asked about the new one. Where it says no: 422.
# 2. A change of the name alone is answered with 200, and asks nobody.
#
# One of the three bugs asks about the address that Ada had *before*. **Predict.** Will a stub that always says no catch it?

# %% asks_rightly tags=["exercise"] exercise="2.2"
from unittest.mock import create_autospec

import pytest
from users_api.addresses import is_deliverable

CHECK = "users_api.addresses.is_deliverable"


@pytest.fixture
def ada(client):
    return client.post(
        "/users", json={"name": "Ada", "email": "ada@example.org", "password": "correct horse battery"}
    ).json()


def test_nobody_moves_to_an_address_that_bounces(client, monkeypatch, ada):
    # BEGIN SOLUTION: put in a fake; PATCH the email, assert 422; then a test of line 2, with a spy
    monkeypatch.setattr(CHECK, lambda email: email != "gone@example.org")
    answer = client.patch(f"/users/{ada['id']}", json={"email": "gone@example.org"})
    assert answer.status_code == 422


def test_a_change_of_the_name_asks_nobody(client, monkeypatch, ada):
    spy = create_autospec(is_deliverable, return_value=True)
    monkeypatch.setattr(CHECK, spy)
    assert client.patch(f"/users/{ada['id']}", json={"name": "Countess"}).status_code == 200
    spy.assert_not_called()
    # END SOLUTION

# %% [markdown]
# ## The clock is a neighbour, too
#
# Who logs in gets a token, which is good for 30 minutes. Should your test wait for half an hour? **time-machine** sets the clock of your process.
# Travel to 2040, ask Python for the year, and then a database. **Predict.** Which of the two is in 2040?

# %% two_clocks tags=["nbval-check-output"]
from datetime import UTC, datetime

import time_machine
from sqlalchemy import create_engine, func, select

with time_machine.travel("2040-01-01 12:00Z"), create_engine("sqlite://").connect() as database:
    print("Python:", datetime.now(UTC).year == 2040)
    print("SQLite:", database.scalar(select(func.now())).year == 2040)
# OUTPUT:
# Python: True
# SQLite: False

# %% [markdown]
# time-machine replaces the clocks of Python. SQLite asks the operating system for the time, and PostgreSQL doesn't even live in your process. So what
# `users_api` leaves to its database, such as `created_at`, stays in the present. Don't freeze such a time. Compare it with now, give or take a
# minute.
#
# ## Exercise 2.3: a token ends
#
# `create_token(7)` makes a token for user 7. `read_token(token)` returns the 7, or raises `InvalidTokenError`. The clock stands still until
# `clock.shift(timedelta(minutes=…))` moves it on.

# %% token_ends tags=["exercise"] exercise="2.3"
from datetime import timedelta

import pytest
import time_machine
from users_api.tokens import InvalidTokenError, create_token, read_token


def test_a_token_is_good_for_half_an_hour():
    """Good after 29 minutes, not good after 31."""
    with time_machine.travel("2040-01-01 12:00Z", tick=False) as clock:
        token = create_token(7)
        # BEGIN SOLUTION: shift by 29 minutes, read the token; shift by 2 more, expect the error
        clock.shift(timedelta(minutes=29))
        assert read_token(token) == 7
        clock.shift(timedelta(minutes=2))
        with pytest.raises(InvalidTokenError):
            read_token(token)
        # END SOLUTION

# %% [markdown]
# Click on *gives every token the same end*: a default value is computed **once**, when Python reads the `def`. In half an hour that program is
# broken, and a test that never leaves the present never sees it.
#
# ## Green over a broken wire
#
# So far your doubles took the place of `is_deliverable`. But what does it send? The **wire format**, which both sides have agreed on:
#
# > `GET <the URL>?email=<the address>`, and the answer is `{"deliverable": true}` or `{"deliverable": false}`
#
# Here is a broken version: it sends `address`, and the neighbour reads `email`. Ask it about `gone@example.org`, first with a mock in the place of
# `httpx.get`, as many people do, then over HTTP. **Predict.** Which of the two notices?

# %% broken_wire tags=["nbval-check-output"]
from unittest.mock import Mock

import httpx


def broken(url):
    answer = httpx.get(url, params={"address": "gone@example.org"}).json()
    return answer["deliverable"]


with pytest.MonkeyPatch.context() as patch:
    patch.setattr("httpx.get", Mock(return_value=Mock(json=lambda: {"deliverable": False})))
    print("with a mock:", broken("http://neighbour.test/check"))
with HTTPServer() as server:
    asked = {"email": "gone@example.org"}
    server.expect_request("/check", query_string=asked).respond_with_json({"deliverable": False})
    server.expect_request("/check").respond_with_json({"deliverable": True})
    print("over HTTP:  ", broken(server.url_for("/check")))
# OUTPUT:
# with a mock: False
# over HTTP:   True

# %% [markdown]
# The mock says no, whatever is sent: green. The neighbour has seen no address, and says yes. You have tested your mock.
#
# ## Nobody leaves this machine
#
# There is more to get wrong. In the contract stands: *only `false` is a no; any other answer, or none, is a yes*. So a test may ask a real server
# somewhere in the world, get no answer, and be green. **pytest-socket** guards you: in a test, a connection to any other machine is an error.
#
# The next conftest switches the guard on for every test (`autouse`: asked for or not), and off again afterwards, also when the test fails:
# `monkeypatch` remembers what `connect` was. (In a project it is one line in the settings of pytest:
# `addopts = "--allow-hosts=localhost --allow-unix-socket"`.)
#
# `set_neighbour` tells `users_api` whom to ask. Run the cell; there is nothing to write in it.

# %% wire tags=["conftest"]
import socket

import pytest
import pytest_socket
from users_api.settings import settings


@pytest.fixture(autouse=True)
def guard(monkeypatch):
    """Connections lead to this machine, or nowhere."""
    monkeypatch.setattr("socket.socket.connect", socket.socket.connect)  # is put back after the test
    pytest_socket.socket_allow_hosts(["localhost"], allow_unix_socket=True)


@pytest.fixture
def set_neighbour(monkeypatch):
    """`set_neighbour(url, seconds=…)`: whom to ask in this test, and how long to wait."""

    def set_to(url, seconds=5):
        monkeypatch.setenv("USERS_API_ADDRESS_CHECK_URL", url)
        monkeypatch.setenv("USERS_API_ADDRESS_CHECK_SECONDS", str(seconds))
        settings.cache_clear()

    yield set_to
    settings.cache_clear()

# %% [markdown]
# ## Exercise 2.4: the question, as it goes over the wire
#
# First do what many people do, and put a mock in the place of `httpx.get`. Each dot of its second line repeats a step of the program:
#
# ```python
#     get = Mock()
#     get.return_value.raise_for_status.return_value.json.return_value = {"deliverable": False}
#     monkeypatch.setattr("httpx.get", get)
#     assert not is_deliverable(email)
# ```
#
# The board says **false alarm**: another right program asks with `httpx.Client`. Nothing is broken but your test. That is *over-mocking*: the test
# knows how the program is written, and not what it promises.
#
# Now put **respx** in place of the four lines. It sits below httpx, where the request is complete, whichever function made it, and answers
# what you have announced and nothing else: `respx_mock.get(URL, params={…}).respond(json={…})`. Then assert as above.
#
# In a URL `+` means a space, so a plus has to be sent as `%2B`. One bug forgets that. **Predict.** Which of the two addresses catches it?

# %% on_the_wire tags=["exercise"] exercise="2.4"
from unittest.mock import Mock

import pytest
from users_api.addresses import is_deliverable

URL = "http://neighbour.test/check"


@pytest.mark.parametrize("email", ["gone@example.org", "gone+news@example.org"])
def test_the_neighbour_is_asked_for_the_address(set_neighbour, monkeypatch, respx_mock, email):
    """GET with ?email=…, and its no is a no."""
    set_neighbour(URL)
    # BEGIN SOLUTION: announce a GET of URL, its params and a no; assert what is_deliverable says
    respx_mock.get(URL, params={"email": email}).respond(json={"deliverable": False})
    assert not is_deliverable(email)
    # END SOLUTION

# %% [markdown]
# ## A stub server
#
# respx lives inside of httpx. A program that asks with another library passes it by. And since nobody really connects and nobody really waits, it
# cannot tell whether your program would give up in time.
#
# **pytest-httpserver** is a real HTTP server on this machine, for the length of your tests: the moody neighbour was one. In a test it is the fixture
# `httpserver`.
#
# ## Exercise 2.5: an ill neighbour keeps nobody out
#
# Only `false` is a no. Each line of the table is a test that ends in `assert is_deliverable("ada@example.org")`. The first is begun; write the
# others below it.
#
# | the neighbour | in the test |
# |---|---|
# | 1. answers 503, or `{}` | `.respond_with_json(body, status=status)`; it is asked twice at most: `len(httpserver.log)` |
# | 2. says no, but too late | `.respond_with_handler(too_late)`, and wait for `seconds=0.05` only |
# | 3. is not there | `http://localhost:1/check`: nobody listens |
# | 4. was never set | no `httpserver` and no `set_neighbour` |
#
# One of the right programs on this board asks with Python's own `urllib`: with respx you would raise a false alarm. **Predict.** The test of line 4 has no
# server and no setting, only one assertion. Can it catch anything?

# %% ill_neighbour tags=["exercise"] exercise="2.5"
from time import sleep

import pytest
from users_api.addresses import is_deliverable
from werkzeug import Response


def too_late(request):
    sleep(0.3)
    return Response('{"deliverable": false}', content_type="application/json")


@pytest.mark.parametrize(("status", "body"), [(503, {}), (200, {})])
def test_an_answer_that_is_no_clear_no_is_a_yes(httpserver, set_neighbour, status, body):
    set_neighbour(httpserver.url_for("/check"))
    # BEGIN SOLUTION: have the server answer so; assert the yes and the count; then lines 2 to 4
    httpserver.expect_request("/check").respond_with_json(body, status=status)
    assert is_deliverable("ada@example.org")
    assert len(httpserver.log) in {1, 2}


def test_a_slow_neighbour_is_not_waited_for(httpserver, set_neighbour):
    set_neighbour(httpserver.url_for("/check"), seconds=0.05)
    httpserver.expect_request("/check").respond_with_handler(too_late)
    assert is_deliverable("ada@example.org")


def test_a_neighbour_who_is_not_there_is_a_yes(set_neighbour):
    set_neighbour("http://localhost:1/check")
    assert is_deliverable("ada@example.org")


def test_nobody_is_asked_where_nobody_is_set():
    assert is_deliverable("ada@example.org")
    # END SOLUTION

# %% [markdown]
# *Asks a stranger by default*: the one assertion holds, for the stranger gives no answer. What fails is the connection, at your guard. Try it: in the
# conftest cell, put `@pytest.fixture` in place of `@pytest.fixture(autouse=True)`, and run both cells. The bug is alive. (Then put it back.)
#
# ## What each of them costs
#
# The test from the beginning again, nine times with each double. (First a look whether the guard is off. Else this notebook could reach nobody any more.)

# %% measure tags=["nbval-check-output"]
import socket

import respx

print("the guard is", "on" if "guard" in socket.socket.connect.__name__ else "off")
with HTTPServer() as server, pytest.MonkeyPatch.context() as patch:
    url = server.url_for("/check")
    patch.setenv("USERS_API_ADDRESS_CHECK_URL", url)
    settings.cache_clear()
    server.expect_request("/check").respond_with_json({"deliverable": False})
    runs["a stub server"] = list(nine_times(addresses.is_deliverable))
    with respx.mock:
        respx.get(url).respond(json={"deliverable": False})
        runs["respx"] = list(nine_times(addresses.is_deliverable))
settings.cache_clear()
runs["a stub"] = list(nine_times(lambda email: False))
# OUTPUT:
# the guard is off

# %% plot
import matplotlib.pyplot as plt

figure, axes = plt.subplots(figsize=(8, 2.2), layout="constrained")
for row, results in enumerate(runs.values()):
    for green, mark, colour in ((True, "o", "#0b6e99"), (False, "X", "#c0392b")):
        times = [milliseconds for milliseconds, passed in results if passed is green]
        axes.plot(times, [row] * len(times), mark, color=colour, alpha=0.6, markersize=8)
axes.set(yticks=range(len(runs)), yticklabels=runs, ylim=(-0.5, 3.5))
axes.set_xlabel("milliseconds for one test on this machine; a red cross is a test that failed")
plt.show()

# %% [markdown]
# The stub costs nothing, the other two the time of a request, and none of them has moods. So it is not the time that decides, but what each can see:
#
# | in its place | sees the request | survives a refactoring | survives another HTTP library | sees whether you wait for ever |
# |---|---|---|---|---|
# | a stub or a fake for `is_deliverable` | no: none is made | yes | yes | no |
# | a mock for `httpx.get` | no | **no** | **no** | no |
# | respx | yes | yes | **no** | no |
# | a stub server | yes | yes | yes | yes |
#
# ## Where doubles belong
#
# All the bugs of this lesson lie between your program and somebody else: in a question, in an answer or in none, in the time that passes. You caught each of
# them with a double **at a place that was promised**: a function that the contract names, or the format on the wire. A mock anywhere else
# catches less and breaks sooner.
#
# - A **stub** or a **fake** for what you cannot order: a no, a failure, a full disk.
# - A **spy** for a call that must happen, or must not: a letter sent once, an address told to nobody.
# - A **stub server** for your side of the wire, and a guard so that nothing gets past it.
# - **No double** for what is yours and quick: your own functions, and soon a real database.
#
# One lie is left. A stub server says what *you* believe. When the neighbour renames `deliverable` tomorrow, all your tests stay green. Only a test that crosses the
# real boundary sees that. You need few of them, and they are what the next lesson is about.
#
# ## Further reading
#
# - Martin Fowler, *Mocks Aren't Stubs*: <https://martinfowler.com/articles/mocksArentStubs.html>
# - pytest, *How to monkeypatch/mock modules and environments*: <https://docs.pytest.org/en/stable/how-to/monkeypatch.html>
# - Python, *unittest.mock*, with *Where to patch* and *Autospeccing*: <https://docs.python.org/3/library/unittest.mock.html>
# - RESPX, *User guide*: <https://lundberg.github.io/respx/guide/>
# - pytest-httpserver: <https://pytest-httpserver.readthedocs.io/en/latest/>
# - time-machine: <https://time-machine.readthedocs.io/en/latest/>
#
# Which test sees which bug?

# %% quiz
course.quiz("02")

# %% next
course.next()
