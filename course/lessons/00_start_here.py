# %% set_up tags=["setup"]
import course

course.begin("00_start_here")

# %% [markdown]
# ## Your first test, in a minute
#
# Click into the cell above and press `Shift`+`Enter`. That runs a cell; this one begins the lesson, and its panel says what there is to do.
#
# `users_api` is the program that you will test. Its `password_problem` says what is wrong with a new password, or `None`. The rule: **ten
# characters or more**.
#
# In the cell below, put this line in place of the `raise` line:
#
# ```python
#     assert password_problem("abc", "ada@example.org")
# ```
#
# **Predict.** The right program passes this test. Will a program with a wrong limit fail it? Then press `Shift`+`Enter`.

# %% short_password tags=["exercise"] exercise="0.1"
from users_api.passwords import password_problem


def test_a_short_password_is_refused():
    """A password that is too short has a problem."""
    # BEGIN SOLUTION: put your assertion here
    assert password_problem("ninechars", "ada@example.org")
    # END SOLUTION

# %% [markdown]
# The test is green, and the board is not. Your test passes on the right program; it passes as well on **a wrong one**, which somebody
# broke. So it proves nothing about the limit: who would write a program that accepts `"abc"`?
#
# Go to the limit itself. Change `"abc"` into `"ninechars"` and run the cell again.
#
# `caught`! Click on the bug to see the line that was wrong. This is the idea of the whole course:
#
# > **A test is good when it passes on right code and fails on wrong code.**
#
# ## A limit has two sides
#
# The next board has two bugs. One of them you know; what could the other one be?
#
# **Predict.** Put your line of 0.1 in first, and no other. Will it catch one of them, or both?

# %% both_sides tags=["exercise"] exercise="0.2"
from users_api.passwords import password_problem

EMAIL = "ada@example.org"


def test_ten_characters_are_the_limit():
    """Nine characters are too few, ten are enough."""
    # BEGIN SOLUTION: assert that nine characters get a problem, and that ten get None
    assert password_problem("ninechars", EMAIL) is not None
    assert password_problem("ten chars!", EMAIL) is None
    # END SOLUTION

# %% [markdown]
# Is one still alive? Ask for a hint. Each run of this cell shows one more:

# %% ask
course.hint("0.2")

# %% [markdown]
# Both caught? Then break your test on purpose. Compare with the whole sentence:
#
# ```python
#     assert password_problem("ninechars", EMAIL) == "The password needs at least 10 characters."
# ```
#
# The board says **false alarm**. It also runs your test on a program that is right and words the sentence in another way. Nobody promised
# the wording, so a good test doesn't ask for it. And a test that raises false alarms catches nothing: both bugs are alive again. Put your
# own lines back.
#
# ## What stands on a board
#
# | sign | it means |
# |---|---|
# | ✔ passes on right code | on the original twice, the second time in another order, and on variants that are right in another way |
# | ✔ caught | a wrong program, and a test of yours that failed on it |
# | ✗ alive | a wrong program that passes all your tests |
# | ✗ false alarm | your test fails on code that is right |
#
# Of a bug that is alive the board tells only the boundary where people would meet it. Each program ran in a process of its own, on a fresh
# PostgreSQL database; the time stands at the top right.
#
# ## The path
#
# Here is where you are, and where you go. Each lesson that is written is a link:

# %% path
course.path()

# %% [markdown]
# The same as a list. Both are drawn from your own work, which is saved each time you run an exercise:

# %% progress
course.progress()

# %% [markdown]
# ## Your machine
#
# Most lessons talk to real servers: a database, a message queue. Let the doctor look at what is here:

# %% doctor
course.doctor()

# %% [markdown]
# ● is here. ○ is not here, and you can do without. ✗ has to be mended, and the line says how. **No Docker? Go on**: PostgreSQL and NATS come with
# the course, and the lessons on containers work without it. The last line tells which lessons want what.
#
# ## How you work here
#
# | you type | it is, in a real project |
# |---|---|
# | `%%exercise 0.1` | a file `test_….py`. It imports all that it uses: other cells don't count |
# | `%%conftest` | the file `conftest.py`, with the fixtures for the exercises below it |
# | `course.hint("0.1")` | a colleague who knows the answer and gives it away slowly |
# | `course.export("04")` | a folder with your tests, which plain `pytest` runs |
#
# Three things to know:
#
# - Run the cells from top to bottom. A cell that begins with `course.begin` comes first, after each restart of the kernel too.
# - Put `??` behind a name to read its source: `password_problem??`.
# - The notebooks are yours. Scribble, break things; `course reset 00` in a terminal brings a lesson back, and keeps what you had.

# %% quiz
course.quiz("00")

# %% [markdown]
# ## Further reading
#
# - pytest, *Get Started*: <https://docs.pytest.org/en/stable/getting-started.html>
# - pytest, *How to write and report assertions in tests*: <https://docs.pytest.org/en/stable/how-to/assert.html>
# - JupyterLab, *Notebooks*: <https://jupyterlab.readthedocs.io/en/stable/user/notebook.html>

# %% next
course.next()
