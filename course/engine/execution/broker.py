"""A slot's message broker: one NATS server with JetStream, emptied between runs."""

from __future__ import annotations

import asyncio

import nats as client
from nats.errors import Error as NatsError

from course.services.providers.nats import NatsServer, start

SECONDS = 5


class Broker:
    """Starts NATS when a run first needs it, and empties it between runs.

    Example:
        >>> broker = Broker()
        >>> broker.url().startswith("nats://127.0.0.1:")
        True
        >>> broker.close()
    """

    def __init__(self) -> None:
        self._server: NatsServer | None = None

    def url(self) -> str:
        """Where it listens; it is started again where a suite has ended it.

        Raises:
            CourseError: It does not start; the error says what to do.
        """
        if self._server is None or not self._server.alive():
            self.close()
            self._server = start("embedded")
        return self._server.url

    def empty(self) -> None:
        """Delete every stream, with its messages and consumers; one that does not answer is ended instead."""
        if self._server is None:
            return
        if not self._server.alive():
            self.close()
            return
        try:
            asyncio.run(_delete_streams(self._server.url))
        except (NatsError, OSError, TimeoutError):
            self.close()

    def close(self) -> None:
        """End the server; safe to call again."""
        if self._server is not None:
            self._server.stop()
        self._server = None


async def _delete_streams(url: str) -> None:
    connection = await client.connect(url, connect_timeout=SECONDS, max_reconnect_attempts=1)
    try:
        stream = connection.jetstream(timeout=SECONDS)
        for each in await stream.streams_info():
            await stream.delete_stream(each.config.name or "")
    finally:
        await connection.close()
