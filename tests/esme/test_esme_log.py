"""What never stands in the log: bodies, passwords, full numbers."""

import io
from collections.abc import Iterator

import pytest
import structlog
import trio.testing
from esme_bench import front_door, submit_sm

from smsagg.observe.log import configure_logging
from smsagg.smpp.pdu import BindTransceiver, DeliverSm, GenericNack, SubmitSmResp

BODY = b"canary-text-4711"
WRONG = "canarypw"
NUMBER = "447700900987"
SENDER = "447700900654"


@pytest.fixture
def log() -> Iterator[io.BytesIO]:
    """Every line that is logged, at level debug."""
    before = structlog.get_config()
    octets = io.BytesIO()
    stream = io.TextIOWrapper(octets, write_through=True)
    configure_logging("debug", "json", stream)
    yield octets
    stream.detach()
    structlog.configure(**before)


async def test_a_day_in_the_life_leaves_no_private_word_in_the_log(
    autojump_clock: trio.testing.MockClock, log: io.BytesIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Good and bad binds, submits taken and refused, receipts, MO, malformed octets, a crash: nothing of it is in."""
    async with front_door() as bench:
        stranger = bench.connect()
        await stranger.try_bind(system_id="acme", password=WRONG)
        await stranger.close()
        client = await bench.bound()
        await client.submit_ok(short_message=BODY, destination_addr=NUMBER, source_addr=SENDER)
        await client.submit(short_message=BODY, destination_addr=NUMBER, esm_class=0x3C)
        await client.submit(short_message=BODY, destination_addr="0" + NUMBER)
        await bench.settle()
        bench.carrier.receipt(*bench.carrier.accept())
        await client.acknowledge(await client.receive(DeliverSm), 0x65)
        bench.carrier.mo(NUMBER, BODY)
        malformed = client.encoded(submit_sm(short_message=BODY, destination_addr=NUMBER))[0]
        await client.send_raw(malformed[:40] + b"\xff" + malformed[41:])
        await client.receive(SubmitSmResp)
        garbage = bench.connect()
        await garbage.send_raw(BODY * 3 + NUMBER.encode())
        await garbage.receive(GenericNack)
        monkeypatch.setattr(bench.door.submission, "message_of", lambda pdu, *_: pdu.no_such_field)
        await client.send(submit_sm(short_message=BODY, destination_addr=NUMBER))
        await client.ended.wait()
        structlog.get_logger().error("session_crashed", exc_info=bench.crashed.pop())
        await bench.bound()
        late = bench.connect()
        await late.send(BindTransceiver("acme", WRONG))
        await late.close()
        await bench.settle()
    lines = log.getvalue()
    assert lines.count(b"\n") >= 5
    assert b"bind_refused" in lines
    assert b"session_crashed" in lines
    for private in (BODY, BODY.hex().encode(), WRONG.encode(), NUMBER.encode(), SENDER.encode(), b"secret"):
        assert private not in lines
