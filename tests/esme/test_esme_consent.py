"""What an ESME sees of suppressed recipients."""

from esme_bench import front_door

from smsagg.model.consent import ConsentKind, ConsentRecord, ConsentUpdate
from smsagg.smpp import status as s


async def test_a_suppressed_recipient_is_refused_at_the_submit() -> None:
    """K10: ESME_RINVDSTADR, counted by its reason; nothing is stored, and other accounts are not concerned."""
    async with front_door() as bench:
        record = ConsentRecord(ConsentKind.SUPPRESSION, "acme", "447700900123", "", 1, "keyword")
        await bench.gateway.engine.consents.change([ConsentUpdate(record)])
        client = await bench.bound()
        assert (await client.submit(destination_addr="447700900123")).command_status == s.ESME_RINVDSTADR
        assert (await client.submit(destination_addr="447700900124")).command_status == s.ESME_ROK
        assert bench.gateway.metrics.refused["acme", "suppressed"].n == 1
        assert len(bench.stored) == 1
        await bench.gateway.engine.consents.change([ConsentUpdate(record, is_kept=False)])
        await client.submit_ok(destination_addr="447700900123")
