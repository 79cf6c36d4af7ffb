"""The images that containers are made from, with engines that have them and with engines that cannot pull."""

from __future__ import annotations

import io
import re

import pytest
import yaml
from rich.console import Console
from testcontainers.core.config import testcontainers_config

from course.services.doctor import examinations, prefetch
from course.services.providers import images
from course.services.providers.compose import Compose
from course.services.providers.container import Container
from course.services.providers.images import ImageMissingError
from course.services.providers.nats import nats
from course.shipped import CLONE, shipped

pytestmark = pytest.mark.usefixtures("fresh_images", "own_notes")


def test_every_image_that_lessons_suites_compose_and_testcontainers_ask_for_is_looked_for():
    sources = [
        *(CLONE / "course" / "lessons").glob("*.py"),
        *(CLONE / "course" / "subjects").rglob("reference_suite/*.py"),
    ]
    named = {name for path in sources for name in re.findall(r'Container\("([^"]+)"', path.read_text(encoding="utf-8"))}
    services = yaml.safe_load(shipped("compose.yaml").read_text(encoding="utf-8"))["services"].values()
    named |= {re.search(r":-(.+)\}$", service["image"])[1] for service in services}
    assert set(images.wanted()) - set(images.reaper()) == named
    assert re.fullmatch(r"testcontainers/ryuk:[\d.]+", *images.reaper())


def test_a_private_registry_of_testcontainers_is_asked_as_it_would(monkeypatch):
    monkeypatch.setattr(testcontainers_config, "hub_image_name_prefix", "mirror.test/")
    assert "mirror.test/postgres:16" in images.wanted()


def test_no_reaper_is_looked_for_where_it_is_switched_off(monkeypatch):
    monkeypatch.setattr(testcontainers_config, "ryuk_disabled", True)
    assert images.reaper() == ()


@pytest.mark.docker
def test_a_real_engine_tells_what_it_has_and_why_it_cannot_pull(docker_engine):
    assert images.missing() == ()
    images.require(*images.wanted())
    with pytest.raises(ImageMissingError, match=r"cannot fetch the image no-such-registry.invalid/x:1: .*"):
        images.require("no-such-registry.invalid/x:1")


def test_what_is_refused_once_is_not_asked_for_again_and_what_has_come_is_found(cannot_pull):
    for _ in range(2):
        with pytest.raises(ImageMissingError, match="no such host"):
            images.require("postgres:16")
    assert len(cannot_pull.pulls) == 1
    cannot_pull.images.add("postgres:16")
    images.require("postgres:16")


def test_a_registry_that_never_answers_is_not_waited_for(cannot_pull, monkeypatch):
    cannot_pull.why = ""
    monkeypatch.setattr("course.services.providers.images._SILENCE", 0.3)
    with pytest.raises(ImageMissingError, match=r"[Tt]imed out"):
        images.require("postgres:16")


@pytest.mark.parametrize(
    "start", [Container().start, Compose().start, lambda: nats("container"), lambda: nats("compose")]
)
def test_a_provider_says_in_a_sentence_what_it_cannot_have(cannot_pull, start):
    with pytest.raises(
        ImageMissingError, match=r"^Docker cannot fetch the image \S+: .*no such host. Run `course prefe"
    ):
        start()


def test_the_doctor_says_which_images_are_missing(cannot_pull):
    cannot_pull.images |= {"postgres:16", "nats:2"}
    found = {finding.subject: finding for finding in examinations.examine_docker()}["Images"]
    assert (found.state, found.here) == ("note", f"not on this machine: nats:2-alpine, {images.reaper()[0]}")
    assert "course prefetch" in found.advice
    assert cannot_pull.pulls == []


def test_the_doctor_says_that_all_are_here(cannot_pull):
    cannot_pull.images |= set(images.wanted())
    found = {finding.subject: finding for finding in examinations.examine_docker()}["Images"]
    assert (found.state, found.here) == ("ok", ", ".join(images.wanted()))


def test_prefetch_tells_the_reason_once_for_all_images_that_it_could_not_fetch(cannot_pull, monkeypatch):
    cannot_pull.images.add("nats:2")
    monkeypatch.setattr(prefetch, "compile_modules", lambda: None)
    console = Console(width=500, file=io.StringIO())
    assert not prefetch.prefetch(console)
    said = console.file.getvalue()
    assert "✔ image nats:2\n" in said
    assert all(name in said for name in images.wanted())
    assert said.count("no such host") == 1
    assert said.count("Run `course prefetch`") == 1
