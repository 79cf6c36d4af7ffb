# %% set_up tags=["setup"]
import course

course.begin("09_test_a_message_queue")

# %% [markdown]
# ## Green here, red on a busy machine
#
# Whoever signs up gets a mail. The request does not wait for it: it puts a **message** into a queue, and another program reads the message later. A
# test of that has to wait, too. For how long?
#
# Here is such a program. A message has a **subject**, a name that readers subscribe to. This one subscribes to `sign_ups`; NATS calls its `welcome`
# for each message there, and the answer is sent after 0 to 0.1 seconds, as on a busy machine. (NATS, the queue, runs here for you. Its address is
# in `NATS_URL`.)

# %% another_program
import asyncio
import os
import random

import nats

connection = await nats.connect(os.environ["NATS_URL"], allow_reconnect=False)


async def welcome(message):
    await asyncio.sleep(random.uniform(0, 0.1))
    await message.respond(b"Welcome, " + message.data)


_ = await connection.subscribe("sign_ups", cb=welcome)

# %% [markdown]
# Two tests publish a message, with an inbox of their own for the answer. One sleeps for 0.08 seconds and then looks, the other waits **until the
# answer is there**, and for 5 seconds at most. Each runs twenty times.
#
# **Predict.** How many of the twenty are green? Which test takes longer?

# %% sleep_or_wait
from time import perf_counter


async def sleeps(inbox):
    await asyncio.sleep(0.08)
    return inbox.pending_msgs == 1


async def has_a_deadline(inbox):
    return await inbox.next_msg(timeout=5) is not None


for test in (sleeps, has_a_deadline):
    green, began = 0, perf_counter()
    for _ in range(20):
        inbox = await connection.subscribe(connection.new_inbox())
        await connection.publish("sign_ups", b"Ada", reply=inbox.subject)
        green += await test(inbox)
    print(f"{test.__name__:<15}{green} of 20 green, {perf_counter() - began:.1f} seconds")

# %% [markdown]
# The sleeping test is red at random, *and* slower. A longer sleep makes it rarely red and always slow. **Wait for something, with a deadline**: the
# test goes on in the moment in which it happens, and the deadline can be generous, since only a red test ever reaches it.
#
# And if *nothing* should come? Then don't wait at all: ask the queue how much it still holds. You will.
#
# ## Who is not there misses it
#
# What you have used is plain NATS. It hands a message to whoever listens at this moment, and forgets it. JetStream, a part of NATS, adds three
# words:
#
# - a **stream** keeps the messages of some subjects, numbered, on disk;
# - a **consumer** is a reader's place in a stream; the server keeps it under a name (`durable`), so the reader may come late, or be restarted;
# - an **ack** (acknowledgement) says *done*. `publish` waits for one from the stream, and a consumer waits for one from its reader.

# %% streams tags=["nbval-check-output"]
jetstream = connection.jetstream()


async def start_anew():
    """Delete all streams, and make one that keeps what is published on users.…"""
    for each in await jetstream.streams_info():
        await jetstream.delete_stream(each.config.name)
    await jetstream.add_stream(name="users", subjects=["users.>"])


await connection.publish("users.signed_up", b"Ada")
await start_anew()
place = await jetstream.publish("users.signed_up", b"Grace")
reader = await jetstream.pull_subscribe("users.signed_up", durable="reader")
[message] = await reader.fetch(1, timeout=5)
print(f"number {place.seq} is", message.data)
try:
    await jetstream.publish("nobody.listens", b"Eve")
except nats.errors.Error as error:
    print(type(error).__name__)
# OUTPUT:
# number 1 is b'Grace'
# NoStreamResponseError

# %% [markdown]
# Ada was published before the stream was there, and is lost. Grace was published before her reader was there, and is not. And for Eve there is no
# stream: JetStream's `publish` gets no ack and raises, while `connection.publish` would say nothing.
#
# ## Exercise 9.1: not lost, not invented
#
# When should `users_api` publish that Ada has signed up? Before the commit: if it fails then, somebody is welcomed who does not exist. After the
# commit: if the program dies in between, nobody ever hears of her.
#
# So it does neither. `create_user` saves the message **with** the user, in one transaction, in a table named `outbox`. Later, `relay` publishes
# what waits there, and marks it as sent. The contract promises:
#
# 1. Of who was refused nobody hears.
# 2. What no stream took is sent the next time.
# 3. What was sent is not sent again.
#
# The fixtures: `queue` is JetStream with an empty stream `users`. `relay_all()` calls `relay`. `await stored("users")` is the list of all messages
# that a stream holds, as bytes. (`work` and `left` come later. Run the cell now, and read it when you need it.) The first test is begun. For the
# second one, delete the stream and put it back.
#
# **Predict.** Four bugs are in play. How many does a test catch in which Ada signs up, everything works, and her message is there?

# %% queue_fixtures tags=["conftest"]
import os
from functools import partial

import nats
import pytest
import pytest_asyncio
from sqlalchemy.orm import Session
from users_api import mailer
from users_api.database import create_tables, engine
from users_api.models import Base
from users_api.relay import nats_publisher, relay


@pytest.fixture
def session():
    create_tables(engine)
    with Session(engine) as session:
        yield session
    Base.metadata.drop_all(engine)


@pytest_asyncio.fixture
async def queue():
    """JetStream with one stream, `users`, which is empty."""
    once = {"allow_reconnect": False, "max_reconnect_attempts": 1}
    connection = await nats.connect(os.environ["NATS_URL"], **once)
    queue = connection.jetstream()
    for each in await queue.streams_info():
        await queue.delete_stream(each.config.name)
    await queue.add_stream(name="users", subjects=["users.>"])
    yield queue
    await connection.close()


@pytest.fixture
def relay_all(session, queue):
    with nats_publisher(os.environ["NATS_URL"]) as publish:
        yield partial(relay, session, publish)


@pytest.fixture
def stored(queue):
    """What a stream holds: `await stored("users")` is a list of bytes."""

    async def bodies(stream):
        last = (await queue.stream_info(stream)).state.last_seq
        return [(await queue.get_msg(stream, number)).data for number in range(1, last + 1)]

    return bodies


@pytest.fixture
def work(session, queue):
    """Let the mailer handle what waits: `await work(send)`. What fails comes again after a moment."""
    return partial(mailer.work, queue, session, wait=2, retry=0.05)


@pytest.fixture
def left(queue):
    """How many messages the mailer has not acknowledged, whether they were delivered to it or not."""

    async def count():
        consumer = await queue.consumer_info("users", "mailer")
        return consumer.num_pending + consumer.num_ack_pending

    return count

# %% outbox tags=["exercise"] exercise="9.1"
import json
from contextlib import suppress

import nats
import pytest
from users_api.users import EmailTakenError, create_user

pytestmark = pytest.mark.asyncio  # all tests here are async
ADA = {"name": "Ada", "email": "ada@example.org", "password": "correct horse battery"}


async def test_of_who_was_refused_nobody_hears(session, relay_all, stored):
    create_user(session, **ADA)
    with suppress(EmailTakenError):
        create_user(session, **ADA | {"name": "Eve"})
    # BEGIN SOLUTION: relay_all(); one message is stored, and it names Ada; then the tests for lines 2 and 3
    relay_all()
    [message] = await stored("users")
    assert json.loads(message)["name"] == "Ada"


async def test_what_no_stream_took_is_sent_the_next_time(session, queue, relay_all, stored):
    create_user(session, **ADA)
    await queue.delete_stream("users")
    with suppress(nats.errors.Error):
        relay_all()
    await queue.add_stream(name="users", subjects=["users.>"])
    relay_all()
    assert len(await stored("users")) == 1


async def test_what_was_sent_is_not_sent_again(session, relay_all, stored):
    create_user(session, **ADA)
    relay_all()
    relay_all()
    assert len(await stored("users")) == 1
    # END SOLUTION

# %% [markdown]
# ## What a reader may answer
#
# Now the other side. To each message that a consumer **delivers**, its reader gives an answer:
#
# | answer | what the consumer does |
# |---|---|
# | `ack()` | this message is done |
# | `nak(delay)` | *not now*: delivers it again, after `delay` seconds |
# | none at all | after `ack_wait` seconds it takes the reader for dead, and delivers again |
# | `term()` | gives this message up |
#
# Let four messages meet a reader that answers as `answers` says. With `sample_freq` the server publishes an event for each answer, and a second
# stream, `record`, keeps these events.

# %% four_messages
from nats.js.api import ConsumerConfig

await start_anew()
patience = ConsumerConfig(ack_wait=0.6, sample_freq="100%")
reader = await jetstream.pull_subscribe("users.signed_up", durable="reader", config=patience)
await jetstream.add_stream(name="record", subjects=["$JS.EVENT.*.CONSUMER.*.users.reader"])

answers = {"Ada": ["ack"], "Grace": ["nak", "ack"]}
answers |= {"Barbara": ["none", "ack"], "Eve": ["nak", "nak", "term"]}
for name in answers:
    await jetstream.publish("users.signed_up", name.encode())

# %% deliveries
for _ in range(8):
    [message] = await reader.fetch(1, timeout=5)
    answer = answers[message.data.decode()][message.metadata.num_delivered - 1]
    if answer == "nak":
        await message.nak(delay=0.2)
    elif answer != "none":
        await getattr(message, answer)()

async with asyncio.timeout(5):  # until the record is complete: seven answers
    while (await jetstream.stream_info("record")).state.messages < 7:
        await asyncio.sleep(0.01)

# %% [markdown]
# The last three lines are the other way to wait for something: where nothing tells you that it has happened, **ask again and again, with a deadline
# around it**.
#
# **Predict.** In which order were the four done?

# %% timeline
import json

import matplotlib.pyplot as plt

looks = {"consumer_ack": ("o", "ack"), "nak": ("X", "nak"), "terminated": ("s", "term")}
figure, axes = plt.subplots(figsize=(8, 2.2), layout="constrained")
for number in range(1, (await jetstream.stream_info("record")).state.last_seq + 1):
    event = await jetstream.get_msg("record", number)
    told = json.loads(event.data)
    row, (marker, word) = told["stream_seq"], looks[told["type"].rpartition(".")[2]]
    seconds = (event.time - (await jetstream.get_msg("users", row)).time).total_seconds()
    axes.plot([0, seconds], [row, row], color="#0b6e99", marker=marker, markersize=9, markevery=[1])
    axes.text(seconds, row - 0.2, f"{told['deliveries']}. {word}", ha="center", va="bottom")
axes.set(xlabel="seconds since it was stored", xlim=(0, None))
axes.set(ylim=(4.5, 0), yticks=range(1, 5), yticklabels=answers)
plt.show()

# %% [markdown]
# That is the server's own record: each mark is an answer, with the number of the delivery. **Redelivery changes the order**: Barbara was stored
# before Eve, and is done after her. And of Barbara's first delivery there is no record at all: a reader that is silent shows only in the next
# delivery, `ack_wait` later.
#
# ## Exercise 9.2: done means done
#
# The **mailer** of `users_api` is such a reader, a consumer named `mailer`:
#
# ```python
# await mailer.work(queue, session, send)
# ```
#
# It handles one **batch**: the messages that wait, ten at most. `send` gets each mail as an `EmailMessage`, and raises where it cannot be sent. In
# production it is `smtplib.SMTP(…).send_message`; in a test the `append` of a list will do. The fixture `work` leaves only `send` to you.
#
# A mailer has to acknowledge **after** the mail is sent: if it dies before, the message comes again. `await left()` asks the server how many
# messages are not acknowledged.
#
# In the first test two people sign up, and all goes well. Assert to whom the mails went (`mail["To"]`) and what is left. Then write a second test,
# of a worse day: the first mail fails (`await work(fail)`), and later the mailer works again.
#
# **Predict.** Four bugs are in play: it never acknowledges; only the last message of a batch; too early; or it gives up after one failure. Which
# does the first test catch?

# %% acknowledge tags=["exercise"] exercise="9.2"
import pytest
from users_api.events import UserSignedUp

pytestmark = pytest.mark.asyncio
ADA, GRACE = UserSignedUp("Ada", "ada@example.org"), UserSignedUp("Grace", "grace@example.org")


def fail(mail):
    raise OSError("the mail server does not answer")


async def test_what_is_done_is_acknowledged(queue, work, left):
    for event in (ADA, GRACE):
        await queue.publish("users.signed_up", event.encode())
    mails = []
    await work(mails.append)
    # BEGIN SOLUTION: assert who got a mail, in any order, and what is left; then the second test
    assert {mail["To"] for mail in mails} == {"ada@example.org", "grace@example.org"}
    assert await left() == 0


async def test_a_message_waits_until_its_mail_is_sent(queue, work, left):
    await queue.publish("users.signed_up", ADA.encode())
    await work(fail)
    assert await left() == 1
    mails = []
    await work(mails.append)
    assert [mail["To"] for mail in mails] == ["ada@example.org"]
    assert await left() == 0
    # END SOLUTION

# %% [markdown]
# ## Twice is normal
#
# A mailer sends a mail, and dies before its ack arrives: the message is delivered again. The relay publishes, and dies before it has marked the
# row: the message is published again. Nobody did anything wrong. A queue promises **at least once**; *exactly once* it cannot promise, since it
# does not know whether the mail went out.
#
# So the reader has to be **idempotent**: to handle a message twice changes no more than to handle it once. Each event has an `id`. The mailer keeps
# the ids of the events whose mail was sent, in the table `welcomes`, and sends nothing for an id that it knows.
#
# ## Exercise 9.3: once, however often it comes
#
# Four bugs are in play, and each has an idea of what *the same event* is:
#
# 1. It has no idea, and welcomes whatever is delivered.
# 2. It is the same if the address is the same. But somebody may leave, and sign up again: that is another event.
# 3. It was there before if it is older than the newest one. But redelivery changes the order.
# 4. It is the same if the id is the same. But it notes the id *before* the mail is sent, and sending may fail.
#
# The first test is begun; write one for each of the other three. **Predict.** Which of the four does the first test catch?
#
# (Two events are made by calling `UserSignedUp` twice: each takes a new id, and the time. `ADA` is older than `GRACE`.)

# %% idempotent tags=["exercise"] exercise="9.3"
import pytest
from users_api.events import UserSignedUp

pytestmark = pytest.mark.asyncio
ADA, GRACE = UserSignedUp("Ada", "ada@example.org"), UserSignedUp("Grace", "grace@example.org")


def fail(mail):
    raise OSError("the mail server does not answer")


@pytest.fixture
def welcomed(queue, work):
    """Publish events, let the mailer work, return whom it welcomed: `await welcomed(ADA, GRACE)`."""

    async def deliver(*events):
        for event in events:
            await queue.publish("users.signed_up", event.encode())
        mails = []
        await work(mails.append)
        return sorted(mail["To"] for mail in mails)

    return deliver


async def test_the_same_event_twice_is_one_mail(welcomed):
    # BEGIN SOLUTION: assert whom `await welcomed(ADA, ADA)` returns; then three more tests
    assert await welcomed(ADA, ADA) == ["ada@example.org"]
    assert await welcomed(ADA) == []


async def test_two_events_of_one_address_are_two_mails(welcomed):
    again = UserSignedUp("Ada", "ada@example.org")
    assert await welcomed(ADA, again) == ["ada@example.org"] * 2


async def test_an_older_event_that_comes_later_is_welcomed(welcomed):
    assert await welcomed(GRACE) == ["grace@example.org"]
    assert await welcomed(ADA) == ["ada@example.org"]


async def test_an_event_whose_mail_was_not_sent_is_welcomed_later(queue, work, welcomed):
    await queue.publish("users.signed_up", ADA.encode())
    await work(fail)
    assert await welcomed() == ["ada@example.org"]
    # END SOLUTION

# %% [markdown]
# ## A message that nobody can handle
#
# What fails is delivered again. And if it fails *each* time? Here is a message that is no JSON, and a reader that naks what it cannot read:

# %% poison
await start_anew()
reader = await jetstream.pull_subscribe("users.signed_up", durable="reader")
await jetstream.publish("users.signed_up", b"\xff")
until = perf_counter() + 0.5
while perf_counter() < until:
    [message] = await reader.fetch(1, timeout=5)
    try:
        json.loads(message.data)
        await message.ack()
    except ValueError:
        await message.nak()
print("delivered", message.metadata.num_delivered, "times in half a second")

# %% [markdown]
# Such a **poison message** keeps its readers busy for ever, or kills one after the other. To drop it is no way out: it may be somebody's sign-up,
# in a form that will be understood tomorrow. So it goes to a place where people look after it: a **dead-letter queue**, here a stream.
#
# ## Exercise 9.4: dead letters
#
# From the contract of the mailer: *What is no event is a dead letter at once. Where a mail cannot be sent, the message comes again; after the third
# delivery that fails it is a dead letter. A dead letter is in the stream `dead_letters`, byte for byte as it came, and is acknowledged. No message
# keeps the others from being handled.*
#
# Four bugs are in play: the mailer stops at what it cannot read, tries it for ever, throws it away, or never gives up a mail that fails. The first
# test has poison between two events. Finish it; then write one in which a mail fails three times.

# %% dead_letters tags=["exercise"] exercise="9.4"
import pytest
from users_api.events import UserSignedUp

pytestmark = pytest.mark.asyncio
ADA, GRACE = UserSignedUp("Ada", "ada@example.org"), UserSignedUp("Grace", "grace@example.org")
POISON = b"\xff"


def fail(mail):
    raise OSError("no such mailbox")


async def test_what_cannot_be_read_is_a_dead_letter_and_stops_nobody(queue, work, left, stored):
    for body in (ADA.encode(), POISON, GRACE.encode()):
        await queue.publish("users.signed_up", body)
    mails = []
    # BEGIN SOLUTION: let it work; assert who got a mail, what is dead, what is left; then test two
    await work(mails.append)
    assert {mail["To"] for mail in mails} == {"ada@example.org", "grace@example.org"}
    assert await stored("dead_letters") == [POISON]
    assert await left() == 0


async def test_a_mail_that_fails_three_times_is_a_dead_letter(queue, work, left, stored):
    await queue.publish("users.signed_up", ADA.encode())
    for _ in range(2):
        await work(fail)
    assert await stored("dead_letters") == []
    await work(fail)
    assert await stored("dead_letters") == [ADA.encode()]
    assert await left() == 0
    # END SOLUTION

# %% [markdown]
# ## The form drifts
#
# Writer and reader are deployed on different days, and a stream keeps messages of last year. So a reader meets forms that it was not written for.
# Two rules have proved themselves:
#
# - A writer may **add** fields. Readers leave alone what they do not know.
# - Whatever else changes is a new `version`. A reader that does not know it does not guess: dead letter.
#
# ## Exercise 9.5: as others write it
#
# All your messages so far were written by `UserSignedUp`, the class with which the mailer reads them. As in lesson 03, two halves with one mistake
# understand each other. So keep a message **as text in the test**, as it stands in the contract, and hand it to the mailer.
#
# Write two tests: a message with one field more is understood, and one of version 2 is a dead letter.
#
# **Predict.** Four bugs are in play: the address is called `mail`; a new field is refused; the format is Python and not JSON; version 2 is read as
# if it were 1. In two of them writer and reader have the same mistake. Which two?

# %% drift tags=["exercise"] exercise="9.5"
import json

import pytest

pytestmark = pytest.mark.asyncio
EVENT = {"version": 1, "id": "7", "name": "Ada", "email": "ada@example.org"}
EVENT["at"] = "2030-01-01T12:00:00+01:00"


@pytest.fixture
def welcomed(queue, work):
    """Publish a message as JSON, let the mailer work, and return whom it has welcomed."""

    async def deliver(message):
        await queue.publish("users.signed_up", json.dumps(message).encode())
        mails = []
        await work(mails.append)
        return [mail["To"] for mail in mails]

    return deliver


async def test_a_message_with_more_fields_is_understood(welcomed):
    # BEGIN SOLUTION: publish EVENT with one field more, which is True; then test another version
    assert await welcomed(EVENT | {"newsletter": True}) == ["ada@example.org"]


async def test_another_version_is_a_dead_letter(welcomed, stored):
    assert await welcomed(EVENT | {"version": 2}) == []
    [dead] = await stored("dead_letters")
    assert json.loads(dead)["version"] == 2
    # END SOLUTION

# %% [markdown]
# ## What these bugs have in common
#
# On a good day none of them shows: one message, delivered once, to a reader that does not fail, and the right mail goes out. What tells them apart
# is **the second time**: the second message of a batch, the second delivery, the second try after a failure, the second version.
#
# So a test of a queue makes a bad day on purpose, and it makes it without luck: take the stream away, let `send` fail, publish twice, publish
# nonsense.
#
# | you want to know | don't | do |
# |---|---|---|
# | it has arrived | sleep, then look | wait for it, or ask again and again, with a deadline |
# | nothing more comes | wait, and see nothing | ask for the number that is left |
# | it comes again | wait for 30 seconds | make `ack_wait` and delays short in tests |
#
# ## Further reading
#
# - NATS, *JetStream Deep Dive*: <https://docs.nats.io/learn/jetstream>, and *Ack responses and redelivery*:
#   <https://docs.nats.io/learn/jetstream/acknowledgment>
# - microservices.io, *Transactional outbox*: <https://microservices.io/patterns/data/transactional-outbox.html>, and *Idempotent consumer*:
#   <https://microservices.io/patterns/communication-style/idempotent-consumer.html>
# - Enterprise Integration Patterns, *Dead Letter Channel*: <https://www.enterpriseintegrationpatterns.com/patterns/messaging/DeadLetterChannel.html>
# - Martin Fowler, *TolerantReader*: <https://martinfowler.com/bliki/TolerantReader.html>
#
# The next boundary looks harmless: files, and archives that somebody else has made.

# %% quiz
course.quiz("09")

# %% next
course.next()
