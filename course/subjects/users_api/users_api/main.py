"""The application: `uvicorn users_api.main:app`."""

from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request, status
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from users_api.pages import pages
from users_api.routes import admin, public
from users_api.tokens import InvalidTokenError
from users_api.users import EmailTakenError, LastAdminError, UserNotFoundError, WrongLoginError

app = FastAPI(title="Users")
app.include_router(public)
app.include_router(admin)
app.include_router(pages)


@app.exception_handler(RequestValidationError)
async def refuse(_request: Request, error: RequestValidationError) -> JSONResponse:
    """Say what is wrong with a request without repeating it: it may hold a password."""
    problems = [{part: problem[part] for part in ("loc", "msg", "type")} for problem in error.errors()]
    return JSONResponse({"detail": problems}, status.HTTP_422_UNPROCESSABLE_CONTENT)


def answer(status_code: int, detail: str) -> Callable[[Request, Exception], Awaitable[JSONResponse]]:
    """Return a handler that turns an error of ours into a response."""
    headers = {"WWW-Authenticate": "Bearer"} if status_code == status.HTTP_401_UNAUTHORIZED else None

    async def respond(_request: Request, _error: Exception) -> JSONResponse:
        return JSONResponse({"detail": detail}, status_code, headers)

    return respond


app.add_exception_handler(UserNotFoundError, answer(status.HTTP_404_NOT_FOUND, "User not found"))
app.add_exception_handler(EmailTakenError, answer(status.HTTP_400_BAD_REQUEST, "A user with this email already exists"))
app.add_exception_handler(LastAdminError, answer(status.HTTP_409_CONFLICT, "The last admin has to stay"))
app.add_exception_handler(WrongLoginError, answer(status.HTTP_401_UNAUTHORIZED, "Wrong email or password"))
app.add_exception_handler(InvalidTokenError, answer(status.HTTP_401_UNAUTHORIZED, "The token is not valid"))
