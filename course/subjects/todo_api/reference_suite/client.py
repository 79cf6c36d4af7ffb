"""Calls the application in this process, with nothing in between that a test could wait for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from anyio.from_thread import BlockingPortal
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message


@dataclass(frozen=True)
class Answer:
    status_code: int
    headers: Headers
    content: bytes

    @property
    def text(self) -> str:
        return self.content.decode()

    def json(self) -> Any:
        return json.loads(self.content)


class Client:
    """One step into the event loop for each request; several threads may share it."""

    def __init__(self, app: ASGIApp, portal: BlockingPortal) -> None:
        self._app = app
        self._portal = portal

    def get(self, path: str, **params: Any) -> Answer:
        return self.send("GET", path, query=urlencode(params))

    def post(self, path: str, fields: Any) -> Answer:
        return self.send("POST", path, json.dumps(fields).encode())

    def patch(self, path: str, **fields: Any) -> Answer:
        return self.send("PATCH", path, json.dumps(fields).encode())

    def delete(self, path: str) -> Answer:
        return self.send("DELETE", path)

    def send(self, method: str, path: str, body: bytes = b"", query: str = "") -> Answer:
        return self._portal.call(self._send, method, path, body, query)

    def add(self, title: str, **fields: Any) -> dict[str, Any]:
        """Create a todo that the test takes for granted."""
        answer = self.post("/todos", {"title": title, **fields})
        assert answer.status_code == 201, answer.text
        return answer.json()

    def list(self, **params: Any) -> dict[str, Any]:
        answer = self.get("/todos", **params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def titles(self, **params: Any) -> list[str]:
        return [todo["title"] for todo in self.list(**params)["items"]]

    async def _send(self, method: str, path: str, body: bytes, query: str) -> Answer:
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)

        await self._app(_scope(method, path, query), receive, send)
        content = b"".join(message.get("body", b"") for message in sent[1:])
        return Answer(sent[0]["status"], Headers(raw=sent[0]["headers"]), content)


def _scope(method: str, path: str, query: str) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(b"host", b"todos"), (b"content-type", b"application/json")],
        "client": ("127.0.0.1", 50_000),
        "server": ("todos", 80),
    }
