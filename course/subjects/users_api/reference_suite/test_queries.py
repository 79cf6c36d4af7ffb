"""The query layer, in a session."""

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from users_api.models import User
from users_api.users import EmailTakenError, create_user, find_by_email, list_users


def add(session, email="ada@example.org", **fields):
    return create_user(session, **{"name": "Ada", "email": email, "password": "correct horse battery"} | fields)


def test_a_user_is_a_user_unless_told_otherwise(session):
    assert (add(session).role, add(session, "root@example.org", role="admin").role) == ("user", "admin")


def test_a_password_is_not_kept_as_it_was_typed(session):
    assert "correct horse battery" not in add(session).password_hash


def test_two_users_with_one_password_have_two_hashes(session):
    assert add(session).password_hash != add(session, "bob@example.org").password_hash


def test_a_session_can_be_used_after_a_refused_email(session):
    add(session)
    with pytest.raises(EmailTakenError):
        add(session, "ADA@example.org")
    assert session.is_active
    assert list_users(session)[1] == 1


def test_an_email_is_found_in_any_case_and_a_part_of_it_is_not(session):
    ada = add(session, "Ada@Example.org")
    assert find_by_email(session, "aDA@eXAMPLE.ORG") is ada
    assert find_by_email(session, "ada@example.or") is None


def test_an_unknown_role_is_refused_and_not_taken_for_a_used_email(session):
    with pytest.raises((IntegrityError, EmailTakenError)) as refused:
        add(session, role="boss")
    assert refused.type is IntegrityError
    session.rollback()
    assert session.scalar(select(func.count()).select_from(User)) == 0
