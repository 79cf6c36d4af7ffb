"""What can go wrong, and the answer that each wrong gets."""

from __future__ import annotations

import logging

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger(__name__)


class TodoNotFoundError(Exception):
    pass


class TitleTakenError(Exception):
    pass


class ServerErrors:
    """Turns an error that nobody foresaw into a 500, also for clients that run in this process."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, watch)
        except Exception as error:
            if started or scope["type"] != "http":
                raise
            log.exception("%s %s failed", scope["method"], scope["path"], exc_info=error)
            await _answer(500, "Something went wrong on our side")(scope, receive, send)


def answer_errors(app: FastAPI) -> None:
    app.add_middleware(ServerErrors)
    app.add_exception_handler(TodoNotFoundError, _not_found)
    app.add_exception_handler(TitleTakenError, _title_taken)
    app.add_exception_handler(RequestValidationError, _invalid)


async def _not_found(request: Request, error: Exception) -> JSONResponse:
    return _answer(404, "Todo not found")


async def _title_taken(request: Request, error: Exception) -> JSONResponse:
    return _answer(409, "A todo with this title already exists")


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    problems = error.errors()
    if any(problem["type"] == "json_invalid" for problem in problems):
        return _answer(400, "The body is not JSON")
    # What was sent is not sent back: it may be what JSON cannot hold
    return _answer(422, [{key: problem[key] for key in ("type", "loc", "msg")} for problem in problems])


def _answer(status: int, detail: object) -> JSONResponse:
    return JSONResponse({"detail": detail}, status)
