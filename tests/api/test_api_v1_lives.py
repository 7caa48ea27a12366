"""Calls by HTTP and their webhooks, whenever the server dies."""

from collections.abc import Callable
from typing import Any

import pytest
import trio
from v1_lives import BATCH, CALLS, Lives

from smsagg.api.v1.messages.sending import Sending
from smsagg.model import MessageState
from smsagg.smpp.status import ESME_ROK
from smsagg.store.base import Changes, OnDone
from smsagg.store.memory import MemoryStore

WORLDS = 25
"""Enough for each known bug to be found several times over."""


def broken_by(lives: Lives) -> list[str]:
    """What is not as it was promised."""
    tables, broken = lives.tables, []
    rows: dict[str, list[str]] = {}
    for message in (*tables.messages.values(), *tables.history.values()):
        rows.setdefault(message.reference, []).append(message.message_id)
        if message.state is not MessageState.DELIVERED:
            broken.append(f"{message.reference} is {message.state.name}")
    for number in range(CALLS):
        wanted = tuple(rows.get(f"{number}-{place}", [""])[0] for place in range(1 if number % 2 == 0 else BATCH))
        broken += [f"call {number} was answered {ids}, not {wanted}" for ids in lives.answers[number] if ids != wanted]
    broken += [f"{reference} is there {len(ids)} times" for reference, ids in rows.items() if len(ids) != 1]
    told = lives.endpoint.taken
    for reference, ids in rows.items():
        ends = told[ids[0], "message.delivered"]
        if len(ends) != 1:
            broken.append(f"the end of {reference} was told as {len(ends)} events")
    return broken


@pytest.mark.parametrize("seed", range(WORLDS))
def test_every_call_is_done_once_and_every_end_is_told(seed: int) -> None:
    """A message a key, one answer however often, one event of its end that the endpoint has taken."""
    lives = Lives(seed)
    lives.run()
    assert broken_by(lives) == []
    assert sum(len(answers) for answers in lives.answers.values()) >= CALLS


def in_a_write_of_its_own(kind: str) -> Callable[[pytest.MonkeyPatch], None]:
    """Records of this kind are written a little after what they belong to."""

    def seed_bug(patch: pytest.MonkeyPatch) -> None:
        original = MemoryStore.write

        async def write_late(store: MemoryStore, records: list[Any]) -> None:
            for _ in range(20):
                await trio.lowlevel.checkpoint()
            original(store, Changes(**{kind: records}))

        def write(store: MemoryStore, changes: Changes, on_done: OnDone | None = None) -> None:
            records = getattr(changes, kind)
            if records and (changes.new_messages or changes.finished):
                setattr(changes, kind, [])
                trio.lowlevel.spawn_system_task(write_late, store, records)
            original(store, changes, on_done)

        patch.setattr(MemoryStore, "write", write)

    return seed_bug


def answered_before_commit(patch: pytest.MonkeyPatch) -> None:
    """202 does not wait for the commit."""
    original = Sending._commit

    async def commit(sending: Sending, *arguments: Any) -> int:
        trio.lowlevel.spawn_system_task(original, sending, *arguments)
        await trio.lowlevel.checkpoint()
        return ESME_ROK

    patch.setattr(Sending, "_commit", commit)


@pytest.mark.parametrize(
    "seed_bug",
    [answered_before_commit, in_a_write_of_its_own("keyed_answers"), in_a_write_of_its_own("event_deliveries")],
    ids=["answered before the commit", "key outside of the transaction", "events outside of the transaction"],
)
def test_known_bugs_are_found(monkeypatch: pytest.MonkeyPatch, seed_bug: Callable[[pytest.MonkeyPatch], None]) -> None:
    """A server that has one breaks a promise in one of these worlds."""
    seed_bug(monkeypatch)
    for seed in range(WORLDS):
        lives = Lives(seed)
        lives.run()
        if broken_by(lives):
            return
    raise AssertionError("no world shows it")
