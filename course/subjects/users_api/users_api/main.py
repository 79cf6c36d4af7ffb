"""The application: `uvicorn users_api.main:app`."""

from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request, status
from fastapi.responses import JSONResponse

from users_api.routes import admin, public
from users_api.users import EmailTakenError, LastAdminError, UserNotFoundError, WrongLoginError

app = FastAPI(title="Users")
app.include_router(public)
app.include_router(admin)


def answer(status_code: int, detail: str) -> Callable[[Request, Exception], Awaitable[JSONResponse]]:
    """Return a handler that turns an error of ours into a response."""

    async def respond(_request: Request, _error: Exception) -> JSONResponse:
        return JSONResponse({"detail": detail}, status_code)

    return respond


app.add_exception_handler(UserNotFoundError, answer(status.HTTP_404_NOT_FOUND, "User not found"))
app.add_exception_handler(EmailTakenError, answer(status.HTTP_400_BAD_REQUEST, "A user with this email already exists"))
app.add_exception_handler(LastAdminError, answer(status.HTTP_409_CONFLICT, "The last admin has to stay"))
app.add_exception_handler(WrongLoginError, answer(status.HTTP_401_UNAUTHORIZED, "Wrong email or password"))
