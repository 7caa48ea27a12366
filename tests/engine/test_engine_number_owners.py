"""MO follows the number: to its owner, to who wrote last, or to nobody."""

import trio
from engine_numbers import MINUTE, RECIPIENT, dedicated, leased, long_numbers, number_config, senders, shared, stock

from smsagg.config.schema import MoRouteSettings, MoSettings
from smsagg.engine.numbers.numbers import CONVERSATION
from smsagg.inventory.number import Number, NumberType, assign, retire, unassign
from smsagg.inventory.pool import NumberPool
from smsagg.smpp.status import ESME_RINVDSTADR, ESME_ROK, ESME_RX_R_APPN
from smsagg.store.memory import MemoryStore
from smsagg.testing.gateway import account_settings, make_config, run_gateway

CATCH_ALL = (MoRouteSettings("third"),)
ACCOUNTS = {name: account_settings(name) for name in ("acme", "other", "third")}


async def test_the_owner_gets_it_and_nobody_else() -> None:
    """Not even who has a route for whatever nobody else owns gets what comes for a number at rest (J10)."""
    config = make_config(accounts=ACCOUNTS, mo_routes=CATCH_ALL)
    async with run_gateway(config) as gateway:
        acme, other, third = (gateway.attach(name) for name in ACCOUNTS)
        now = gateway.clock.now_ms()
        free, owned, rented = long_numbers(3)
        await stock(gateway, free, *dedicated([owned]), *leased([rented], now, now + MINUTE, "other"))
        told = [gateway.carrier.mo(number.address) for number in (owned, rented, free)]
        told.append(gateway.carrier.mo("+" + owned.address))
        told.append(gateway.carrier.mo("447999999999"))
        await gateway.settle()
        assert [one.statuses for one in told] == [[ESME_ROK], [ESME_ROK], [ESME_RINVDSTADR], [ESME_ROK], [ESME_ROK]]
        assert [len(sink.received) for sink in (acme, other, third)] == [2, 1, 1]
        await trio.sleep(MINUTE / 1000)
        stale = gateway.carrier.mo(rented.address)
        await gateway.settle()
        assert stale.statuses == [ESME_RINVDSTADR]
        assert len(other.received) == 1


async def test_the_next_owner_hears_nothing_old() -> None:
    """A number that changes hands rests in between; retired ones follow the routes of the configuration."""
    config = make_config(accounts=ACCOUNTS, mo_routes=CATCH_ALL)
    async with run_gateway(config) as gateway:
        third = gateway.attach("third")
        now = gateway.clock.now_ms()
        number, gone = (assign(one, "acme") for one in long_numbers(2))
        await stock(gateway, unassign(number, "acme", now, MINUTE), retire(gone, now, MINUTE))
        told = [gateway.carrier.mo(one.address) for one in (number, gone)]
        await gateway.settle()
        assert [one.statuses for one in told] == [[ESME_RINVDSTADR], [ESME_ROK]]
        assert [delivery.destination_addr for delivery in third.received] == [gone.address]


async def test_an_account_that_left_still_owns_its_number() -> None:
    """What comes for it waits in the store, and reaches nobody else."""
    config = make_config(accounts=ACCOUNTS, mo_routes=CATCH_ALL)
    async with run_gateway(config) as gateway:
        third = gateway.attach("third")
        await stock(gateway, *dedicated(long_numbers(1), "gone"))
        told = gateway.carrier.mo(long_numbers(1)[0].address)
        await gateway.settle()
        assert told.statuses == [ESME_ROK]
        assert not third.received
        assert list(await gateway.store.next_delivery_due()) == ["gone"]


async def test_an_answer_to_a_shared_number_goes_to_who_wrote_last() -> None:
    """After a restart as before it; who was never written to is told by keyword, among those that share it."""
    (number,) = long_numbers(1)
    routes = (
        MoRouteSettings("other", number.address, "vote"),
        MoRouteSettings("third", number.address, "win"),
        *CATCH_ALL,
    )
    config = number_config("acme", "other", "third", mo_routes=routes)
    store = MemoryStore()
    async with run_gateway(config, store) as gateway:
        acme, other, third = (gateway.attach(name) for name in ACCOUNTS)
        await stock(gateway, *shared([number], "acme", "other"))
        await senders(gateway, RECIPIENT, account="other")
        await senders(gateway, RECIPIENT, account="acme")
        told = [
            gateway.carrier.mo(number.address, b"yes", source_addr=RECIPIENT),
            gateway.carrier.mo(number.address, b"vote 1", source_addr="447400000001"),
            gateway.carrier.mo(number.address, b"win", source_addr="447400000001"),
            gateway.carrier.mo(number.address, b"hello", source_addr="447400000002"),
        ]
        await gateway.settle()
        assert [one.statuses for one in told] == [[ESME_ROK], [ESME_ROK], [ESME_RINVDSTADR], [ESME_RINVDSTADR]]
        assert [[d.body for d in sink.received] for sink in (acme, other, third)] == [[b"yes"], [b"vote 1"], []]
        clock = gateway.clock
    async with run_gateway(config, MemoryStore(store.tables), clock) as gateway:
        acme = gateway.attach("acme")
        again = [gateway.carrier.mo(number.address, b"again", source_addr="+" + RECIPIENT) for _ in range(3)]
        await gateway.settle()
        assert [one.statuses for one in again] == [[ESME_ROK]] * 3
        assert [delivery.body for delivery in acme.received] == [b"again"] * 3
        known = gateway.engine.numbers.conversations.get(RECIPIENT)
        assert known is not None
        assert known.pins == 0


async def test_long_answers_to_a_shared_number() -> None:
    """Parts that wait across a restart go as one message to who wrote last."""
    (number,) = long_numbers(1)
    config = make_config(
        accounts={name: account_settings(name, reassemble=True) for name in ("acme", "other")},
        mo=MoSettings(),
    )
    store = MemoryStore()

    def part(place: int) -> bytes:
        return bytes((5, 0, 3, 7, 2, place)) + b"abc"

    async with run_gateway(config, store) as gateway:
        await stock(gateway, *shared([number], "acme", "other"))
        await senders(gateway, RECIPIENT, source_addr=number.address)
        first = gateway.carrier.mo(number.address, part(1), source_addr=RECIPIENT, esm_class=0x40)
        await gateway.settle()
        assert first.statuses == [ESME_ROK]
        clock = gateway.clock
    async with run_gateway(config, MemoryStore(store.tables), clock) as gateway:
        sink = gateway.attach("acme")
        second = gateway.carrier.mo(number.address, part(2), source_addr=RECIPIENT, esm_class=0x40)
        await gateway.settle()
        assert second.statuses == [ESME_ROK]
        assert [delivery.body for delivery in sink.received] == [b"abcabc"]
        lost = gateway.carrier.mo(number.address, bytes((5, 0, 3, 8, 2, 1)) + b"x", source_addr=RECIPIENT, esm_class=64)
        await gateway.settle()
        assert lost.statuses == [ESME_ROK]
        clock = gateway.clock
    async with run_gateway(config, MemoryStore(store.tables), clock) as gateway:
        sink = gateway.attach("acme")
        await trio.sleep(400)
        await gateway.settle()
        assert [delivery.body[-1:] for delivery in sink.received] == [b"x"]
        assert not store.tables.mo_parts


async def test_a_short_code_of_two_countries() -> None:
    """It is the number of the country from which is written; from a third one it is nobody's."""
    config = make_config(accounts=ACCOUNTS)
    async with run_gateway(config) as gateway:
        acme, other = gateway.attach("acme"), gateway.attach("other")
        codes = [Number("60777", country, NumberType.SHORT) for country in ("GB", "DE")]
        await stock(gateway, assign(codes[0], "acme"), assign(codes[1], "other"))
        gateway.carrier.mo("60777", source_addr="447400123456")
        gateway.carrier.mo("60777", source_addr="4915112345678")
        unclear = gateway.carrier.mo("60777", source_addr="33612345678")
        await gateway.settle()
        assert (len(acme.received), len(other.received)) == (1, 1)
        assert unclear.statuses == [ESME_RINVDSTADR]


async def test_numbers_of_the_inventory_are_ours_for_the_loop_guard() -> None:
    """Two of them that answer each other are stopped (K07)."""
    config = make_config(accounts=ACCOUNTS, mo=MoSettings(loop_messages_max=2))
    async with run_gateway(config) as gateway:
        one, two = dedicated(long_numbers(2))
        await stock(gateway, one, two)
        told = [gateway.carrier.mo(one.address, source_addr=two.address) for _ in range(3)]
        await gateway.settle()
        assert [told_one.statuses for told_one in told] == [[ESME_ROK], [ESME_ROK], [ESME_RX_R_APPN]]


async def test_conversations_stay_in_the_transaction_of_their_message() -> None:
    """A crash before the commit leaves neither, and after it both."""
    store = MemoryStore()
    async with run_gateway(number_config(), store) as gateway:
        await stock(gateway, *dedicated(long_numbers(2)), pools=[NumberPool("otp", rotation="sticky")])
        await senders(gateway, RECIPIENT)
        found = await store.find_entities(CONVERSATION, [RECIPIENT])
        assert RECIPIENT in found
        assert len(store.tables.messages) + len(store.tables.history) == 1
