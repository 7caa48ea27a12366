"""Sessions under fuzz, operations and engine included: whatever an ESME asks, none crashes, and others are served.

``make fuzz`` does the same to everything below the session, by the million. ``SMSAGG_FUZZED_PDUS`` makes this longer.
"""

import os
from random import Random
from struct import pack

import trio
import trio.testing
from esme_bench import Bench, Client, front_door

from smsagg.smpp import pdu as p
from smsagg.smpp.codec import encode
from tools.fuzz import corpus
from tools.fuzz.mutator import mutate

PDUS = int(os.environ.get("SMSAGG_FUZZED_PDUS", "1000"))
AT_ONCE = 20
FROM = {"source_addr_ton": 5, "source_addr": "ACME"}
TO = {"dest_addr_ton": 1, "dest_addr_npi": 1, "destination_addr": "447700900123"}


async def test_no_request_crashes_a_session(autojump_clock: trio.testing.MockClock) -> None:
    """Mutants of every request, about messages that are there; after each lot another session is answered."""
    rng = Random(3)
    async with front_door() as bench:
        other = await bench.bound(system_id="other")
        client, known = await begin(bench)
        for _ in range(PDUS // AT_ONCE):
            frames = [framed(mutate(rng.choice(known), rng, known)) for _ in range(AT_ONCE)]
            if not await took(client, b"".join(frames)):
                await client.close()
                await client.ended.wait()
                client, known = await begin(bench)
            assert await other.is_alive()
            assert bench.crashed == []


async def begin(bench: Bench) -> tuple[Client, list[bytes]]:
    """A bound client, and what is to be mutated: single PDUs as :mod:`tools.fuzz.targets` has them."""
    client = await bench.bound()
    message_id = await client.submit_ok(schedule_delivery_time="000001000000000R")
    requests = [
        p.QuerySm(message_id, **FROM),
        p.CancelSm("", message_id, **FROM, **TO),
        p.CancelSm("", "", **FROM, **TO),
        p.ReplaceSm(message_id, **FROM, short_message=b"another"),
        p.SubmitSm("", **FROM, **TO, short_message=b"replaces", replace_if_present_flag=1),
        p.SubmitSm("", **FROM, **TO, esm_class=0x40, short_message=b"\x05\0\3\1\2\1part"),
        p.SubmitMulti("", **FROM, dest_addresses=(p.SmeAddress(1, 1, "447700900123"), p.DistributionList("friends"))),
        p.DataSm("", **FROM, **TO, tlvs=((0x0424, b"payload"),)),
        p.DeliverSmResp(sequence_number=1),
    ]
    known = [b"f" + encode(request)[4:] for request in requests]
    return client, known * 20 + [data for data in corpus.read_kept() if data[:1] in b"fF"]


def framed(data: bytes) -> bytes:
    """The PDU in an input of the fuzzer, under a command_length that fits."""
    rest = data[1:].ljust(12, b"\0")
    return pack(">I", 4 + len(rest)) + rest


async def took(client: Client, octets: bytes) -> bool:
    """Send, and take whatever comes back; whether the session lives on."""
    try:
        await client.send_raw(octets)
        await client.waiting(p.Pdu)
        return await client.is_alive()
    except (trio.BrokenResourceError, trio.ClosedResourceError, EOFError):
        return False
