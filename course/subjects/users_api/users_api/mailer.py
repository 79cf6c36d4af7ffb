"""Welcomes whoever signed up: it reads the stream of events, and sends one mail for each of them."""

from collections.abc import Callable
from email.message import EmailMessage

from nats.errors import TimeoutError as NothingCameError
from nats.js import JetStreamContext
from nats.js.client import Msg
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from users_api.events import UnreadableEventError, UserSignedUp
from users_api.models import Welcome
from users_api.relay import STREAM

CONSUMER = "mailer"
DEAD_LETTERS = "dead_letters"
BATCH = 10
DELIVERIES = 3

Send = Callable[[EmailMessage], object]


async def work(queue: JetStreamContext, session: Session, send: Send, *, wait: float = 5, retry: float = 30) -> int:
    """Handle the messages that wait, ten at most, and return how many these were.

    Args:
        queue: NATS JetStream. The stream of events has to be there.
        session: Where it is kept which events were handled.
        send: Sends a mail, or raises; `smtplib.SMTP(…).send_message` is one.
        wait: How long to wait for a first message, in seconds.
        retry: After how many seconds a message comes again whose mail was not sent.
    """
    await queue.add_stream(name=DEAD_LETTERS, subjects=["dead.>"])
    inbox = await queue.pull_subscribe(UserSignedUp.SUBJECT, durable=CONSUMER, stream=STREAM)
    try:
        messages = await inbox.fetch(BATCH, timeout=wait)
    except NothingCameError:
        messages = []
    for message in messages:
        await _handle(queue, message, session, send, retry)
    await inbox.unsubscribe()
    return len(messages)


async def _handle(queue: JetStreamContext, message: Msg, session: Session, send: Send, retry: float) -> None:
    """Acknowledge a message once its mail is sent; what fails comes again, and in the end is a dead letter."""
    try:
        welcome(session, UserSignedUp.decode(message.data), send)
    except UnreadableEventError:
        await queue.publish(f"dead.{message.subject}", message.data)
    except Exception:  # noqa: BLE001 - whatever it is, no message may be lost by it, or stop those behind it
        if message.metadata.num_delivered < DELIVERIES:
            await message.nak(delay=retry)
            return
        await queue.publish(f"dead.{message.subject}", message.data)
    await message.ack_sync()


def welcome(session: Session, event: UserSignedUp, send: Send) -> None:
    """Send the mail of an event, unless it was sent before. A crash between the mail and the commit sends it twice."""
    mail = EmailMessage()
    mail["To"], mail["Subject"] = event.email, "Welcome"
    mail.set_content(f"Good to have you here, {event.name}!")
    try:
        if _is_new(session, event):
            send(mail)
            session.commit()
    finally:
        session.rollback()


def _is_new(session: Session, event: UserSignedUp) -> bool:
    """Note the event, and tell whether it was new. Another mailer that has the same event waits here for our commit."""
    session.add(Welcome(event_id=event.id))
    try:
        session.flush()
    except IntegrityError:
        return False
    return True
