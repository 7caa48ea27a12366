"""A keyword from a handset is in force with its message's commit, told, and answered once."""

from typing import Any

import orjson
from engine_numbers import long_numbers, shared, stock

from smsagg.config.abuse import AccountAbuseSettings
from smsagg.config.consent_settings import AccountConsentSettings
from smsagg.config.schema import Config
from smsagg.model import MessageState
from smsagg.model.consent import ConsentKind, ConsentRecord, ConsentUpdate
from smsagg.smpp.status import ESME_RINVDSTADR, ESME_ROK
from smsagg.store.memory import MemoryStore, Tables
from smsagg.testing.gateway import FakeGateway, account_settings, make_config, run_gateway
from smsagg.text import text_of

HANDSET = "447700900999"
SUPPRESSION, OPT_IN = ConsentKind.SUPPRESSION, ConsentKind.OPT_IN


def config(**consent: Any) -> Config:
    account = account_settings(
        "acme", mo_numbers=("60777", "60778"), events=True, consent=AccountConsentSettings(**consent)
    )
    return make_config(accounts={"acme": account})


def said(gateway: FakeGateway) -> list[str | None]:
    """The texts that went to carriers."""
    return [text_of(sent.body, 0) for sent in gateway.carrier.sent]


def lists(tables: Tables) -> dict[ConsentKind, list[tuple[str, str, str, str]]]:
    records = tables.consents.values()
    return {kind: [(r.number, r.sender, r.how, r.evidence) for r in records if r.kind is kind] for kind in ConsentKind}


def is_stopped(gateway: FakeGateway, sender: str = "60777") -> bool:
    return gateway.engine.consents.book.is_suppressed("acme", sender, HANDSET)


async def test_a_stop_is_recorded_told_and_answered_from_the_number_that_it_went_to() -> None:
    """And comes to its account as any message does."""
    tables = Tables()
    async with run_gateway(config(), MemoryStore(tables)) as gateway:
        sink = gateway.attach()
        sources: list[str] = []
        gateway.carrier.observe_sent = lambda messages: sources.extend(m.source_addr for m in messages)
        reported = gateway.carrier.mo("60777", b" Stop! ")
        await gateway.settle()
        assert reported.statuses == [ESME_ROK]
        assert lists(tables) == {SUPPRESSION: [(HANDSET, "", "keyword", "Stop!")], OPT_IN: []}
        assert is_stopped(gateway, "60778")
        assert [delivery.body for delivery in sink.received] == [b" Stop! "]
        assert said(gateway) == ["You get no more messages from us. Reply START to get them again."]
        assert sources == ["60777"]
        told = [e for e in tables.events.events.values() if e.kind == "recipient.opted_out"]
        assert [orjson.loads(event.document)["keyword"] for event in told] == ["Stop!"]


async def test_it_is_answered_once() -> None:
    """A second one is recorded and not answered, a start is; between two robots there is an end."""
    async with run_gateway(config()) as gateway:
        for text in (b"STOP", b"stop", b"START", b"STOP", b"START", b"STOP"):
            gateway.carrier.mo("60777", text)
            await gateway.settle()
        assert [str(text)[:13] for text in said(gateway)] == ["You get no mo", "You get our m", "You get no mo"]
        assert is_stopped(gateway)
        assert gateway.metrics.opted["acme", "out"].n == 4


async def test_a_start_ends_what_was_stopped() -> None:
    """And is an opt-in."""
    tables = Tables()
    async with run_gateway(config(opt_out="sender", confirm=False), MemoryStore(tables)) as gateway:
        gateway.carrier.mo("60777", "СТОП".encode("utf-16-be"), data_coding=8)
        gateway.carrier.mo("60777", b"STOP")
        await gateway.settle()
        assert is_stopped(gateway)
        assert not is_stopped(gateway, "60778")
        gateway.carrier.mo("+60777", b"start")
        await gateway.settle()
        assert lists(tables) == {SUPPRESSION: [], OPT_IN: [(HANDSET, "60777", "keyword", "start")]}
        assert not is_stopped(gateway)
        assert not gateway.sent


async def test_nobody_is_told_of_messages_that_the_operators_list_stops_still() -> None:
    """The opt-in is recorded all the same."""
    tables = Tables()
    async with run_gateway(config(), MemoryStore(tables)) as gateway:
        listed = ConsentRecord(SUPPRESSION, "", HANDSET, "", 1, "operator")
        await gateway.engine.consents.change([ConsentUpdate(listed)])
        gateway.carrier.mo("60777", b"START")
        await gateway.settle()
        assert [r.account for r in tables.consents.values() if r.kind is OPT_IN] == ["acme"]
        assert not gateway.sent
        assert is_stopped(gateway)


async def test_it_survives_a_restart() -> None:
    """What was said holds for the next life."""
    tables = Tables()
    async with run_gateway(config(confirm=False), MemoryStore(tables)) as gateway:
        gateway.carrier.mo("60777", b"STOP")
        await gateway.settle()
    async with run_gateway(config(), MemoryStore(tables)) as gateway:
        assert is_stopped(gateway)
        gateway.carrier.mo("60777", b"STOP")
        await gateway.settle()
        assert not gateway.sent


async def test_whoever_hears_by_itself_is_left_alone() -> None:
    """``opt_out = "off"``."""
    async with run_gateway(config(opt_out="off")) as gateway:
        gateway.carrier.mo("60777", b"STOP")
        await gateway.settle()
        assert not is_stopped(gateway)
        assert not gateway.sent


async def test_help_is_answered_with_the_text_of_the_account() -> None:
    """Without one, by the account itself."""
    for text in ("ACME, 0800 123. STOP ends messages.", ""):
        async with run_gateway(config(help_text=text)) as gateway:
            gateway.carrier.mo("60777", b"help")
            await gateway.settle()
            assert said(gateway) == ([text] if text else [])
            assert not is_stopped(gateway)


async def test_it_holds_while_the_disk_is_slow_for_nobody_yet() -> None:
    """It is in force, and answered, after its commit; the carrier hears yes after it as well."""
    async with run_gateway(config()) as gateway:
        assert isinstance(gateway.store, MemoryStore)
        gateway.store.hold()
        reported = gateway.carrier.mo("60777", b"STOP")
        assert (reported.statuses, is_stopped(gateway)) == ([], False)
        gateway.store.release()
        await gateway.settle()
        assert (reported.statuses, is_stopped(gateway)) == ([ESME_ROK], True)
        assert len(gateway.sent) == 1


async def test_too_many_opt_outs_freeze_the_account() -> None:
    """An alarm, and what the account asks for then; who says it twice counts once."""
    abuse = AccountAbuseSettings(opt_outs="freeze", opt_outs_share=0.1, reputation_messages=20)
    account = account_settings("acme", mo_numbers=("60777",), abuse=abuse)
    async with run_gateway(make_config(accounts={"acme": account})) as gateway:
        for _ in range(20):
            await gateway.accept_one()
        await gateway.settle()
        gateway.carrier.receipts([(one, MessageState.DELIVERED) for one in gateway.carrier.accept()])
        await gateway.settle()
        for handset in (HANDSET, HANDSET, "447700900998"):
            gateway.carrier.mo("60777", b"STOP", source_addr=handset)
            await gateway.settle()
        assert not gateway.engine.freezing.frozen
        gateway.carrier.mo("60777", b"STOP", source_addr="447700900997")
        await gateway.settle()
        assert list(gateway.engine.freezing.frozen) == ["acme"]
        assert [alarm.finding.kind for alarm in gateway.engine.guard.alarms] == ["opt_outs"]


async def test_a_stop_to_a_shared_number_that_nobody_is_known_to_have_written_from() -> None:
    """It ends what those who share the number send from it, for nobody knows whom it means, until a start; help and
    what is no keyword are refused still, and nobody is answered or blamed."""
    (number,) = long_numbers(1)
    names = ("acme", "other", "off", "stranger")
    deaf = AccountConsentSettings(opt_out="off")
    own = {name: {"consent": deaf} if name == "off" else {} for name in names}
    accounts = {name: account_settings(name, events=True, **own[name]) for name in names}
    tables = Tables()
    async with run_gateway(make_config(accounts=accounts), MemoryStore(tables)) as gateway:
        await stock(gateway, *shared([number], "acme", "other", "off"))
        is_suppressed = gateway.engine.consents.book.is_suppressed

        async def write(text: bytes) -> list[int]:
            told = gateway.carrier.mo(number.address, text, source_addr=HANDSET)
            await gateway.settle()
            return told.statuses

        assert await write(b"hello") == await write(b"HELP") == [ESME_RINVDSTADR]
        assert await write(b"STOP") == [ESME_ROK]
        assert [name for name in names if is_suppressed(name, number.address, HANDSET)] == ["acme", "other"]
        assert not is_suppressed("acme", "ACME", HANDSET)
        assert [e.account for e in tables.events.events.values() if e.kind == "recipient.opted_out"] == [
            "acme",
            "other",
        ]
        assert await write(b"START") == [ESME_ROK]
        assert not any(is_suppressed(name, number.address, HANDSET) for name in names)
        assert lists(tables) == {SUPPRESSION: [], OPT_IN: []}
        assert not gateway.sent
