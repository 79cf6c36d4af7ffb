"""Reads the bodies of requests: JSON in UTF-8 and nothing else, where Python's own reader would take more."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

from fastapi import Request, Response
from fastapi.routing import APIRoute


class StrictRequest(Request):
    async def body(self) -> bytes:
        return await super().body() or b" "  # nothing is no JSON, and is not the same as no body at all

    async def json(self) -> Any:
        return json.loads((await self.body()).decode(), parse_constant=_refuse)


class StrictRoute(APIRoute):
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_strictly(request: Request) -> Response:
            return await handle(StrictRequest(request.scope, request.receive))

        return handle_strictly


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")
