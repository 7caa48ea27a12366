"""Sender rules at the front door: what is refused, what is replaced, and that the client still finds its messages."""

from typing import Any

import pytest
import trio.testing
from esme_bench import Bench, account, front_door

from smsagg.config.schema import SenderSettings
from smsagg.model import MessageState
from smsagg.smpp import status as s
from smsagg.smpp.pdu import CancelSm, CancelSmResp, DataSm, DataSmResp, QuerySm, QuerySmResp
from smsagg.smpp.tlv import Tag


def with_rules(**values: Any) -> dict[str, Any]:
    senders = SenderSettings(**({"allowed": ("ACME", "4477009001*")} | values))
    return {"acme": account("acme", senders=senders), "other": account("other")}


def stored_sources(bench: Bench) -> list[tuple[int, int, str]]:
    return [(message.source_addr_ton, message.source_addr_npi, message.source_addr) for message in bench.stored]


@pytest.mark.parametrize("source_addr", ["EVIL", "acme", "\xc0CME", "", "447700900999"])
async def test_a_sender_that_is_not_allowed_is_refused(
    autojump_clock: trio.testing.MockClock, source_addr: str
) -> None:
    """ESME_RINVSRCADR, nothing stored; other accounts send from what they like."""
    async with front_door(accounts=with_rules()) as bench:
        client = await bench.bound()
        assert (await client.submit(source_addr=source_addr)).command_status == s.ESME_RINVSRCADR
        assert bench.stored == []
        await client.submit_ok(source_addr="ACME")
        await (await bench.bound(system_id="other")).submit_ok(source_addr=source_addr)


async def test_a_sender_that_is_not_allowed_is_replaced(autojump_clock: trio.testing.MockClock) -> None:
    """Before the commit: the carrier never sees what the submit had."""
    async with front_door(accounts=with_rules(when_not_allowed="replace", default="ACME")) as bench:
        client = await bench.bound()
        await client.submit_ok(source_addr="EVIL", source_addr_ton=1, source_addr_npi=1)
        await client.submit_ok(source_addr="", source_addr_ton=0)
        await client.submit_ok(source_addr="447700900123", source_addr_ton=2, source_addr_npi=9)
        assert stored_sources(bench) == [(5, 0, "ACME"), (5, 0, "ACME"), (2, 9, "447700900123")]


async def test_ton_and_npi_are_set_by_form(autojump_clock: trio.testing.MockClock) -> None:
    """When the account asks for it."""
    async with front_door(accounts=with_rules(set_ton_npi=True)) as bench:
        client = await bench.bound()
        await client.submit_ok(source_addr="ACME", source_addr_ton=0)
        await client.submit_ok(source_addr="+447700900123", source_addr_ton=0)
        assert stored_sources(bench) == [(5, 0, "ACME"), (1, 1, "447700900123")]


async def test_a_replaced_message_is_found_by_the_address_that_was_submitted(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """query_sm and cancel_sm repeat the submit's source_addr; the new one, and none, are as good; others are not."""
    async with front_door(accounts=with_rules(when_not_allowed="replace", default="ACME")) as bench:
        client = await bench.bound()
        message_id = await client.submit_ok(source_addr="EVIL", schedule_delivery_time="000001000000000R")
        for source_addr, status in (("EVIL", s.ESME_ROK), ("ACME", s.ESME_ROK), ("", s.ESME_ROK)):
            await client.send(QuerySm(message_id, 5, 0, source_addr))
            assert (await client.receive(QuerySmResp)).command_status == status
        await client.send(QuerySm(message_id, 1, 1, "447700900123"))
        assert (await client.receive(QuerySmResp)).command_status == s.ESME_RINVMSGID
        await client.send(CancelSm(message_id=message_id, source_addr="EVIL"))
        assert (await client.receive(CancelSmResp)).command_status == s.ESME_ROK


@pytest.mark.parametrize("source_addr", ["EVIL", "ACME", ""])
async def test_a_replaced_message_is_cancelled_by_its_addresses(
    autojump_clock: trio.testing.MockClock, source_addr: str
) -> None:
    """Without an id, too: what the submit had for a sender leads to the message."""
    async with front_door(accounts=with_rules(when_not_allowed="replace", default="ACME")) as bench:
        client = await bench.bound()
        await client.submit_ok(source_addr=source_addr, schedule_delivery_time="000001000000000R")
        await client.send(CancelSm(source_addr=source_addr, destination_addr="447700900123"))
        assert (await client.receive(CancelSmResp)).command_status == s.ESME_ROK


async def test_a_replacing_submit_finds_what_was_replaced_by_the_rules(autojump_clock: trio.testing.MockClock) -> None:
    """replace_if_present_flag compares senders as they were stored."""
    async with front_door(accounts=with_rules(when_not_allowed="replace", default="ACME")) as bench:
        client = await bench.bound()
        first = await client.submit_ok(source_addr="EVIL", schedule_delivery_time="000001000000000R")
        await client.submit_ok(source_addr="EVIL", replace_if_present_flag=1)
        await client.send(QuerySm(first, 5, 0, "EVIL"))
        assert (await client.receive(QuerySmResp)).message_state == MessageState.DELETED.wire


async def test_data_sm_is_held_to_the_same_rules(autojump_clock: trio.testing.MockClock) -> None:
    """No other operation is a way around them."""
    async with front_door(accounts=with_rules()) as bench:
        client = await bench.bound()
        for source_addr, status in (("EVIL", s.ESME_RINVSRCADR), ("ACME", s.ESME_ROK)):
            await client.send(
                DataSm(
                    source_addr_ton=5,
                    source_addr=source_addr,
                    dest_addr_ton=1,
                    dest_addr_npi=1,
                    destination_addr="447700900123",
                    tlvs=((int(Tag.MESSAGE_PAYLOAD), b"hello"),),
                )
            )
            assert (await client.receive(DataSmResp)).command_status == status
