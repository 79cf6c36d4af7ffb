"""What goes over the wire."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, EmailStr, StringConstraints, model_validator

from users_api.passwords import password_problem

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=r"^[^\x00]*$")]
Role = Literal["user", "admin"]


class UserCreate(BaseModel):
    """A sign-up. It has no role: nobody makes themselves an admin."""

    name: Name
    email: EmailStr
    password: str

    @model_validator(mode="after")
    def refuse_weak_password(self) -> "UserCreate":
        if problem := password_problem(self.password, self.email):
            raise ValueError(problem)
        return self


class UserUpdate(BaseModel):
    """A change. What is left out or null stays as it is."""

    name: Name | None = None
    email: EmailStr | None = None


class RoleChange(BaseModel):
    """What an admin may change."""

    role: Role


class UserRead(BaseModel):
    """A user as everybody sees them."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    name: str
    email: str
    role: Role
    created_at: datetime


class UserPage(BaseModel):
    """A part of a list, and how long the whole list is."""

    items: list[UserRead]
    total: int


class UserForAdmin(UserRead):
    """A user as admins see them."""

    last_login_at: datetime | None


class Token(BaseModel):
    """An answer to a login, as OAuth2 wants it. `expires_in` is in seconds."""

    access_token: str
    token_type: Literal["bearer"] = "bearer"
    expires_in: int
