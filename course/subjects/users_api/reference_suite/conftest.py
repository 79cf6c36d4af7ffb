"""The fixtures: a database for each worker, emptied after each test, and a client on it."""

import os
from contextlib import contextmanager

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.orm import Session
from users_api import users
from users_api.database import build_engine, create_tables, get_db
from users_api.main import app
from users_api.models import Base
from users_api.tokens import create_token

PASSWORD = "correct horse battery"


@contextmanager
def own_database(url, worker):
    """Give each xdist worker a database of its own, beside the one in DATABASE_URL."""
    if worker is None or url.get_backend_name() == "sqlite":
        yield url
        return
    name = f"{url.database}_{worker}"
    server = create_engine(url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f'DROP DATABASE IF EXISTS "{name}"'))
        connection.execute(text(f'CREATE DATABASE "{name}"'))
        yield url.set(database=name)
        connection.execute(text(f'DROP DATABASE "{name}"'))
    server.dispose()


@pytest.fixture(scope="session")
def engine():
    """An engine whose sessions live in another time zone, as somebody's do: times must not depend on it."""
    url = make_url(os.environ.get("DATABASE_URL", "sqlite://"))
    far_away = {"options": "-c timezone=Asia/Kolkata"} if url.get_backend_name() == "postgresql" else {}
    with own_database(url, os.environ.get("PYTEST_XDIST_WORKER")) as own:
        built = build_engine(own.update_query_dict(far_away).render_as_string(hide_password=False))
        create_tables(built)
        yield built
        Base.metadata.drop_all(built)
        built.dispose()


@pytest.fixture
def database(engine):
    """The engine; whatever a test has left in its tables goes afterwards."""
    yield engine
    with engine.begin() as connection:
        for table in reversed(Base.metadata.sorted_tables):
            connection.execute(table.delete())


@pytest.fixture
def session(database):
    with Session(database) as opened:
        yield opened


@pytest.fixture(scope="session")
def server(engine):
    """One client for all tests, each request on a session of its own. A server error is a response, as over HTTP."""

    def get_test_db():
        with Session(engine) as opened:
            yield opened

    app.dependency_overrides[get_db] = get_test_db
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client
    del app.dependency_overrides[get_db]


@pytest.fixture
def client(server, database):
    return server


@pytest.fixture
def sign_up(client):
    """Sign somebody up over HTTP, and return the user as it was answered."""

    def create(email="ada@example.org", name="Ada Lovelace"):
        response = client.post("/users", json={"name": name, "email": email, "password": PASSWORD})
        assert response.status_code == 201, response.text
        return response.json()

    return create


@pytest.fixture
def log_in(client):
    def post(email, password=PASSWORD):
        return client.post("/login", data={"username": email, "password": password})

    return post


@pytest.fixture
def add_admin(database):
    """Put an admin into the database, and return their id."""

    def add(email="root@example.org"):
        with Session(database) as opened:
            return users.create_user(opened, name="Root", email=email, password=PASSWORD, role="admin").id

    return add


@pytest.fixture
def as_user():
    """Return the headers with which a user proves who they are."""

    def headers(user_id, issued_at=None):
        return {"Authorization": f"Bearer {create_token(user_id, issued_at)}"}

    return headers
