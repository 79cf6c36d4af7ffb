"""Tries many bugs in one process: a quick look, in which only what proves itself counts.

A test catches a bug here when it fails with the bug, passes as soon as the bug is taken out, and fails again once it is
back, all in one process and on one database. Whatever else happens, nothing is said: that bug gets a run of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from course.engine.reporter import Reporter
    from course.engine.zygote import Zygote


class Rounds:
    """A pytest plugin that goes through the rounds of an order, where there are some, instead of the suite.

    Args:
        reporter: Has the order and knows how a test went.
        zygote: Swaps; without one nothing is tried.
    """

    def __init__(self, reporter: Reporter, zygote: Zygote | None) -> None:
        self._reporter = reporter
        self._zygote = zygote

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Go through the rounds; None where pytest is to run the suite itself."""
        rounds = self._reporter.order["rounds"]
        if not rounds:
            return None
        items = {item.nodeid: item for item in session.items}
        if self._zygote is not None and self._zygote.is_forked:
            for variant, swap, tests in rounds:
                if not self._go_through(variant, swap, [items[test] for test in tests if test in items], session):
                    break
        session._setupstate.teardown_exact(None)  # noqa: SLF001 - as the last test of a suite does it
        return True

    def _go_through(self, variant: str, swap: str, items: list[pytest.Item], session: pytest.Session) -> bool:
        """Try one bug; whether the process is still good for others."""
        for item in items:
            caught = self._try(item, session, swap)
            if caught["result"] != "failed":
                continue
            if self._try(item, session)["result"] != "passed":
                return False
            if self._try(item, session, swap)["result"] == "failed":
                self._reporter.tell({"event": "caught", "variant": variant, **caught})
            return True
        return True

    def _try(self, item: pytest.Item, session: pytest.Session, swap: str = "") -> dict[str, Any]:
        assert self._zygote is not None  # noqa: S101 - the caller has looked
        with self._zygote.swapped(swap) as is_whole:
            if not is_whole:  # half a bug is another bug
                return {"result": "not run"}
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=_far_from(item, session))
        return dict(self._reporter.outcome)


def _far_from(item: pytest.Item, session: pytest.Session) -> pytest.Item | None:
    """Another test, the farther the better: only what all tests stand on stays up, whichever comes next."""
    chain = item.listchain()

    def shared(other: pytest.Item) -> int:
        return sum(mine is theirs for mine, theirs in zip(chain, other.listchain(), strict=False))

    return min((other for other in session.items if other is not item), key=shared, default=None)
