"""A learner's own NatsContainer, without Docker."""

from __future__ import annotations

import asyncio
import json
import warnings
from urllib.request import urlopen

import nats
import pytest

from course.stand_in import StandInError

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # of testcontainers itself, at this import
    from testcontainers.community.nats import NatsContainer

pytestmark = [
    pytest.mark.usefixtures("stand_ins"),
    pytest.mark.filterwarnings("ignore:The wait_for_logs function:DeprecationWarning"),
]


async def send_and_receive(uri: str) -> bytes:
    client = await nats.connect(uri)
    subscription = await client.subscribe("greet.*")
    await client.publish("greet.ann", b"hello")
    message = await subscription.next_msg(timeout=5)
    await client.close()
    return message.data


async def store(uri: str) -> int:
    client = await nats.connect(uri)
    try:
        stream = client.jetstream()
        await stream.add_stream(name="orders", subjects=["orders.*"])
        return (await stream.publish("orders.new", b"1")).seq
    finally:
        await client.close()


def test_messages_pass():
    with NatsContainer() as container:
        assert asyncio.run(send_and_receive(container.nats_uri())) == b"hello"
        host, port = container.nats_host_and_port()
        assert container.nats_uri() == f"nats://{host}:{port}"
        assert host == "localhost"


def test_jetstream_is_there_when_it_is_asked_for():
    with NatsContainer("nats:2", jetstream=True) as container:
        assert asyncio.run(store(container.nats_uri())) == 1


def test_without_jetstream_there_is_none():
    with NatsContainer("nats:2") as container, pytest.raises(Exception, match=r"(?i)unavailable|no responders|timeout"):
        asyncio.run(store(container.nats_uri()))


def test_the_monitor_answers():
    with NatsContainer() as container:
        port = container.get_exposed_port(container.management_port)
        with urlopen(f"http://localhost:{port}/varz", timeout=5) as answer:
            assert json.load(answer)["port"] == container.get_exposed_port(4222)


def test_two_at_once_know_nothing_of_each_other():
    with NatsContainer(jetstream=True) as one, NatsContainer(jetstream=True) as two:
        assert one.nats_uri() != two.nats_uri()
        assert asyncio.run(store(one.nats_uri())) == asyncio.run(store(two.nats_uri())) == 1


@pytest.mark.parametrize("command", ["-c /etc/nats.conf", "-js -p 4333", "sh -c true"])
def test_what_cannot_be_honoured_is_an_error_that_says_so(command):
    with pytest.raises(StandInError, match="cannot honour"):
        NatsContainer().with_command(command).start()


def test_options_of_the_server_are_honoured():
    with NatsContainer().with_command("--name shop -js") as container:
        port = container.get_exposed_port(8222)
        with urlopen(f"http://localhost:{port}/varz", timeout=5) as answer:
            assert json.load(answer)["server_name"] == "shop"


def test_a_server_that_does_not_start_is_an_error_with_its_words():
    with pytest.raises(StandInError, match="nonsense"):
        NatsContainer().with_command("--nonsense").start()


def test_nothing_runs_inside():
    with NatsContainer() as container, pytest.raises(StandInError, match="no shell"):
        container.exec("sh")
