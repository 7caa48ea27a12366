"""A number and what its owner wrote are taken out of the past; sums, others' records and what lives stay."""

from collections.abc import AsyncIterator
from pathlib import Path

import apsw
import orjson
import pytest
from attrs import evolve
from store_records import NOW, delivery, finished, mo_part, new, parts

from smsagg.config.schema import StoreSettings
from smsagg.model import DeliveryKind, Event, MessageState
from smsagg.model.consent import ConsentKind, ConsentRecord, ConsentUpdate
from smsagg.protection.subject import DataSubject, pseudonym_of
from smsagg.store.base import Changes, EntityUpdate, ErasurePlace, ParkedReceipt, Store
from smsagg.store.memory import MemoryStore
from smsagg.store.sqlite import open_sqlite_store
from smsagg.verification import Verification, VerificationState

DIGITS, OTHERS = "447700900999", "447700900998"
TEXT = b"canary text"
USES = [["acme", "1", 1, 2, 3], ["bank", "2", 1, 2, 3]]
RECEIPT = b"id:7 sub:001 dlvrd:001 submit date:2611220900 done date:2611220901 stat:DELIVRD err:000 text:canary text"


@pytest.fixture(params=["sqlite", "memory"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    if request.param == "memory":
        yield MemoryStore()
        return
    async with open_sqlite_store(StoreSettings(path=str(tmp_path / "smsagg.db"), free_octets_min=0)) as opened:
        yield opened


async def commit(store: Store, *changes: Changes) -> None:
    for one in changes:
        store.write(one)
    await store.flush()


async def erase(store: Store, account: str = "", limit: int = 2) -> tuple[int, int]:
    """To the end; how many records it changed, and the first that lives."""
    subject, place = DataSubject(DIGITS, account), ErasurePlace()
    pseudonym = pseudonym_of(store.cipher, DIGITS)
    changed, lives = 0, []
    for _ in range(50):
        step = await store.erase(subject, pseudonym, place, limit)
        changed += step.changed
        lives += [step.first_live] if step.first_live else []
        if step.place == place:
            return changed, min(lives, default=0)
        place = step.place
    raise AssertionError("it does not end")


async def fill(store: Store) -> None:
    """Of the number, in each way to write it, and of another one."""
    event = orjson.dumps({"from": DIGITS, "to": "ACME", "text": "canary text", "received_at": "now"})
    part = mo_part(1)
    part = evolve(part, mo=evolve(part.mo, source_addr=f"+{DIGITS}", body=TEXT))
    await commit(
        store,
        new(1, destination_addr=DIGITS, body=TEXT),
        new(2, destination_addr=f"+{DIGITS}", body=TEXT),
        new(3, destination_addr=OTHERS, body=TEXT),
        parts(4, 4, 5, destination_addr=DIGITS, body=TEXT),
        Changes(finished=[finished(seq) for seq in (1, 2, 3, 4, 5)]),
        Changes(
            new_deliveries=[
                delivery(1, parked=True, source_addr=DIGITS, kind=DeliveryKind.RECEIPT, body=RECEIPT),
                delivery(2, parked=True, source_addr=DIGITS, kind=DeliveryKind.MO, body=TEXT),
                delivery(3, parked=True, source_addr=OTHERS, kind=DeliveryKind.MO, body=TEXT),
            ]
        ),
        Changes(
            events=[
                Event(1, "acme", "message.inbound", NOW, "", event),
                Event(2, "bank", "message.inbound", NOW, "", event),
                Event(3, "acme", "message.inbound", NOW, "", event.replace(DIGITS.encode(), OTHERS.encode())),
            ],
            parked_receipts=[
                ParkedReceipt("alpha", "c1", MessageState.DELIVERED, 0, NOW, NOW, text=TEXT, msisdn=DIGITS)
            ],
            new_mo_parts=[part],
            entities=[
                EntityUpdate("conversation", DIGITS, orjson.dumps([["acme", "1", 1, 2, 3], ["bank", "2", 1, 2, 3]]))
            ],
            consents=[ConsentUpdate(ConsentRecord(ConsentKind.SUPPRESSION, "acme", DIGITS, "", NOW, "keyword"))],
            verifications=[
                Verification(
                    verification_id="v",
                    account="acme",
                    recipient=DIGITS,
                    country="GB",
                    state=VerificationState.APPROVED,
                    digests=b"",
                    attempts=0,
                    attempts_max=5,
                    message_ids="",
                    last_sent_at=NOW,
                    wording="{}",
                    reference="",
                    created_at=NOW,
                    expires_at=NOW + 1,
                    done_at=0,
                )
            ],
        ),
    )


async def test_nothing_names_the_number_any_more(store: Store, tmp_path: Path) -> None:
    """But its suppression, without which it would be written to again; and what others have is as it was."""
    await fill(store)
    changed, first_live = await erase(store)
    assert first_live == 0
    assert changed > 10
    assert await erase(store) in ((0, 0), (changed, 0))
    pseudonym = pseudonym_of(store.cipher, DIGITS)
    assert len(pseudonym) <= 20
    for seq in (1, 2, 4, 5):
        message = await store.find_message(seq)
        assert message is not None
        assert (message.destination_addr, message.body, message.tlvs) == (pseudonym, b"", b"")
        assert message.cost == 22_000
    other = await store.find_message(3)
    assert other is not None
    assert (other.destination_addr, other.body) == (OTHERS, TEXT)
    receipt, mo, others = await store.claim_deliveries("acme", NOW * 2, 9)
    assert receipt.body == RECEIPT[: -len(TEXT)]
    assert (mo.body, mo.source_addr) == (b"", pseudonym)
    assert others.body == TEXT
    assert len(await store.find_consents(ConsentKind.SUPPRESSION, "acme", DIGITS)) == 1
    assert await store.load_entities("conversation") == []
    events = await store.find_events("acme", 0, 9)
    assert orjson.loads(events[0].document) == {"from": pseudonym, "to": "ACME", "text": None, "received_at": "now"}
    assert orjson.loads(events[1].document)["text"] == "canary text"
    if not isinstance(store, MemoryStore):
        assert _tables_with(tmp_path / "smsagg.db", DIGITS) == ["consents"]


def _tables_with(path: Path, digits: str) -> list[str]:
    connection = apsw.Connection(str(path))
    tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    wanted = digits.encode()
    return [
        table
        for table in tables
        if any(
            wanted in (value.encode() if isinstance(value, str) else value if isinstance(value, bytes) else b"")
            for row in connection.execute(f"SELECT * FROM {table}")
            for value in row
        )
    ]


async def test_who_writes_what_was_asked_before_brings_no_number_back(store: Store) -> None:
    """A check of a code asks for the verification, and writes it after the erasure."""
    await fill(store)
    before = await store.find_verification("acme", "v")
    assert before is not None
    await erase(store)
    await commit(store, Changes(verifications=[evolve(before, attempts=3)]))
    after = await store.find_verification("acme", "v")
    assert after == evolve(before, attempts=3, recipient=pseudonym_of(store.cipher, DIGITS))


async def test_an_account_s_erasure_is_its_own(store: Store) -> None:
    """What other accounts hold of the number stays."""
    await fill(store)
    await commit(store, new(9, destination_addr=DIGITS, account="bank", body=TEXT), Changes(finished=[finished(9)]))
    await erase(store, "acme")
    message = await store.find_message(9)
    assert message is not None
    assert (message.destination_addr, message.body) == (DIGITS, TEXT)
    (event,) = await store.find_events("bank", 0, 9)
    assert DIGITS.encode() in event.document
    ((_, uses),) = await store.load_entities("conversation")
    assert orjson.loads(uses) == USES[1:]


async def test_a_pending_verification_is_told_and_left(store: Store) -> None:
    """Somebody types its code in, or asks for another one, at the number; when it is over it is erased."""
    await fill(store)
    over = await store.find_verification("acme", "v")
    assert over is not None
    await commit(store, Changes(verifications=[evolve(over, state=VerificationState.PENDING, recipient=DIGITS)]))
    assert (await erase(store))[1] == 5
    assert (await erase(store, "bank"))[1] == 0
    assert await store.find_verification("acme", "v") == evolve(over, state=VerificationState.PENDING)
    await commit(store, Changes(verifications=[over]))
    assert (await erase(store))[1] == 0
    erased = await store.find_verification("acme", "v")
    assert erased is not None
    assert erased.recipient == pseudonym_of(store.cipher, DIGITS)


async def test_what_lives_is_told_and_left(store: Store) -> None:
    """It is on its way to somebody; when it is over it is erased."""
    await commit(store, new(1, 2, destination_addr=OTHERS), new(3, 4, destination_addr=DIGITS, body=TEXT))
    assert await erase(store) == (0, 3)
    live = await store.find_message(3)
    assert live is not None
    assert (live.destination_addr, live.body) == (DIGITS, TEXT)
    await commit(store, Changes(finished=[finished(3), finished(4)]))
    assert await erase(store) == (2, 0)


async def test_a_walk_ends_though_more_comes(store: Store) -> None:
    """It goes to where there was something when it began: traffic does not keep it from its end."""
    await commit(
        store, new(*range(1, 9), destination_addr=DIGITS), Changes(finished=[finished(s) for s in range(1, 9)])
    )
    subject, place, steps = DataSubject(DIGITS, ""), ErasurePlace(), 0
    for seq in range(100, 140):
        await commit(store, new(seq, destination_addr=OTHERS))
        if seq % 2:
            await commit(store, Changes(finished=[finished(seq)]))
        step = await store.erase(subject, pseudonym_of(store.cipher, DIGITS), place, 2)
        steps += 1
        if step.place == place:
            break
        place = step.place
    assert steps < 20
    found = [await store.find_message(seq) for seq in range(1, 9)]
    assert DIGITS not in {message.destination_addr for message in found if message is not None}


async def test_what_ends_amid_a_walk_is_not_missed(store: Store) -> None:
    """It lived when the walk looked at it, and is told for the next one; or it is over already when history comes."""
    await commit(store, new(*range(1, 9), destination_addr=DIGITS))
    subject, place = DataSubject(DIGITS, ""), ErasurePlace()
    pseudonym = pseudonym_of(store.cipher, DIGITS)
    lives = []
    for seq in range(8, 0, -1):
        step = await store.erase(subject, pseudonym, place, 1)
        lives += [step.first_live] if step.first_live else []
        place = step.place
        await commit(store, Changes(finished=[finished(seq)]))
    while (step := await store.erase(subject, pseudonym, place, 1)).place != place:
        place = step.place
    first = min(lives)
    missed = [seq for seq in range(1, first) if (await address(store, seq)) != pseudonym]
    assert not missed
    await erase(store)
    assert {await address(store, seq) for seq in range(1, 9)} == {pseudonym}


async def address(store: Store, seq: int) -> str:
    message = await store.find_message(seq)
    return "" if message is None else message.destination_addr
