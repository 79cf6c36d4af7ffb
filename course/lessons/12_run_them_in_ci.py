# %% set_up tags=["setup"]
import course

course.begin("12_run_them_in_ci")

# %% [markdown]
# Tests that nobody runs catch nothing. So a machine runs them, on each change, before anybody merges it. This is called **CI**, continuous integration. On GitHub a file in
# `.github/workflows/` says what that machine does. You will write such files here, and rehearse them: `%%workflow` starts the services that a file names, runs its steps in a clean copy
# of a small project, and shows what GitHub would show.
#
# The project is a guestbook. Its program is right, and its tests are good:

# %% project
course.brief()

# %% [markdown]
# ## A green check that means nothing
#
# Somebody opens a pull request, a commit that waits to be merged. It cuts a text one character too early, and a unit test fails on it. Here is the project's workflow:
#
# - `on` says when it runs,
# - a **job** is a fresh machine (`runs-on`) and its **steps**,
# - a step either runs a script (`run`) or takes somebody else's action (`uses`): `checkout` fetches the project, `setup-python` a Python.
#
# The name behind `%%workflow` is the bad commit. **Predict.** Which step will be red?

# %% swallowed
# %%workflow unit/cuts_one_character_too_many
# on: pull_request
# jobs:
#   unit:
#     runs-on: ubuntu-latest
#     steps:
#       - uses: actions/checkout@v5
#       - uses: actions/setup-python@v6
#         with:
#           python-version: "3.12"
#       - run: pip install -r requirements.txt
#       - run: python -m pytest tests/unit/ || true

# %% [markdown]
# None is. The tests failed: open the last step, and read `1 failed`. A step is red when its script ends with an **exit code** other than 0. pytest ended with 1, and `|| true` made it a 0.
# Somebody wrote that on a day when a test was in the way.
#
# Here is the same in GitHub's own words. The step's remark tells what became of the failure.

# %% forgiven
# %%workflow unit/cuts_one_character_too_many
# on: pull_request
# jobs:
#   unit:
#     runs-on: ubuntu-latest
#     steps:
#       - uses: actions/checkout@v5
#       - uses: actions/setup-python@v6
#         with:
#           python-version: "3.12"
#       - run: pip install -r requirements.txt
#       - run: python -m pytest tests/unit/
#         continue-on-error: true

# %% [markdown]
# ## What a good workflow is
#
# A test is good when it passes on right code and fails on wrong code. A workflow is good when it is **green on a good commit and red on each bad one**. That is what the boards of this
# lesson prove: they rehearse your file on good commits and on bad ones, and say which of them were kept out.
#
# ## Exercise 12.1: the third way to swallow
#
# This file keeps what pytest says in a report. There is no `|| true` in it, and no `continue-on-error`.
#
# **Predict.** Which of the three bad commits will it keep out? One of them breaks an import, so that pytest cannot even collect the tests. Run the cell as it is, and then cure it. The report has to
# stay.

# %% keep_the_exit_code tags=["exercise"] exercise="12.1"
# on: pull_request
# jobs:
#   unit:
#     runs-on: ubuntu-latest
#     steps:
#       - uses: actions/checkout@v5
#       - uses: actions/setup-python@v6
#         with:
#           python-version: "3.12"
#       - run: pip install -r requirements.txt
#       # BEGIN SOLUTION
#       - run: python -m pytest tests/unit/ | tee report.txt
#         shell: bash
#       # INSTEAD:
#       # - run: python -m pytest tests/unit/ | tee report.txt
#       # END SOLUTION
#       - uses: actions/upload-artifact@v5
#         if: always()
#         with:
#           path: report.txt

# %% [markdown]
# A pipe ends with the exit code of its **last** command, and `tee` is always content. In bash, `set -o pipefail` changes that. GitHub sets it only where a step says `shell: bash`.
#
# `if: always()` lets a step run after a failure. Without it, everything behind a red step is skipped, and the report is lost just when somebody wants to read it.
#
# ## The database
#
# Now the integration tests. **Predict.** What will they say, on a good commit?

# %% no_database
# %%workflow
# on: pull_request
# jobs:
#   test:
#     runs-on: ubuntu-latest
#     steps:
#       - uses: actions/checkout@v5
#       - uses: actions/setup-python@v6
#         with:
#           python-version: "3.12"
#       - run: pip install -r requirements.txt
#       - run: python -m pytest tests/integration/

# %% [markdown]
# `KeyError: 'DATABASE_URL'`: nobody has said where the database is, and there is none. GitHub's machine is empty.
#
# A **service container** is a container that runs beside the steps of a job. It needs four things:
#
# | key | what it says |
# |---|---|
# | `image` | which program, in which version: `postgres:16` |
# | `env` | its settings: `POSTGRES_USER`, `POSTGRES_PASSWORD`, `POSTGRES_DB` |
# | `ports` | `5432:5432`: what listens at 5432 in the container can be reached at 5432 of the machine |
# | `options` | a **health check**: the steps wait until the command `pg_isready` says that PostgreSQL takes connections |
#
# ## Exercise 12.2: a database for the tests
#
# Add the service to the job, and tell the tests its address in `DATABASE_URL`. User, password and name of the database are yours to choose; both places must agree.

# %% with_a_database tags=["exercise"] exercise="12.2"
# on: pull_request
# jobs:
#   test:
#     runs-on: ubuntu-latest
#     # BEGIN SOLUTION: write `services` with PostgreSQL 16 and its health check, and `env`
#     services:
#       postgres:
#         image: postgres:16
#         env:
#           POSTGRES_USER: guest
#           POSTGRES_PASSWORD: secret
#           POSTGRES_DB: guestbook
#         ports:
#           - 5432:5432
#         options: >-
#           --health-cmd pg_isready
#           --health-interval 5s
#           --health-timeout 5s
#           --health-retries 5
#     env:
#       DATABASE_URL: postgresql+psycopg://guest:secret@localhost:5432/guestbook
#     # END SOLUTION
#     steps:
#       - uses: actions/checkout@v5
#       - uses: actions/setup-python@v6
#         with:
#           python-version: "3.12"
#       - run: pip install -r requirements.txt
#       - run: python -m pytest tests/integration/

# %% [markdown]
# This is the shape that you will meet in most projects. Keep it.
#
# ## Exercise 12.3: red on a good commit
#
# A workflow that is red for no reason is as bad as one that is green for no reason: people learn to merge in spite of it. In this one, somebody copied the address from a `compose.yaml`, took another port since
# 5432 was taken on a laptop, and found the health check too long.
#
# Read what the red step says, mend one thing, run it again. There are three things to mend.

# %% reach_it tags=["exercise"] exercise="12.3"
# on: pull_request
# jobs:
#   test:
#     runs-on: ubuntu-latest
#     # BEGIN SOLUTION
#     services:
#       postgres:
#         image: postgres:16
#         env:
#           POSTGRES_USER: guest
#           POSTGRES_PASSWORD: secret
#           POSTGRES_DB: guestbook
#         ports:
#           - 5432:5432
#         options: >-
#           --health-cmd pg_isready
#           --health-interval 5s
#           --health-timeout 5s
#           --health-retries 5
#     env:
#       DATABASE_URL: postgresql+psycopg://guest:secret@localhost:5432/guestbook
#     # INSTEAD:
#     # services:
#     #   postgres:
#     #     image: postgres:16
#     #     env:
#     #       POSTGRES_USER: guest
#     #       POSTGRES_PASSWORD: secret
#     #       POSTGRES_DB: guestbook
#     #     ports:
#     #       - 5433:5432
#     # env:
#     #   DATABASE_URL: postgresql+psycopg://guest:secret@postgres:5432/guestbook
#     # END SOLUTION
#     steps:
#       - uses: actions/checkout@v5
#       - uses: actions/setup-python@v6
#         with:
#           python-version: "3.12"
#       - run: pip install -r requirements.txt
#       - run: python -m pytest tests/integration/

# %% [markdown]
# Three addresses in one line, and each can be wrong:
#
# - The **host**. The name `postgres` is known inside of Docker's network. The steps run on the machine itself, so for them it is `localhost`.
# - The **port**. In `5433:5432` the left one is the machine's: the steps use that.
# - The **moment**. A container that has started is not a database that answers. Without a health check the first test comes too early. On a slow day, that is; on GitHub such a workflow is flaky. The rehearsal keeps
#   the server back for a while, so that you see it each time.
#
# ## Exercise 12.4: nobody looked
#
# This workflow has a database, and runs all of pytest. It is green on the good commit, and it keeps nothing out.
#
# **Predict.** What does GitHub show on a bad commit: a green check, a red cross, or something else? Run it, and read what the board says about each. Two things are wrong; the second shows when you
# have mended the first.

# %% on_every_pull_request tags=["exercise"] exercise="12.4"
# # BEGIN SOLUTION
# on: pull_request
# # INSTEAD:
# # on:
# #   push:
# #     branches: [main]
# #   pull_request:
# #     paths: ["tests/**"]
# # env:
# #   PYTEST_ADDOPTS: -m "not integration"
# # END SOLUTION
# jobs:
#   test:
#     runs-on: ubuntu-latest
#     services:
#       postgres:
#         image: postgres:16
#         env:
#           POSTGRES_USER: guest
#           POSTGRES_PASSWORD: secret
#           POSTGRES_DB: guestbook
#         ports:
#           - 5432:5432
#         options: >-
#           --health-cmd pg_isready
#           --health-interval 5s
#           --health-timeout 5s
#           --health-retries 5
#     env:
#       DATABASE_URL: postgresql+psycopg://guest:secret@localhost:5432/guestbook
#     steps:
#       - uses: actions/checkout@v5
#       - uses: actions/setup-python@v6
#         with:
#           python-version: "3.12"
#       - run: pip install -r requirements.txt
#       - run: python -m pytest

# %% [markdown]
# `paths` starts a workflow only when one of these files changes. It saves minutes where it names *all* that the tests depend on. Here it named the tests, and left out the program. And where no workflow
# starts, there is no red cross: GitHub shows no check at all. `push` to main starts it, but that is after the merge.
#
# `-m "not integration"` chooses tests by their **marker**, and is good company on a laptop. In `PYTEST_ADDOPTS` it goes to every call of pytest, where nobody sees it. Look at the count in pytest's last
# line: `3 deselected` is the trace that it leaves.
#
# ## Fast first
#
# Integration tests are slow, and some commits are broken in a way that a unit test sees within a second. A job that `needs` another one waits for it, and is skipped when it fails. A **matrix** runs a job once
# for each of its values. With `fail-fast`, which is the default, the first failure cancels the rest. `-n 2` gives pytest two workers, as in lesson 08.

# %% matrix
# %%workflow unit/keeps_double_spaces
# on: pull_request
# jobs:
#   unit:
#     runs-on: ubuntu-latest
#     strategy:
#       matrix:
#         python: ["3.12", "3.13"]
#     steps:
#       - uses: actions/checkout@v5
#       - uses: actions/setup-python@v6
#         with:
#           python-version: ${{ matrix.python }}
#       - run: python -m pytest -n 2 --junit-xml report.xml tests/unit/
#       - uses: actions/upload-artifact@v5
#         if: always()
#         with:
#           path: report.xml

# %% [markdown]
# The second job was cancelled, and the report was kept: `--junit-xml` writes it in a form that most CI pages can show. (A rehearsal has one Python, and says so. GitHub has them all.)
#
# ## Exercise 12.5: unit tests first
#
# Here the unit tests come last. Whoever misplaces a space waits for a database first.
#
# Make two jobs of it: one for the unit tests, without a database, and one for the integration tests, which needs the first. The board's last row looks whether a database starts for a commit
# that breaks a unit.

# %% fast_first tags=["exercise"] exercise="12.5"
# on: pull_request
# jobs:
#   # BEGIN SOLUTION
#   unit:
#     runs-on: ubuntu-latest
#     steps:
#       - uses: actions/checkout@v5
#       - uses: actions/setup-python@v6
#         with:
#           python-version: "3.12"
#       - run: pip install -r requirements.txt
#       - run: python -m pytest tests/unit/
#
#   integration:
#     needs: unit
#     runs-on: ubuntu-latest
#     services:
#       postgres:
#         image: postgres:16
#         env:
#           POSTGRES_USER: guest
#           POSTGRES_PASSWORD: secret
#           POSTGRES_DB: guestbook
#         ports:
#           - 5432:5432
#         options: >-
#           --health-cmd pg_isready
#           --health-interval 5s
#           --health-timeout 5s
#           --health-retries 5
#     env:
#       DATABASE_URL: postgresql+psycopg://guest:secret@localhost:5432/guestbook
#     steps:
#       - uses: actions/checkout@v5
#       - uses: actions/setup-python@v6
#         with:
#           python-version: "3.12"
#       - run: pip install -r requirements.txt
#       - run: python -m pytest tests/integration/
#   # INSTEAD:
#   # test:
#   #   runs-on: ubuntu-latest
#   #   services:
#   #     postgres:
#   #       image: postgres:16
#   #       env:
#   #         POSTGRES_USER: guest
#   #         POSTGRES_PASSWORD: secret
#   #         POSTGRES_DB: guestbook
#   #       ports:
#   #         - 5432:5432
#   #       options: >-
#   #         --health-cmd pg_isready
#   #         --health-interval 5s
#   #         --health-timeout 5s
#   #         --health-retries 5
#   #   env:
#   #     DATABASE_URL: postgresql+psycopg://guest:secret@localhost:5432/guestbook
#   #   steps:
#   #     - uses: actions/checkout@v5
#   #     - uses: actions/setup-python@v6
#   #       with:
#   #         python-version: "3.12"
#   #     - run: pip install -r requirements.txt
#   #     - run: python -m pytest tests/integration/
#   #     - run: python -m pytest tests/unit/
#   # END SOLUTION

# %% [markdown]
# ## What these workflows have in common
#
# All of the tests were good. What let bad commits in stood around them: an exit code that got lost, an event that never came, a marker that nobody saw. And you cannot see it from a green check. So break the
# program on purpose once, open a pull request, and look whether it turns red.
#
# | a workflow that | looks like this | cure |
# |---|---|---|
# | swallows the exit code | green, with `1 failed` in its output | no `\|\| true`, no `continue-on-error`, `shell: bash` for pipes |
# | does not run | no check at all | `on: pull_request`, and `paths` with care |
# | leaves tests out | green, `deselected` or few tests | read the count |
# | cannot reach the database | red on everything | `localhost`, the left port, the same password twice |
# | comes too early | red now and then | `--health-cmd pg_isready` |
# | tells you late | red after minutes | unit tests first, `needs` |
#
# Your files are rehearsed from a terminal, too, in any project: `course rehearse .github/workflows/tests.yml`.
#
# ## Further reading
#
# - GitHub, *Creating PostgreSQL service containers*: <https://docs.github.com/en/actions/tutorials/use-containerized-services/create-postgresql-service-containers>
# - GitHub, *Workflow syntax*: <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax>
# - pytest, *Exit codes*: <https://docs.pytest.org/en/stable/reference/exit-codes.html>
# - actionlint, a checker for workflow files: <https://github.com/rhysd/actionlint>
#
# **Next:** suites that are sick in other ways, and their cures.

# %% quiz
course.quiz("12")

# %% next
course.next()
