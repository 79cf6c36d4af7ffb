"""What is in a database before a suite comes to it, for the proof `depends_on_no_seed`."""

from fastapi.testclient import TestClient
from todo_api import create_app


def start(database_url):
    """Leave what the program makes of an empty database by itself."""
    with TestClient(create_app(database_url)):
        pass


def fill(database_url):
    """Leave todos of somebody else, with titles that no learner's test would take."""
    with TestClient(create_app(database_url)) as client:
        for todo in (
            {"title": "Left here by somebody else, 1"},
            {"title": "Left here by somebody else, 2", "done": True, "priority": "high"},
        ):
            assert client.post("/todos", json=todo).status_code == 201
