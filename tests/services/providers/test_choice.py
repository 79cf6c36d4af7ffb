"""An argument goes before a variable, a variable before the embedded provider, and a slip is met with a suggestion."""

from __future__ import annotations

import pytest

from course.errors import CourseError
from course.services.providers.choice import UnknownProviderError, choose
from course.services.providers.compose import usual_port
from course.services.providers.nats import PROVIDERS as NATS
from course.services.providers.nats import nats
from course.services.providers.postgres import PROVIDERS, postgres


def test_the_embedded_one_is_the_default(monkeypatch):
    monkeypatch.delenv("COURSE_POSTGRES", raising=False)
    assert choose(None, "COURSE_POSTGRES", PROVIDERS) == "embedded"
    monkeypatch.setenv("COURSE_POSTGRES", "")
    assert choose(None, "COURSE_POSTGRES", PROVIDERS) == "embedded"


def test_the_variable_chooses_and_the_argument_goes_before_it(monkeypatch):
    monkeypatch.setenv("COURSE_POSTGRES", "compose")
    assert choose(None, "COURSE_POSTGRES", PROVIDERS) == "compose"
    assert choose("external", "COURSE_POSTGRES", PROVIDERS) == "external"


@pytest.mark.parametrize(
    ("slip", "meant"),
    [("contianer", "container"), ("Docker-Compose", "compose"), ("embeded", "embedded"), ("EXTERNAL", "external")],
)
def test_the_nearest_name_is_suggested(slip, meant, monkeypatch):
    monkeypatch.setenv("COURSE_POSTGRES", slip)
    with pytest.raises(UnknownProviderError, match=f'COURSE_POSTGRES knows no provider "{slip}"') as error:
        postgres()
    assert f'Did you mean "{meant}"?' in str(error.value)


def test_a_name_like_no_other_gets_the_list(monkeypatch):
    monkeypatch.setenv("COURSE_NATS", "xyz")
    with pytest.raises(UnknownProviderError, match="There are: embedded, container, compose, external") as error:
        nats()
    assert "Did you mean" not in str(error.value)


def test_both_services_have_the_same_providers():
    assert list(PROVIDERS) == list(NATS)


def test_a_port_that_is_no_number_is_told(monkeypatch):
    monkeypatch.setenv("COURSE_POSTGRES_PORT", "fivefour")
    with pytest.raises(CourseError, match='COURSE_POSTGRES_PORT is not a port: "fivefour"'):
        usual_port("postgres")
