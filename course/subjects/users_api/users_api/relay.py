"""Sends what the outbox holds to NATS: every message at least once, the oldest first."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import nats
from anyio.from_thread import start_blocking_portal
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from users_api.models import OutboxMessage

STREAM = "users"

Publish = Callable[[str, bytes], object]


def relay(session: Session, publish: Publish) -> int:
    """Publish what was not sent yet, and return how many messages these were.

    Args:
        session: Where the outbox is.
        publish: Takes a subject and a body, and returns when the message is safe with the queue. Where it raises, so
            does this, and the message is sent next time.
    """
    unsent = select(OutboxMessage).where(OutboxMessage.sent_at.is_(None)).order_by(OutboxMessage.id).limit(1)
    count = 0
    try:
        while message := session.scalar(unsent.with_for_update(skip_locked=True)):
            publish(message.subject, message.body)
            message.sent_at = func.now()
            session.commit()
            count += 1
    finally:
        session.rollback()
    return count


@contextmanager
def nats_publisher(url: str) -> Iterator[Publish]:
    """Yield a `publish` for `relay` that stores messages in a stream of NATS JetStream, which it makes if need be."""
    with start_blocking_portal() as portal:
        client = portal.call(partial(nats.connect, url, allow_reconnect=False, max_reconnect_attempts=1))
        try:
            stream = client.jetstream()
            portal.call(partial(stream.add_stream, name=STREAM, subjects=[f"{STREAM}.>"]))
            yield partial(portal.call, stream.publish)
        finally:
            portal.call(client.close)
