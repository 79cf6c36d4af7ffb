"""The addresses of the application."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, status
from fastapi.security import OAuth2PasswordRequestForm

from users_api import users
from users_api.access import Database, require_admin
from users_api.addresses import require_deliverable
from users_api.models import MAX_ID, User
from users_api.schemas import RoleChange, Token, UserCreate, UserForAdmin, UserPage, UserRead, UserUpdate
from users_api.settings import settings
from users_api.tokens import create_token

UserId = Annotated[int, Path(ge=1, le=MAX_ID)]
Search = Annotated[str, Query(max_length=100, pattern=r"^[^\x00]*$")]
Limit = Annotated[int, Query(ge=1, le=100)]
Offset = Annotated[int, Query(ge=0, le=MAX_ID)]

public = APIRouter()
admin = APIRouter(prefix="/admin", dependencies=[Depends(require_admin)])


@public.post("/users", status_code=status.HTTP_201_CREATED, response_model=UserRead)
def create_user(new: UserCreate, session: Database) -> User:
    require_deliverable(new.email)
    return users.create_user(session, name=new.name, email=new.email, password=new.password)


@public.get("/users", response_model=UserPage)
def list_users(session: Database, search: Search = "", limit: Limit = 20, offset: Offset = 0) -> dict[str, object]:
    items, total = users.list_users(session, search=search, limit=limit, offset=offset)
    return {"items": items, "total": total}


@public.get("/users/{user_id}", response_model=UserRead)
def read_user(user_id: UserId, session: Database) -> User:
    return users.get_user(session, user_id)


@public.patch("/users/{user_id}", response_model=UserRead)
def update_user(user_id: UserId, changes: UserUpdate, session: Database) -> User:
    if changes.email:
        require_deliverable(changes.email)
    return users.update_user(session, user_id, changes.model_dump(exclude_none=True))


@public.delete("/users/{user_id}", status_code=status.HTTP_204_NO_CONTENT)
def delete_user(user_id: UserId, session: Database) -> None:
    users.delete_user(session, user_id)


@public.post("/login")
def log_in(form: Annotated[OAuth2PasswordRequestForm, Depends()], session: Database) -> Token:
    user = users.log_in(session, form.username, form.password)
    return Token(access_token=create_token(user.id), expires_in=settings().token_minutes * 60)


@admin.get("/users", response_model=list[UserForAdmin])
def list_for_admin(session: Database) -> list[dict[str, object]]:
    return [
        UserRead.model_validate(user).model_dump() | {"last_login_at": last_login_at}
        for user, last_login_at in users.list_with_logins(session)
    ]


@admin.patch("/users/{user_id}", response_model=UserRead)
def change_role(user_id: UserId, change: RoleChange, session: Database) -> User:
    return users.change_role(session, user_id, change.role)
