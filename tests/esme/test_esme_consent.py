"""What an ESME sees of suppressed recipients and of the rules of countries."""

import pytest
from esme_bench import front_door
from trio.testing import MockClock

from smsagg.compliance import ComplianceMap, CountryRules, Hours, RequiredText, Senders
from smsagg.model.consent import ConsentKind, ConsentRecord, ConsentUpdate
from smsagg.smpp import status as s
from smsagg.smpp.pdu import ReplaceSm, ReplaceSmResp
from smsagg.tables import Tables

DEFAULT = frozenset({"default"})


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


@pytest.mark.parametrize(
    ("rules", "status"),
    [
        (CountryRules("GB", classes=frozenset()), s.ESME_RSUBMITFAIL),
        (CountryRules("GB", senders=Senders.NUMBERS), s.ESME_RINVSRCADR),
        (CountryRules("GB", opt_in=DEFAULT), s.ESME_RINVDSTADR),
        (CountryRules("GB", texts=(RequiredText(DEFAULT, ("STOP",), ""),)), s.ESME_RSUBMITFAIL),
        (CountryRules("GB", hours={"default": Hours(bytes(10_080))}), s.ESME_RSUBMITFAIL),
        (CountryRules("GB", texts=(RequiredText(DEFAULT, ("STOP",), " STOP"),)), s.ESME_ROK),
    ],
)
async def test_each_rule_has_its_status(rules: CountryRules, status: int, autojump_clock: MockClock) -> None:
    """As over HTTP; what is refused is not stored."""
    async with front_door(tables=Tables(compliance=ComplianceMap({"GB": rules}))) as bench:
        client = await bench.bound()
        assert (await client.submit(destination_addr="447700900123")).command_status == status
        assert [message.body for message in bench.stored] == ([] if status else [b"hello STOP"])


async def test_replacing_is_no_way_around_the_words(autojump_clock: MockClock) -> None:
    """A text without them cannot be put in the place of one that has them."""
    rules = CountryRules("GB", texts=(RequiredText(DEFAULT, ("STOP",), " STOP"),))
    async with front_door(tables=Tables(compliance=ComplianceMap({"GB": rules}))) as bench:
        client = await bench.bound()
        message_id = await client.submit_ok(schedule_delivery_time="000000001000000R")
        for text, status in ((b"bye", s.ESME_RREPLACEFAIL), (b"bye, STOP ends", s.ESME_ROK)):
            await client.send(ReplaceSm(message_id=message_id, source_addr="ACME", short_message=text))
            assert (await client.receive(ReplaceSmResp)).command_status == status
        assert [message.body for message in bench.stored] == [b"bye, STOP ends"]
