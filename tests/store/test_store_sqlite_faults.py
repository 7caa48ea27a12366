"""The SQLite store on a medium that is full, failing or loses its power."""

import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

import apsw
import pytest
import trio
from store_records import NOW, copy_beside, delivery, finished, message, new, update

from smsagg.config.schema import StoreSettings
from smsagg.directory.audit import Actor
from smsagg.engine.directory.register import Register
from smsagg.errors import StoreError, StoreFailed, StoreFull
from smsagg.store.base import Changes
from smsagg.store.sqlite import SqliteStore, checkpoint, jobs, money, open_sqlite_store
from smsagg.store.sqlite import group as group_module
from smsagg.store.sqlite import store as store_module
from smsagg.store.sqlite.connection import Seams
from smsagg.testing.clock import FakeClock
from smsagg.testing.faulty_vfs import FaultyVfs, Unsynced, disk_full, sync_error, write_error


def seams(vfs: FaultyVfs, synchronous: str = "FULL") -> Seams:
    return Seams(vfs=vfs.name, synchronous=synchronous, retry_first_s=0.001)


class Answer:
    """An ``on_done`` that can be waited for."""

    def __init__(self) -> None:
        self.told: list[StoreError | None] = []
        self._event = trio.Event()

    def __call__(self, error: StoreError | None) -> None:
        self.told.append(error)
        self._event.set()

    async def wait(self) -> StoreError | None:
        with trio.fail_after(20):
            await self._event.wait()
        assert len(self.told) == 1
        return self.told[0]


def write(store: SqliteStore, changes: Changes) -> Answer:
    answer = Answer()
    store.write(changes, answer)
    return answer


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that only the writer thread does; never longer than the store needs."""
    with trio.fail_after(20):
        while not condition():  # noqa: ASYNC110 (the thread sets no event)
            await trio.sleep(0.001)


async def seqs_after(settings: StoreSettings) -> set[int]:
    """The live messages that a store opened now finds."""
    async with open_sqlite_store(settings) as store:
        return {message.seq for message in await store.find_expired(NOW * 2, 100_000)}


def crash(settings: StoreSettings, folder: Path) -> StoreSettings:
    """What a process that opens the files after a ``kill -9`` now would find."""
    folder.mkdir()
    for suffix in ("", "-wal", ".lock"):
        shutil.copy(f"{settings.path}{suffix}", folder / f"smsagg.db{suffix}")
    return StoreSettings(path=str(folder / "smsagg.db"), free_octets_min=0)


def lose_power(
    settings: StoreSettings,
    vfs: FaultyVfs,
    folder: Path,
    survives: Callable[[Unsynced], bool] = lambda _write: False,
) -> StoreSettings:
    """What is on the medium after a power loss now."""
    folder.mkdir()
    for suffix in ("", "-wal"):
        content = vfs.after_power_loss(f"{settings.path}{suffix}", survives)
        (folder / f"smsagg.db{suffix}").write_bytes(content)
    return copy_beside(settings, folder, ".lock")


async def test_a_full_disk_refuses_and_recovers_by_itself(settings: StoreSettings, vfs: FaultyVfs) -> None:
    """New messages on a full disk are refused as such and absent; once there is room they are taken again."""
    async with open_sqlite_store(settings, seams(vfs)) as store:
        assert await write(store, new(1)).wait() is None
        vfs.fail(write=disk_full)
        assert isinstance(await write(store, new(2)).wait(), StoreFull)
        assert store.failing is None
        vfs.heal()
        assert await write(store, new(3)).wait() is None
    assert await seqs_after(settings) == {1, 3}


async def test_what_would_be_replaced_stays_when_the_disk_is_full(settings: StoreSettings, vfs: FaultyVfs) -> None:
    """The end of the old one is refused with the new one, receipt and all; with room both happen."""
    async with open_sqlite_store(settings, seams(vfs)) as store:
        assert await write(store, new(1)).wait() is None

        def replacing(seq: int) -> Changes:
            return Changes(
                new_messages=[message(seq)], finished=[finished(1)], new_deliveries=[delivery(1, parked=True)]
            )

        vfs.fail(write=disk_full)
        assert isinstance(await write(store, replacing(2)).wait(), StoreFull)
        assert store.failing is None
        vfs.heal()
        assert await store.next_delivery_due() == {}
        assert {live.seq for live in await store.find_expired(NOW * 2, 100)} == {1}
        assert await write(store, replacing(3)).wait() is None
        assert len(await store.next_delivery_due()) == 1
    assert await seqs_after(settings) == {3}


async def test_owed_writes_survive_a_full_disk(settings: StoreSettings, vfs: FaultyVfs) -> None:
    """What is owed is kept in order and written when there is room; until then new messages are refused at once."""
    async with open_sqlite_store(settings, seams(vfs)) as store:
        assert await write(store, new(1, 2, 3)).wait() is None
        vfs.fail(write=disk_full)
        refused = write(store, new(4))
        owed = [write(store, Changes(message_updates=[update(1, attempts=n)])) for n in range(1, 50)]
        owed.append(write(store, Changes(finished=[finished(2)], new_deliveries=[delivery(1)])))
        assert isinstance(await refused.wait(), StoreFull)
        await until(lambda: store.failing is not None)
        failing = store.failing
        assert isinstance(failing, StoreFull)
        late = write(store, new(5))
        assert late.told == []
        assert isinstance(await late.wait(), StoreFull)
        with pytest.raises(StoreFull):
            await store.claim_messages("gb", NOW * 2, 10)
        assert not any(answer.told for answer in owed)
        vfs.heal()
        for answer in owed:
            assert await answer.wait() is None
        assert store.failing is None
        assert await write(store, new(6)).wait() is None
        found = await store.find_message(1)
        assert found is not None
        assert found.attempts == 49
        assert (await store.recover(NOW)).deliveries_by_account == {"acme": 1}
    assert await seqs_after(settings) == {1, 3, 6}


@pytest.mark.parametrize("fault", [{"sync": sync_error}, {"write": write_error}])
async def test_an_io_error_refuses_and_recovers(
    settings: StoreSettings, vfs: FaultyVfs, fault: dict[str, Callable[[], Exception]]
) -> None:
    """A failing medium refuses new messages as failed; owed writes wait for it to come back."""
    async with open_sqlite_store(settings, seams(vfs)) as store:
        assert await write(store, new(1)).wait() is None
        vfs.fail(**fault)  # type: ignore[arg-type]
        assert isinstance(await write(store, new(2)).wait(), StoreFailed)
        owed = write(store, Changes(message_updates=[update(1)]))
        await until(lambda: vfs.medium.faults > 4)
        assert isinstance(store.failing, StoreFailed)
        assert store.statistics.commit_failures > 2
        vfs.heal()
        assert await owed.wait() is None
        assert store.failing is None
        assert await write(store, new(3)).wait() is None
    assert await seqs_after(settings) == {1, 3}


async def test_a_refused_message_does_not_rise_from_the_wal(
    settings: StoreSettings, vfs: FaultyVfs, tmp_path: Path
) -> None:
    """The frames of a commit whose sync failed are overwritten before it is refused, so no crash brings it back."""
    async with open_sqlite_store(settings, seams(vfs)) as store:
        assert await write(store, new(1)).wait() is None
        vfs.fail(sync=sync_error, count=1)
        assert isinstance(await write(store, new(*range(2, 50))).wait(), StoreFailed)
        crashed = crash(settings, tmp_path / "crashed")
        assert store.failing is None
    assert await seqs_after(crashed) == {1}


async def test_a_failing_read_is_told_to_who_asked(settings: StoreSettings, vfs: FaultyVfs) -> None:
    """A claim whose transaction fails raises, and what it would have taken is still there."""
    async with open_sqlite_store(settings, seams(vfs)) as store:
        assert await write(store, new(1, parked=True)).wait() is None
        vfs.fail(sync=sync_error, count=1)
        with pytest.raises(StoreFailed):
            await store.claim_messages("gb", NOW * 2, 10)
        assert [m.seq for m in await store.claim_messages("gb", NOW * 2, 10)] == [1]


async def test_low_space_refuses_new_messages_only(settings: StoreSettings) -> None:
    """Below ``free_octets_min`` new messages are refused while owed writes and claims go on."""
    free = 1 << 30
    low = StoreSettings(path=settings.path, free_octets_min=1 << 20)  # type: ignore[arg-type]
    async with open_sqlite_store(low, Seams(free_octets=lambda _folder: free)) as store:
        assert await write(store, new(1)).wait() is None
        assert store.refusing is None
        free = 0
        refused = write(store, new(2))
        while await refused.wait() is None:  # the look at the disk may be a moment old
            refused = write(store, new(2 + store.statistics.commits))
        assert isinstance(refused.told[0], StoreFull)
        assert isinstance(store.refusing, StoreFull)
        assert await write(store, Changes(message_updates=[update(1)])).wait() is None
        assert len(await store.find_by_carrier_id("alpha", ["c1"])) == 1
        assert store.failing is None
        free = 1 << 30
        assert store.refusing is None
        assert await write(store, new(10_000)).wait() is None


async def test_a_file_system_that_cannot_say_how_full_it_is(settings: StoreSettings) -> None:
    """Counts as full: new messages are refused, what is owed is written, and the writer lives on."""
    error: list[OSError] = [OSError(5, "Input/output error")]

    def free_octets(_folder: str) -> int:
        if error:
            raise error[0]
        return 1 << 30

    low = StoreSettings(path=settings.path, free_octets_min=1 << 20)  # type: ignore[arg-type]
    async with open_sqlite_store(low, Seams(free_octets=free_octets)) as store:
        assert isinstance(await write(store, new(1)).wait(), StoreFull)
        assert await write(store, Changes(done_deliveries=[7])).wait() is None
        error.clear()
        assert await write(store, new(2)).wait() is None


async def test_nothing_acknowledged_is_lost_with_the_power(
    either: StoreSettings, vfs: FaultyVfs, tmp_path: Path
) -> None:
    """With FULL every commit that was reported is on the medium when unsynced writes are dropped."""
    vfs.medium.holds_back = True
    acknowledged: set[int] = set()
    async with open_sqlite_store(either, seams(vfs)) as store:
        for seq in range(1, 41):
            assert await write(store, new(seq)).wait() is None
            acknowledged.add(seq)
            if seq % 20 == 0:
                assert await seqs_after(lose_power(either, vfs, tmp_path / f"{seq}")) == acknowledged


async def test_the_power_test_sees_a_loss(settings: StoreSettings, vfs: FaultyVfs, tmp_path: Path) -> None:
    """The same with NORMAL loses acknowledged messages: the test above can fail."""
    vfs.medium.holds_back = True
    async with open_sqlite_store(settings, seams(vfs, synchronous="NORMAL")) as store:
        for seq in range(1, 21):
            assert await write(store, new(seq)).wait() is None
        assert len(await seqs_after(lose_power(settings, vfs, tmp_path / "lost"))) < 20


@pytest.mark.parametrize("seed", range(6))
async def test_power_loss_with_reordered_writes(
    either: StoreSettings, vfs: FaultyVfs, tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever subset of unsynced writes survives, also amid checkpoints, the acknowledged messages do."""
    vfs.medium.holds_back = True
    monkeypatch.setattr(checkpoint, "SOFT_OCTETS", 64 << 10)
    rng = Random(seed)
    acknowledged: set[int] = set()
    async with open_sqlite_store(either, seams(vfs)) as store:
        for group in range(30):
            seqs = [group * 100 + n for n in range(1, rng.randrange(2, 60))]
            assert await write(store, new(*seqs)).wait() is None
            acknowledged.update(seqs)
        vfs.fail(sync=sync_error)
        assert await write(store, new(99_999)).wait() is not None
        after = lose_power(either, vfs, tmp_path / "after", lambda _write: rng.random() < 0.5)
        vfs.heal()
    assert await seqs_after(after) - {99_999} == acknowledged


async def test_a_failing_checkpoint_harms_no_commit(
    either: StoreSettings, vfs: FaultyVfs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the database file cannot be synced commits go on in the WAL, and all is well when it can again."""
    monkeypatch.setattr(checkpoint, "SOFT_OCTETS", 64 << 10)
    async with open_sqlite_store(either, seams(vfs)) as store:
        vfs.fail(sync=sync_error, suffix=".db")
        seq = 0
        while vfs.medium.faults < 3:
            seq += 100
            assert await write(store, new(*range(seq, seq + 100))).wait() is None
        vfs.heal()
        assert store.failing is None
    assert len(await seqs_after(either)) == seq


async def test_the_wal_is_bounded(settings: StoreSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under steady writing the WAL starts over and stays near its soft bound."""
    monkeypatch.setattr(checkpoint, "SOFT_OCTETS", 256 << 10)
    largest = 0
    async with open_sqlite_store(settings) as store:
        for group in range(150):
            seqs = range(group * 100 + 1, group * 100 + 101)
            assert await write(store, new(*seqs)).wait() is None
            largest = max(largest, store.statistics.wal_octets)
    assert 256 << 10 <= largest < 4 << 20


async def test_a_foreign_reader_stops_no_writer(settings: StoreSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """While somebody keeps a snapshot the WAL grows and shows it; afterwards it starts over."""
    monkeypatch.setattr(checkpoint, "SOFT_OCTETS", 128 << 10)
    async with open_sqlite_store(settings) as store:
        assert await write(store, new(1)).wait() is None
        reader = apsw.Connection(settings.path, flags=apsw.SQLITE_OPEN_READONLY)
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM messages").get == 1
        group = 0
        while store.statistics.wal_octets < 2 << 20:
            group += 1
            assert await write(store, new(*range(group * 200, group * 200 + 200))).wait() is None
        assert reader.execute("SELECT count(*) FROM messages").get == 1
        reader.close()
        while store.statistics.wal_octets >= 2 << 20:
            group += 1
            assert await write(store, new(*range(group * 200, group * 200 + 200))).wait() is None
    assert len(await seqs_after(settings)) == group * 200 + 1


async def test_closing_gives_up_on_a_dead_medium(
    settings: StoreSettings, vfs: FaultyVfs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Closing waits its deadline for owed writes, then tells them that they failed, and ends."""
    monkeypatch.setattr(store_module, "CLOSE_DEADLINE_S", 0.02)
    async with open_sqlite_store(settings, seams(vfs)) as store:
        assert await write(store, new(1)).wait() is None
        vfs.fail(write=write_error)
        owed = [write(store, Changes(message_updates=[update(1)])) for _ in range(3)]
    for answer in owed:
        assert isinstance(await answer.wait(), StoreFailed)
    vfs.heal()
    assert isinstance(await write(store, new(2)).wait(), StoreFailed)
    assert await seqs_after(settings) == {1}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("place", ["recover", "load_spending", "apply_audit"])
def test_a_writer_that_dies_of_a_bug_takes_the_process_with_it(
    settings: StoreSettings, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """Also while somebody waits for an answer that must not be cut off: nobody waits for ever."""

    def fail(*_: object) -> None:
        raise RuntimeError("a bug")

    async def live() -> None:
        async with open_sqlite_store(settings) as store, trio.open_nursery() as nursery:
            nursery.start_soon(store.recover, NOW, NOW)
            nursery.start_soon(store.load_spending, 0)
            nursery.start_soon(store.load_balances)
            nursery.start_soon(Register(store, FakeClock()).note, Actor("unix:ann"), "carriers.drain", "alpha", {})

    of = {"recover": jobs, "load_spending": money, "apply_audit": group_module}
    monkeypatch.setattr(of[place], place, fail)
    with pytest.raises(trio.TrioInternalError):
        trio.run(live)
