"""The tables as a deployment makes them: by the migrations, in a schema of their own."""

from contextlib import suppress

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from users_api import users
from users_api.database import build_engine, migrate
from users_api.models import Base

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def migrated(engine):
    """An engine on empty tables that the migrations have made."""
    if engine.dialect.name == "sqlite":
        built = build_engine("sqlite://")
        migrate(built)
        yield built
    else:
        with engine.begin() as connection:
            connection.execute(text("CREATE SCHEMA migrated"))
        own = engine.url.update_query_dict({"options": "-c search_path=migrated"})
        built = build_engine(own.render_as_string(hide_password=False))
        migrate(built)
        yield built
        with engine.begin() as connection:
            connection.execute(text("DROP SCHEMA migrated CASCADE"))
    built.dispose()


@pytest.fixture
def on_migrated_tables(migrated):
    with Session(migrated) as opened:
        yield opened
        opened.rollback()
        for table in reversed(Base.metadata.sorted_tables):
            opened.execute(table.delete())
        opened.commit()


@pytest.fixture
def ada(on_migrated_tables):
    return users.create_user(on_migrated_tables, name="x" * 100, email="ada@example.org", password=PASSWORD)


def test_migrated_tables_give_an_address_to_one_user(on_migrated_tables, ada):
    with pytest.raises(users.EmailTakenError):
        users.create_user(on_migrated_tables, name="Eve", email="Ada@example.org", password=PASSWORD)


def test_migrated_tables_know_two_roles(on_migrated_tables, ada):
    with pytest.raises(IntegrityError):
        users.change_role(on_migrated_tables, ada.id, "boss")


def test_from_migrated_tables_a_user_goes_with_their_logins(on_migrated_tables, ada):
    users.log_in(on_migrated_tables, ada.email, PASSWORD)
    with suppress(IntegrityError):  # then the login is still there
        users.delete_user(on_migrated_tables, ada.id)
    assert on_migrated_tables.scalar(text("SELECT count(*) FROM logins")) == 0
