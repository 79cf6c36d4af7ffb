# %% set_up tags=["setup"]
import course

course.begin("14_challenge_todo")
course.brief("todo_api")

# %% [markdown]
# ## The contract is all you get
#
# `todo_api` keeps todos in PostgreSQL. You test it as a client does: by its contract, the **brief**, and not by its source. Read it once now,
# and have it open beside you from then on (right-click on the page above, *Create New View for Cell Output*). What it calls *left open* is a trap for tests
# that check too much.
#
# ## A suite that is green once
#
# Start with the shortest thing that could work. Two "test runs" on one database:

# %% green_once tags=["nbval-check-output"]
import os

from fastapi.testclient import TestClient
from todo_api import create_app

for run in ("first run:", "second run:"):
    with TestClient(create_app(os.environ["DATABASE_URL"])) as client:
        print(run, client.post("/todos", json={"title": "Pay rent"}).status_code)
# OUTPUT:
# first run: 201
# second run: 409

# %% [markdown]
# Nothing is wrong with the service: the title *is* taken, by the run before. The suite did not clean up, and now it is red for ever. `course grade` finds
# that by running your suite **twice on one database**, and on a database with **rows of somebody else**. Yours now has such a row.
#
# You could delete what is there. But whose is it? Better never to meet it: give your suite a **schema** of its own, a folder for tables inside of the database.
# A connection that is opened with the option `search_path` sees that schema and nothing else, and so does the service, because it gets the URL from you:

# %% own_schema tags=["nbval-check-output"]
from sqlalchemy import create_engine, make_url, text

options = {"options": "-csearch_path=only_mine"}
url = make_url(os.environ["DATABASE_URL"]).update_query_dict(options)
engine = create_engine(url, isolation_level="AUTOCOMMIT")
with engine.connect() as connection:
    connection.execute(text("CREATE SCHEMA only_mine"))
    with TestClient(create_app(url.render_as_string(hide_password=False))) as client:
        print(client.get("/todos").json())
    connection.execute(text("DROP SCHEMA only_mine CASCADE"))
engine.dispose()
# OUTPUT:
# {'items': [], 'total': 0}

# %% [markdown]
# ## Your conftest
#
# One conftest for the whole suite. The fixture `database` is yours, the others are here. What the grader looks for:
#
# - **No address is written down.** The grader runs you on another port and another database name. CI names its service container in `DATABASE_URL`; where nothing
#   is named, you start a container (lesson 05), on whatever port is free. *Testcontainers* alone, without the `if`, is just as good.
# - **Production is left alone.** Other variables, a `.env` file, port 5432 by habit: the grader lays such bait, and records who bites.
# - **The schema's name is drawn** (`uuid4().hex`): two workers may run on one server at once.
# - **Nothing stays.** What a fixture has made before `yield` it takes away after it; pytest sees to it that it can, whether tests fail or not.
# - **It is fast.** Schema, service and connections are made once (`scope="session"`). Between two tests only the rows go: some milliseconds, not fifty.
#
# ## 14.1: creating
#
# Below the conftest each cell is a file of your suite, and each board is one category of bugs. Write as many tests in a cell as you like. What it needs it
# imports itself.
#
# Create with **every field at a value that is not its default**, with a title alone, and many at once. An answer is status, headers *and* body, and what was
# answered has to be there in the next request.
#
# **Predict.** Five bugs. How many of them does a test catch that posts a title and asserts the status?

# %% conftest tags=["conftest"] exercise="14.1"
import os
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import create_engine, make_url, text
from testcontainers.community.postgres import PostgresContainer
from todo_api import create_app


@pytest.fixture(scope="session")
def server_url():
    """The database that CI gives us, or a container of our own."""
    if "DATABASE_URL" in os.environ:
        yield os.environ["DATABASE_URL"]
    else:
        with PostgresContainer("postgres:16") as postgres:
            yield postgres.get_connection_url()


@pytest.fixture(scope="session")
def database(server_url):
    """A connection to a schema of our own, which ends with the last test."""
    # BEGIN SOLUTION: make a schema, yield a connection to it, drop the schema
    schema = f"todo_tests_{uuid4().hex}"
    url = make_url(server_url).update_query_dict({"options": f"-csearch_path={schema}"})
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
        yield connection
        connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    engine.dispose()
    # END SOLUTION


@pytest.fixture(scope="session")
def service(database):
    """The service, which lives in that schema."""
    with TestClient(create_app(database.engine.url.render_as_string(hide_password=False))) as client:
        yield client


@pytest.fixture
def client(service, database):
    """Calls the service; after the test its tables, whichever they are, are empty again."""
    yield service
    ours = text("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
    tables = database.scalars(ours).all()
    database.execute(text(f"TRUNCATE {', '.join(tables)}"))


@pytest.fixture
def add(client):
    """Create a todo that a test takes for granted: `add("Sleep", done=True)`."""

    def add(title, **fields):
        answer = client.post("/todos", json={"title": title, **fields})
        assert answer.status_code == 201, answer.text
        return answer.json()

    return add

# %% creating tags=["exercise"] exercise="14.1"
RENT = {"title": "Pay rent", "notes": " by transfer\n", "done": True, "priority": "high"}
KEPT = tuple(RENT)  # these come back exactly as they were sent

# BEGIN SOLUTION: POST /todos with all fields and with a title alone; /todos/batch
def test_a_new_todo_is_answered_and_kept(client):
    answer = client.post("/todos", json=RENT | {"due": "2026-05-01T09:00:00Z"})
    todo = answer.json()
    assert answer.status_code == 201
    assert {field: todo[field] for field in KEPT} == RENT
    assert answer.headers["Location"] == f"/todos/{todo['id']}"
    assert client.get(f"/todos/{todo['id']}").json() == todo


def test_a_title_is_enough_and_is_trimmed(client):
    todo = client.post("/todos", json={"title": "  Sleep \n"}).json()
    assert [todo[field] for field in (*KEPT, "due")] == ["Sleep", None, False, "normal", None]


def test_many_come_back_in_the_order_in_which_they_were_sent(client):
    titles = ["Walk", "Eat", "Sleep"]
    answer = client.post("/todos/batch", json=[{"title": title} for title in titles])
    assert answer.status_code == 201
    assert [todo["title"] for todo in answer.json()] == titles
    assert client.get("/todos").json()["total"] == 3
# END SOLUTION

# %% [markdown]
# A bug stays alive and you don't see why? `course.hint("14.1")` has hints for each **category**. In this challenge there are none for single bugs: the brief
# has them all.
#
# ## 14.2: reading
#
# A list has filters, a search, an order and pages, and each goes wrong in its own way. Ask **both sides** of a filter, and search for what means something to
# SQL. `ask` is here: it fills the list and returns what a question is answered with. Don't compare the order of a list for which you asked for none.

# %% reading tags=["exercise"] exercise="14.2"
import pytest

TODOS = [
    {"title": "Apple pie", "priority": "high", "notes": "100% butter"},
    {"title": "banana bread", "priority": "low"},
    {"title": "Cherry cake", "done": True},
]


@pytest.fixture
def ask(client):
    """Ask a list of three: `ask(search="pie")` is `(["Apple pie"], 1)`, titles and total."""
    client.post("/todos/batch", json=TODOS)

    def ask(**parameters):
        page = client.get("/todos", params=parameters).json()
        return [todo["title"] for todo in page["items"]], page["total"]

    return ask


# BEGIN SOLUTION: test the filters, the search, the orders and the pages
def test_filters_leave_what_matches_them(ask):
    assert ask(done="true") == (["Cherry cake"], 1)
    assert ask(done="false", order="title") == (["Apple pie", "banana bread"], 2)
    assert ask(priority="high") == (["Apple pie"], 1)


@pytest.mark.parametrize(
    ("search", "found"),
    [("PIE", ["Apple pie"]), ("butter", ["Apple pie"]), ("%", ["Apple pie"]), ("_", [])],
)
def test_a_search_finds_its_text_in_titles_and_notes(ask, search, found):
    assert ask(search=search) == (found, len(found))


def test_todos_come_in_the_order_that_was_asked_for(ask):
    assert ask(order="title")[0] == ["Apple pie", "banana bread", "Cherry cake"]
    assert ask(order="priority")[0] == ["banana bread", "Cherry cake", "Apple pie"]
    assert ask(order="-priority")[0] == ["Apple pie", "Cherry cake", "banana bread"]


def test_pages_follow_each_other(ask):
    assert ask(order="title", limit=2) == (["Apple pie", "banana bread"], 3)
    assert ask(order="title", limit=2, offset=2) == (["Cherry cake"], 3)
# END SOLUTION

# %% [markdown]
# ## 14.3 and 14.4: changing and deleting
#
# A change can do too little, and it can do too much. Change **one** field of a todo whose other fields are not at their defaults, with **another** todo beside it.
# Take fields away with `null`, bring them back to their defaults, and look for a renamed todo in every way in which it can be looked for.
#
# Deleting asks the same question again: what must be gone, and what must stay? A todo can be looked for by its id, in the list, and by the title and the id
# that it held. And never expect `id == 1`: the grader has programs that **count from 1000**, and one whose ids are no numbers at all.
#
# **Predict.** A program that changes or deletes *every* todo: will your test notice, if there is only one?

# %% changing tags=["exercise"] exercise="14.3"
from datetime import datetime

FIELDS = {"notes": "by transfer", "done": True, "priority": "high", "due": "2026-05-01T09:00:00Z"}

# BEGIN SOLUTION: PATCH add("Pay rent", **FIELDS), beside a second todo
def moment(text):
    return datetime.fromisoformat(text)


def test_a_change_changes_one_field_of_one_todo_and_is_kept(client, add):
    rent, walk = add("Pay rent", **FIELDS), add("Walk")
    answer = client.patch(f"/todos/{rent['id']}", json={"priority": "low"})
    changed = answer.json()
    assert answer.status_code == 200
    assert changed == rent | {"priority": "low", "updated_at": changed["updated_at"]}
    assert moment(changed["updated_at"]) > moment(rent["updated_at"])
    assert client.get(f"/todos/{rent['id']}").json() == changed
    assert client.get(f"/todos/{walk['id']}").json() == walk


def test_fields_can_be_taken_away_and_set_back(client, add):
    path = f"/todos/{add('Pay rent', **FIELDS)['id']}"
    wanted = {"notes": None, "done": False, "priority": "normal", "due": None}
    changed = client.patch(path, json=wanted).json()
    assert {field: changed[field] for field in FIELDS} == wanted


def test_a_renamed_todo_is_found_by_its_new_title_alone(client, add):
    client.patch(f"/todos/{add('Pay rent')['id']}", json={"title": "Feed the cat"})
    assert client.get("/todos", params={"search": "rent"}).json()["total"] == 0
    assert client.get("/todos", params={"search": "cat"}).json()["total"] == 1
# END SOLUTION

# %% deleting tags=["exercise"] exercise="14.4"
# BEGIN SOLUTION: DELETE one of two todos; what is free again?
def test_a_deleted_todo_is_gone_and_the_others_stay(client, add):
    rent, walk = add("Pay rent"), add("Walk")
    answer = client.delete(f"/todos/{rent['id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert client.get(f"/todos/{rent['id']}").status_code == 404
    assert client.get("/todos").json()["items"] == [walk]


def test_the_title_of_a_deleted_todo_is_free_and_its_id_is_not(client, add):
    rent = add("Pay rent")
    client.delete(f"/todos/{rent['id']}")
    assert add("Pay rent")["id"] != rent["id"]
# END SOLUTION

# %% [markdown]
# ## 14.5 and 14.6: duplicates, and what is not found
#
# When are two titles the same? There are **two requests** that can take a title, and after a refusal there is something to look at: what was there before.
#
# Three methods take an id, and an id can be wrong in two ways: it *was* right, or it never could be. A refusal has a body, too, and it changes nothing.
#
# (The proof `tests_error_answers` wants a bug caught in the answers of each status: 409 here, 404, 422 and 400 in the next two steps, 500 in 14.9.)

# %% duplicates tags=["exercise"] exercise="14.5"
# BEGIN SOLUTION: 409 for POST and PATCH; what is no duplicate
def test_a_taken_title_is_refused_and_its_todo_stays_as_it_was(client, add):
    rent = add("Pay rent", notes="by transfer", done=True)
    answer = client.post("/todos", json={"title": " pay RENT ", "notes": "in cash"})
    assert answer.status_code == 409
    assert client.get("/todos").json()["items"] == [rent]


def test_a_change_cannot_take_the_title_of_another_todo(client, add):
    add("Pay rent")
    walk = add("Walk")
    assert client.patch(f"/todos/{walk['id']}", json={"title": "PAY RENT"}).status_code == 409
    assert client.get(f"/todos/{walk['id']}").json() == walk


def test_a_todo_may_write_its_own_title_in_capitals(client, add):
    answer = client.patch(f"/todos/{add('Walk')['id']}", json={"title": "WALK"})
    assert answer.status_code == 200
    assert answer.json()["title"] == "WALK"
# END SOLUTION

# %% not_found tags=["exercise"] exercise="14.6"
import pytest


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_a_todo_that_is_not_there_is_not_found(client, add, method):
    """404 in JSON, for an id that was deleted and for one that never was."""
    body = {"title": "Walk"} if method == "PATCH" else None  # client.request(method, path, json=body)
    # BEGIN SOLUTION: a deleted id, and "no-such-todo"
    deleted = add("Pay rent")["id"]
    client.delete(f"/todos/{deleted}")
    for todo_id in (deleted, "no-such-todo"):
        answer = client.request(method, f"/todos/{todo_id}", json=body)
        assert answer.status_code == 404
        assert answer.headers["Content-Type"] == "application/json"
        assert isinstance(answer.json()["detail"], str)
    assert client.get("/todos").json()["total"] == 0
    # END SOLUTION

# %% [markdown]
# ## 14.7: validation
#
# Write down what is wrong **once**, as a table, and send all of it to both requests that take fields. Then send something that is no JSON at all: that takes
# `content=` in place of `json=`, which would never let you.
#
# **Predict.** Seven bugs. How many will the two entries catch that stand in the table already?

# %% validation tags=["exercise"] exercise="14.7"
import pytest

WRONG = [{"title": ""}, {"priority": "urgent"}]  # to be continued
JSON = {"Content-Type": "application/json"}

# BEGIN SOLUTION: continue the table; POST, PATCH; broken JSON
WRONG += [{"title": " \t "}, {"title": "x" * 201}, {"title": None}, {"done": "yes"}, {"done": None}]
WRONG += [{"due": "2026-05-01T09:00:00"}, {"due": "tomorrow"}, {"colour": "red"}]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_a_wrong_field_makes_no_todo(client, wrong):
    answer = client.post("/todos", json={"title": "Walk"} | wrong)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"][-1] in wrong
    assert client.get("/todos").json()["total"] == 0


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_a_wrong_field_changes_no_todo(client, add, wrong):
    walk = add("Walk")
    assert client.patch(f"/todos/{walk['id']}", json=wrong).status_code == 422
    assert client.get(f"/todos/{walk['id']}").json() == walk


def test_what_is_no_json_is_a_bad_request(client):
    assert client.post("/todos", content=b'{"title": "Walk"', headers=JSON).status_code == 400
# END SOLUTION

# %% [markdown]
# ## 14.8: boundaries, times and text
#
# Seven categories are done; the last one is the largest. Here a value crosses a border: into JSON, into Python, into PostgreSQL, and all the way back.
#
# Compare **moments**, not texts; measure length in characters; send what JSON can write and PostgreSQL cannot store. For a server in Tokyo, set `TZ` and call `time.tzset()`
# (and set it back: a test that moves the clock for the others fails the proof of **random orders**).

# %% values tags=["exercise"] exercise="14.8"
import time
from datetime import UTC, datetime, timedelta

import pytest

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def tokyo(monkeypatch):
    """The service's clock stands in Tokyo while the test runs."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


# BEGIN SOLUTION: due dates, Tokyo, long and strange text, types, é
def moment(text):
    return datetime.fromisoformat(text)


def test_a_due_date_is_the_same_moment_with_an_offset(client, add):
    due = "2026-03-29T02:30:00.250000+05:45"
    todo = client.get(f"/todos/{add('Call Kathmandu', due=due)['id']}").json()
    assert moment(todo["due"]).utcoffset() is not None
    assert moment(todo["due"]) == moment(due)


def test_a_todo_is_created_now_wherever_the_server_stands(add, tokyo):
    assert abs(moment(add("Sleep")["created_at"]) - datetime.now(UTC)) < timedelta(minutes=1)


def test_text_is_measured_in_characters_and_comes_back_as_it_was(client, add):
    todo = add("ä" * 200, notes="日" * 2_000, done=True)
    read = client.get(f"/todos/{todo['id']}").json()
    assert (read["title"], read["notes"]) == ("ä" * 200, "日" * 2_000)
    assert read["done"] is True


def test_two_ways_to_write_a_letter_are_one_title(client, add):
    add("Caf\u00e9")
    assert client.post("/todos", json={"title": "CAFE\u0301"}).status_code == 409


@pytest.mark.parametrize(
    "body",
    [r'{"title": "Walk", "notes": "a\u0000b"}', r'{"title": "\ud800"}'],
)
def test_what_cannot_be_stored_or_sent_back_is_invalid(client, body):
    assert client.post("/todos", content=body, headers=JSON).status_code == 422
# END SOLUTION

# %% [markdown]
# ## 14.9: boundaries, all or nothing
#
# A transaction, a long list, a database that is not there. What is refused must leave **no half** behind. A list must not move under its reader: walk through all pages of
# one in which many are equal. For a failing database, `without_tables` hides the tables from the service for a while; your connection `database` is what makes that possible.

# %% transactions tags=["exercise"] exercise="14.9"
from contextlib import contextmanager

import pytest
from sqlalchemy import text


@pytest.fixture
def without_tables(client, database):
    """Inside of `with without_tables():` the service does not find its tables."""

    @contextmanager
    def hide():
        schema = database.scalar(text("SELECT current_schema()"))
        database.execute(text(f"ALTER SCHEMA {schema} RENAME TO {schema}_away"))
        try:
            yield
        finally:
            database.execute(text(f"ALTER SCHEMA {schema}_away RENAME TO {schema}"))

    return hide


# BEGIN SOLUTION: refusals, pages, order, and a server error
def test_of_a_refused_batch_nothing_is_kept(client):
    batch = [{"title": title} for title in ("Walk", "Eat", "WALK")]
    answer = client.post("/todos/batch", json=batch)
    assert answer.status_code == 409
    assert client.get("/todos").json()["total"] == 0


def test_of_a_refused_change_nothing_is_kept(client, add):
    add("Walk")
    path = f"/todos/{add('Eat')['id']}"
    assert client.patch(path, json={"notes": "well", "title": "walk"}).status_code == 409
    assert client.get(path).json()["notes"] is None


@pytest.mark.parametrize("order", [{}, {"order": "priority"}], ids=["no order", "many equals"])
def test_walking_through_the_pages_meets_each_todo_once(client, order):
    priorities = ["normal", "high", "low"]
    chores = [{"title": f"Chore {n:02}", "priority": priorities[n % 3]} for n in range(50)]
    client.post("/todos/batch", json=chores)
    questions = [{"limit": 20, "offset": offset, **order} for offset in (0, 20, 40, 60)]
    pages = [client.get("/todos", params=question).json() for question in questions]
    assert [len(page["items"]) for page in pages] == [20, 20, 10, 0]
    assert [page["total"] for page in pages] == [50] * 4
    assert len({todo["id"] for page in pages for todo in page["items"]}) == 50


def test_a_change_moves_no_todo_in_the_list(client, add):
    for title in ("Walk", "Eat", "Sleep"):
        add(title)
    before = [todo["id"] for todo in client.get("/todos").json()["items"]]
    client.patch(f"/todos/{before[0]}", json={"notes": "changed"})
    assert [todo["id"] for todo in client.get("/todos").json()["items"]] == before


def test_todos_without_a_due_date_come_last(client, add):
    add("some day")
    add("May", due="2026-05-01T00:00:00Z")
    add("June", due="2026-06-01T00:00:00Z")
    pages = [client.get("/todos", params={"order": order}).json()["items"] for order in ("due", "-due")]
    early, late = ([todo["title"] for todo in page] for page in pages)
    assert early == ["May", "June", "some day"]
    assert late == ["June", "May", "some day"]


def test_a_failing_database_is_a_server_error_that_tells_nothing(client, add, without_tables):
    add("Walk")
    with without_tables():
        answers = [client.get("/todos"), client.post("/todos", json={"title": "Eat"})]
    for answer in answers:
        assert answer.status_code == 500
        assert "select" not in answer.text.lower()
    assert client.get("/todos").json()["total"] == 1
# END SOLUTION

# %% [markdown]
# ## 14.10: boundaries, two at once
#
# Two clients, one todo, the same moment. If you just start two threads, the bug shows itself once in a hundred runs, and a test like that is worth nothing. So build a **gate**: your
# own connection locks what the requests want to write, waits until PostgreSQL says that all of them stand there, and lets go.
#
# `at_once` is that gate. It waits for a fact, never for a time. Calls come to it in the order in which you name them.
#
# ```python
# at_once("SELECT FROM {} FOR UPDATE", first, second)        # both want a row
# at_once("LOCK TABLE {} IN EXCLUSIVE MODE", first, second)  # both make a row
# ```

# %% at_once tags=["exercise"] exercise="14.10"
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
WAITING = """SELECT count(DISTINCT pid) FROM pg_locks JOIN pg_stat_activity USING (pid)
JOIN pg_class ON relation = pg_class.oid JOIN pg_namespace ON relnamespace = pg_namespace.oid
WHERE wait_event_type = 'Lock' AND nspname = current_schema()"""


@pytest.fixture
def at_once(client, database):
    """Start calls, let all of them come to a lock, open it, and return their answers."""

    def run(lock, *calls):
        with ThreadPoolExecutor(len(calls)) as threads:
            engine = database.engine.execution_options(isolation_level="READ COMMITTED")
            with engine.begin() as gate:
                for table in gate.scalars(text(TABLES)).all():
                    gate.execute(text(lock.format(table)))
                answers, deadline = [], time.monotonic() + 5
                for call in calls:
                    answers.append(threads.submit(call))
                    while database.scalar(text(WAITING)) < sum(not each.done() for each in answers):
                        assert time.monotonic() < deadline, "nobody came to the gate"
            return [answer.result() for answer in answers]

    return run


# BEGIN SOLUTION: two creations, two changes, two deletions, one of each
ROW, TABLE = "SELECT FROM {} FOR UPDATE", "LOCK TABLE {} IN EXCLUSIVE MODE"


def statuses(answers):
    return [answer.status_code for answer in answers]


def test_of_two_that_take_one_title_one_is_refused(client, at_once):
    answers = at_once(
        TABLE,
        lambda: client.post("/todos", json={"title": "Eat"}),
        lambda: client.post("/todos", json={"title": "EAT"}),
    )
    assert sorted(statuses(answers)) == [201, 409]
    assert client.get("/todos").json()["total"] == 1


def test_of_two_changes_none_is_lost(client, add, at_once):
    path = f"/todos/{add('Eat')['id']}"
    answers = at_once(
        ROW,
        lambda: client.patch(path, json={"notes": "well"}),
        lambda: client.patch(path, json={"done": True}),
    )
    assert statuses(answers) == [200, 200]
    kept = client.get(path).json()
    assert (kept["notes"], kept["done"]) == ("well", True)


def test_of_two_deletions_one_comes_too_late(client, add, at_once):
    path = f"/todos/{add('Eat')['id']}"
    answers = at_once(ROW, lambda: client.delete(path), lambda: client.delete(path))
    assert statuses(answers) == [204, 404]


def test_a_change_after_a_deletion_finds_nothing(client, add, at_once):
    path = f"/todos/{add('Eat')['id']}"
    answers = at_once(ROW, lambda: client.delete(path), lambda: client.patch(path, json={"done": True}))
    assert statuses(answers) == [204, 404]
# END SOLUTION

# %% [markdown]
# ## What you have caught
#
# Your last board of each step, by category. Each category is worth 8.75 of the 70 points, however many bugs it has: an empty one costs more than a few survivors.
#
# Look at the diffs once more. Hardly one of these bugs sits inside of a function: they sit where a value is handed over, to JSON, to SQL, to the next request,
# to somebody who comes at the same moment. A unit test stands on one side of that, and sees nothing.
#
# ## Hand it in
#
# Your ten cells and your conftest are a pytest project. `export` writes it with the program, so that you can run it under plain `pytest` anywhere; `hand_in` packs the tests
# into one zip. (You changed the conftest on the way? Run all exercise cells once more, so that all of them stand on the same one.)

# %% caught
import matplotlib.pyplot as plt

caught = course.caught("14")  # such as {"create": (4, 5), …}
names = [f"{name}: {done} of {of}" for name, (done, of) in caught.items()]
figure, axes = plt.subplots(figsize=(8, 2.6), layout="constrained")
axes.barh(names, [of for _, of in caught.values()], color="#d8dee4")
axes.barh(names, [done for done, _ in caught.values()], color="#1a7f4b")
axes.invert_yaxis()
axes.set_xticks([])
plt.show()

# %% hand_in
course.export("14")
course.hand_in()

# %% [markdown]
# ## Be your own teacher
#
# This is what your teacher types. Type it in a terminal, in your workspace (*File → New → Terminal*):
#
# ```
# course grade handed_in --out graded --trust
# ```
#
# Your whole suite meets all bugs, every correct variant and the hygiene proofs: that takes a minute or so. Open `graded/index.html`, and then your own report: each line of it says how its
# points came about, and which test was the evidence.
#
# | points | for | learned in |
# |---|---|---|
# | 70 | bugs, eight categories alike | 14.1 to 14.10 |
# | 4 | passes twice on one database | the conftest: `TRUNCATE`, and a schema |
# | 4 | leaves production alone | the conftest: `DATABASE_URL`, and nothing else |
# | 4 | leaves nothing behind | the conftest: `DROP SCHEMA` |
# | 4 | takes any port and any database name | the conftest: no address is written down |
# | 4 | ids from 1000, rows of somebody else | 14.4: no `id == 1` |
# | 4 | error answers are tested | 14.5, 14.6, 14.7, 14.9 |
# | 2 + 2 + 2 | fast, in any order, under two workers | the conftest: `scope="session"`, `uuid4`; 14.8: no clock left behind |
#
# ## Further reading
#
# - pytest, *How to use fixtures*, on scopes and teardown: <https://docs.pytest.org/en/stable/how-to/fixtures.html>
# - PostgreSQL, *Schemas*, on the search path: <https://www.postgresql.org/docs/16/ddl-schemas.html>
# - PostgreSQL, *Explicit Locking*, on what the gate does: <https://www.postgresql.org/docs/16/explicit-locking.html>

# %% quiz
course.quiz("14")

# %% next
course.next()
