"""The SMPP carrier under fuzz: whatever an SMSC sends, the carrier lives, and every attempt has one outcome.

``make fuzz`` does the same to everything below the link, by the million. ``SMSAGG_FUZZED_PDUS`` makes this longer.
"""

import os
from random import Random
from struct import pack

import pytest
import trio
import trio.testing
from smpp_carrier_bench import Bench, Smsc, receipt_pdu, smpp_carrier

from smsagg.smpp import pdu as p
from smsagg.smpp.codec import encode
from tools.fuzz import corpus
from tools.fuzz.mutator import mutate

PDUS = int(os.environ.get("SMSAGG_FUZZED_PDUS", "1000"))
AT_ONCE = 10


async def test_no_smsc_harms_the_carrier(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mutants of answers, receipts and all else; then an ordinary message is sent and accepted as ever."""
    rng = Random(4)
    known = beginnings() * 20 + [data for data in corpus.read_kept() if data[:1] in b"fF"]
    async with smpp_carrier(monkeypatch, reconnect_max=5.0) as bench:
        smsc = await bench.network.bound()
        sent = 0
        for _ in range(PDUS // AT_ONCE):
            if bench.link.is_bound:
                bench.send(1, first=sent + 1)
                sent += 1
            frames = [framed(mutate(rng.choice(known), rng, known)) for _ in range(AT_ONCE)]
            if not await took(smsc, b"".join(frames)):
                await smsc.close()
                smsc = await bench.network.bound()
        await smsc.close()
        await accepts(bench, await bench.network.bound(), sent + 1)
        assert sorted(outcome.message.seq for outcome in bench.events.outcomes) == list(range(1, sent + 2))


def beginnings() -> list[bytes]:
    """Ordinary PDUs of an SMSC, as :mod:`tools.fuzz.targets` has them."""
    pdus = [
        *(p.SubmitSmResp(f"id{number}", sequence_number=number) for number in range(1, 40)),
        p.SubmitSmResp(sequence_number=3, command_status=0x58),
        receipt_pdu("id1", sequence_number=7),
        receipt_pdu("id2", "UNDELIV", sequence_number=8, tlvs=((0x001E, b"id2\0"), (0x0427, b"\5"))),
        p.DeliverSm("", 1, 1, "447700900123", 0, 1, "53849", short_message=b"hello", sequence_number=9),
        p.DataSm("", 1, 1, "447700900123", 0, 1, "53849", esm_class=4, tlvs=((0x0424, b"id:id3 stat:DELIVRD"),)),
        p.AlertNotification(1, 1, "447700900123", 0, 1, "53849"),
        p.GenericNack(sequence_number=2, command_status=3),
        p.EnquireLink(sequence_number=4),
    ]
    return [b"f" + encode(pdu)[4:] for pdu in pdus]


def framed(data: bytes) -> bytes:
    """The PDU in an input of the fuzzer, under a command_length that fits."""
    rest = data[1:].ljust(12, b"\0")
    return pack(">I", 4 + len(rest)) + rest


async def took(smsc: Smsc, octets: bytes) -> bool:
    """Send, and take whatever comes back; whether the connection lives on."""
    try:
        await smsc.send_raw(octets)
        await smsc.waiting(p.Pdu)
        await smsc.send(p.EnquireLink())
        await smsc.receive(p.EnquireLinkResp)
    except (trio.BrokenResourceError, trio.ClosedResourceError, EOFError):
        return False
    return True


async def accepts(bench: Bench, smsc: Smsc, seq: int) -> None:
    bench.send(1, first=seq)
    submit = await smsc.receive(p.SubmitSm)
    await smsc.accept(submit, "last")
    await bench.events.wait_until(lambda: any(o.message.seq == seq for o in bench.events.outcomes))
