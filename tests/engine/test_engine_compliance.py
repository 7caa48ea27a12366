"""The rules of countries: asked at the intake, and again at the last moment."""

from typing import Any

import pytest
from attrs import evolve
from engine_numbers import stock
from trio.testing import MockClock, wait_all_tasks_blocked

from smsagg.compliance import ComplianceMap, CountryRules, Hours, RequiredText, Senders
from smsagg.config.overlay import SENDER
from smsagg.config.schema import Duration, MessageClassSettings, SenderSettings
from smsagg.config.units import MessageLimit
from smsagg.directory.audit import Actor
from smsagg.directory.senders import Status, asked
from smsagg.engine.admission.explaining import Explainer, Question
from smsagg.inventory.number import Number, NumberType, assign
from smsagg.model import Cause, Message, MessageState, Refusal
from smsagg.model.consent import ConsentKind, ConsentRecord, ConsentUpdate
from smsagg.model.message import ANSWERED
from smsagg.routing.router import Router
from smsagg.routing.rules import RouteTable, rule_of
from smsagg.routing.rules.settings import RuleSettings
from smsagg.routing.rules.week import week_of
from smsagg.store.memory import MemoryStore
from smsagg.store.memory import Tables as StoredTables
from smsagg.tables import Tables
from smsagg.testing.carrier import FakeSettings
from smsagg.testing.gateway import (
    FakeGateway,
    account_settings,
    carrier_settings,
    make_config,
    make_message,
    run_gateway,
)
from smsagg.text import text_of

NUMBER = "447700900123"
HOUR_MS = 3_600_000
MARKETING = frozenset({"marketing"})
AWAY: dict[str, Any] = {"carriers": {"alpha": carrier_settings(FakeSettings(bound=False))}}


def tables(**rules: Any) -> Tables:
    """Rules for GB."""
    return Tables(compliance=ComplianceMap({"GB": CountryRules("GB", **rules)}))


def hours(*windows: str, days: tuple[str, ...] = (), holds: bool = True) -> dict[str, Hours]:
    """Of marketing; the tests begin on a Friday at 8:00 in GB."""
    week = week_of(windows, days)
    assert week is not None
    return {"marketing": Hours(week, holds=holds)}


def admit(gateway: FakeGateway, **fields: Any) -> tuple[Message, Refusal | None]:
    """What a front door would be told of a message."""
    engine, now = gateway.engine, gateway.clock.now_ms()
    message = make_message(now, **({"message_class": "marketing", "destination_addr": NUMBER} | fields))
    return message, engine.admission.admit(engine.accounts["acme"], message, message.destination_addr, now)


def refusal_of(gateway: FakeGateway, **fields: Any) -> str:
    refusal = admit(gateway, **fields)[1]
    return "" if refusal is None else refusal.reason


async def test_a_message_waits_until_its_hours_begin() -> None:
    """By the clocks of its recipient; it expires when it would have."""
    async with run_gateway(tables=tables(hours=hours("10:00-12:00"))) as gateway:
        message, refusal = admit(gateway)
        assert refusal is None
        assert message.not_before == gateway.clock.now_ms() + 2 * HOUR_MS
        assert message.expires_at == gateway.clock.now_ms() + 24 * HOUR_MS
        assert admit(gateway, message_class="otp")[0].not_before == gateway.clock.now_ms()
        assert admit(gateway, origin=ANSWERED)[0].not_before == gateway.clock.now_ms()
        assert refusal_of(gateway, ttl_s=3_600) == "outside_sending_hours"


async def test_hours_that_hold_nothing_refuse() -> None:
    """And hours that never come."""
    for never in (hours("10:00-12:00", holds=False), {"marketing": Hours(bytes(10_080))}):
        async with run_gateway(tables=tables(hours=never)) as gateway:
            assert refusal_of(gateway) == "outside_sending_hours"
            assert refusal_of(gateway, message_class="otp") == ""


async def test_what_waited_too_long_is_not_sent_by_night(mock_clock: MockClock) -> None:
    """The carrier comes back after the hours are over: it goes when they begin again, once."""
    async with run_gateway(make_config(**AWAY), tables=tables(hours=hours("08:00-09:00"))) as gateway:
        message = await gateway.accept_one(message_class="marketing", ttl_s=2 * 86_400)
        await gateway.accept_one(message_class="otp")
        mock_clock.jump(3_600)
        gateway.carrier.bind()
        await gateway.settle()
        assert gateway.sent == [2]
        mock_clock.jump(22.9 * 3_600)
        await gateway.settle()
        assert gateway.sent == [2]
        mock_clock.jump(0.2 * 3_600)
        await gateway.settle()
        assert gateway.sent == [2, message.seq]


@pytest.mark.parametrize("body", [b"x", b"x" * 400])
async def test_what_would_expire_before_ends_with_its_cause(body: bytes, mock_clock: MockClock) -> None:
    """One receipt, also for a message of parts."""
    store = MemoryStore()
    async with run_gateway(make_config(**AWAY), store, tables=tables(hours=hours("08:00-09:00"))) as gateway:
        sink = gateway.attach()
        message = (await gateway.accept(message_class="marketing", body=body))[0]
        mock_clock.jump(3_600)
        gateway.carrier.bind()
        await gateway.settle()
        assert gateway.sent == []
        found = await gateway.find(message)
        assert found is not None
        assert (found.state, found.cause) == (MessageState.EXPIRED, Cause.OUTSIDE_HOURS)
        assert [delivery.message_state for delivery in sink.received] == [MessageState.EXPIRED]
        gateway.assert_nothing_is_held()


async def test_an_attempt_that_is_being_recorded_when_hours_end_is_not_made(mock_clock: MockClock) -> None:
    """A class that must not send twice."""
    classes = {"marketing": MessageClassSettings(in_doubt="fail")}
    config = make_config(message_classes=classes, **AWAY)
    async with run_gateway(config, tables=tables(hours=hours("08:00-09:00"))) as gateway:
        assert isinstance(gateway.store, MemoryStore)
        message = await gateway.accept_one(message_class="marketing", ttl_s=2 * 86_400)
        gateway.store.hold()
        gateway.carrier.bind()
        await wait_all_tasks_blocked()
        assert message.state is MessageState.SENDING
        mock_clock.jump(3_600)
        gateway.store.release()
        await gateway.settle()
        assert (gateway.sent, message.state) == ([], MessageState.QUEUED)


async def test_classes_senders_and_opt_ins() -> None:
    """Each with its reason; names count as registered that the operator wrote down for the account."""
    senders = SenderSettings(allowed=("ACME", "SHOP*", "4477*"))
    config = make_config(accounts={"acme": account_settings("acme", senders=senders)})
    async with run_gateway(config, tables=tables(classes=MARKETING)) as gateway:
        assert refusal_of(gateway, message_class="otp") == "class_not_allowed"
        assert refusal_of(gateway) == ""
    async with run_gateway(config, tables=tables(senders=Senders.REGISTERED)) as gateway:
        names = ("ACME", "acme", "SHOP1", "447700900999", "")
        refused = [refusal_of(gateway, source_addr=name) for name in names]
        assert refused == ["", "sender_not_registered", "sender_not_registered", "", ""]
    async with run_gateway(config, tables=tables(senders=Senders.NUMBERS)) as gateway:
        assert refusal_of(gateway) == "sender_not_registered"
    async with run_gateway(config, tables=tables(opt_in=MARKETING)) as gateway:
        assert refusal_of(gateway) == "not_opted_in"
        record = ConsentRecord(ConsentKind.OPT_IN, "acme", NUMBER, "", 1, "web form")
        await gateway.engine.consents.change([ConsentUpdate(record)])
        assert refusal_of(gateway) == ""
        assert refusal_of(gateway, destination_addr="447700900124") == "not_opted_in"


async def test_names_of_the_inventory_are_registered_for_whom_they_are_lent() -> None:
    """In their country, and for no other account."""
    accounts = {name: account_settings(name) for name in ("acme", "other")}
    names = [Number(name, "GB", NumberType.ALPHANUMERIC, pool="otp") for name in ("OURS", "THEIRS")]
    names.append(Number("ABROAD", "FR", NumberType.ALPHANUMERIC, pool="otp"))
    owned = [assign(names[0], "acme"), assign(names[1], "other"), assign(names[2], "acme")]
    async with run_gateway(make_config(accounts=accounts), tables=tables(senders=Senders.REGISTERED)) as gateway:
        await stock(gateway, *owned)
        refused = [refusal_of(gateway, source_addr=name) for name in ("OURS", "THEIRS", "ABROAD", "NOBODYS")]
        assert refused == ["", *["sender_not_registered"] * 3]


async def test_names_that_were_approved_at_run_time_are_registered() -> None:
    """From the operator's word on until he takes it back, through restarts, also where no list says what is allowed."""
    by, stored = Actor("ann"), StoredTables()
    own = tables(senders=Senders.REGISTERED)

    async def decided(gateway: FakeGateway, status: Status) -> None:
        await gateway.engine.register.put(by, SENDER, "acme/ACME", asked(None, "", 1)._replace(status=status)._asdict())

    async with run_gateway(store=MemoryStore(stored), tables=own) as gateway:
        await decided(gateway, "pending")
        assert refusal_of(gateway) == "sender_not_registered"
        await decided(gateway, "approved")
        assert refusal_of(gateway) == ""
        assert refusal_of(gateway, source_addr="ACMES") == "sender_not_registered"
    async with run_gateway(store=MemoryStore(stored), tables=own) as gateway:
        assert refusal_of(gateway) == ""
        await decided(gateway, "rejected")
        assert refusal_of(gateway) == "sender_not_registered"
        await decided(gateway, "approved")
        assert await gateway.engine.register.delete(by, SENDER, "acme/ACME")
        assert refusal_of(gateway) == "sender_not_registered"


@pytest.mark.parametrize(
    ("body", "data_coding", "added", "coding"),
    [
        (b"Sale!", 0, "Sale! STOP 36200", 0),
        ("Giảm giá".encode("utf-16-be"), 8, "Giảm giá STOP 36200", 8),
        (b"Sale!", 0x10, "Sale! STOP 36200", 0x10),
        (b"Sale, Stop to end", 0, "Sale, Stop to end", 0),
        (b"\1\2", 4, None, 4),
        (b"\x05\x00\x03\x01\x02\x01Sale", 0, "Sale", 0),
        (b"\x06\x05\x04\x0b\x84\x23\xf0Sale", 0, "Sale", 0),
        (b"\x03\x24\x01\x01Sale", 0, "Sale STOP 36200", 0),
    ],
)
async def test_a_text_that_must_be_there_is_added(body: bytes, data_coding: int, added: str, coding: int) -> None:
    """In the coding that it needs, once; not to binaries, parts that the customer cut, and what is meant for a port."""
    esm_class = 0x40 if body[:1] in b"\3\5\6" else 0
    texts = (RequiredText(MARKETING, ("STOP",), " STOP 36200"),)
    async with run_gateway(tables=tables(texts=texts)) as gateway:
        message, refusal = admit(gateway, body=body, data_coding=data_coding, esm_class=esm_class)
        assert refusal is None
        assert text_of(message.body, message.data_coding, bool(message.esm_class)) == added
        assert message.data_coding == coding
        assert admit(gateway, body=b"code 1", message_class="otp")[0].body == b"code 1"


async def test_a_text_that_cannot_be_added_is_asked_for() -> None:
    """Without words to add."""
    async with run_gateway(tables=tables(texts=(RequiredText(MARKETING, ("<ADV>",), ""),))) as gateway:
        assert refusal_of(gateway) == "text_missing"
        assert refusal_of(gateway, body=b"<adv> Sale") == ""


@pytest.mark.parametrize(
    ("rules", "says", "reason"),
    [
        ({"classes": frozenset({"otp"})}, "refused", "class not allowed, in GB"),
        ({"opt_in": MARKETING}, "refused", "not opted in, in GB"),
        ({"hours": hours("10:00-12:00")}, "held", "until the sending hours of GB begin, at 2027-01-15T10:00+00:00"),
        ({"texts": (RequiredText(MARKETING, ("STOP",), " STOP 1"),)}, "passed", '" STOP 1" is put behind its text'),
    ],
)
async def test_explain_tells_of_the_rules(rules: dict[str, Any], says: str, reason: str) -> None:
    """As the admission would; and of a number that is suppressed."""
    own, classes = tables(**rules), {"marketing": MessageClassSettings()}
    config = make_config(message_classes=classes)
    async with run_gateway(config, tables=own) as gateway:
        record = ConsentRecord(ConsentKind.SUPPRESSION, "acme", NUMBER, "", 1, "api")
        await gateway.engine.consents.change([ConsentUpdate(record)])
        question = Question("acme", NUMBER, "ACME", "Sale", "marketing")
        told = Explainer(config, own, gateway.engine).explain(question, gateway.clock.now_ms())["steps"]
        steps = {one["step"]: (one["says"], one["reason"]) for one in told}
        assert steps["compliance"] == (says, reason)
        assert steps["recipient"][0] == "refused"


@pytest.mark.parametrize(
    ("ttl_s", "says", "life_s"), [(3_600, "outside_sending_hours", 0), (86_400, "", 86_400), (10**6, "", 10**5)]
)
async def test_a_class_that_a_rule_gives_has_its_hours_and_its_life(ttl_s: int, says: str, life_s: int) -> None:
    """Its life begins when it was to be sent, and not with the hours; what ends before them is refused. Explained
    alike."""
    limits = MessageClassSettings(ttl=Duration(float(ttl_s)), ttl_max=Duration(100_000.0))
    config = make_config(message_classes={"marketing": limits, "default": MessageClassSettings(ttl=Duration(3_600.0))})
    rule = RuleSettings(name="sales", content_pattern="Sale", pool="gb", set_class="marketing")
    routes = RouteTable([rule_of(rule)], Router(config.pools, config.routing))
    own = evolve(tables(hours=hours("10:00-12:00")), routes=routes)
    async with run_gateway(config, tables=own) as gateway:
        now = gateway.clock.now_ms()
        message, refusal = admit(gateway, message_class="default", body=b"Sale", ttl_s=3_600)
        assert (refusal.reason if refusal else "") == says
        if not says:
            assert (message.not_before - now, message.expires_at - now) == (2 * HOUR_MS, life_s * 1_000)
        question = Question("acme", NUMBER, "ACME", "Sale", "default")
        told = Explainer(config, own, gateway.engine).explain(question, now)["steps"]
        steps = {one["step"]: one["says"] for one in told}
        assert steps["compliance"] == ("refused" if says else "held")


async def test_a_number_gets_so_many_of_a_class_from_an_account(mock_clock: MockClock) -> None:
    """And quiet after each; what is refused, a later part and our own answer do not count."""
    caps = {"marketing": (MessageLimit(2, 86_400), MessageLimit(1, 3_600))}
    accounts = {name: account_settings(name) for name in ("acme", "other")}
    async with run_gateway(make_config(accounts=accounts), tables=tables(caps=caps)) as gateway:
        assert [refusal_of(gateway) for _ in range(3)] == ["", "frequency", "frequency"]
        assert refusal_of(gateway, message_class="otp") == ""
        assert refusal_of(gateway, origin=ANSWERED) == ""
        assert refusal_of(gateway, body=b"\x05\x00\x03\x01\x02\x02x", esm_class=0x40) == ""
        assert refusal_of(gateway, account="other") == ""
        assert refusal_of(gateway, destination_addr="447700900124") == ""
        mock_clock.jump(2 * 3_600)
        assert [refusal_of(gateway) for _ in range(2)] == ["", "frequency"]
        mock_clock.jump(2 * 3_600)
        assert refusal_of(gateway) == "frequency"
        mock_clock.jump(1.2 * 86_400)
        assert refusal_of(gateway) == ""
