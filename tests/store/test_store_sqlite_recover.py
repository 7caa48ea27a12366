"""Recovery goes through the live messages by chunks, and finds the same whatever their size."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_records import NOW, new, update

from smsagg.config.schema import StoreSettings
from smsagg.model import MessageState
from smsagg.store.base import Changes, Recovered
from smsagg.store.sqlite import jobs, open_sqlite_store

ROWS = st.lists(
    st.tuples(
        st.sampled_from([MessageState.QUEUED, MessageState.SENDING, MessageState.ENROUTE]),
        st.sampled_from(["acme", "beta"]),
        st.sampled_from(["gb", "us"]),
        st.booleans(),
        st.integers(1, 1_000_000),
    ),
    max_size=30,
)


async def recovered(path: Path, chunk: int, monkeypatch: pytest.MonkeyPatch) -> tuple[Recovered, list[list[int]]]:
    """What is found, and which messages of each pool can be claimed then."""
    monkeypatch.setattr(jobs, "SURVEYED_AT_ONCE", chunk)
    async with open_sqlite_store(StoreSettings(path=str(path), free_octets_min=0)) as store:
        found = await store.recover(NOW)
        claimed = [[m.seq for m in await store.claim_messages(pool, NOW * 2, 100)] for pool in ("gb", "us")]
        return found, claimed


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS, chunk=st.integers(1, 40))
async def test_the_size_of_the_chunks_does_not_matter(
    rows: list[tuple[MessageState, str, str, bool, int]],
    chunk: int,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Counts, doubts and what is claimable afterwards are those of the rows."""
    path = tmp_path_factory.mktemp("store") / "smsagg.db"
    async with open_sqlite_store(StoreSettings(path=str(path), free_octets_min=0)) as store:
        seq, expected = 0, []
        for state, account, pool, parked, gap in rows:
            seq += gap
            store.write(new(seq, account=account, pool=pool))
            changes = Changes(message_updates=[update(seq, state=state, pool=pool, parked=parked)])
            store.write(changes)
            expected.append((seq, state, account, pool))
        await store.flush()
    found, claimed = await recovered(path, chunk, monkeypatch)
    assert found.in_doubt == [] or [m.seq for m in found.in_doubt] == [
        s for s, state, *_ in expected if state is MessageState.SENDING
    ]
    assert len(found.in_doubt) == sum(state is MessageState.SENDING for _, state, *_ in expected)
    assert found.enroute == sum(state is MessageState.ENROUTE for _, state, *_ in expected)
    queued = [(account, pool) for _, state, account, pool in expected if state is MessageState.QUEUED]
    assert found.queued_by_account == {name: sum(a == name for a, _ in queued) for name in {a for a, _ in queued}}
    assert found.queued_by_pool == {name: sum(p == name for _, p in queued) for name in {p for _, p in queued}}
    assert claimed == [
        [s for s, state, _, p in expected if p == pool and state is MessageState.QUEUED] for pool in ("gb", "us")
    ]
