# %% set_up tags=["setup"]
import course

course.begin("15_go_on_from_here")

# %% [markdown]
# ## Green, and nobody can read it
#
# Until now programs talked to your program. Now people do: they look at a **page**, HTML in a browser. Here is the code of a small one, and a test of what it
# sends:

# %% api_test tags=["nbval-check-output"]
def page(names):
    entries = "".join(f"<li>{name}</li>" for name in names)
    return f"<form><input name='q'> <button type='button'>Find</button></form><ul>{entries}</ul>"


html = page(["Ada Lovelace", "Grace <Amazing> Hopper"])
assert "Ada Lovelace" in html
assert "Grace <Amazing> Hopper" in html
print("green")
# OUTPUT:
# green

# %% [markdown]
# You are sitting in front of a browser: JupyterLab runs in it. Have the page shown. Who is Grace? And press *Find*.

# %% look
from IPython.display import HTML

HTML(html)

# %% [markdown]
# `<Amazing>` looks like a tag, so the browser takes it for one, and leaves it out. In place of `Amazing` it could have been a script of somebody else's, which runs in your users'
# browsers. And the button does nothing: it says `type='button'`, and a button that sends a form needs `type='submit'`, or no type.
#
# The text was right, byte for byte. What the **browser makes of it** was wrong: that is one boundary more, between HTML and eyes.
#
# ## A browser that a test can drive
#
# **Playwright** starts a real browser, types, clicks, and reads what stands on the screen. A test that goes all the way, from the browser through the
# server to the database, is called an **end-to-end test**.
#
# The next cell has what such tests need: four fixtures, and you need only know what each one gives. `browser` is the Chromium or Chrome of your system, or else the one that
# `playwright install chromium` has fetched. `page` is a tab in it with no history and no cookies. `address` is where the program answers, as a real server on a free port. And
# `session` is one of SQLAlchemy's, on empty tables.

# %% browser tags=["conftest"]
import os
import shutil
import socket
import threading

import pytest
import uvicorn
from playwright.sync_api import expect, sync_playwright
from sqlalchemy.orm import Session
from users_api.database import create_tables, engine
from users_api.main import app
from users_api.models import Base

BROWSERS = (
    "chromium", "chromium-browser", "google-chrome", "google-chrome-stable",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "C:/Program Files/Google/Chrome/Application/chrome.exe",
)
expect.set_options(timeout=1_000)  # milliseconds


@pytest.fixture(scope="module")
def browser():
    """The browser of this system, or Playwright's own."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=path)


@pytest.fixture
def page(browser):
    """A fresh tab. Where COURSE_RECORDS names a folder, it records there what it has seen."""
    page = browser.new_page(viewport={"width": 640, "height": 240})
    page.set_default_timeout(5_000)
    records = os.environ.get("COURSE_RECORDS")
    if records:
        page.context.tracing.start(screenshots=True, snapshots=True)
    yield page
    if records:
        page.screenshot(path=f"{records}/page.png")
        page.context.tracing.stop(path=f"{records}/trace.zip")
    page.close()


@pytest.fixture(scope="module")
def address():
    """The program as a server; the address at which it answers."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.fixture
def session():
    """A session on a database with empty tables."""
    create_tables(engine)
    with Session(engine) as session:
        yield session
    Base.metadata.drop_all(engine)

# %% [markdown]
# (In your own projects you need not write all that: the plugin *pytest-playwright* brings `browser` and `page`.)
#
# A test sees a page as a person does. It finds things by what stands beside them, not by where they are in the HTML:
#
# | | |
# |---|---|
# | `page.goto(address)` | open the page |
# | `page.get_by_label("Search").fill("grace")` | type into the field labelled *Search* |
# | `page.get_by_role("button", name="Find").click()` | press the button *Find* |
# | `expect(page.get_by_text("Alan Turing")).to_be_visible()` | look for a text on the screen |
# | `expect(page.get_by_text("Alan Turing")).not_to_be_visible()` | make sure that it is not there |
#
# `expect` **waits** until what you expect is so, a second at most here: a page takes its time, and you need no `sleep`. And it wants to
# know which text you mean: *Alan* alone may stand there three times, in a name, an address and a heading, and is refused as a *strict mode violation*. So give the whole name.
#
# ## Exercise 15.1: search as a person does
#
# `users_api` has a page, at `/`. From the contract: *a form with a field labelled* Search *and a button* Find; *the users that were found, each with name and email
# address; every text reads on the page as it was typed. Left open: all other words, and the elements around a user.*
#
# Two users are there. Search for `grace` as a person does: then Grace stands there with her full name, and Ada does not.
#
# **Predict.** Four bugs. You could leave the form out, and open `f"{address}/?search=grace"` at once. Which of the two faults of the page above would then stay alive?

# %% records
import os
from pathlib import Path
from tempfile import TemporaryDirectory

folder = TemporaryDirectory()
os.environ["COURSE_RECORDS"] = folder.name  # `page` records there. The board's runs don't see it

# %% search tags=["exercise"] exercise="15.1"
from playwright.sync_api import expect
from users_api.models import User


def test_who_searches_finds_whom_they_meant(page, address, session):
    session.add(User(name="Ada Lovelace", email="ada@example.org", password_hash="-"))
    session.add(User(name="Grace <Amazing> Hopper", email="grace@example.org", password_hash="-"))
    session.commit()
    page.goto(address)
    # BEGIN SOLUTION: type grace, press the button; expect Grace to be visible, and Ada not
    page.get_by_label("Search").fill("grace")
    page.get_by_role("button", name="Find").click()
    expect(page.get_by_text("Grace <Amazing> Hopper")).to_be_visible()
    expect(page.get_by_text("Ada Lovelace")).not_to_be_visible()
    # END SOLUTION

# %% [markdown]
# Who opens the address leaves out the form, and with it two of the bugs: the field that sends its text under another name, and the button.
#
# The browser was invisible, but it has drawn everything. The next cell shows what was on its screen when your test ended.
#
# When such a test is red in CI, on a machine that you can't see, one picture is seldom enough. A **trace** is the whole story: each call, how long it took, and
# the page before and after it. It is a zip with a file of JSON lines in it:

# %% trace
import json
import zipfile

from IPython.display import Image, display

trace = Path(folder.name, "trace.zip")
if trace.exists():
    display(Image(trace.with_name("page.png").read_bytes()))
    events = map(json.loads, zipfile.ZipFile(trace).read("trace.trace").splitlines())
    calls = [event for event in events if event["type"] == "before"]
    for call in calls:
        where = call["params"].get("url") or call["params"].get("selector", "")
        print(f"{call['startTime'] - calls[0]['startTime']:6.0f} ms  {call['method']:<12} {where}")
print(f"playwright show-trace {trace}" if trace.exists() else "No browser has run here yet: see 15.1.")

# %% [markdown]
# Type the last line in a terminal while this notebook runs: a window opens in which you can go back and forth in time. (Is your JupyterLab on another machine? `!cp {trace} .` puts the
# file beside this notebook. Download it from there, and drop it at <https://trace.playwright.dev>.)
#
# ## Where an end-to-end test pays
#
# It sees what no other test sees: that all parts are there, and fit. But when it is red, it doesn't say which of them is broken. And it costs time. So write
# a few, for the ways through your program that must never break (sign up, log in, pay), and test the rest below. How much time, you measure at the end.
#
# ## A feature, test-first
#
# Until now the program was there, and you wrote the tests. **Test-driven development** turns that round, in three steps:
#
# 1. **Red**: write a test for something that is not built. See it fail.
# 2. **Green**: write just enough code to make it pass.
# 3. **Refactor**: make the code better while the tests stay green. Then the next test.
#
# Why see it fail first? Because a test that was never red has proved nothing: perhaps it can't fail. That is what this course's boards have done for you, on bugs.
#
# ## Exercise 15.2: mark what was found
#
# The feature: on the page, what was searched for is **marked**. `mark(text, search)` returns the text as HTML:
#
# 1. What was searched for is inside of `<mark>`, in whatever case it was typed. It stays written as it was: `love` in `Ada Lovelace` gives `Ada <mark>Love</mark>lace`.
# 2. It is marked wherever it is: in `Lalla` an `l` is there three times.
# 3. All that means something in HTML is **escaped**, so that it reads as it is: `<` becomes `&lt;`. (`html.escape(text)` does that.)
#
# The next cell is where **your code** will stand. Run it, and write nothing in it yet. A colleague builds the same thing on another branch, so the fixture `mark` is
# two: each of your tests runs with your function, and with hers (`theirs`). The bugs are wrong versions of hers.

# %% code tags=["conftest"] exercise="15.2"
from html import escape

import pytest
from users_api import pages


def mark(text, search):
    """Return a text as HTML, with what was searched for inside of <mark>."""
    # BEGIN SOLUTION: the code, once a test is red. Until then, leave it
    place = text.lower().find(search.lower())
    if place < 0:
        return escape(text)
    end = place + len(search)
    found, rest = escape(text[place:end]), mark(text[end:], search)
    return f"{escape(text[:place])}<mark>{found}</mark>{rest}"
    # END SOLUTION


@pytest.fixture(name="mark", params=[mark, pages.mark], ids=["yours", "theirs"])
def both(request):
    return request.param

# %% [markdown]
# Now go round: **one rule, one test, red; then the code above (run that cell as well), green.** Then the next rule.
#
# **Predict.** Five bugs, one of them being that nobody has built it. How many does a test of rule 1 alone catch, with the example above?

# %% test_first tags=["exercise"] exercise="15.2"
def test_what_was_searched_for_is_marked_and_stays_as_it_was(mark):
    # BEGIN SOLUTION: a test for rule 1: compare what mark(text, search) returns
    assert mark("Ada Lovelace", "love") == "Ada <mark>Love</mark>lace"


def test_it_is_marked_wherever_it_is(mark):
    assert mark("Lalla", "l") == "<mark>L</mark>a<mark>l</mark><mark>l</mark>a"


def test_signs_of_html_are_escaped(mark):
    assert mark("<Ada>", "d") == "&lt;A<mark>d</mark>a&gt;"
    # END SOLUTION

# %% [markdown]
# The example of rule 1 catches three of the five. The last bug you know from 15.1: there a browser showed it, here a function does, in no time at all.
#
# Red, green, and here is the third step: **refactor**. Write your function in another way, perhaps with `re.split`, which gives the pieces between and, with a
# group in the pattern, the pieces found as well:
#
# ```python
# pieces = re.split(f"({re.escape(search)})", text, flags=re.IGNORECASE)
# ```
#
# Every second piece is one that was found. Run both cells again: the tests know only what `mark` returns, so they stay as they are, and you need not
# fear for anything. The correct variant on the board is your colleague's own refactoring.

# %% refactored tags=["solution"]
import re
from html import escape


def refactored(text, search):
    pieces = re.split(f"({re.escape(search)})", text, flags=re.IGNORECASE)
    pieces = [escape(piece) for piece in pieces]
    pieces[1::2] = [f"<mark>{piece}</mark>" for piece in pieces[1::2]]
    return "".join(pieces)


assert refactored("Lalla", "L") == "<mark>L</mark>a<mark>l</mark><mark>l</mark>a"

# %% [markdown]
# ## What you didn't think of
#
# Your examples are what *you* thought of. Bugs are in what nobody thought of. **Property-based testing** turns that round: you say what holds for **every** input, the
# property, and a library looks for one that breaks it. Here is a version of `mark` that looks fine, under Hypothesis:

# %% property
# %%pytest --tb=line
# import re
# from string import printable
#
# from hypothesis import given, settings, strategies as st
#
#
# def mark(text, search):
#     return re.sub(search, f"<mark>{search}</mark>", text)
#
#
# @settings(report_multiple_bugs=False)
# @given(search=st.text(printable, min_size=1))
# def test_every_search_can_be_marked(search):
#     mark("Ada Lovelace", search)

# %% [markdown]
# Hypothesis tried text after text, found one that fails, and then made it **smaller**, as long as it still failed. What is left is one sign that means something in a regular
# expression. (There are several; `report_multiple_bugs=False` shows one of them.) On a page, that is a user who searches for a smiley, and gets `500 Internal Server Error`.
#
# ## Exercise 15.3: no 500, whatever comes
#
# The weakest property of a web program is the most useful one: **whatever I send, the answer is no server error.** One 500 is planted in the page's search, and
# which text shows it, you need not know. Your test has an argument `search`. Hypothesis calls it fifty times (`max_examples`), each time with another text.
#
# (`printable` are the signs of a keyboard: there are a hundred of them, and more than a million in Unicode. `deadline=None`: an example may take as long as it likes, so a slow machine
# does not make the test red.)

# %% client tags=["conftest"]
import pytest
from fastapi.testclient import TestClient
from users_api.database import create_tables, engine
from users_api.main import app
from users_api.models import Base


@pytest.fixture(scope="module")
def client():
    """A server error is an answer here, as it is over HTTP. One client serves all examples."""
    create_tables(engine)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client
    Base.metadata.drop_all(engine)

# %% any_input tags=["exercise"] exercise="15.3"
from string import printable

from hypothesis import given, settings, strategies as st


@settings(max_examples=50, deadline=None)
@given(search=st.text(printable, max_size=20))
def test_no_search_is_a_server_error(client, search):
    # BEGIN SOLUTION: get the page with this search; its status is below 500
    answer = client.get("/", params={"search": search})
    assert answer.status_code < 500
    # END SOLUTION

# %% [markdown]
# A property does not replace examples: `return ""` is no server error either. It finds the input, and you write the example that keeps it found.
#
# ## What each of them costs
#
# A function, a request, a browser: measured here, the last one from the trace of your test.

# %% costs
import matplotlib.pyplot as plt
from timeit import timeit

from fastapi.testclient import TestClient
from users_api.database import create_tables, engine
from users_api.main import app
from users_api.pages import mark

create_tables(engine)
client = TestClient(app)
costs = {"a function": timeit(lambda: mark("Ada", "a"), number=1000)}  # 1000 calls: milliseconds for one
costs["a request"] = 20 * timeit(lambda: client.get("/"), number=50)
if trace.exists():
    costs["a browser"] = calls[-1]["startTime"] - calls[0]["startTime"]
figure, axes = plt.subplots(figsize=(8, 1.7), layout="constrained")
axes.barh([f"{name}: {round(each, 3):g} ms" for name, each in costs.items()], costs.values(), log=True)
axes.invert_yaxis()
axes.set_xticks([])
plt.show()

# %% [markdown]
# The scale is logarithmic: each step costs a hundred times as much as the one above, and more. (And a browser that starts costs half a second more, once for all
# tests.) So: **as low as the bug can be seen, as high as it must be.** The rules of `mark` show in a function, so they are tested there, all of them. That the button is
# wired to the search shows in a browser only: one test.
#
# ## Where mocks still belong
#
# You met them in lesson 02, and then hardly ever. A mock says what *you* believe of your neighbour. Use one where the real thing
#
# | can't be had, or must not be called | such as | and yet |
# |---|---|---|
# | costs money, or reaches people | a payment, a text message | the provider's sandbox, once a day |
# | fails when you don't want it to, and never when you do | a time-out, a 503, a full disk | the real error, where you can make it (lesson 10) |
# | is time or chance | the clock, a token | hand them in as arguments: `issued_at` |
# | belongs to somebody else, and is slow | a search service | a contract test against the real one |
#
# And not for your own database, your own queue, your own files: those you can have, in a second, for real.
#
# ## Questions that people ask
#
# **How many integration tests should I write?** Until you dare to release on a Friday. Start where two parts meet and money or data is at stake. A bug that reached
# somebody is always worth one test, at the lowest level that shows it.
#
# **Unit tests or integration tests?** Ask of each bug where it shows. A wrong limit shows in a function; a missing commit shows in no function at all. You have seen both
# kinds: 5.1 catches what unit tests cannot.
#
# **My tests are slow. Must I go back to SQLite?** Measure first (`pytest --durations=10`). Nearly always the time goes into making things anew: an engine for each test, a
# container for each module, passwords hashed at full cost. One server, one schema, clean rows (lesson 08), and a test takes milliseconds.
#
# **May I use the staging database?** No. Somebody else writes there while your test runs, and some day your clean-up meets rows that somebody needed. A database of your
# own takes a second (lesson 05).
#
# **A test is red once a week. Run it again?** It tells you something: about an order, a clock, two at once. Provoke it on purpose until it is red each time
# (lesson 13). A test that people have learned to ignore is worse than none.
#
# **Our code has no tests at all. Where do I begin?** At the top: one end-to-end test of the most important way through. It is slow and coarse, and it lets you change what is
# below. Then, with each bug and each change, a test further down.
#
# **Is 100 % coverage the goal?** No. Coverage says which lines ran, not that somebody looked at what came out: in lesson 00 *abc* ran the line with the bug. What it is good for: finding
# what no test touches at all.
#
# **Who tests the tests?** You have, in each lesson: a test is good when it is green on right code and red on wrong code. At work you do it by hand, by breaking the line and looking, or have
# it done: *mutation testing* changes your program a thousand times, and names the changes that no test noticed.
#
# ## Further reading
#
# - Playwright for Python, *Locators* and *Trace viewer*: <https://playwright.dev/python/docs/locators>, <https://playwright.dev/python/docs/trace-viewer>
# - The plugin *pytest-playwright*: <https://playwright.dev/python/docs/test-runners>
# - Hypothesis: <https://hypothesis.readthedocs.io/en/latest/>; Schemathesis reads the whole contract from an API's OpenAPI schema: <https://schemathesis.readthedocs.io/en/stable/>
# - Mutation testing with mutmut (on Windows it needs WSL): <https://mutmut.readthedocs.io/en/latest/>
# - Testcontainers for Python, with all its modules: <https://testcontainers-python.readthedocs.io/en/latest/>
# - Harry Percival and Bob Gregory, *Architecture Patterns with Python*, on where the boundaries of a program are: <https://www.cosmicpython.com/>
# - Ham Vocke, *The Practical Test Pyramid*, on Martin Fowler's site: <https://martinfowler.com/articles/practical-test-pyramid.html>

# %% quiz
course.quiz("15")

# %% [markdown]
# ## The end of the path
#
# At the start a test that passed was good enough. Since then you have seen bugs in functions, in databases, in APIs, queues, files and pipelines, and the last ones
# behind a button. What have they in common? Each side was right by itself. They sat **between** two sides: a session and the next one, bytes and text, a form and a route, HTML and eyes.
# That is where you look now.
#
# Take your tests with you. The next cell writes all that you have run, with the programs, as one project that plain `pytest` runs. Put it on GitHub with the workflow of lesson 12, and
# each push tests it. You haven't done everything? Then it has what you did, and you can write it again later.

# %% export
course.export("all")

# %% [markdown]
# And here is your path. A lesson with ○ or ◐ is open still: click it, it is as you left it. Nobody has to do all of them, or in this order.

# %% path
course.path()

# %% next
course.next()
