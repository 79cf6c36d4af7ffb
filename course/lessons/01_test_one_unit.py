# %% set_up tags=["setup"]
import course

course.begin("01_test_one_unit")

# %% [markdown]
# ## Red, and what does it tell you?
#
# A **unit test** calls one piece of a program, mostly a function, and nothing around it. Cells that begin with `%%pytest` are for looking only: each
# is saved as a file `test_it.py`, and pytest runs it as in a terminal.
#
# A colleague wrote `long_enough`. The rule is: 10 to 128 characters. There are two tests, and both are red. Run them, and read only the
# report: **what is wrong with the program?**

# %% two_reports
# %%pytest
# import pytest
#
# def long_enough(password):
#     return 10 < len(password) < 128
#
# def test_2():
#     for length in [10, 64, 128]:
#         ok = long_enough("x" * length)
#         assert ok
#
# @pytest.mark.parametrize("length", [10, 64, 128])
# def test_10_to_128_characters_are_enough(length):
#     assert long_enough("x" * length)

# %% [markdown]
# `test_2` tells you that something is not true. The other one tells you nearly all: 10 and 128 are refused, 64 is not. Three habits make the
# difference:
#
# - **The name is a sentence** that says what is promised. When it is red, you read what is not true any more.
# - **The call stands in the `assert`.** pytest rewrites your `assert`, so that it shows the values it saw. In `test_2` it saw only `ok`.
# - **A table, not a loop.** A loop ends at its first failure: `test_2` never came to 128. `parametrize` makes a test of each row, with a name of
#   its own.
#
# ## Which rows?
#
# Why 10, 64 and 128, and not 20 or 100? Here are six wrong programs. The cell gives each of them every length from 0 to 200. A dot stands where a
# program answers differently from the right one. There, and only there, a test can catch it.

# %% limits
import matplotlib.pyplot as plt

wrong = {
    "no upper limit": lambda n: n >= 10,
    "up to 129": lambda n: 10 <= n <= 129,
    "up to 127": lambda n: 10 <= n <= 127,
    "from 11": lambda n: 11 <= n <= 128,
    "from 9": lambda n: 9 <= n <= 128,
    "no lower limit": lambda n: n <= 128,
}
figure, axes = plt.subplots(figsize=(8, 2.2), layout="constrained")
for name, program in wrong.items():
    caught = [n for n in range(201) if program(n) != (10 <= n <= 128)]
    axes.plot(caught, [name] * len(caught), "o", color="#0b6e99", markersize=5)
    axes.annotate(f"   {len(caught)} of 201", (caught[-1], name), va="center")
axes.set(xticks=[10, 64, 128, 200], xlim=(-6, 235), ylim=(-0.6, 5.6))
axes.set_xlabel("length of the password in the test")
plt.show()

# %% [markdown]
# Two programs are so wrong that many lengths catch them. The other four differ from the right one at **a single length** each: 9, 10, 128 and
# 129. The row with 64 catches nobody. So test at the limits: the last value that is refused, and the first that is accepted, at both ends.
#
# ## Exercise 1.1: both ends
#
# Now the real program. `password_problem(password, email)` is a sentence where something is wrong, and `None` where all is well. The tests are
# there; fill the two lists that they run on. 9 and 10 you know from lesson 00.
#
# **Predict.** Take `"x" * 129` for the password that is too long. There are four bugs, one at each of the four lengths. Which of them will your
# lists catch? Decide, run, and compare.

# %% both_ends tags=["exercise"] exercise="1.1"
import pytest
from users_api.passwords import password_problem

EMAIL = "ada@example.org"

# BEGIN SOLUTION: REFUSED = [...] and ACCEPTED = [...]: passwords at the limits
REFUSED = ["ninechars", "xy" * 64 + "z"]
ACCEPTED = ["ten chars!", "xy" * 64]
# END SOLUTION


@pytest.mark.parametrize("password", REFUSED)
def test_a_password_just_outside_of_the_limits_is_refused(password):
    assert password_problem(password, EMAIL) is not None


@pytest.mark.parametrize("password", ACCEPTED)
def test_a_password_just_inside_of_the_limits_is_accepted(password):
    assert password_problem(password, EMAIL) is None

# %% [markdown]
# With `"x" * 129` one bug stays alive. That password has *two* faults: it is too long, and it is one character again and again. A program that
# overlooks the first still refuses it for the second. (And the right program refuses `"x" * 128`, for the second.)
#
# > **What must be refused has one fault, and only one.**
#
# ## Odd characters
#
# The whole rule: *10 to 128 printable characters, not all of them the same, and not the email address* (where case makes no difference).
# Printable are `é`, `ж`, `😀` and the space. A tab is not, nor is `"\u200b"`, a space of no width that comes along when people paste.
#
# Nobody sees that one, nor in your test. So write it as `"\u200b"`, and give its row a name in words:
#
# ```python
#     pytest.param("no\u200bwidth here", id="a space of no width"),
# ```
#
# ## Exercise 1.2: the rest of the rule
#
# Fill the lists again. Read the rule word by word, and think of people who do not write in English.
#
# **Predict.** Five bugs. How many of them will `"αβ" * 64` catch, a password of 128 Greek letters, all alone in `ACCEPTED`? Try that first
# (with an empty list, `REFUSED = []`, the other test is skipped).

# %% rest_of_the_rule tags=["exercise"] exercise="1.2"
import pytest
from users_api.passwords import password_problem

EMAIL = "ada@example.org"

# BEGIN SOLUTION: REFUSED = [...] and ACCEPTED = [...]; what is odd as pytest.param(..., id=...)
REFUSED = [
    pytest.param("with\ta tab", id="a tab"),
    pytest.param("no\u200bwidth here", id="a space of no width"),
    pytest.param("x" * 10, id="one character again and again"),
    pytest.param("ADA@example.org", id="the address in capitals"),
]
ACCEPTED = [
    pytest.param("пароль из слов", id="Russian"),
    pytest.param("αβ" * 64, id="128 Greek letters"),
]
# END SOLUTION


@pytest.mark.parametrize("password", REFUSED)
def test_a_password_with_one_fault_is_refused(password):
    assert password_problem(password, EMAIL) is not None


@pytest.mark.parametrize("password", ACCEPTED)
def test_a_password_without_a_fault_is_accepted(password):
    assert password_problem(password, EMAIL) is None

# %% [markdown]
# The Greek letters catch two bugs at once: one program wanted ASCII, and one counted bytes (128 Greek letters are 256 bytes).
#
# ## A marker for what is slow
#
# Did you forget a character? Unicode has room for 1,114,112 of them, and a unit test can try them all. But not each time that you save. So the test
# gets a **marker**, `slow`, and `-m "not slow"` leaves it out (`-o markers=slow` tells pytest that there is a marker of this name):

# %% every_character
# %%pytest -o markers=slow -m "not slow" --durations=1
# import sys
# import pytest
# from users_api.passwords import password_problem
#
# @pytest.mark.slwo
# def test_exactly_the_printable_characters_are_accepted():
#     for sign in map(chr, range(sys.maxunicode + 1)):
#         problem = password_problem("a password with " + sign, "ada@example.org")
#         assert (problem is None) == sign.isprintable()
#
# def test_ten_characters_are_enough():
#     assert password_problem("ten chars!", "ada@example.org") is None

# %% [markdown]
# It was *not* left out. Read the name of its marker once more. For pytest a typing error is just another marker, with a warning that is easy to
# miss. Add `--strict-markers` to the first line, and run the cell again: now it is an error. Then mend the word: `1 passed, 1 deselected`.
#
# In a project this stands in `pyproject.toml`, once for all:
#
# ```toml
# [tool.pytest.ini_options]
# markers = ["slow: takes more than a tenth of a second"]
# addopts = "--strict-markers"
# ```
#
# ## Two tests, one dictionary
#
# `Settings.from_environment` reads the settings of `users_api` from a dictionary, such as `os.environ`. Each of these two tests is right. Run
# them; then swap them, and run them again.

# %% shared_dictionary
# %%pytest
# from users_api.settings import Settings
#
# ENVIRONMENT = {"DATABASE_URL": "sqlite://"}
#
# def test_the_minutes_of_a_token_can_be_set():
#     ENVIRONMENT["USERS_API_TOKEN_MINUTES"] = "5"
#     assert Settings.from_environment(ENVIRONMENT).token_minutes == 5
#
# def test_a_token_is_good_for_30_minutes_unless_told_otherwise():
#     assert Settings.from_environment(ENVIRONMENT).token_minutes == 30

# %% [markdown]
# The first test leaves its 5 behind, and the second one finds it. What a test finds must not depend on who came before.
#
# A **fixture** makes a fresh one for each test: a function with `@pytest.fixture` above it. A test that names it as a parameter gets what it
# returns. Fixtures for many files stand in `conftest.py`; here that is the `%%conftest` cell.
#
# ## Exercise 1.3: a secret
#
# `secret` signs the tokens: whoever knows it can make one for any user. The contract:
#
# - A `USERS_API_SECRET` in the environment is taken.
# - If it is missing *or empty*, each `Settings` gets a secret of its own, with 32 characters or more.
# - It never stands in `repr(settings)`, for that is what ends up in logs.
#
# First finish the fixture: a new dictionary, with a secret in it. Then finish the first test, and write a second one for the second line of the contract.

# %% environment tags=["conftest"] exercise="1.3"
import pytest


@pytest.fixture
def environment():
    """An environment of its own for each test, with a secret."""
    # BEGIN SOLUTION: return a new dictionary with a USERS_API_SECRET of your choice
    return {"USERS_API_SECRET": "chosen by somebody"}
    # END SOLUTION

# %% secret tags=["exercise"] exercise="1.3"
from users_api.settings import Settings


def test_a_secret_that_somebody_chose_is_taken_and_not_shown(environment):
    settings = Settings.from_environment(environment)
    # BEGIN SOLUTION: assert settings.secret, and what repr(settings) does not hold; then write the second test
    assert settings.secret == "chosen by somebody"
    assert "chosen by somebody" not in repr(settings)


def test_a_secret_that_nobody_chose_is_long_and_shared_with_nobody(environment):
    environment["USERS_API_SECRET"] = ""
    one, other = Settings.from_environment(environment), Settings.from_environment(environment)
    assert len(one.secret) >= 32
    assert one.secret != other.secret
    # END SOLUTION

# %% [markdown]
# Empty is a value of its own. Wherever something may be missing, try the empty text, the empty list, and zero as well.
#
# ## When it must fail
#
# `expires_at(issued_at, minutes)` says when a token ends. A moment without a time zone is nothing to count from: it has to raise a `ValueError`.
# Here is a first try, which checks nothing, and two tests of that. Which one notices?

# %% must_fail
# %%pytest
# from datetime import datetime, timedelta
# import pytest
#
# def expires_at(issued_at, minutes):
#     return issued_at + timedelta(minutes=minutes)
#
# def test_a_moment_without_a_zone_is_refused_with_try():
#     try:
#         expires_at(datetime(2030, 1, 1), 30)
#     except ValueError:
#         pass
#
# def test_a_moment_without_a_zone_is_refused_with_raises():
#     with pytest.raises(ValueError):
#         expires_at(datetime(2030, 1, 1), 30)

# %% [markdown]
# With `try` the test is green when nothing is raised at all. `pytest.raises` asks for the error: `DID NOT RAISE`. Two habits go with it:
#
# - Only the call that must fail stands in the `with`. Whatever follows it there never runs.
# - Name the error that was promised. `raises(Exception)` is content with a typing error of yours.
#
# ## Nearly equal
#
# Why is the moment given to `expires_at`? Because a test can then choose it. A function that looks at the clock itself answers differently
# each time. Here a token is made at noon and some microseconds, for 30 minutes. The token notes when it ends (`exp`):

# %% nearly
# %%pytest
# from datetime import UTC, datetime
# import jwt
# import pytest
# from users_api.tokens import create_token
#
# NOON = datetime(2030, 1, 1, 12, 0, 0, 654321, tzinfo=UTC)
# EXPECTED = {"equal": 1800, "approx": pytest.approx(1800), "approx, abs=1": pytest.approx(1800, abs=1)}
#
# @pytest.mark.parametrize("expected", EXPECTED.values(), ids=EXPECTED)
# def test_a_token_lasts_1800_seconds(expected):
#     ends = jwt.decode(create_token(7, NOON), options={"verify_signature": False})["exp"]
#     lasts = ends - NOON.timestamp()
#     assert lasts == expected

# %% [markdown]
# A token knows whole seconds only. `approx(1800)` allows a millionth (`1800 ± 0.0018`): made for the rounding of floats, too little here. `abs=1`
# allows a second. Allow what the contract allows, and no more: with `abs=60` a token may end a minute early.
#
# ## Exercise 1.4: when a token ends
#
# The contract: `expires_at(issued_at, minutes)` is a moment, **right to the second**; or a `ValueError`, worded as you like, where `issued_at`
# has no time zone or `minutes` is less than 1. Three odd moments are in the cell. Begin with this test, and choose more `minutes`:
#
# ```python
# @pytest.mark.parametrize("minutes", [30])
# @pytest.mark.parametrize("issued_at", [NOON, INDIA, NIGHT], ids=["noon", "India", "night"])
# def test_a_token_lasts_as_long_as_it_was_told(issued_at, minutes):
#     lasts = expires_at(issued_at, minutes).timestamp() - issued_at.timestamp()
# ```
#
# Two tables: pytest runs every pair. (`timestamp()` counts seconds, and is the same on all clocks.) Then write a second test, for what must fail.

# %% token_ends tags=["exercise"] exercise="1.4"
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from users_api.tokens import expires_at

NOON = datetime(2030, 1, 1, 12, 0, 59, 654321, tzinfo=UTC)
INDIA = datetime(2030, 1, 1, 12, tzinfo=ZoneInfo("Asia/Kolkata"))
NIGHT = datetime(2030, 10, 27, 2, 45, tzinfo=ZoneInfo("Europe/Berlin"))  # at 3 the clocks go back to 2

# BEGIN SOLUTION: the test that stands above, finished; and one for what must be a ValueError
@pytest.mark.parametrize("minutes", [1, 30, 1440])
@pytest.mark.parametrize("issued_at", [NOON, INDIA, NIGHT], ids=["noon", "India", "night"])
def test_a_token_lasts_as_long_as_it_was_told(issued_at, minutes):
    lasts = expires_at(issued_at, minutes).timestamp() - issued_at.timestamp()
    assert lasts == pytest.approx(60 * minutes, abs=1)


IMPOSSIBLE = [(datetime(2030, 1, 1), 30), (NOON, 0)]


@pytest.mark.parametrize(("issued_at", "minutes"), IMPOSSIBLE, ids=["no zone", "no time"])
def test_a_token_that_cannot_be_made_is_a_value_error(issued_at, minutes):
    with pytest.raises(ValueError):
        expires_at(issued_at, minutes)
# END SOLUTION

# %% [markdown]
# Open the first four bugs on the board. Each of those programs is right for half an hour, at noon sharp, in London. Moments have limits and odd
# values as well.
#
# ## What no unit test sees
#
# The contract: *No two users share an email address, and case makes no difference.* `normalize_email` is the function for that: two
# spellings of one address become equal. So this is how a unit test can count accounts:

# %% accounts tags=["conftest"]
import pytest
from users_api.emails import normalize_email


@pytest.fixture
def count_accounts():
    """Count the accounts that some addresses make, as far as one function can tell."""

    def count(*emails):
        return len({normalize_email(email) for email in emails})

    return count

# %% [markdown]
# ## Exercise 1.5: one address, one account
#
# Fill the table. A row is `("ada@example.org", "ADA@EXAMPLE.ORG", 1)`: two addresses, and how many accounts they make. Some pairs look alike and
# are two people.
#
# **Predict.** Three bugs sit in `normalize_email`. The fourth sits elsewhere in the program, and customers complain about it: `ada@example.org` and
# `Ada@example.org` are two accounts. Which row of your table will catch that one?

# %% one_account tags=["exercise"] exercise="1.5"
import pytest

# BEGIN SOLUTION: ADDRESSES = [...]: rows of two addresses, and how many accounts they make
ADDRESSES = [
    ("ada@example.org", "ADA@EXAMPLE.ORG", 1),
    ("ada@example.org", "Ada@example.org", 1),
    ("ada@example.org", "ada+news@example.org", 2),
    ("strasse@example.org", "straße@example.org", 2),
]
# END SOLUTION


@pytest.mark.parametrize(("one", "other", "accounts"), ADDRESSES)
def test_addresses_that_differ_only_in_case_are_one_account(count_accounts, one, other, accounts):
    assert count_accounts(one, other) == accounts

# %% [markdown]
# None of your rows. The bug stays on the board, alive on purpose, and the exercise is solved.
#
# ## What they have in common
#
# You have caught 21 wrong programs. In each of them **one function** was wrong, and one call with the right input showed it: a limit, something
# empty, an odd character, an odd moment. Such tests take a millisecond and point at the line. Write many.
#
# In the one that got away no function is wrong. The rule *case makes no difference* stands a second time in this program: in an index of a table, in
# the database. There somebody forgot it. Your test asked the one place, and customers meet the other. Where two parts of a
# program meet is a **boundary**. A test that goes across it is an **integration test**.
#
# Keep this test. In lesson 03 you run it again. Not one of its lines changes, only the fixture: there it counts rows in a real database.
#
# ## Further reading
#
# - pytest, *How to write and report assertions in tests*: <https://docs.pytest.org/en/stable/how-to/assert.html>
# - pytest, *How to parametrize fixtures and test functions*: <https://docs.pytest.org/en/stable/how-to/parametrize.html>
# - pytest, *Working with custom markers*: <https://docs.pytest.org/en/stable/example/markers.html>
# - pytest, *pytest.approx*: <https://docs.pytest.org/en/stable/reference/reference.html#pytest-approx>
# - Python, *str.isprintable*: <https://docs.python.org/3/library/stdtypes.html#str.isprintable>
#
# What if a unit talks to somebody?

# %% quiz
course.quiz("01")

# %% next
course.next()
