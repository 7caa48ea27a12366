"""alert_notification: from a carrier to the receiving sessions of the account whose number asked for it."""

import pytest
import trio.testing
from esme_bench import Bench, account, front_door

from smsagg.model import CarrierAlert
from smsagg.smpp.pdu import AlertNotification, BindReceiver, BindTransmitter
from smsagg.smpp.tlv import Tag

ACCOUNTS = {"acme": account("acme", mo_numbers=("53849",)), "other": account("other")}
STATUS = int(Tag.MS_AVAILABILITY_STATUS)


def alert(bench: Bench, esme_addr: str = "53849", status: int | None = 0) -> None:
    told = CarrierAlert(1, 1, "447700900123", 0, 1, esme_addr, status)
    bench.gateway.engine.on_alerts("alpha", [told])


async def test_an_alert_goes_to_the_sessions_that_receive(autojump_clock: trio.testing.MockClock) -> None:
    """Receiver and transceiver of the number's account; no transmitter, no other account."""
    async with front_door(accounts=ACCOUNTS) as bench:
        receiver, transceiver = await bench.bound(BindReceiver), await bench.bound()
        others = [await bench.bound(BindTransmitter), await bench.bound(system_id="other")]
        alert(bench)
        for client in (receiver, transceiver):
            told = await client.receive(AlertNotification)
            assert (told.source_addr_ton, told.source_addr_npi, told.source_addr) == (1, 1, "447700900123")
            assert (told.esme_addr_ton, told.esme_addr_npi, told.esme_addr) == (0, 1, "53849")
            assert told.tlvs == ((STATUS, b"\0"),)
            assert told.sequence_number > 0
            assert await client.is_alive()
        for client in others:
            assert await client.waiting(AlertNotification) == []


@pytest.mark.parametrize(
    ("version", "status", "tlvs"), [(0x33, 1, ()), (0x34, None, ()), (0x34, 2, ((STATUS, b"\2"),))]
)
async def test_an_alert_says_what_the_carrier_said(
    autojump_clock: trio.testing.MockClock, version: int, status: int | None, tlvs: tuple[tuple[int, bytes], ...]
) -> None:
    """The availability if there is one, and no TLV to a peer of 3.3."""
    async with front_door(accounts=ACCOUNTS) as bench:
        client = await bench.bound(interface_version=version)
        alert(bench, status=status)
        assert (await client.receive(AlertNotification)).tlvs == tlvs


async def test_an_alert_that_nobody_can_be_told_is_lost(autojump_clock: trio.testing.MockClock) -> None:
    """For a number of nobody, and for an account that is not there: counted, kept nowhere."""
    async with front_door(accounts=ACCOUNTS) as bench:
        alert(bench)
        alert(bench, esme_addr="99999")
        client = await bench.bound()
        assert await client.waiting(AlertNotification) == []
        alert(bench)
        await client.receive(AlertNotification)
        counters = bench.gateway.metrics.carrier_alerts
        assert (counters["alpha", "missed"].n, counters["alpha", "told"].n) == (2, 1)
