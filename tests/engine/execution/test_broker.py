from __future__ import annotations

import os
import signal
import textwrap
from dataclasses import replace

import psutil
import pytest

from course.engine import Ending, Request, Suite, Variant
from course.engine.execution.broker import Broker
from course.engine.programs.subject import load_subject
from course.manifest import ManifestError

SUITE = textwrap.dedent(
    """
    import asyncio, os
    import nats

    async def say():
        connection = await nats.connect(os.environ["NATS_URL"])
        stream = connection.jetstream()
        before = [each.config.name for each in await stream.streams_info()]
        await stream.add_stream(name="SIGN_UPS", subjects=["users.>"])
        await stream.publish("users.signed_up", b"{}")
        await connection.close()
        return before

    def test_the_broker_is_empty():
        assert asyncio.run(say()) == []
    """
)


@pytest.fixture
def broker():
    broker = Broker()
    yield broker
    broker.close()


@pytest.mark.slow
def test_each_run_of_a_subject_that_asks_for_it_finds_an_empty_broker(one_slot, till):
    subject = replace(till, services=("nats",))
    with one_slot.suite_folder(Suite.from_files({"test_it.py": SUITE})) as folder:
        request = Request(Variant(subject), folder, 20)
        results = [one_slot.submit(lambda slot: slot.run(request)).result() for _ in range(3)]
    assert [result.ending for result in results] == [Ending.FINISHED] * 3
    assert [outcome.message for result in results for outcome in result.failed] == []


@pytest.mark.slow
def test_a_run_of_any_other_subject_is_given_no_broker(one_slot, till, monkeypatch):
    monkeypatch.setenv("NATS_URL", "nats://somebody-elses:4222")
    text = "import os\ndef test_it(): assert 'NATS_URL' not in os.environ"
    with one_slot.suite_folder(Suite.from_files({"test_it.py": text})) as folder:
        result = one_slot.submit(lambda slot: slot.run(Request(Variant(till), folder, 20))).result()
    assert [outcome.message for outcome in result.failed] == []


def test_a_broker_that_was_killed_is_started_again(broker):
    first = broker.url()
    for process in psutil.Process().children(recursive=True):
        if process.name().startswith("nats-server"):
            os.kill(process.pid, signal.SIGKILL)
            process.wait(10)
    broker.empty()
    assert broker.url() != first


def test_a_service_that_runs_cannot_have_is_told(tmp_path):
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "subject.toml").write_text('package = "shop"\nservices = ["kafka"]\n')
    with pytest.raises(ManifestError, match=r'services holds "kafka"\. There are: "nats"'):
        load_subject("shop", tmp_path)
