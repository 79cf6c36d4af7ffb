"""A plugin of every run that ends the servers of pytest-httpserver at once.

By themselves they look for their end every half second, which each run with such a server would wait for.
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
