"""What happens to messages is noted for accounts that follow it, in the transactions in which it happens."""

from typing import Any

import orjson
from engine_numbers import MINUTE, long_numbers, stock

from smsagg.abuse import Finding
from smsagg.config.schema import Config, MoRouteSettings, WebhookSettings
from smsagg.engine.numbers.number_desk import NumberDesk, Wanted
from smsagg.errors import StoreFailed
from smsagg.events.standing import Disabled
from smsagg.model import HELD_UNTIL, MessageState
from smsagg.smpp.status import ESME_RINVDSTADR
from smsagg.store.base import Changes
from smsagg.store.memory import MemoryStore, Tables
from smsagg.testing.carrier import FakeSettings
from smsagg.testing.gateway import FakeGateway, account_settings, carrier_settings, make_config, run_gateway

HOOK = WebhookSettings("https://a.example/", "whsec_" + "A" * 32)


def following(**values: Any) -> Config:
    return make_config(accounts={"acme": account_settings("acme", **({"webhooks": {"a": HOOK}} | values))})


def noted(gateway: FakeGateway) -> list[tuple[str, str]]:
    """(kind, message_id) of each event in the store."""
    return [(event.kind, event.message_id) for event in gateway.store.tables.events.events.values()]


def kinds(gateway: FakeGateway) -> list[str]:
    return [kind.removeprefix("message.") for kind, _ in noted(gateway)]


async def test_a_messages_life_is_told() -> None:
    """Taken in, with a carrier, delivered; each is owed to the endpoint."""
    async with run_gateway(following()) as gateway:
        gateway.carrier.accept_all()
        message = await gateway.accept_one()
        await gateway.settle()
        gateway.carrier.receipt(message.carrier_message_id)
        await gateway.settle()
        assert noted(gateway) == [(f"message.{kind}", message.message_id) for kind in ("queued", "sent", "delivered")]
        assert len(gateway.store.tables.events.deliveries) == 3
        document = orjson.loads(gateway.store.tables.events.events[3].document)
        assert (document["id"], document["state"]) == (message.message_id, "delivered")
        assert "hello" not in str(document)


async def test_nothing_is_noted_for_accounts_that_do_not_follow() -> None:
    """And with nobody who does, nothing is asked at all."""
    async with run_gateway() as gateway:
        gateway.carrier.accept_all()
        await gateway.accept_one()
        await gateway.settle()
        assert noted(gateway) == []
        assert gateway.engine.events.is_quiet


async def test_each_end_has_its_kind() -> None:
    """Refused by the carrier, cancelled, expired."""
    async with run_gateway(following()) as gateway:
        await gateway.accept_one()
        await gateway.settle()
        gateway.carrier.refuse(ESME_RINVDSTADR)
        cancelled = await gateway.accept_one(delay_s=100)
        await gateway.engine.control.cancel("acme", cancelled.message_id, lambda _message: True)
        gateway.carrier.link.is_bound = False
        await gateway.accept_one(ttl_s=1)
        gateway.clock.jump_wall(10)
        await gateway.engine._sweeper.sweep()
        await gateway.settle()
        assert kinds(gateway) == ["queued", "failed", "queued", "cancelled", "queued", "expired"]


async def test_a_message_that_is_cut_is_told_of_as_a_whole() -> None:
    """Once for each thing that happens, under its one id, with the worst of its parts' ends."""
    carriers = {"alpha": carrier_settings(FakeSettings(long_messages="udh"))}
    config = make_config(accounts={"acme": account_settings("acme", webhooks={"a": HOOK})}, carriers=carriers)
    async with run_gateway(config) as gateway:
        gateway.carrier.accept_all()
        parts = await gateway.accept(1, body=b"x" * 400, in_payload=True)
        assert len(parts) == 3
        await gateway.settle()
        ids = [part.carrier_message_id for part in parts]
        gateway.carrier.receipt(ids[0])
        gateway.carrier.receipt(ids[1], state=MessageState.UNDELIVERABLE)
        await gateway.settle()
        assert kinds(gateway) == ["queued", "sent"]
        gateway.carrier.receipt(ids[2])
        await gateway.settle()
        assert noted(gateway) == [(f"message.{kind}", parts[0].message_id) for kind in ("queued", "sent", "failed")]


async def test_what_is_refused_by_the_store_was_never_told() -> None:
    """The event goes with its message."""
    async with run_gateway(following()) as gateway:
        gateway.store.fail_next(StoreFailed("disk"))
        submitted = gateway.submit()
        await submitted.answered.wait()
        await gateway.settle()
        assert noted(gateway) == []


async def test_ids_go_on_after_a_restart() -> None:
    """No id is used twice."""
    tables = Tables()
    for _ in range(2):
        async with run_gateway(following(), MemoryStore(tables)) as gateway:
            await gateway.accept_one()
    assert sorted(tables.events.events) == [1, 2]


async def test_messages_from_handsets_go_where_the_account_wants_them() -> None:
    """To its sessions, to its events, or to both."""
    for inbound, is_told, is_delivered in (("smpp", False, True), ("http", True, False), ("both", True, True)):
        config = make_config(
            accounts={"acme": account_settings("acme", inbound=inbound)},
            mo_routes=(MoRouteSettings("acme", "777"),),
        )
        async with run_gateway(config) as gateway:
            reported = gateway.carrier.mo("777", b"STOP")
            await gateway.settle()
            assert reported.statuses == [0]
            assert bool(noted(gateway)) is is_told
            assert bool(gateway.store.tables.deliveries) is is_delivered
            if is_told:
                assert orjson.loads(gateway.store.tables.events.events[1].document)["text"] == "STOP"


async def test_what_happens_to_an_accounts_numbers_is_told(autojump_clock: object) -> None:
    """Leased, renewed, its time over: with the transaction that makes it so, and nothing of whom else it concerns."""
    config = make_config(accounts={"acme": account_settings("acme", webhooks={"a": HOOK}), "b": account_settings("b")})
    async with run_gateway(config) as gateway:
        await stock(gateway, *long_numbers(2))
        book, clock = gateway.engine.numbers.book, gateway.clock
        desk = NumberDesk(book, clock, lambda: config.accounts)
        first, second = (number.address for number in long_numbers(2))
        await desk.lease(Wanted([first]), "acme", clock.now_ms() + MINUTE)
        await desk.renew([first], clock.now_ms() + 2 * MINUTE)
        await desk.lease(Wanted([second]), "b", clock.now_ms() + MINUTE)
        clock.jump_wall(200)
        gateway.engine.numbers.tick()
        await gateway.settle()
        events = list(gateway.store.tables.events.events.values())
        assert [event.kind for event in events] == ["number.leased", "number.renewed", "number.expired"]
        assert [orjson.loads(event.document)["number"] for event in events] == [first] * 3
        assert len(gateway.store.tables.events.deliveries) == 3


async def test_opting_out_and_in_is_told() -> None:
    """To the account that it was said to, with the word that said it."""
    async with run_gateway(following()) as gateway:
        changes, now = Changes(), gateway.clock.now_ms()
        gateway.engine.events.opted("acme", "447700900123", "ACME", "STOP", changes, now)
        gateway.engine.events.opted("acme", "447700900123", "", "", changes, now, is_in=True)
        gateway.engine.events.opted("stranger", "447700900123", "", "STOP", changes, now)
        assert [event.kind for event in changes.events] == ["recipient.opted_out", "recipient.opted_in"]
        document = orjson.loads(changes.events[0].document)
        assert document == {"recipient": "447700900123", "sender": "ACME", "keyword": "STOP"}


async def test_an_account_is_told_of_an_alarm_once() -> None:
    """Of what goes on and on as often as an operator has cleared it."""
    finding = Finding("velocity", "acme", "GB", "too many", "monitor")
    async with run_gateway(following()) as gateway:
        for _ in range(3):
            gateway.engine.guard.report(finding)
        gateway.engine.guard.clear()
        gateway.engine.guard.report(finding)
        await gateway.settle()
        assert kinds(gateway) == ["account.alert"] * 2
        document = orjson.loads(gateway.store.tables.events.events[1].document)
        assert document == {"alert": "velocity", "subject": "GB", "detail": "too many: monitor"}


async def test_a_message_that_is_held_says_so() -> None:
    """It is taken in and waits for an operator."""
    async with run_gateway(following()) as gateway:
        message = await gateway.accept_one(next_attempt_at=HELD_UNTIL)
        assert noted(gateway) == [("message.queued", message.message_id), ("message.held", message.message_id)]


async def test_an_account_is_told_of_a_webhook_that_was_disabled() -> None:
    """By its others, or its pages; and the operator by a metric."""
    async with run_gateway(following()) as gateway:
        engine, changes = gateway.engine, Changes()
        [endpoint] = engine.endpoints
        standing = engine.standings.of(endpoint).disabled(Disabled.GONE, 5, endpoint.digest)
        engine.standings.put(endpoint, standing, changes)
        await gateway.settle()
        [event] = gateway.store.tables.events.events.values()
        assert event.kind == "account.alert"
        assert orjson.loads(event.document) == {"alert": "endpoint_disabled", "subject": "a", "detail": "gone"}
        assert engine.endpoint_desk.disabled() == {"acme": 1}
