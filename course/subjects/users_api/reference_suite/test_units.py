"""The pure functions: no request, no database."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from users_api.emails import normalize_email
from users_api.passwords import password_problem
from users_api.settings import Settings
from users_api.tokens import expires_at

EMAIL = "ada@example.org"
NOON = datetime(2030, 1, 1, 12, 0, 59, 654321, tzinfo=UTC)
INDIA = NOON.astimezone(timezone(timedelta(hours=5, minutes=30)))
CLOCKS_GO_BACK = datetime(2030, 10, 27, 2, 45, tzinfo=ZoneInfo("Europe/Berlin"))


@pytest.mark.parametrize("other", ["ADA@example.org", "ada@EXAMPLE.org", " Ada@Example.org\n"])
def test_two_spellings_of_one_address_are_equal(other):
    assert normalize_email(other) == normalize_email(EMAIL)


@pytest.mark.parametrize(
    ("one", "other"), [(EMAIL, "ada+news@example.org"), ("strasse@example.org", "straße@example.org")]
)
def test_two_addresses_are_not_equal(one, other):
    assert normalize_email(one) != normalize_email(other)


@pytest.mark.parametrize(
    "password",
    ["", "ninechars", "xy" * 64 + "z", "a\tb" * 9, "no\u200bwidth here", "x" * 10, EMAIL, "ADA@example.org"],
    ids=ascii,
)
def test_a_password_with_one_fault_is_refused(password):
    assert password_problem(password, EMAIL)


@pytest.mark.parametrize(
    "password",
    ["ten chars!", "xy" * 64, "пароль из слов", "αβ" * 64],
    ids=["shortest", "longest", "Russian", "128 Greek letters"],
)
def test_a_password_without_a_fault_is_accepted(password):
    assert password_problem(password, EMAIL) is None


@pytest.mark.parametrize("minutes", [1, 30, 1440])
@pytest.mark.parametrize("issued_at", [NOON, INDIA, CLOCKS_GO_BACK], ids=["noon", "india", "clocks go back"])
def test_a_token_lasts_as_many_minutes_as_it_was_given(issued_at, minutes):
    lasts = expires_at(issued_at, minutes) - issued_at.astimezone(UTC)
    assert lasts.total_seconds() == pytest.approx(60 * minutes, abs=1)


@pytest.mark.parametrize(("issued_at", "minutes"), [(NOON.replace(tzinfo=None), 30), (NOON, 0), (NOON, -1)])
def test_a_token_that_cannot_be_made_is_a_value_error(issued_at, minutes):
    with pytest.raises(ValueError):  # noqa: PT011 - its wording is left open
        expires_at(issued_at, minutes)


@pytest.mark.parametrize("environment", [{}, {"USERS_API_SECRET": ""}], ids=["missing", "empty"])
def test_a_secret_that_nobody_chose_is_long_and_no_other_has_it(environment):
    one, other = Settings.from_environment(environment), Settings.from_environment(environment)
    assert len(one.secret) >= 32
    assert one.secret != other.secret


def test_a_secret_that_was_chosen_is_taken_and_not_shown():
    settings = Settings.from_environment({"USERS_API_SECRET": "chosen"})
    assert settings.secret == "chosen"
    assert "chosen" not in repr(settings)
