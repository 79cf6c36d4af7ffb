"""A project that is rehearsed, and a workflow for it that is right."""

from __future__ import annotations

import pytest

from course.workflows import Event, read_workflow, rehearse

SHOP = 'def price(pence):\n    return f"£{pence / 100:.2f}"\n'
UNIT = 'from shop import price\n\ndef test_price():\n    assert price(250) == "£2.50"\n'
INTEGRATION = """
import os
import psycopg2

def test_answers():
    connection = psycopg2.connect(os.environ["DATABASE_URL"])
    cursor = connection.cursor()
    cursor.execute("SELECT current_user")
    assert cursor.fetchone() == ("shop",)
    connection.close()
"""
GOOD = """\
name: integration
on: [push, pull_request]
jobs:
  test:
    runs-on: ubuntu-latest
    services:
      postgres:
        image: postgres:16
        env: {POSTGRES_USER: shop, POSTGRES_PASSWORD: secret, POSTGRES_DB: shop}
        ports: ["5432:5432"]
        options: >-
          --health-cmd pg_isready
          --health-interval 5s
    env:
      DATABASE_URL: postgresql://shop:secret@localhost:5432/shop
    steps:
      - uses: actions/checkout@v5
      - uses: actions/setup-python@v6
        with: {python-version: "3.12"}
      - name: Unit tests
        run: python -m pytest tests/unit/
      - name: Integration tests
        run: python -m pytest tests/integration/
"""


@pytest.fixture
def project(tmp_path):
    """A module, a unit test and an integration test on the database that DATABASE_URL names."""
    folder = tmp_path / "shop"
    files = {
        "conftest.py": "",
        "shop.py": SHOP,
        "tests/unit/test_price.py": UNIT,
        "tests/integration/test_database.py": INTEGRATION,
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def run(project):
    """Rehearses a workflow, given as text, on the project."""

    def rehearsed(text, event=None, seconds=60.0):
        return rehearse(read_workflow(text), project, event or Event(), seconds)

    return rehearsed


@pytest.fixture(scope="session")
def good():
    """The workflow that is right for the project."""
    return GOOD


@pytest.fixture(scope="session")
def job():
    """Writes a workflow of one job from its steps; `before` stands above them, at the indent of a job's keys."""
    return _job


def _job(*steps, before="", on="pull_request"):
    lines = [f"on: {on}", "jobs:", "  test:", "    runs-on: ubuntu-latest", *before.splitlines(), "    steps:"]
    for step in steps:
        first, *more = step.strip().splitlines()
        lines += [f"      - {first}", *(f"        {line}" for line in more)]
    return "\n".join(lines)
