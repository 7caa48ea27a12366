"""Prices and balances as an ESME meets them."""

from typing import Any

from esme_bench import Bench, Client, account, front_door

from smsagg.model import ChargeOn
from smsagg.pricing import CardRow, Currencies, DestinationKind, RateCard
from smsagg.smpp import status as s
from smsagg.smpp.pdu import ReplaceSm, ReplaceSmResp, SmeAddress, SubmitMulti, SubmitMultiResp
from smsagg.smpp.tlv import Tag
from smsagg.store.ledger import EntryKind, LedgerEntry
from smsagg.tables import Tables

PRICE = 10
LATER = "000000020000000R"
PAYS = {"accounts": {"acme": account("acme", billing="prepaid")}}


async def charge(bench: Bench, credit: int) -> None:
    """The account has so much, and every segment its price."""
    engine, now = bench.gateway.engine, bench.gateway.clock.now_ms()
    row = CardRow(DestinationKind.EVERYWHERE, "*", PRICE, "EUR", ChargeOn.SUBMITTED)
    tables = Tables(prices={"acme": RateCard([row], Currencies())})
    engine.reconfigure(engine.core.config, tables, bench.gateway.carriers)
    await engine.money.post(LedgerEntry("acme", "EUR", EntryKind.TOP_UP, credit, now, "", "", "test"))


async def replace(client: Client, message_id: str, **fields: Any) -> int:
    await client.send(ReplaceSm(message_id, source_addr="ACME", registered_delivery=1, **fields))
    return (await client.receive(ReplaceSmResp)).command_status


async def test_without_credit_a_submit_is_refused() -> None:
    """With ESME_RSUBMITFAIL, and counted by its reason; nothing of it is stored."""
    async with front_door(**PAYS) as bench:
        await charge(bench, 2 * PRICE)
        client = await bench.bound()
        answers = [(await client.submit()).command_status for _ in range(3)]
        assert answers == [s.ESME_ROK, s.ESME_ROK, s.ESME_RSUBMITFAIL]
        assert bench.gateway.metrics.refused["acme", "no_credit"].n == 1
        assert [message.price for message in bench.stored] == [PRICE, PRICE]


async def test_each_destination_of_a_submit_multi_is_paid_for() -> None:
    """Those beyond the credit are told one by one."""
    async with front_door(**PAYS) as bench:
        await charge(bench, 2 * PRICE)
        client = await bench.bound()
        addresses = tuple(SmeAddress(1, 1, f"44770090012{n}") for n in range(4))
        await client.send(SubmitMulti(dest_addresses=addresses, short_message=b"hi", source_addr="ACME"))
        response = await client.receive(SubmitMultiResp)
        assert [sme.error_status_code for sme in response.unsuccess_smes] == [s.ESME_RSUBMITFAIL] * 2
        assert len(bench.stored) == 2


async def test_a_paid_message_is_replaced_by_no_longer_one() -> None:
    """It would have more segments than were paid for; as many or fewer may be."""
    async with front_door(**PAYS) as bench:
        await charge(bench, 5 * PRICE)
        client = await bench.bound()
        payload = ((int(Tag.MESSAGE_PAYLOAD), b"x" * 300),)
        message_id = await client.submit_ok(short_message=b"", tlvs=payload, schedule_delivery_time=LATER)
        assert [message.price for message in bench.stored] == [2 * PRICE]
        longer = ((int(Tag.MESSAGE_PAYLOAD), b"y" * 400),)
        assert await replace(client, message_id, short_message=b"", tlvs=longer) == s.ESME_RINVMSGLEN
        assert await replace(client, message_id, short_message=b"short") == s.ESME_ROK
        assert [message.body for message in bench.stored] == [b"short"]
