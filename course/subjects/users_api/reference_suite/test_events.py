"""What other programs are told of a sign-up, and that they are told."""

import json
import os
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial

import nats
import pytest
from anyio.from_thread import start_blocking_portal
from users_api.events import UnreadableEventError, UserSignedUp
from users_api.relay import nats_publisher, relay
from users_api.users import EmailTakenError, create_user

SUBJECT = "users.signed_up"


def add(session, name="Ada Lovelace", email="ada@example.org"):
    return create_user(session, name=name, email=email, password="correct horse battery")


def read(body):
    """Read a message as a program in another language does."""
    told = None
    with suppress(ValueError):
        told = json.loads(body)
    assert isinstance(told, dict), f"no JSON object: {body!r}"
    return told


@pytest.fixture
def published():
    """What a queue that always works has been given."""
    return []


@pytest.fixture
def send(session, published):
    """Relay to that queue."""
    return lambda: relay(session, lambda subject, body: published.append((subject, body)))


@pytest.fixture
def receive(session):
    """Relay to NATS, and return what a subscriber there gets."""
    url = os.environ.get("NATS_URL")
    if not url:
        pytest.skip("NATS_URL tells of no server")
    with nats_publisher(url) as publish, start_blocking_portal() as portal:
        reader = portal.call(partial(nats.connect, url, allow_reconnect=False))
        inbox = portal.call(reader.subscribe, SUBJECT)
        portal.call(reader.flush)  # the server has read what was sent to it so far

        def relay_and_read():
            relay(session, publish)
            portal.call(reader.flush)  # and its answer comes behind all messages that it has for us
            return [portal.call(inbox.next_msg).data for _ in range(inbox.pending_msgs)]

        yield relay_and_read
        portal.call(reader.close)


def test_a_sign_up_arrives_as_json_on_the_subject_of_the_contract(session, receive):
    add(session)
    messages = receive()
    assert len(messages) == 1
    told = read(messages[0])
    assert (told["name"], told["email"], told["version"]) == ("Ada Lovelace", "ada@example.org", 1)


def test_the_stream_keeps_a_message_for_who_comes_later(session, receive):
    add(session)
    receive()
    with start_blocking_portal() as portal:
        late = portal.call(partial(nats.connect, os.environ["NATS_URL"], allow_reconnect=False))
        kept = portal.call(late.jetstream().get_last_msg, "users", SUBJECT)
        portal.call(late.close)
    assert read(kept.data)["email"] == "ada@example.org"


def test_an_event_has_the_fields_of_the_contract():
    event = UserSignedUp("Ada", "ada@example.org")
    told = read(event.encode())
    assert told.keys() >= {"name", "email", "at", "id", "version"}
    assert (told["name"], told["email"], told["id"]) == ("Ada", "ada@example.org", event.id)


def test_the_time_of_an_event_is_now_and_has_a_zone():
    at = datetime.fromisoformat(read(UserSignedUp("Ada", "ada@example.org").encode())["at"])
    assert at.tzinfo is not None
    assert abs(datetime.now(UTC) - at) < timedelta(minutes=1)


def test_what_goes_into_an_event_comes_out_of_it():
    event = UserSignedUp('Łukasz "the\nfirst" ☃', "ada@example.org")
    assert UserSignedUp.decode(event.encode()) == event


def test_two_events_are_told_apart_by_their_id():
    assert UserSignedUp("Ada", "ada@example.org").id != UserSignedUp("Ada", "ada@example.org").id


def test_a_reader_leaves_fields_alone_that_it_does_not_know():
    event = UserSignedUp("Ada", "ada@example.org")
    newer = json.dumps(read(event.encode()) | {"newsletter": True}, sort_keys=True).encode()
    assert UserSignedUp.decode(newer) == event


@pytest.mark.parametrize("wrong", [b"", b"\xff", b"{}", b"[]", b"null", b'{"version": 2}', b'{"version": 1}'], ids=str)
def test_what_is_no_event_is_refused(wrong):
    with pytest.raises(UnreadableEventError):
        UserSignedUp.decode(wrong)


def test_messages_are_sent_in_the_order_of_the_sign_ups(session, send, published):
    for name in ("Ada", "Grace", "Barbara"):
        add(session, name, f"{name}@example.org")
    assert send() == 3
    assert [subject for subject, _ in published] == [SUBJECT] * 3
    assert [read(body)["name"] for _, body in published] == ["Ada", "Grace", "Barbara"]


def test_of_who_was_refused_nobody_hears(session, send, published):
    add(session)
    with pytest.raises(EmailTakenError):
        add(session, "Eve", "ADA@example.org")
    send()
    assert [read(body)["name"] for _, body in published] == ["Ada Lovelace"]


def test_what_was_sent_is_not_sent_again(session, send, published):
    add(session)
    send()
    assert send() == 0
    assert len(published) == 1


def test_what_could_not_be_published_is_sent_the_next_time(session, send, published):
    def fail(*_):
        raise ConnectionError

    add(session)
    with pytest.raises(ConnectionError):
        relay(session, fail)
    send()
    assert [read(body)["name"] for _, body in published] == ["Ada Lovelace"]


def test_a_message_is_marked_when_it_is_published_and_not_when_all_are(session, send, published):
    def fail_on_the_second(subject, body):
        if published:
            raise ConnectionError
        published.append((subject, body))

    for name in ("Ada", "Grace"):
        add(session, name, f"{name}@example.org")
    with pytest.raises(ConnectionError):
        relay(session, fail_on_the_second)
    send()
    assert [read(body)["name"] for _, body in published] == ["Ada", "Grace"]
