"""What can be done with users. Each function that changes something commits it, or rolls back and raises."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from users_api.emails import normalize_email
from users_api.events import UserSignedUp
from users_api.models import EMAIL_INDEX, Login, OutboxMessage, User
from users_api.passwords import hash_password, verify_password


class UserNotFoundError(Exception):
    """Nobody has this id."""


class EmailTakenError(Exception):
    """Another user has this email address."""


class LastAdminError(Exception):
    """The only admin must stay one."""


class WrongLoginError(Exception):
    """The email address or the password is wrong; which one is not told."""


def create_user(session: Session, *, name: str, email: str, password: str, role: str = "user") -> User:
    """Add a user, and the message that tells other programs of them.

    Raises:
        EmailTakenError: Another user has the address, in whatever case.
    """
    user = User(name=name, email=email, password_hash=hash_password(password), role=role)
    session.add(user)
    session.add(OutboxMessage(subject=UserSignedUp.SUBJECT, body=UserSignedUp(name, email).encode()))
    _save(session)
    return user


def get_user(session: Session, user_id: int) -> User:
    """Return a user, or raise UserNotFoundError."""
    user = session.get(User, user_id)
    if user is None:
        raise UserNotFoundError
    return user


def find_by_email(session: Session, email: str) -> User | None:
    """Return the user with an address, in whatever case, or None."""
    if "\0" in email:  # PostgreSQL cannot even ask for such text
        return None
    return session.scalar(select(User).where(func.lower(User.email) == normalize_email(email)))


def list_users(session: Session, *, search: str = "", limit: int = 20, offset: int = 0) -> tuple[Sequence[User], int]:
    """Return a page of the users whose name or address holds `search`, oldest first, and how many there are in all."""
    found = select(User).where(
        or_(User.name.icontains(search, autoescape=True), User.email.icontains(search, autoescape=True))
    )
    page = session.scalars(found.order_by(User.id).limit(limit).offset(offset)).all()
    total = session.scalar(select(func.count()).select_from(found.subquery()))
    return page, total or 0


def list_with_logins(session: Session) -> Sequence[tuple[User, datetime | None]]:
    """Return every user with the time of their last login."""
    last = func.max(Login.at)
    rows = session.execute(select(User, last).outerjoin(Login, Login.user_id == User.id).group_by(User.id))
    return [(user, last_login_at) for user, last_login_at in rows]


def update_user(session: Session, user_id: int, changes: Mapping[str, str]) -> User:
    """Change a user's name or email.

    Raises:
        UserNotFoundError: Nobody has this id.
        EmailTakenError: Another user has the new address, in whatever case.
    """
    user = _lock_user(session, user_id)
    for field, value in changes.items():
        setattr(user, field, value)
    _save(session)
    return user


def change_role(session: Session, user_id: int, role: str) -> User:
    """Make a user an admin, or an admin a user.

    Raises:
        UserNotFoundError: Nobody has this id.
        LastAdminError: They are the only admin.
    """
    if role != "admin":
        _keep_an_admin(session, user_id)
    user = _lock_user(session, user_id)
    user.role = role
    _save(session)
    return user


def delete_user(session: Session, user_id: int) -> None:
    """Delete a user and what belongs to them.

    Raises:
        UserNotFoundError: Nobody has this id.
        LastAdminError: They are the only admin.
    """
    _keep_an_admin(session, user_id)
    session.delete(_lock_user(session, user_id))
    _save(session)


def log_in(session: Session, email: str, password: str) -> User:
    """Return the user whose password this is, and note the login.

    Raises:
        WrongLoginError: The address or the password is wrong.
    """
    user = find_by_email(session, email)
    if not verify_password(password, user.password_hash if user else None) or user is None:
        raise WrongLoginError
    session.add(Login(user_id=_lock_user(session, user.id).id))
    _save(session)
    return user


def _lock_user(session: Session, user_id: int) -> User:
    """Return a user that nobody else changes or deletes until this transaction ends."""
    user = session.get(User, user_id, with_for_update=True)
    if user is None:
        session.rollback()
        raise UserNotFoundError
    return user


def _keep_an_admin(session: Session, leaving: int) -> None:
    """Refuse to lose the only admin. All admins are locked, in one order: two who leave at once wait for each other."""
    admins = session.scalars(select(User.id).where(User.role == "admin").order_by(User.id).with_for_update()).all()
    if admins == [leaving]:
        session.rollback()
        raise LastAdminError


def _save(session: Session) -> None:
    """Commit. The database, not a look beforehand, decides whether an address is free: a look can be out of date."""
    try:
        session.commit()
    except DBAPIError as error:
        session.rollback()
        if isinstance(error, IntegrityError) and EMAIL_INDEX in str(error.orig):
            raise EmailTakenError from error
        raise


def add_users(session: Session, new: Iterable[User]) -> None:
    """Add users, all of them or none. No message tells of them: they have not signed up.

    Raises:
        EmailTakenError: An address belongs to another user, or to two of them.
    """
    session.add_all(new)
    _save(session)
