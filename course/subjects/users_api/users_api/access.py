"""Who is asking, and whether they may."""

from typing import Annotated

from fastapi import Depends, HTTPException, status
from fastapi.security import OAuth2PasswordBearer
from sqlalchemy.orm import Session

from users_api.database import get_db
from users_api.models import User
from users_api.tokens import InvalidTokenError, read_token
from users_api.users import UserNotFoundError, get_user

Database = Annotated[Session, Depends(get_db)]
bearer = OAuth2PasswordBearer(tokenUrl="login")


def current_user(token: Annotated[str, Depends(bearer)], session: Database) -> User:
    """Return the user whose token came with the request, or raise InvalidTokenError."""
    try:
        return get_user(session, read_token(token))
    except UserNotFoundError as error:
        raise InvalidTokenError from error


def require_admin(user: Annotated[User, Depends(current_user)]) -> User:
    """Return the admin who is asking, or answer 403."""
    if user.role != "admin":
        raise HTTPException(status.HTTP_403_FORBIDDEN, "Only admins may do this")
    return user
