"""Erasures: written down first, through crashes, never of what lives, and true sums afterwards."""

from typing import Any

import orjson
import pytest
import trio

from smsagg.directory.audit import Actor, AuditSought
from smsagg.engine.erasing import erasures as module
from smsagg.engine.erasing.erasures import Erasure
from smsagg.errors import ErasuresFull
from smsagg.inventory.conversations import write_conversation
from smsagg.model import MessageState
from smsagg.model.consent import ConsentKind, ConsentRecord, ConsentUpdate
from smsagg.protection.subject import PSEUDONYM_PREFIX
from smsagg.store.base import Changes, OnDone
from smsagg.store.memory import MemoryStore, Tables
from smsagg.testing.gateway import FakeGateway, make_config, run_gateway

DIGITS = "447700900123"
ANN = Actor("user:ann", "acme", "192.0.2.1")


async def deliver(gateway: FakeGateway, count: int = 1, **fields: Any) -> list[int]:
    """The seqs of messages to the number that are over."""
    messages = await gateway.accept(count, destination_addr=DIGITS, **fields)
    await gateway.settle()
    ids = gateway.carrier.accept()
    await gateway.settle()
    gateway.carrier.receipts([(carrier_id, MessageState.DELIVERED) for carrier_id in ids])
    await gateway.settle()
    return [message.seq for message in messages]


async def came_to(gateway: FakeGateway, erasure: Erasure, state: str) -> Erasure:
    """The erasure when it has come to ``state``."""
    found = erasure

    def is_there() -> bool:
        nonlocal found
        found = gateway.engine.erasures.find(erasure.account, erasure.erasure_id) or erasure
        return found.state == state

    await gateway.until(is_there)
    return found


def numbers(tables: Tables) -> list[str]:
    return [message.destination_addr for message in tables.history.values()]


async def test_a_number_is_taken_out_with_an_audit_record() -> None:
    """Which names nobody; the erasure forgets the number when it is done."""
    store = MemoryStore()
    async with run_gateway(make_config(), store=store) as gateway:
        await deliver(gateway, 3)
        opted = ConsentRecord(ConsentKind.OPT_IN, "acme", DIGITS, "", 1, "api")
        stopped = ConsentRecord(ConsentKind.SUPPRESSION, "acme", DIGITS, "BRAND", 1, "keyword")
        await gateway.engine.consents.change([ConsentUpdate(opted), ConsentUpdate(stopped)])
        erasure = await gateway.engine.erasures.start(ANN, "acme", DIGITS)
        assert DIGITS not in repr(erasure)
        assert erasure.state == "running"
        done = await came_to(gateway, erasure, "done")
        assert done.number == ""
        assert done.changed >= 3
        assert set(numbers(store.tables)) == {erasure.pseudonym}
        assert erasure.pseudonym.startswith(PSEUDONYM_PREFIX)
        assert gateway.engine.erasures.find("other", erasure.erasure_id) is None
        assert await store.find_consents(ConsentKind.OPT_IN, "acme", DIGITS) == []
        assert await store.find_consents(ConsentKind.SUPPRESSION, "acme", DIGITS) == [stopped]
        records, _ = await store.find_audit(AuditSought(0, "acme", "", ""), 0, 9)
        assert [record.entry.action for record in records] == ["personal-data.erase"]
        assert all(DIGITS not in value.decode("latin-1") for value in store.tables.entities.values())
        assert DIGITS not in str(records)


async def test_what_lives_is_erased_when_it_is_over() -> None:
    """Its account gets its receipt first."""
    store = MemoryStore()
    async with run_gateway(make_config(), store=store) as gateway:
        (live,) = await gateway.accept(1, destination_addr=DIGITS)
        erasure = await gateway.engine.erasures.start(ANN, "acme", DIGITS)
        await came_to(gateway, erasure, "waiting")
        assert live.destination_addr == DIGITS
        gateway.carrier.accept()
        await gateway.settle()
        gateway.carrier.receipts([(live.carrier_message_id, MessageState.DELIVERED)])
        await gateway.settle()
        await came_to(gateway, erasure, "done")
        assert numbers(store.tables) == [erasure.pseudonym]


async def test_conversations_do_not_come_back_from_memory() -> None:
    """With the next message to the number; others' stay."""
    uses = [["acme", "1", 1, 1, 3], ["bank", "2", 2, 2, 1]]
    store = MemoryStore()
    store.tables.entities["conversation", DIGITS] = orjson.dumps(uses)
    async with run_gateway(make_config(), store=store) as gateway:
        numbers = gateway.engine.numbers
        await numbers.knowing([DIGITS], lambda: None)
        await came_to(gateway, await gateway.engine.erasures.start(ANN, "acme", DIGITS), "done")
        known = numbers.conversations.get(DIGITS)
        assert known is not None
        assert write_conversation(known) == store.tables.entities["conversation", DIGITS] == orjson.dumps(uses[1:])
        await came_to(gateway, await gateway.engine.erasures.start(ANN, "", DIGITS), "done")
        assert known.uses == []


async def test_an_erasure_goes_on_after_a_crash() -> None:
    """It was written down before anybody was told that it began."""
    tables = Tables()
    async with run_gateway(make_config(), store=MemoryStore(tables)) as gateway:
        await deliver(gateway)
        gateway.engine.erasures._wake = trio.Event()  # the task does not hear of it in this life
        erasure = await gateway.engine.erasures.start(ANN, "", DIGITS)
    assert numbers(tables) == [DIGITS]
    async with run_gateway(make_config(), store=MemoryStore(tables)) as gateway:
        await came_to(gateway, erasure, "done")
    assert numbers(tables) == [erasure.pseudonym]


async def test_an_erasure_whose_caller_went_away_is_done() -> None:
    """What was with the store is committed, so it is known, and taken up at once."""
    store = MemoryStore()
    async with run_gateway(make_config(), store=store) as gateway:
        await deliver(gateway)
        erasures = gateway.engine.erasures
        with trio.CancelScope() as caller:
            write = store.write

            def write_and_leave(changes: Changes, on_done: OnDone | None = None) -> None:
                write(changes, on_done)
                if changes.entities:
                    caller.cancel()

            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(store, "write", write_and_leave)
                await erasures.start(ANN, "acme", DIGITS)
        assert caller.cancelled_caught
        await gateway.until(lambda: set(numbers(store.tables)) != {DIGITS})


async def test_erasures_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those under way, and those that are remembered."""
    monkeypatch.setattr(module, "PENDING_MAX", 1)
    async with run_gateway(make_config()) as gateway:
        gateway.engine.erasures._wake = trio.Event()
        await gateway.engine.erasures.start(ANN, "acme", DIGITS)
        with pytest.raises(ErasuresFull):
            await gateway.engine.erasures.start(ANN, "acme", DIGITS)
