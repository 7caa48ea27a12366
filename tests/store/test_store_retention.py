"""Texts, numbers and messages leave history when their time is over, wherever they stand, and nothing else does."""

import hmac
from collections.abc import AsyncIterator
from pathlib import Path

import apsw
import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from store_records import NOW, delivery, empty_database, finished, group, group_update, message, new, parts

from smsagg.config.schema import StoreSettings
from smsagg.model import IN_LEDGER, DeliveryKind
from smsagg.store.base import Changes, RetentionPlace, RetentionRule, RetentionSubject, Store
from smsagg.store.memory import MemoryStore
from smsagg.store.sqlite import open_sqlite_store
from smsagg.store.sqlite.retention import LATE_MS, apply_retention
from smsagg.store.sqlite.rows import message_row
from smsagg.store.sqlite.statements import COPY_TO_HISTORY, DELETE_MESSAGES, INSERT_MESSAGES

HOUR, DAY = 3_600_000, 86_400_000
BODIES, NUMBERS, HISTORY = RetentionSubject
EVERYBODY = RetentionRule(BODIES, frozenset(), True)
OVER_AT = NOW + 1_000
LATER = OVER_AT + DAY


@pytest.fixture(params=["sqlite", "memory"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    if request.param == "memory":
        yield MemoryStore()
        return
    async with open_sqlite_store(StoreSettings(path=str(tmp_path / "smsagg.db"), free_octets_min=0)) as opened:
        yield opened


async def commit(store: Store, changes: Changes) -> None:
    store.write(changes)
    await store.flush()


async def apply_all(store: Store, rule: RetentionRule, done_before: int) -> int:
    """Step by step until nothing is left to do; how many steps did something."""
    place, steps = RetentionPlace(), 0
    while (came := await store.apply_retention(rule, done_before, place, 2)) != place:
        place, steps = came, steps + 1
        assert steps < 50
    return steps


async def test_texts_of_messages_that_are_over(store: Store) -> None:
    """Body and TLVs go; who it was for, its end and what it cost stay. What is live keeps all."""
    await commit(store, new(1, 2))
    await commit(store, Changes(finished=[finished(1)]))
    await apply_all(store, EVERYBODY, LATER)
    over, live = await store.find_message(1), await store.find_message(2)
    assert over is not None
    assert live is not None
    assert (over.body, over.tlvs) == (b"", b"")
    assert (over.destination_addr, over.cost, over.done_at) == ("447900000001", 22_000, OVER_AT)
    assert live.body == message(2).body
    assert await apply_all(store, EVERYBODY._replace(subject=NUMBERS), LATER)
    over, live = await store.find_message(1), await store.find_message(2)
    assert over is not None
    assert live is not None
    assert over.destination_addr == "44790•••"
    assert live.destination_addr == "447900000002"


async def test_of_messages_to_some_countries(store: Store) -> None:
    """And of no others: their bodies, and the beginnings of long ones that are kept for receipts."""
    await commit(store, parts(1, 1, 2, country="DE"))
    await commit(store, parts(3, 3, 4, country="FR"))
    await commit(store, Changes(finished=[finished(seq) for seq in (1, 2, 3, 4)]))
    rule = EVERYBODY._replace(countries=frozenset(["DE", "GB"]))
    await apply_all(store, rule, LATER)
    kept = [await store.find_message(seq) for seq in (1, 2, 3, 4)]
    assert [bool(one and one.body) for one in kept] == [False, False, True, True]


async def test_messages_leave(store: Store) -> None:
    """Of the accounts that the rule concerns, with the groups of their parts."""
    await commit(store, parts(1, 1, 2, 3))
    await commit(store, new(4, account="bank"))
    ends = [finished(seq) for seq in (1, 2, 3, 4)]
    await commit(store, Changes(finished=ends, group_updates=[group_update(1, ended=3, done_at=OVER_AT)]))
    await apply_all(store, RetentionRule(HISTORY, frozenset(["bank"]), False), LATER)
    assert [m.seq for m in await store.find_messages(1, 4)] == [1, 2, 3]
    await apply_all(store, RetentionRule(HISTORY, frozenset(["bank"]), True), LATER)
    assert await store.find_messages(1, 4) == []


@pytest.mark.parametrize(
    ("rule", "concerned"),
    [
        (RetentionRule(BODIES, frozenset(["acme"]), False), [1]),
        (RetentionRule(BODIES, frozenset(["acme"]), True), [2, 3]),
        (RetentionRule(BODIES, frozenset(), False), []),
        (EVERYBODY, [1, 2, 3]),
    ],
)
async def test_accounts_that_a_rule_concerns(store: Store, rule: RetentionRule, concerned: list[int]) -> None:
    """Those that it names, or all but those."""
    for seq, account in ((1, "acme"), (2, "bank"), (3, "shop")):
        await commit(store, new(seq, account=account))
    await commit(store, Changes(finished=[finished(seq) for seq in (1, 2, 3)]))
    await apply_all(store, rule, LATER)
    assert [m.seq for m in await store.find_messages(1, 3) if not m.body] == concerned


async def test_parts_and_their_group(store: Store) -> None:
    """The beginning of the text goes when all parts are over, and not before; so does the number."""
    await commit(store, parts(1, 1, 2, 3))
    await commit(store, Changes(finished=[finished(1), finished(2)], group_updates=[group_update(1, ended=2)]))
    for subject in (BODIES, NUMBERS):
        await apply_all(store, EVERYBODY._replace(subject=subject), LATER)
    found = await store.find_message(3)
    assert found is not None
    assert found.group is not None
    assert found.group.excerpt == group(1).excerpt
    assert found.group.destination_addr == "447900000001"
    done = LATER + 5 * DAY
    ends = Changes(finished=[finished(3, done_at=done)], group_updates=[group_update(1, ended=3, done_at=done)])
    await commit(store, ends)
    for subject in (BODIES, NUMBERS):
        await apply_all(store, EVERYBODY._replace(subject=subject), done + 1)
    found = await store.find_message(3)
    assert found is not None
    assert found.group is not None
    assert (found.body, found.group.excerpt, found.group.destination_addr) == (b"", b"", "44790•••")


async def test_receipts_that_are_owed_lose_the_text_that_they_quote(store: Store) -> None:
    """They stay owed, and say all else; a message from a handset is owed as it is."""
    head = b"id:000000010badcafe sub:001 dlvrd:001 stat:DELIVRD err:000 text:"
    owed = [
        delivery(1, body=head + b"secret text:words"),
        delivery(2, kind=DeliveryKind.MO, body=b"my text:stays"),
        delivery(3, body=head + b"young", created_at=LATER),
        delivery(4, body=b"no such field"),
    ]
    await commit(store, Changes(new_deliveries=owed))
    await apply_all(store, EVERYBODY, OVER_AT + HOUR)
    await store.recover(NOW)
    bodies = {d.delivery_id: d.body for d in await store.claim_deliveries("acme", LATER * 2, 10)}
    assert bodies == {1: head, 2: b"my text:stays", 3: head + b"young", 4: b"no such field"}


async def test_what_was_charged_for_dropped_messages_is_noted(tmp_path: Path) -> None:
    """Balances still say what history adds up to."""
    settings = StoreSettings(path=str(tmp_path / "smsagg.db"), free_octets_min=0)
    async with open_sqlite_store(settings) as store:
        await commit(store, new(1, 2, 3, accounted=IN_LEDGER))
        await commit(store, new(4, accounted=0))
        await commit(store, Changes(finished=[finished(4, charged=50)]))
        await commit(store, Changes(finished=[finished(seq, charged=seq * 100) for seq in (1, 2, 3)]))
        connection = apsw.Connection(settings.path)
        connection.execute("INSERT INTO balances VALUES ('acme', 'EUR', 0, 600, 0, 5)")
        await apply_all(store, EVERYBODY._replace(subject=HISTORY), LATER)
        assert connection.execute("SELECT dropped FROM balances").get == 605


async def test_a_digest_is_kept_where_it_is_asked_for(tmp_path: Path) -> None:
    """To recognise a text by, for those who have the key."""
    settings = StoreSettings(path=str(tmp_path / "smsagg.db"), free_octets_min=0)
    async with open_sqlite_store(settings) as store:
        await commit(store, new(1, body=b"hello"))
        await commit(store, new(2, body=b""))
        await commit(store, Changes(finished=[finished(1), finished(2)]))
        await apply_all(store, EVERYBODY._replace(digest_key=b"key"), LATER)
    rows = apsw.Connection(settings.path).execute("SELECT body, body_digest, redacted FROM history ORDER BY seq")
    assert list(rows) == [(b"", hmac.digest(b"key", b"hello", "sha256"), 1), (b"", b"", 1)]


async def test_nothing_of_the_text_stays_in_the_file(tmp_path: Path) -> None:
    """Neither in rows nor in the places that rows have left."""
    settings = StoreSettings(path=str(tmp_path / "smsagg.db"), free_octets_min=0)
    async with open_sqlite_store(settings) as store:
        await store.apply_retention(EVERYBODY, 1, RetentionPlace(), 10)
        for seq in range(1, 40):
            body = b"Zebra-%d-" % seq + b"long" * (300 if seq % 3 else 2_000)
            await commit(store, new(seq, body=body, destination_addr=f"1555{seq:05d}99"))
            await commit(store, Changes(finished=[finished(seq)]))
        await apply_all(store, EVERYBODY, LATER)
        await apply_all(store, EVERYBODY._replace(subject=NUMBERS), LATER)
    octets = await trio.Path(settings.path).read_bytes()
    assert b"0badcafe" in octets
    assert b"Zebra-" not in octets
    assert b"longlong" not in octets
    assert b"155500007" not in octets


LIVES = st.lists(
    st.tuples(
        st.integers(0, 3 * DAY),  # until it is over
        st.sampled_from(["acme", "bank"]),
        st.integers(0, 2 * HOUR),  # until the next comes
    ),
    min_size=1,
    max_size=30,
)


@settings(max_examples=80, deadline=None)
@given(LIVES, st.integers(HOUR, 2 * DAY), st.lists(st.integers(HOUR // 4, DAY), max_size=12), st.integers(1, 5))
def test_each_message_is_met_within_an_hour_after_its_time(
    lives: list[tuple[int, str, int]], period: int, steps: list[int], limit: int
) -> None:
    """Whenever it came and however long it lived; and never before its time, nor another account's."""
    connection = empty_database()
    execute = connection.cursor().execute
    accepted_at, events = NOW, []
    for seq, (life, account, gap) in enumerate(lives, 1):
        accepted_at += gap
        events += [(accepted_at, 0, seq, account), (accepted_at + life, 1, seq, account)]
    events.sort()
    rule = RetentionRule(BODIES, frozenset(["acme"]), False)
    now, place = NOW, RetentionPlace()
    for step in [*steps, 4 * DAY, LATE_MS, 1]:
        now += step
        while events and events[0][0] <= now:
            at, is_end, seq, account = events.pop(0)
            if is_end:
                COPY_TO_HISTORY.execute(execute, [(*finished(seq, done_at=at), None)])
                DELETE_MESSAGES.execute(execute, [seq])
            else:
                row = message_row(message(seq, account=account, accepted_at=at))
                INSERT_MESSAGES.execute(execute, [row])
        while (came := apply_retention(connection.cursor(), rule, now - period, place, limit)) != place:
            place = came
        for account, done_at, body in execute("SELECT account, done_at, body FROM history"):
            if account == "bank" or done_at >= now - period:
                assert body
            elif done_at < now - period - LATE_MS:
                assert not body
    connection.close()


def test_a_step_that_finds_nothing_costs_the_same_with_a_longer_past() -> None:
    """It goes on behind the place where it was."""
    connection = empty_database()
    execute = connection.cursor().execute
    costs = []
    place = RetentionPlace()
    for first in (1, 1001):
        seqs = range(first, first + 1000)
        INSERT_MESSAGES.execute(execute, [message_row(message(seq, accepted_at=NOW + seq)) for seq in seqs])
        rows = [(*finished(seq, done_at=NOW + seq + (seq % 2) * 2 * HOUR), None) for seq in seqs]
        COPY_TO_HISTORY.execute(execute, rows)
        DELETE_MESSAGES.execute(execute, list(seqs))
        while (came := apply_retention(connection.cursor(), EVERYBODY, NOW + DAY, place, 100)) != place:
            place = came
        count = 0

        def progress() -> bool:
            nonlocal count
            count += 1
            return False

        connection.set_progress_handler(progress, 10)
        apply_retention(connection.cursor(), EVERYBODY, NOW + DAY, place, 100)
        connection.set_progress_handler(None)
        costs.append(count)
    assert costs[1] <= costs[0] + 2
