"""What operators do to the inventory: durable before it is done, all or nothing, and safe from one another."""

import pytest
import trio
from engine_numbers import MINUTE, RECIPIENT, dedicated, long_numbers, number_config, senders, stock
from structlog.testing import capture_logs

from smsagg.config.schema import Duration, NumberSettings
from smsagg.engine.numbers.number_desk import NumberDesk, Wanted
from smsagg.errors import InventoryError
from smsagg.inventory.allocation import Allocation
from smsagg.inventory.number import Status
from smsagg.inventory.pool import NumberPool
from smsagg.inventory.records import read_number
from smsagg.inventory.table import RefusedTable
from smsagg.store.memory import MemoryStore
from smsagg.testing.gateway import FakeGateway, run_gateway

POOL = NumberPool("otp", quarantine=MINUTE)


def desk_of(gateway: FakeGateway) -> NumberDesk:
    return NumberDesk(gateway.engine.numbers.book, gateway.clock, lambda: ("acme", "other"))


async def silent(_done: int, _of: int) -> None:
    """Wants to hear of no progress."""


def file_of(count: int) -> str:
    return "number,type,pool\n" + "".join(f"{number.address},long,otp\n" for number in long_numbers(count))


async def test_what_is_done_is_durable() -> None:
    """A lease that was told survives a crash exactly; one whose commit was cut off was told to nobody."""
    store = MemoryStore()
    async with run_gateway(number_config(), store) as gateway:
        await stock(gateway, *long_numbers(3), pools=[POOL])
        desk = desk_of(gateway)
        until = gateway.clock.now_ms() + 5 * MINUTE
        (told,) = await desk.lease(Wanted((), "otp", 1), "acme", until)
        store.hold()
        with trio.move_on_after(5):
            await desk.lease(Wanted((), "otp", 1), "other", until)
            pytest.fail("told before it was durable")
        clock = gateway.clock
    async with run_gateway(number_config(), MemoryStore(store.tables), clock) as gateway:
        held = [number for number in gateway.engine.numbers.inventory.numbers.values() if number.accounts]
        assert held == [told]
        assert await senders(gateway, RECIPIENT) == [told.address]


async def test_two_operators_never_get_the_same_number() -> None:
    """Though neither's commit is done when the other asks."""
    store = MemoryStore()
    async with run_gateway(number_config(), store) as gateway:
        await stock(gateway, *long_numbers(3), pools=[POOL])
        desk = desk_of(gateway)
        told: list[str] = []

        async def lease(account: str) -> None:
            until = gateway.clock.now_ms() + MINUTE
            told.extend(number.address for number in await desk.lease(Wanted((), "otp", 1), account, until))

        async with trio.open_nursery() as nursery:
            for account in ("acme", "other", "acme"):
                nursery.start_soon(lease, account)
        assert len(set(told)) == 3
        with pytest.raises(InventoryError, match="has 0 available numbers, not 1"):
            await desk.assign(Wanted((), "otp", 1), "acme")


async def test_all_or_nothing() -> None:
    """When one of several numbers cannot be had, none changes."""
    async with run_gateway(number_config()) as gateway:
        await stock(gateway, *long_numbers(2), *dedicated(long_numbers(1, start=5), "other"), pools=[POOL])
        before = dict(gateway.engine.numbers.inventory.numbers)
        names = [number.address for number in before.values()]
        for wanted in (Wanted(names), Wanted([*names[:2], "4479"]), Wanted([names[0], names[0]])):
            with pytest.raises(InventoryError):
                await desk_of(gateway).assign(wanted, "acme")
        with pytest.raises(InventoryError, match="no account nobody"):
            await desk_of(gateway).assign(Wanted(names[:1]), "nobody")
        assert gateway.engine.numbers.inventory.numbers == before


async def test_a_large_file_goes_in_bounded_transactions() -> None:
    """Progress is told of what is durable; meanwhile nobody else changes anything, and the loop goes on."""
    async with run_gateway(number_config()) as gateway:
        await stock(gateway, pools=[POOL])
        desk = desk_of(gateway)
        told: list[tuple[int, int]] = []

        async def note(done: int, of: int) -> None:
            told.append((done, of))
            assert len(await gateway.store.load_entities("number")) == done
            with pytest.raises(InventoryError, match="being imported"):
                await desk.assign(Wanted((), "otp", 1), "acme")

        assert await desk.import_file(file_of(5_000), "f.csv", note) == (5_000, 0, 0)
        assert told == [(2_000, 5_000), (4_000, 5_000), (5_000, 5_000)]
        assert await desk.import_file(file_of(5_001), "f.csv", silent) == (1, 0, 5_000)
        assert len(await desk.assign(Wanted((), "otp", 10), "acme")) == 10


async def test_a_bad_file_changes_nothing() -> None:
    """However late its only problem comes; and the next file is taken."""
    async with run_gateway(number_config()) as gateway:
        await stock(gateway, pools=[POOL])
        desk = desk_of(gateway)
        with pytest.raises(RefusedTable) as caught:
            await desk.import_file(file_of(3_000) + "12,long,otp\n", "f.csv", silent)
        assert caught.value.problems == [
            'f.csv:3002: number: must be an international number of 7 to 15 digits, not "12"'
        ]
        assert await gateway.store.load_entities("number") == []
        assert (await desk.import_file(file_of(3), "f.csv", silent)).new == 3


async def test_an_import_that_is_cut_off_is_done_by_importing_again() -> None:
    """What it wrote stays, each number as the file says."""
    store = MemoryStore()
    async with run_gateway(number_config(), store) as gateway:
        await stock(gateway, pools=[POOL])
        with trio.CancelScope() as scope:

            async def cut(_done: int, _of: int) -> None:
                scope.cancel()
                await trio.lowlevel.checkpoint()

            await desk_of(gateway).import_file(file_of(5_000), "f.csv", cut)
        clock = gateway.clock
    async with run_gateway(number_config(), MemoryStore(store.tables), clock) as gateway:
        assert len(gateway.engine.numbers.inventory.numbers) == 2_000
        assert await desk_of(gateway).import_file(file_of(5_000), "f.csv", silent) == (3_000, 0, 2_000)


async def test_an_allocation_gets_its_numbers_on_time() -> None:
    """Nobody else can take them before; they go to its account when it begins and rest when it ends."""
    async with run_gateway(number_config("acme", "other")) as gateway:
        await stock(gateway, *long_numbers(3), pools=[POOL])
        desk, now = desk_of(gateway), gateway.clock.now_ms()
        await desk.allocate(Allocation("xmas", "otp", "acme", 2, now + 5 * MINUTE, now + 8 * MINUTE))
        with pytest.raises(InventoryError, match="would leave allocation xmas 1 too few"):
            await desk.assign(Wanted((), "otp", 2), "other")
        await desk.set_pool(NumberPool("elsewhere"))
        with pytest.raises(InventoryError, match="would leave allocation xmas 1 too few"):
            await desk.move([one.address for one in long_numbers(2)], "elsewhere")
        await desk.lease(Wanted((), "otp", 3), "other", now + 3 * MINUTE)
        (taken, *_) = gateway.engine.numbers.inventory.numbers.values()
        with pytest.raises(InventoryError, match="too few"):
            await desk.renew(
                [one.address for one in gateway.engine.numbers.inventory.numbers.values()], now + 6 * MINUTE
            )
        await desk.renew([taken.address], now + 7 * MINUTE)
        assert await senders(gateway, RECIPIENT) == ["no_sender"]
        await trio.sleep(5 * 60 + 2)
        inventory = gateway.engine.numbers.inventory
        held = [number for number in inventory.numbers.values() if number.allocation == "xmas"]
        assert [(number.owner, number.leased_until) for number in held] == [("acme", now + 8 * MINUTE)] * 2
        assert await senders(gateway, RECIPIENT) == [held[0].address]
        await trio.sleep(3 * 60 + 2)
        assert not inventory.allocations
        assert all(inventory.numbers[number.key].state is Status.QUARANTINE for number in held)
        stored = dict(await gateway.store.load_entities("number"))
        assert [read_number(stored[number.key]).state for number in held] == [Status.QUARANTINE] * 2


async def test_an_allocation_that_is_cancelled_gives_its_numbers_back() -> None:
    """They rest, and nothing is kept for it any more."""
    async with run_gateway(number_config()) as gateway:
        await stock(gateway, *long_numbers(2), pools=[POOL])
        desk, now = desk_of(gateway), gateway.clock.now_ms()
        await desk.allocate(Allocation("now", "otp", "acme", 2, now, now + 5 * MINUTE))
        await trio.sleep(2)
        assert len(await desk.cancel_allocation("now")) == 2
        await trio.sleep(62)
        assert len(await desk.assign(Wanted((), "otp", 2), "other")) == 2


async def test_a_warning_when_a_pool_gets_low() -> None:
    """Once each time that it does."""
    async with run_gateway(number_config()) as gateway:
        await stock(gateway, *long_numbers(3), pools=[NumberPool("otp", low_mark=3, quarantine=0)])
        desk = desk_of(gateway)
        with capture_logs() as logs:
            for _ in range(2):
                (number, _) = await desk.assign(Wanted((), "otp", 2), "acme")
                await desk.unassign([number.address], "acme")
                await desk.unassign(
                    [other.address for other in gateway.engine.numbers.inventory.of_account("acme")], ""
                )
                await trio.sleep(2)
        low = [line for line in logs if line["event"] == "number_pool_low"]
        assert [(line["pool"], line["available"], line["low_mark"]) for line in low] == [("otp", 1, 3)] * 2


async def test_pools_and_moves() -> None:
    """A pool is removed when nothing speaks of it, and numbers go only where they fit."""
    async with run_gateway(number_config()) as gateway:
        await stock(gateway, *long_numbers(1), pools=[POOL])
        desk = desk_of(gateway)
        (number,) = long_numbers(1)
        await desk.set_pool(NumberPool("de", "DE"))
        await desk.set_pool(NumberPool("more", fallback=("otp",)))
        with pytest.raises(InventoryError, match="is for DE, not for GB"):
            await desk.move([number.address], "de")
        with pytest.raises(InventoryError, match="still holds numbers"):
            await desk.remove_pool("otp")
        await desk.move([number.address], "more")
        with pytest.raises(InventoryError, match="pool more falls back to otp"):
            await desk.remove_pool("otp")
        with pytest.raises(InventoryError, match="is in it already"):
            await desk.set_pool(NumberPool("more", "DE"))
        await desk.remove_pool("de")
        assert sorted(gateway.engine.numbers.inventory.pools) == ["more", "otp"]


async def test_the_configuration_says_how_long_numbers_rest() -> None:
    """Where their pool does not."""
    config = number_config(numbers=NumberSettings(quarantine=Duration(60)))
    async with run_gateway(config) as gateway:
        await stock(gateway, *dedicated(long_numbers(1)), pools=[NumberPool("otp")])
        (number,) = await desk_of(gateway).unassign([long_numbers(1)[0].address], "")
        assert number.quarantine_until == gateway.clock.now_ms() + MINUTE
