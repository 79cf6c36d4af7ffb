"""A plugin of every run: the servers of pytest-httpserver end at once.

By themselves they look every half second whether they are to end, and so each run with such a server, of ten or twenty
on a board, would wait for half a second before it can say that it has ended.
"""

from __future__ import annotations

from pytest_httpserver import HTTPServer
from pytest_httpserver.httpserver import HTTPServerBase

SECONDS = 0.01


def serve(self: HTTPServerBase) -> None:
    """Serve until the server is shut down. The method is there to be replaced, as its documentation says."""
    if self.server is not None:
        self.server.serve_forever(poll_interval=SECONDS)


HTTPServer.thread_target = serve  # type: ignore[method-assign] # there is no other way to give it one
