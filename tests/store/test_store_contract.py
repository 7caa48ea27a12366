"""What every store promises (the docstrings of smsagg.store.base), checked on each of them."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest
from store_records import NOW, delivery, finished, message, mo_part, new, update

from smsagg.config.schema import StoreSettings
from smsagg.errors import StoreError
from smsagg.model import Message, MessageState
from smsagg.model.consent import ConsentKind, ConsentRecord, ConsentUpdate
from smsagg.store.base import Changes, DeliveryUpdate, EntityUpdate, KeyedAnswer, ParkedReceipt, Store
from smsagg.store.memory import MemoryStore, Tables
from smsagg.store.sqlite import open_sqlite_store
from smsagg.testing.gateway import make_message
from smsagg.verification import Verification, VerificationState

OpenStore = Callable[[], AbstractAsyncContextManager[Store]]


@pytest.fixture(params=["sqlite", "memory"])
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> OpenStore:
    """Opens the same durable data each time that it is called."""
    tables = Tables()
    settings = StoreSettings(path=str(tmp_path / "smsagg.db"), free_octets_min=0)

    @asynccontextmanager
    async def open_memory() -> AsyncIterator[Store]:
        store = MemoryStore(tables)
        yield store
        await store.flush()

    return open_memory if request.param == "memory" else lambda: open_sqlite_store(settings)


@pytest.fixture
async def store(open_store: OpenStore) -> AsyncIterator[Store]:
    async with open_store() as opened:
        yield opened


async def commit(store: Store, changes: Changes) -> None:
    store.write(changes)
    await store.flush()


def same(one: Message, other: Message) -> bool:
    return attrs.asdict(one) == attrs.asdict(other)


async def test_a_written_message_is_found_as_it_was(store: Store) -> None:
    """Every field of a message comes back as it was written."""
    await commit(store, new(7))
    found = await store.find_message(7)
    assert found is not None
    assert same(found, message(7))
    assert isinstance(found.state, MessageState)
    assert found.in_payload is True
    assert found.parked is False


async def test_a_message_without_anything_special_is_found_as_it_was(store: Store) -> None:
    """What a plain message leaves at its defaults comes back as the defaults."""
    plain = make_message(NOW, seq=7, message_id="id7")
    await commit(store, Changes(new_messages=[plain, message(8)]))
    found = await store.find_messages(7, 2)
    assert [same(*pair) for pair in zip(found, [plain, message(8)], strict=True)] == [True, True]


async def test_an_unknown_message_is_not_found(store: Store) -> None:
    """A key that was never written finds nothing."""
    assert await store.find_message(1) is None


async def test_calls_are_reported_once_each_in_order(store: Store) -> None:
    """Each write is reported once, in the order of the calls, after its commit."""
    told: list[tuple[int, StoreError | None]] = []
    for seq in range(1, 301):
        store.write(new(seq), lambda error, seq=seq: told.append((seq, error)))  # type: ignore[misc]
    assert told == []
    await store.flush()
    assert told == [(seq, None) for seq in range(1, 301)]
    assert store.statistics.changes_committed >= 300
    assert await store.find_message(300) is not None


async def test_an_update_names_the_whole_mutable_part(store: Store) -> None:
    """An update replaces the mutable fields and leaves the others."""
    await commit(store, new(1, 2))
    change = update(1, state=MessageState.QUEUED, attempts=3, next_attempt_at=NOW + 9, pool="eu", error_code=88)
    await commit(store, Changes(message_updates=[update(1), change]))
    found = await store.find_message(1)
    assert found is not None
    expected = message(
        1,
        attempts=3,
        next_attempt_at=NOW + 9,
        pool="eu",
        carrier="alpha",
        carrier_message_id="c1",
        error_code=88,
        cost=change.cost,
        trail=change.trail,
    )
    assert same(found, expected)
    untouched = await store.find_message(2)
    assert untouched is not None
    assert same(untouched, message(2))


async def test_the_last_update_in_a_group_wins(store: Store) -> None:
    """Of several updates in calls that commit together the last one stands."""
    await commit(store, new(1))
    for attempts in range(5):
        store.write(Changes(message_updates=[update(1, attempts=attempts)]))
    await store.flush()
    found = await store.find_message(1)
    assert found is not None
    assert found.attempts == 4


async def test_a_finished_message_is_history(store: Store) -> None:
    """A message that is over is found by key with its final values, and is live no more."""
    await commit(store, new(1, 2))
    await commit(store, Changes(message_updates=[update(1), update(2)]))
    over = finished(1, error_code=5)
    await commit(store, Changes(finished=[over]))
    found = await store.find_message(1)
    assert found is not None
    expected = message(
        1,
        state=MessageState.DELIVERED,
        attempts=1,
        next_attempt_at=0,
        carrier="alpha",
        carrier_message_id="c1",
        error_code=5,
        done_at=NOW + 1_000,
        cost=over.cost,
        cause=over.cause,
        trail=over.trail,
        charged=over.charged,
    )
    assert same(found, expected)
    assert await store.find_by_carrier_id("alpha", ["c1"]) == []
    assert [m.seq for m in await store.find_expired(NOW * 2, 10)] == [2]


async def test_a_secret_text_is_gone_when_the_message_is_over(store: Store) -> None:
    """The record is not."""
    await commit(store, new(1, is_secret=True, body=b"your code is 4711", tlvs=b"\x00\x01"))
    alive = await store.find_message(1)
    assert alive is not None
    assert alive.is_secret
    assert alive.body == b"your code is 4711"
    await commit(store, Changes(finished=[finished(1)]))
    over = await store.find_message(1)
    assert over is not None
    assert over.is_secret
    assert (over.body, over.tlvs) == (b"", b"")
    assert over.destination_addr == alive.destination_addr


async def test_update_and_finish_in_one_group(store: Store) -> None:
    """A message that is updated and finished in the same group is history, in the pool of the update."""
    await commit(store, new(1))
    store.write(Changes(message_updates=[update(1, pool="eu")]))
    store.write(Changes(finished=[finished(1)]))
    await store.flush()
    found = await store.find_message(1)
    assert found is not None
    assert (found.state, found.pool, found.carrier_message_id) == (MessageState.DELIVERED, "eu", "c1")
    assert await store.find_expired(NOW * 2, 10) == []


async def test_the_first_final_state_stands(store: Store) -> None:
    """A second finish changes nothing, nor does a later update."""
    await commit(store, new(1))
    await commit(store, Changes(finished=[finished(1)]))
    await commit(store, Changes(finished=[finished(1, state=MessageState.EXPIRED)], message_updates=[update(1)]))
    found = await store.find_message(1)
    assert found is not None
    assert found.state is MessageState.DELIVERED


@pytest.mark.parametrize("count", [1, 7, 8, 63, 64, 65, 200, 600])
async def test_any_number_of_rows(store: Store, count: int) -> None:
    """A whole life works for every number of rows in a group."""
    seqs = range(1, count + 1)
    await commit(store, new(*seqs))
    await commit(store, Changes(message_updates=[update(seq) for seq in seqs]))
    assert len(await store.find_by_carrier_id("alpha", [f"c{seq}" for seq in seqs])) == count
    await commit(
        store,
        Changes(finished=[finished(seq) for seq in seqs], new_deliveries=[delivery(seq) for seq in seqs]),
    )
    await commit(store, Changes(done_deliveries=list(seqs)))
    assert await store.find_expired(NOW * 2, count) == []
    recovered = await store.recover(NOW)
    assert recovered.deliveries_by_account == {}
    assert (recovered.last_seq, recovered.last_delivery_id) == (count, count)


async def test_claims_are_by_priority_then_due(store: Store) -> None:
    """Claimed are due messages of the pool only, highest priority first, then oldest due, each once."""
    store.write(new(1, parked=True, priority=0, next_attempt_at=NOW))
    store.write(new(2, parked=True, priority=3, next_attempt_at=NOW + 2))
    store.write(new(3, parked=True, priority=3, next_attempt_at=NOW + 1))
    store.write(new(4, parked=True, priority=3, next_attempt_at=NOW + 50))
    store.write(new(5, parked=True, pool="us", next_attempt_at=NOW))
    store.write(new(6, parked=False, next_attempt_at=NOW))
    assert await store.next_due() == {"gb": NOW, "us": NOW}
    first = await store.claim_messages("gb", NOW + 10, 2)
    assert [m.seq for m in first] == [3, 2]
    assert not any(m.parked for m in first)
    assert [m.seq for m in await store.claim_messages("gb", NOW + 10, 9)] == [1]
    assert await store.claim_messages("gb", NOW + 10, 9) == []
    assert await store.next_due() == {"gb": NOW + 50, "us": NOW}


async def test_claimed_messages_can_be_parked_again(store: Store) -> None:
    """An update with ``parked`` gives a claimed message back."""
    await commit(store, new(1, parked=True))
    await store.claim_messages("gb", NOW * 2, 1)
    back = update(1, state=MessageState.QUEUED, parked=True, next_attempt_at=NOW + 77, carrier="")
    await commit(store, Changes(message_updates=[back]))
    assert await store.next_due() == {"gb": NOW + 77}


async def test_recovery_parks_all_that_waits(open_store: OpenStore) -> None:
    """After a restart every queued message and delivery is claimable, the rest is counted, ids go on."""
    async with open_store() as store:
        await commit(store, new(1, 2, 3, 4, 5))
        await commit(store, new(6, account="beta", pool="us"))
        receipt = ParkedReceipt("alpha", "x", MessageState.DELIVERED, 0, NOW, NOW)
        await commit(
            store,
            Changes(
                message_updates=[update(2, state=MessageState.SENDING), update(3)],
                finished=[finished(4)],
                new_deliveries=[delivery(1), delivery(2), delivery(3, account="beta")],
                parked_receipts=[receipt],
            ),
        )
        await commit(store, Changes(done_deliveries=[3]))
    for _ in range(3):
        async with open_store() as store:
            recovered = await store.recover(NOW)
            assert recovered.last_seq == 6
            assert recovered.last_delivery_id == 3
            assert [m.seq for m in recovered.in_doubt] == [2]
            assert recovered.in_doubt[0].state is MessageState.SENDING
            assert recovered.queued_by_account == {"acme": 2, "beta": 1}
            assert recovered.queued_by_pool == {"gb": 2, "us": 1}
            assert recovered.enroute == 1
            assert recovered.deliveries_by_account == {"acme": 2}
            assert recovered.parked_receipts == [receipt]
            assert isinstance(recovered.parked_receipts[0].state, MessageState)
    async with open_store() as store:
        await store.recover(NOW)
        claimed = await store.claim_messages("gb", NOW + 2, 10)
        assert [(m.seq, m.next_attempt_at) for m in claimed] == [(1, NOW + 2), (5, NOW + 2)]
        assert [d.delivery_id for d in await store.claim_deliveries("acme", NOW + 1, 10)] == [1, 2]


async def test_recovery_after_the_clock_was_set_back(open_store: OpenStore) -> None:
    """What a fast clock planned for later than any retry is due now, and what is scheduled then stays scheduled."""
    hour = 3_600_000
    async with open_store() as store:
        fast = new(1, 2, 3, 4, parked=True)
        fast.new_messages[0].accepted_at = fast.new_messages[0].not_before = NOW + hour - 5
        await commit(store, fast)
        changes = Changes(
            message_updates=[
                update(1, state=MessageState.QUEUED, parked=True, next_attempt_at=NOW + hour),
                update(2, state=MessageState.QUEUED, parked=True, next_attempt_at=NOW + 500),
            ],
            new_deliveries=[delivery(1, next_attempt_at=NOW + hour), delivery(2, next_attempt_at=NOW + 500)],
        )
        await commit(store, changes)
        scheduled = new(5, parked=True)
        scheduled.new_messages[0].not_before = scheduled.new_messages[0].next_attempt_at = NOW + hour
        await commit(store, scheduled)
    async with open_store() as store:
        await store.recover(NOW + 10, due_by=NOW + 1_000)
        claimed = await store.claim_messages("gb", NOW + hour, 10)
        due_at = {message.seq: message.next_attempt_at for message in claimed}
        assert (due_at[1], due_at[2], due_at[5]) == (NOW + 10, NOW + 500, NOW + hour)
        deliveries = await store.claim_deliveries("acme", NOW + 1_000, 10)
        assert {each.delivery_id: each.next_attempt_at for each in deliveries} == {1: NOW + 10, 2: NOW + 500}


async def test_deliveries_are_claimed_oldest_first(store: Store) -> None:
    """Claimed are due parked deliveries of the account, oldest due first, each once and as written."""
    written = [
        delivery(1, parked=True, next_attempt_at=NOW + 3),
        delivery(2, parked=True, next_attempt_at=NOW + 2),
        delivery(3, parked=True, next_attempt_at=NOW + 30),
        delivery(4, parked=True, account="beta"),
        delivery(5),
    ]
    await commit(store, Changes(new_deliveries=written))
    assert await store.next_delivery_due() == {"acme": NOW + 2, "beta": NOW + 1}
    claimed = await store.claim_deliveries("acme", NOW + 9, 9)
    assert [attrs.asdict(d) for d in claimed] == [
        attrs.asdict(delivery(2, next_attempt_at=NOW + 2)),
        attrs.asdict(delivery(1, next_attempt_at=NOW + 3)),
    ]
    assert await store.claim_deliveries("acme", NOW + 9, 9) == []
    back = DeliveryUpdate(2, attempts=8, next_attempt_at=NOW + 5, parked=True)
    await commit(store, Changes(delivery_updates=[back._replace(attempts=1), back]))
    again = await store.claim_deliveries("acme", NOW + 9, 9)
    assert [(d.delivery_id, d.attempts, d.next_attempt_at) for d in again] == [(2, 8, NOW + 5)]


async def test_a_delivery_done_with_its_birth_leaves_nothing(store: Store) -> None:
    """A delivery that is queued, updated and done in one group is gone, and its id is not used again."""
    store.write(Changes(new_deliveries=[delivery(9), delivery(8)]))
    store.write(Changes(delivery_updates=[DeliveryUpdate(9, 1, NOW, True)]))
    store.write(Changes(done_deliveries=[9]))
    await store.flush()
    recovered = await store.recover(NOW)
    assert recovered.deliveries_by_account == {"acme": 1}
    assert recovered.last_delivery_id == 9


async def test_expired_parked_deliveries_are_dropped_in_portions(store: Store) -> None:
    """Only parked deliveries past their end are dropped, at most the limit at once."""
    old = [delivery(n, parked=True, expires_at=NOW - n) for n in range(1, 6)]
    kept = [delivery(6, expires_at=NOW - 1), delivery(7, parked=True, expires_at=NOW)]
    await commit(store, Changes(new_deliveries=old + kept))
    assert await store.drop_expired_deliveries(NOW, 3) == 3
    assert await store.drop_expired_deliveries(NOW, 3) == 2
    assert await store.drop_expired_deliveries(NOW, 3) == 0
    assert (await store.recover(NOW)).deliveries_by_account == {"acme": 2}


async def test_expired_messages_come_in_order_of_seq(store: Store) -> None:
    """Found are live messages past their end, whatever their state, in order of seq after the given one."""
    for seq in range(1, 8):
        store.write(new(seq, expires_at=NOW - seq))
    store.write(new(8, expires_at=NOW))
    store.write(Changes(message_updates=[update(2), update(3, state=MessageState.SENDING)]))
    store.write(Changes(finished=[finished(5)]))
    assert [m.seq for m in await store.find_expired(NOW, 3)] == [1, 2, 3]
    assert [m.seq for m in await store.find_expired(NOW, 3, after_seq=3)] == [4, 6, 7]
    assert await store.find_expired(NOW, 3, after_seq=7) == []
    assert [m.seq for m in await store.find_expired(NOW - 2, 9, expires_from=NOW - 6)] == [3, 4, 6]


async def test_carrier_ids_are_compared_per_carrier(store: Store) -> None:
    """Found are ENROUTE messages of that carrier only; all of those that share an id."""
    await commit(store, new(*range(1, 7)))
    await commit(
        store,
        Changes(
            message_updates=[
                update(1, carrier_message_id="A"),
                update(2, carrier_message_id="A"),
                update(3, carrier_message_id="a"),
                update(4, carrier_message_id="A", carrier="beta"),
                update(5, carrier_message_id="A", state=MessageState.QUEUED),
                update(6, carrier_message_id="B"),
            ]
        ),
    )
    assert sorted(m.seq for m in await store.find_by_carrier_id("alpha", ["A", "B", "none", "A"])) == [1, 2, 6]
    assert [m.seq for m in await store.find_by_carrier_id("beta", ["A"])] == [4]
    assert await store.find_by_carrier_id("alpha", []) == []


async def test_parked_receipts_are_unique_and_unparked_together(store: Store) -> None:
    """A receipt is kept once for (carrier, id, state); unparking takes all states of an id."""
    first = ParkedReceipt("alpha", "x", MessageState.ENROUTE, 0, NOW, NOW)
    last = first._replace(state=MessageState.DELIVERED, parked_at=NOW + 1)
    other = first._replace(carrier="beta", parked_at=NOW + 2)
    await commit(store, Changes(parked_receipts=[first._replace(error_code=3), last, other, first]))
    assert (await store.recover(NOW)).parked_receipts == [first, last, other]
    await commit(store, Changes(parked_receipts=[last._replace(error_code=4)]))
    assert last._replace(error_code=4) in (await store.recover(NOW)).parked_receipts
    await commit(store, Changes(unparked_receipts=[("alpha", "x"), ("alpha", "y")]))
    assert (await store.recover(NOW)).parked_receipts == [other]


async def test_a_receipt_parked_after_an_unparking_stays(store: Store) -> None:
    """The order of calls holds: what is parked after it was unparked is there."""
    receipt = ParkedReceipt("alpha", "x", MessageState.DELIVERED, 0, NOW, NOW)
    store.write(Changes(parked_receipts=[receipt]))
    store.write(Changes(unparked_receipts=[("alpha", "x")]))
    store.write(Changes(parked_receipts=[receipt._replace(parked_at=NOW + 5)]))
    assert (await store.recover(NOW)).parked_receipts == [receipt._replace(parked_at=NOW + 5)]


async def test_old_parked_receipts_are_dropped(store: Store) -> None:
    """Receipts parked before an instant are deleted and counted."""
    receipts = [ParkedReceipt("alpha", f"{n}", MessageState.DELIVERED, 0, NOW, NOW + n) for n in range(5)]
    await commit(store, Changes(parked_receipts=receipts))
    assert await store.drop_parked_receipts(NOW + 3) == 3
    assert (await store.recover(NOW)).parked_receipts == receipts[3:]


async def test_parts_from_handsets_wait(store: Store) -> None:
    """Each is there until it is done, also when both come in one call."""
    await commit(store, Changes(new_mo_parts=[mo_part(2), mo_part(1), mo_part(3)], done_mo_parts=[3]))
    await commit(store, Changes(done_mo_parts=[1, 9]))
    (part,) = (await store.recover(NOW)).mo_parts
    assert attrs.asdict(part) == attrs.asdict(mo_part(2))


async def test_the_oldest_history_is_dropped(store: Store) -> None:
    """Of the oldest messages that are over, those over before an instant are deleted and counted; keys stay used."""
    await commit(store, new(1, 2, 3, 4))
    await commit(store, Changes(finished=[finished(seq)._replace(done_at=NOW + seq) for seq in (1, 2, 4)]))
    assert await store.drop_history(NOW + 2, 10) == 1
    assert await store.drop_history(NOW + 9, 1) == 1
    assert await store.find_message(2) is None
    assert await store.find_message(3) is not None
    assert await store.drop_history(NOW + 9, 10) == 1
    assert (await store.recover(NOW)).last_seq == 4


async def test_questions_see_what_was_written_before(store: Store) -> None:
    """A question that follows a write without any wait sees it."""
    store.write(new(1))
    assert await store.find_message(1) is not None
    store.write(Changes(message_updates=[update(1)]))
    assert len(await store.find_by_carrier_id("alpha", ["c1"])) == 1
    store.write(Changes(finished=[finished(1)]))
    assert await store.find_expired(NOW * 2, 5) == []


async def test_commits_are_observed(store: Store) -> None:
    """The observer hears of every commit that wrote something."""
    seen: list[tuple[float, int]] = []
    store.on_commit = lambda seconds, changes: seen.append((seconds, changes))
    store.write(new(1))
    store.write(new(2))
    await store.flush()
    await store.flush()
    assert sum(changes for _, changes in seen) >= 2
    assert store.failing is None


async def test_entities_are_kept_by_kind_and_key(open_store: OpenStore) -> None:
    """What was put last is there after the next opening, and what was taken away is not."""
    async with open_store() as store:
        await commit(store, Changes(entities=[EntityUpdate("number", key, b"1") for key in ("b", "a", "c")]))
        put = [EntityUpdate("number", "a", b"2"), EntityUpdate("number", "b", None), EntityUpdate("lease", "a", b"3")]
        await commit(store, Changes(entities=put))
    async with open_store() as store:
        assert await store.load_entities("number") == [("a", b"2"), ("c", b"1")]
        assert await store.load_entities("lease") == [("a", b"3")]
        assert await store.find_entities("number", ["a", "b", "x"]) == {"a": b"2"}
        assert await store.list_entities("number", "", 1) == [("a", b"2")]
        assert await store.list_entities("number", "a", 9) == [("c", b"1")]


async def test_of_one_commit_the_last_value_of_an_entity_counts(store: Store) -> None:
    """Values of several calls in one group are put in the order of the calls."""
    store.write(Changes(entities=[EntityUpdate("lease", "a", b"1"), EntityUpdate("lease", "b", b"1")]))
    store.write(Changes(entities=[EntityUpdate("lease", "b", None), EntityUpdate("lease", "a", b"2")]))
    await store.flush()
    assert await store.load_entities("lease") == [("a", b"2")]


def consent(number: str, account: str = "acme", sender: str = "", **values: Any) -> ConsentRecord:
    return ConsentRecord(ConsentKind.SUPPRESSION, account, number, sender, NOW, "api", "a form")._replace(**values)


async def test_consents_are_kept_and_listed_in_order(open_store: OpenStore) -> None:
    """By kind, account, number and sender, page by page, also after a restart."""
    records = [
        consent("447700900001", ""),
        consent("447700900001"),
        consent("447700900001", sender="60777"),
        consent("447700900002"),
        consent("447700900000", "zoo"),
    ]
    opted = consent("447700900009", kind=ConsentKind.OPT_IN)
    async with open_store() as store:
        await commit(store, Changes(consents=[ConsentUpdate(one) for one in [opted, *reversed(records)]]))
    async with open_store() as store:
        everything = await store.list_consents(ConsentKind.SUPPRESSION, None, None, 9)
        assert everything == records
        assert isinstance(everything[0].kind, ConsentKind)
        assert await store.list_consents(ConsentKind.SUPPRESSION, None, records[1], 2) == records[2:4]
        assert await store.list_consents(ConsentKind.SUPPRESSION, "acme", None, 2) == records[1:3]
        assert await store.list_consents(ConsentKind.SUPPRESSION, "acme", records[2], 9) == records[3:4]
        assert await store.list_consents(ConsentKind.OPT_IN, "acme", None, 9) == [opted]
        assert await store.find_consents(ConsentKind.SUPPRESSION, "acme", "447700900001") == records[1:3]


async def test_of_one_commit_the_last_word_on_a_consent_counts(store: Store) -> None:
    """In whatever calls it was said."""
    first, second = consent("447700900001"), consent("447700900002")
    store.write(Changes(consents=[ConsentUpdate(first), ConsentUpdate(second, is_kept=False)]))
    again = first._replace(at=NOW + 1, how="keyword")
    store.write(Changes(consents=[ConsentUpdate(first, is_kept=False), ConsentUpdate(second), ConsentUpdate(again)]))
    await store.flush()
    assert await store.list_consents(ConsentKind.SUPPRESSION, "acme", None, 9) == [again, second]
    await commit(store, Changes(consents=[ConsentUpdate(again, is_kept=False)]))
    assert await store.list_consents(ConsentKind.SUPPRESSION, "acme", None, 9) == [second]


async def test_entities_come_with_new_messages_or_not_at_all(store: Store) -> None:
    """They stand in the transaction of the messages that they belong to."""
    await commit(store, Changes(new_messages=[message(1)], entities=[EntityUpdate("lease", "a", b"1")]))
    assert await store.find_message(1) is not None
    assert await store.find_entities("lease", ["a"]) == {"a": b"1"}


async def test_keyed_answers_are_found_until_they_are_old(open_store: OpenStore) -> None:
    """An answer comes with its messages, is found by account and key after the next opening, and goes by age."""
    old = KeyedAnswer("acme", "k1", b"digest", 202, b"{}", NOW)
    young = KeyedAnswer("acme", "k2", b"digest", 202, b"{}", NOW + 10)
    async with open_store() as store:
        await commit(store, Changes(new_messages=[message(1)], keyed_answers=[old]))
        await commit(store, Changes(keyed_answers=[young]))
    async with open_store() as store:
        assert await store.find_keyed_answer("acme", "k1") == old
        assert await store.find_keyed_answer("other", "k1") is None
        assert await store.drop_keyed_answers(NOW + 10, 100) == 1
        assert await store.find_keyed_answer("acme", "k1") is None
        assert await store.find_keyed_answer("acme", "k2") == young


def verification(name: str, **fields: Any) -> Verification:
    values: dict[str, Any] = {
        "verification_id": name,
        "account": "acme",
        "recipient": "447700900123",
        "country": "GB",
        "state": VerificationState.PENDING,
        "digests": bytes(range(32)),
        "attempts": 1,
        "attempts_max": 5,
        "message_ids": "0000000100000001",
        "last_sent_at": NOW,
        "wording": '{"brand":"ACME"}',
        "reference": "login",
        "created_at": NOW,
        "expires_at": NOW + 600_000,
    }
    return Verification(**(values | fields))


async def test_a_verification_comes_with_its_message_and_is_found_by_its_account(store: Store) -> None:
    """In one transaction, every field of it; by nobody else."""
    await commit(store, Changes(new_messages=[message(1)], verifications=[verification("a")]))
    assert await store.find_verification("acme", "a") == verification("a")
    assert await store.find_verification("other", "a") is None
    assert await store.find_verification("acme", "b") is None
    assert await store.find_message(1) is not None


async def test_the_last_record_of_a_verification_counts(store: Store) -> None:
    """Also within one group."""
    await commit(store, Changes(new_messages=[message(1)], verifications=[verification("a")]))
    over = verification("a", state=VerificationState.APPROVED, attempts=2, digests=b"", done_at=NOW + 5)
    store.write(Changes(verifications=[verification("a", attempts=2)]))
    await commit(store, Changes(verifications=[over]))
    assert await store.find_verification("acme", "a") == over


async def test_what_is_pending_beyond_its_life_is_found(store: Store) -> None:
    """The first to end first, and none that is over."""
    for place, name in enumerate("bca"):
        await commit(store, Changes(verifications=[verification(name, expires_at=NOW + place)]))
    await commit(store, Changes(verifications=[verification("d", expires_at=NOW, state=VerificationState.FAILED)]))
    due = await store.find_due_verifications(NOW + 2, 10)
    assert [found.verification_id for found in due] == ["b", "c"]
    assert len(await store.find_due_verifications(NOW + 9, 2)) == 2


async def test_old_verifications_are_dropped(store: Store) -> None:
    """Whatever became of them, some at a time."""
    for place, name in enumerate("abc"):
        await commit(store, Changes(verifications=[verification(name, expires_at=NOW + place)]))
    assert await store.drop_verifications(NOW + 2, 1) == 1
    assert await store.drop_verifications(NOW + 2, 10) == 1
    assert await store.find_verification("acme", "c") is not None
