"""What the tests of services share."""

from __future__ import annotations

import pytest

from course.services import images


@pytest.fixture
def own_notes(tmp_path, monkeypatch):
    """Notes of this test's own: it reaps nobody else's servers."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path


@pytest.fixture
def fresh_images(monkeypatch):
    """What this process knows about images is forgotten before and after the test."""
    monkeypatch.setattr(images, "_refused", {})
