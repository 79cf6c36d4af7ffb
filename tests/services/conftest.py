"""What the tests of services share."""

from __future__ import annotations

import pytest


@pytest.fixture
def own_notes(tmp_path, monkeypatch):
    """Notes of this test's own: it reaps nobody else's servers."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path
