"""What the mailer makes of the messages that arrive, on a real queue."""

import json
import os
from contextlib import suppress

import nats
import pytest
import pytest_asyncio
from users_api.events import UnreadableEventError, UserSignedUp
from users_api.mailer import work
from users_api.relay import nats_publisher, relay
from users_api.users import create_user

SUBJECT, DEAD = "users.signed_up", "dead.users.signed_up"
ADA, GRACE = UserSignedUp("Ada", "ada@example.org"), UserSignedUp("Grace", "grace@example.org")
EVENT = {"version": 1, "id": "7", "name": "Ada", "email": "ada@example.org", "at": "2030-01-01T12:00:00+01:00"}

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def queue():
    url = os.environ.get("NATS_URL")
    if not url:
        pytest.skip("NATS_URL tells of no server")
    connection = await nats.connect(url, allow_reconnect=False)
    stream = connection.jetstream()
    for each in await stream.streams_info():
        await stream.delete_stream(each.config.name)
    await stream.add_stream(name="users", subjects=["users.>"])
    yield stream
    await connection.close()


@pytest.fixture
def publish(queue):
    """Publish events, or bytes, as they are."""

    async def put(*messages):
        for each in messages:
            await queue.publish(SUBJECT, each if isinstance(each, bytes) else each.encode())

    return put


@pytest.fixture
def handle(queue, session):
    """Let the mailer handle what waits; with how many mails it fails before it sends one, and what it has sent."""
    sent = []

    async def handle(failures=0):
        left = [None] * failures

        def send(mail):
            if left:
                left.pop()
                raise OSError("the mail server is away")
            sent.append(mail["To"])

        with suppress(UnreadableEventError):  # who is stopped by a message shows by what is left
            await work(queue, session, send, wait=2, retry=0.01)
        return sent

    return handle


@pytest.fixture
def unsettled(queue):
    """How many messages are waiting, or were delivered and not acknowledged."""

    async def count():
        info = await queue.consumer_info("users", "mailer")
        return info.num_pending + info.num_ack_pending

    return count


@pytest.fixture
def dead(queue):
    """The dead letters."""

    async def bodies():
        count = (await queue.stream_info("dead_letters")).state.messages
        return [(await queue.get_msg("dead_letters", number + 1)).data for number in range(count)]

    return bodies


async def test_whoever_signed_up_is_welcomed(queue, session, handle):
    create_user(session, name="Ada", email="ada@example.org", password="correct horse battery")
    with nats_publisher(os.environ["NATS_URL"]) as publish:
        relay(session, publish)
    assert await handle() == ["ada@example.org"]


async def test_what_was_handled_is_acknowledged(publish, handle, unsettled):
    await publish(ADA, GRACE)
    assert sorted(await handle()) == ["ada@example.org", "grace@example.org"]
    assert await unsettled() == 0


async def test_a_message_waits_until_its_mail_is_sent(publish, handle, unsettled):
    await publish(ADA)
    assert await handle(failures=1) == []
    assert await unsettled() == 1
    assert await handle() == ["ada@example.org"]
    assert await unsettled() == 0


async def test_one_mail_that_fails_does_not_stop_the_others(publish, handle):
    await publish(ADA, GRACE)
    assert len(await handle(failures=1)) == 1
    assert sorted(await handle()) == ["ada@example.org", "grace@example.org"]


async def test_an_event_that_is_delivered_again_is_not_welcomed_again(publish, handle, unsettled):
    await publish(ADA, GRACE, ADA)
    await handle()
    await publish(ADA)
    assert sorted(await handle()) == ["ada@example.org", "grace@example.org"]
    assert await unsettled() == 0


async def test_an_older_event_that_comes_later_is_welcomed(publish, handle):
    await publish(GRACE)
    await handle()
    await publish(ADA)
    assert sorted(await handle()) == ["ada@example.org", "grace@example.org"]


async def test_two_events_of_one_address_are_two_mails(publish, handle):
    await publish(ADA, UserSignedUp("Ada", "ada@example.org"))
    assert await handle() == ["ada@example.org"] * 2


async def test_a_mail_that_fails_three_times_is_a_dead_letter(publish, handle, unsettled, dead):
    await publish(ADA)
    for _ in range(2):
        await handle(failures=1)
        assert await unsettled() == 1
        assert await dead() == []
    await handle(failures=1)
    assert await unsettled() == 0
    assert await dead() == [ADA.encode()]


WRONG = {
    "no JSON": b"\xff",
    "no object": b"[]",
    "a field is missing": b'{"version": 1}',
    "another version": json.dumps(EVENT | {"version": 2}).encode(),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
async def test_what_is_no_event_is_a_dead_letter_at_once(publish, handle, unsettled, dead, wrong):
    await publish(ADA, wrong, GRACE)
    assert sorted(await handle()) == ["ada@example.org", "grace@example.org"]
    assert await dead() == [wrong]
    assert await unsettled() == 0


async def test_a_message_as_another_program_writes_it_is_understood(publish, handle):
    await publish(json.dumps(EVENT | {"newsletter": True, "invited_by": None}).encode())
    assert await handle() == ["ada@example.org"]


async def test_what_no_stream_takes_is_not_sent(queue, session, handle):
    create_user(session, name="Ada", email="ada@example.org", password="correct horse battery")
    with nats_publisher(os.environ["NATS_URL"]) as publish:
        await queue.delete_stream("users")
        with suppress(nats.errors.Error):
            relay(session, publish)
        await queue.add_stream(name="users", subjects=["users.>"])
        relay(session, publish)
    assert await handle() == ["ada@example.org"]
