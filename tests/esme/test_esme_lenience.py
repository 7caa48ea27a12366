"""Faults of clients that an account's settings overlook, and nobody else's."""

import pytest
import trio.testing
from esme_bench import Client, account, front_door

from smsagg.smpp import status as s
from smsagg.smpp.codec import encode
from smsagg.smpp.pdu import CancelSm, CancelSmResp, Pdu, QuerySm, QuerySmResp

LENIENT = {
    "acme": account("acme", lenient=("missing_nul", "interface_version_0", "odd_ton_npi")),
    "other": account("other"),
}
LATER = "000000020000000R"


async def send_without_last_nul(client: Client, pdu: Pdu) -> None:
    """``pdu`` with the octet count of what is left."""
    pdu.sequence_number = 9
    octets = encode(pdu)[:-1]
    await client.send_raw(len(octets).to_bytes(4, "big") + octets[4:])


async def test_a_last_string_without_its_nul_is_taken_where_that_is_overlooked(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """query_sm and cancel_sm end with an address; elsewhere that is the field's own error."""
    async with front_door(accounts=LENIENT) as bench:
        client = await bench.bound()
        message_id = await client.submit_ok(schedule_delivery_time=LATER)
        await send_without_last_nul(client, QuerySm(message_id, source_addr="ACME"))
        assert (await client.receive(QuerySmResp)).command_status == s.ESME_ROK
        await send_without_last_nul(client, CancelSm("", message_id, 0, 0, "ACME", 1, 1, "447700900123"))
        assert (await client.receive(CancelSmResp)).command_status == s.ESME_ROK
        strict = await bench.bound(system_id="other")
        await send_without_last_nul(strict, QuerySm(message_id, source_addr="ACME"))
        assert (await strict.receive(QuerySmResp)).command_status == s.ESME_RINVSRCADR
        assert await strict.is_alive()


async def test_a_missing_nul_in_the_middle_stays_an_error(autojump_clock: trio.testing.MockClock) -> None:
    """Where one string ends and the next begins cannot be known."""
    async with front_door(accounts=LENIENT) as bench:
        client = await bench.bound()
        octets = encode(QuerySm("9" * 64, source_addr="", sequence_number=9))
        octets = octets[:80] + octets[81:]
        await client.send_raw(len(octets).to_bytes(4, "big") + octets[4:])
        assert (await client.receive(QuerySmResp)).command_status == s.ESME_RINVCMDLEN
        assert await client.is_alive()


@pytest.mark.parametrize(("system_id", "octets"), [("acme", 16), ("other", 8)])
async def test_version_0_means_34_where_that_is_overlooked(
    autojump_clock: trio.testing.MockClock, system_id: str, octets: int
) -> None:
    """TLVs and long ids for the one, the rules of 3.3 for the other."""
    async with front_door(accounts=LENIENT) as bench:
        client = bench.connect()
        response = await client.try_bind(system_id=system_id, interface_version=0)
        assert bool(response.tlvs) is (octets == 16)
        assert len(await client.submit_ok()) == octets


@pytest.mark.parametrize(("ton", "npi"), [(2, 1), (5, 0), (1, 3), (6, 18)])
async def test_odd_ton_and_npi_of_a_destination_are_taken_where_that_is_overlooked(
    autojump_clock: trio.testing.MockClock, ton: int, npi: int
) -> None:
    """The digits decide, and what is no international number is refused all the same."""
    async with front_door(accounts=LENIENT) as bench:
        lenient, strict = await bench.bound(), await bench.bound(system_id="other")
        fields = {"dest_addr_ton": ton, "dest_addr_npi": npi}
        await lenient.submit_ok(**fields)
        assert (await lenient.submit(**fields, destination_addr="12345")).command_status == s.ESME_RINVDSTADR
        assert (await strict.submit(**fields)).command_status == s.ESME_RINVDSTADR
