"""Where a pool's databases are made, dropped and kept: all that needs the connection which holds its leases."""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from typing import TYPE_CHECKING, TypeVar

import psycopg

from course.services import databases, leases, template
from course.services.clone import Clone
from course.services.connection import connect, is_open
from course.services.databases import Purpose
from course.services.fingerprint import take_fingerprint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from course.services.fingerprint import Fingerprint
    from course.services.server import Server
    from course.services.template import Template

Answer = TypeVar("Answer")

SECONDS = 120  # for one statement: another process may be building the template that is to be shared


class Workshop:
    """Makes the clones of one pool in one process.

    Args:
        server: Where the databases are.
        source: What they are clones of.
        name: The first part of their names.
        keep: How many databases of failed tests stay on the server.
        keeper: The connection to the database "postgres" that holds the template's lease, if there is one already.
    """

    def __init__(
        self, server: Server, source: Template, name: str, *, keep: int, keeper: psycopg.Connection | None = None
    ) -> None:
        self.server, self.source, self.name = server, source, name
        self._keep, self._keeper = keep, keeper
        self._lease = secrets.token_hex(4)
        self._made = 0
        self._alone = threading.RLock()  # one connection, one worker at a time
        self._fingerprint: Fingerprint | None = None
        if keeper is not None:
            leases.hold(keeper, self._lease)

    def apprentice(self) -> Workshop:
        """Another one like it for a forked process, with connections of its own."""
        return Workshop(self.server, self.source, self.name, keep=self._keep)

    def make(self) -> Clone:
        """Make a clone, ready to be handed over.

        Raises:
            psycopg.Error: The server could not.
        """
        with self._alone:
            self._made += 1
            name = f"{self.name}_{self._lease}_{self._made}"
            self._with_keeper(lambda keeper: self.source.clone(keeper, name, self._lease))
            is_superuser = self._with_keeper(lambda keeper: keeper.info.parameter_status("is_superuser"))
        clone = Clone(self.server, name, replica=is_superuser == "on")
        with self._alone:
            if self._fingerprint is None:
                self._fingerprint = take_fingerprint(clone.connection)
        clone.watch(self._fingerprint)
        return clone

    def drop(self, clone: Clone) -> None:
        """Drop a clone, whatever is going on in it."""
        _leave(clone)
        self._with_keeper(lambda keeper: databases.drop(keeper, clone.name))

    def keep(self, clone: Clone) -> None:
        """Leave a clone on the server, and drop the oldest ones that were left there if they are many."""
        clone.close()
        purpose = Purpose("kept", f"{time.time():020.6f}")
        self._with_keeper(lambda keeper: databases.change_purpose(keeper, clone.name, purpose))
        self._with_keeper(lambda keeper: leases.drop_kept(keeper, keep=self._keep))

    def drop_orphans(self) -> None:
        """Drop what pools of dead processes have left on the server."""
        mine = (self._lease, self.source.name)
        self._with_keeper(lambda keeper: leases.drop_orphans(keeper, mine=mine, keep=self._keep))

    def end(self, clones: Iterable[Clone]) -> None:
        """Drop all that was made, let the leases go, and drop the template if nobody else needs it.

        Args:
            clones: Those that are watched still.
        """
        for clone in clones:
            _leave(clone)
        if self._keeper is None:
            return
        try:
            self._with_keeper(lambda keeper: leases.drop_all(keeper, self._lease))
            self._with_keeper(lambda keeper: template.release(keeper, self.source))
        finally:
            self._keeper.close()

    def _with_keeper(self, work: Callable[[psycopg.Connection], Answer]) -> Answer:
        """Work with the connection that holds the leases; if somebody ended it, with a new one."""
        with self._alone:
            if self._keeper is None or not is_open(self._keeper):
                self._keeper = connect(self.server, seconds=SECONDS)
                leases.hold(self._keeper, self._lease)
                template.hold(self._keeper, self.source)
            return work(self._keeper)


def _leave(clone: Clone) -> None:
    """End all sessions in a clone, ours at last."""
    with contextlib.suppress(psycopg.Error):
        clone.quieten()
    clone.close()
