"""Senders from number pools: in turn, in conversations, within limits, with fallbacks, and durable."""

import trio
from engine_numbers import (
    MINUTE,
    RECIPIENT,
    dedicated,
    leased,
    long_numbers,
    number_config,
    senders,
    shared,
    stock,
    submit,
)

from smsagg.config.schema import Duration, NumberSettings, SenderSettings
from smsagg.errors import StoreFull
from smsagg.inventory.number import Number, NumberType, assign, suspend
from smsagg.inventory.pool import NumberPool
from smsagg.model import Message, Refusal
from smsagg.smpp.status import ESME_RINVSRCADR, ESME_RMSGQFUL, ESME_RSYSERR, ESME_RTHROTTLED
from smsagg.store.memory import MemoryStore
from smsagg.testing.gateway import account_settings, make_config, make_message, run_gateway

OTHERS = [f"4474001234{place:02d}" for place in range(60)]


async def test_numbers_take_turns() -> None:
    """Round robin goes through the account's numbers of the pool, with the TON and NPI of their form."""
    async with run_gateway(number_config()) as gateway:
        mine, foreign = long_numbers(3), long_numbers(2, start=50)
        await stock(gateway, *dedicated(mine), *dedicated(foreign, "other"), *long_numbers(1, start=90))
        messages = await submit(gateway, *OTHERS[:7], source_addr="whatever")
        assert [message.source_addr for message in messages if isinstance(message, Message)] == [
            mine[place % 3].address for place in range(7)
        ]
        assert {(m.source_addr_ton, m.source_addr_npi) for m in messages if isinstance(m, Message)} == {(1, 1)}
        assert gateway.engine.numbers.looked_up == 0, "nothing is asked where nothing depends on the recipient"


async def test_the_form_of_each_type() -> None:
    """A name is 5/0 and a short code 3/0; the pool's first type is used before the others."""
    pool = NumberPool("otp", types=(NumberType.SHORT, NumberType.ALPHANUMERIC))
    name = assign(Number("ACME", "GB", NumberType.ALPHANUMERIC, pool="otp", capabilities=("mt",)), "acme")
    code = assign(Number("60777", "GB", NumberType.SHORT, pool="otp"), "acme")
    async with run_gateway(number_config()) as gateway:
        await stock(gateway, name, code, pools=[pool])
        (message,) = await submit(gateway, RECIPIENT)
        assert isinstance(message, Message)
        assert (message.source_addr, message.source_addr_ton, message.source_addr_npi) == ("60777", 3, 0)
        await stock(gateway, suspend(code), pools=[pool])
        (message,) = await submit(gateway, RECIPIENT)
        assert isinstance(message, Message)
        assert (message.source_addr, message.source_addr_ton, message.source_addr_npi) == ("ACME", 5, 0)


async def test_the_least_recently_used_number() -> None:
    """What other accounts sent from a shared number counts too."""
    pool = NumberPool("otp", rotation="least_recently_used")
    async with run_gateway(number_config("acme", "other")) as gateway:
        numbers = long_numbers(3)
        await stock(gateway, *shared(numbers[:2], "acme", "other"), *dedicated(numbers[2:]), pools=[pool])
        assert await senders(gateway, OTHERS[0], account="other") == [numbers[0].address]
        found = await senders(gateway, *OTHERS[:3])
        assert found == [numbers[1].address, numbers[2].address, numbers[0].address]


async def test_a_conversation_keeps_its_number() -> None:
    """Also across a crash at any moment, and however many others are written to."""
    store, pools = MemoryStore(), [NumberPool("otp", rotation="sticky")]
    first: list[str] = []
    async with run_gateway(number_config(), store) as gateway:
        await stock(gateway, *dedicated(long_numbers(7)), pools=pools)
        first = await senders(gateway, *OTHERS)
        assert len(set(first)) == 7
        assert await senders(gateway, *OTHERS) == first
        clock = gateway.clock
    async with run_gateway(number_config(), MemoryStore(store.tables), clock) as gateway:
        assert await senders(gateway, *reversed(OTHERS)) == first[::-1]
        assert gateway.engine.numbers.looked_up == len(OTHERS)
        assert await senders(gateway, *OTHERS) == first
        assert gateway.engine.numbers.looked_up == len(OTHERS), "memory knows them now"
        assert gateway.engine.numbers.choices_held == 0


async def test_a_conversation_moves_when_it_must() -> None:
    """When its number is suspended another one takes it over, and keeps it."""
    async with run_gateway(number_config()) as gateway:
        numbers = dedicated(long_numbers(2))
        await stock(gateway, *numbers, pools=[NumberPool("otp", rotation="sticky")])
        (first,) = await senders(gateway, RECIPIENT)
        kept = next(number for number in numbers if number.address == first)
        await stock(gateway, suspend(kept), pools=())
        (second,) = await senders(gateway, RECIPIENT)
        assert second != first
        await stock(gateway, kept, pools=())
        assert await senders(gateway, RECIPIENT) == [second]


async def test_the_limit_to_one_recipient() -> None:
    """Then the next number follows; when all are used up it is refused for now; another period begins anew."""
    store = MemoryStore()
    pools = [NumberPool("otp", rotation="sticky", limit=2, period=MINUTE)]
    async with run_gateway(number_config(), store) as gateway:
        numbers = long_numbers(2)
        await stock(gateway, *dedicated(numbers), pools=pools)
        found = await senders(gateway, *[RECIPIENT] * 5)
        assert found == [numbers[0].address] * 2 + [numbers[1].address] * 2 + ["senders_exhausted"]
        assert await senders(gateway, OTHERS[0]) == [numbers[0].address]
        (refused,) = await submit(gateway, RECIPIENT)
        assert refused == Refusal(ESME_RTHROTTLED, "senders_exhausted")
        clock = gateway.clock
    async with run_gateway(number_config(), MemoryStore(store.tables), clock) as gateway:
        assert await senders(gateway, RECIPIENT) == ["senders_exhausted"], "a crash forgets no count"
        await trio.sleep(MINUTE / 1000)
        assert await senders(gateway, RECIPIENT) == [numbers[1].address]


async def test_fallback_to_another_pool() -> None:
    """Pools follow in their order when one has nothing for the recipient; each is counted."""
    pools = [
        NumberPool("last"),
        NumberPool("next", fallback=("last",)),
        NumberPool("otp", limit=1, fallback=("next",)),
    ]
    async with run_gateway(number_config()) as gateway:
        one, two = long_numbers(1), long_numbers(1, "last", start=10)
        await stock(gateway, *dedicated(one), pools=pools)
        assert await senders(gateway, RECIPIENT, RECIPIENT) == [one[0].address, "senders_exhausted"]
        await stock(gateway, *dedicated(two), pools=())
        assert await senders(gateway, RECIPIENT, OTHERS[0]) == [two[0].address, one[0].address]
        assert gateway.engine.numbers.fallbacks == {("otp", "last"): 1}


async def test_no_sender() -> None:
    """An account without numbers in its pool, and one whose pool is not there, hear ESME_RINVSRCADR."""
    async with run_gateway(number_config()) as gateway:
        assert await submit(gateway, RECIPIENT) == [Refusal(ESME_RINVSRCADR, "no_number_pool")]
        await stock(gateway, *long_numbers(3))
        assert await submit(gateway, RECIPIENT) == [Refusal(ESME_RINVSRCADR, "no_sender")]


async def test_which_messages_get_a_sender_of_the_pool() -> None:
    """With ``pool_names`` those that ask for it; by country the country's pool."""
    settings = SenderSettings(from_pool="otp", from_pool_by_country={"DE": "de"}, pool_names=("POOL",))
    config = make_config(accounts={"acme": account_settings("acme", senders=settings)})
    async with run_gateway(config) as gateway:
        german = Number("4915112345678", "DE", NumberType.LONG, pool="de")
        (british,) = long_numbers(1)
        await stock(gateway, *dedicated([british, german]), pools=[NumberPool("otp"), NumberPool("de")])
        assert await senders(gateway, RECIPIENT, source_addr="") == [british.address]
        assert await senders(gateway, RECIPIENT, source_addr="POOL") == [british.address]
        assert await senders(gateway, RECIPIENT, source_addr="ACME") == ["ACME"]
        message = make_message(gateway.clock.now_ms(), source_addr="", destination_addr="4915199999999")
        message.country = "DE"
        engine = gateway.engine
        assert engine.numbers.sender_for(engine.accounts["acme"], message, "4915199999999", 0) is None
        assert message.source_addr == german.address


async def test_parts_of_one_message_have_one_sender() -> None:
    """A message that its customer cut has the sender of its first part in all of them, and counts as one."""
    pools = [NumberPool("otp", limit=1)]
    async with run_gateway(number_config()) as gateway:
        await stock(gateway, *dedicated(long_numbers(3)), pools=pools)

        def part(number: int, reference: int) -> bytes:
            return bytes((5, 0, 3, reference, 3, number)) + b"text"

        found = []
        for reference in (1, 2):
            for number in (1, 2, 3):
                found += await senders(gateway, RECIPIENT, esm_class=0x40, body=part(number, reference))
        assert len(set(found[:3])) == len(set(found[3:])) == 1
        assert found[0] != found[3]


async def test_a_lease_ends_on_time() -> None:
    """From that instant its number sends nothing, rests in quarantine, and is available after it."""
    config = number_config(numbers=NumberSettings(quarantine=Duration(2 * MINUTE / 1000)))
    async with run_gateway(config) as gateway:
        now = gateway.clock.now_ms()
        await stock(gateway, *leased(long_numbers(1), now, now + MINUTE))
        (number,) = long_numbers(1)
        inventory = gateway.engine.numbers.inventory
        assert await senders(gateway, RECIPIENT) == [number.address]
        await trio.sleep(MINUTE / 1000)
        assert await senders(gateway, RECIPIENT) == ["no_sender"]
        await trio.sleep(2)
        assert inventory.numbers[number.key].quarantine_until == now + 3 * MINUTE
        await trio.sleep(2 * MINUTE / 1000)
        assert inventory.numbers[number.key] == number
        await gateway.settle()
        assert b"leased_until" not in dict(await gateway.store.load_entities("number"))[number.key]


async def test_a_refused_commit_leaves_no_trace() -> None:
    """What a batch counted is given back when the store refuses it, and nothing is pinned."""
    store = MemoryStore()
    async with run_gateway(number_config(), store) as gateway:
        await stock(gateway, *dedicated(long_numbers(2)), pools=[NumberPool("otp", rotation="sticky", limit=1)])
        assert len(set(await senders(gateway, RECIPIENT))) == 1
        numbers, intake = gateway.engine.numbers, gateway.engine.intake
        known = numbers.conversations.get(RECIPIENT)
        assert known is not None
        before = [(use.number, use.at, use.until, use.count) for use in known.uses]
        now = gateway.clock.now_ms()
        message = make_message(now, destination_addr=RECIPIENT)
        account = gateway.engine.accounts["acme"]
        assert gateway.engine.admission.admit(account, message, RECIPIENT, now) is None
        assert known.pins == 1
        intake.stopped = True
        assert isinstance(intake.take(account, message, now), Refusal)
        assert [(use.number, use.at, use.until, use.count) for use in known.uses] == before
        assert known.pins == numbers.choices_held == 0


async def test_old_conversations_are_forgotten() -> None:
    """After ``conversation_ttl`` of silence, in memory and in the store; younger ones stay."""
    settings = NumberSettings(conversation_ttl=Duration(120))
    async with run_gateway(number_config(numbers=settings)) as gateway:
        await stock(gateway, *dedicated(long_numbers(2)), pools=[NumberPool("otp", rotation="sticky")])
        await senders(gateway, *OTHERS[:5])
        await trio.sleep(110)
        await senders(gateway, OTHERS[0])
        await trio.sleep(75)
        await gateway.settle()
        assert [key for key, _ in await gateway.store.load_entities("conversation")] == [OTHERS[0]]
        assert len(gateway.engine.numbers.conversations) == 1


async def test_accounts_without_pools_pay_nothing() -> None:
    """No plan, no question, no record, for accounts that use none of it."""
    async with run_gateway(make_config()) as gateway:
        await stock(gateway, *dedicated(long_numbers(3)))
        assert await senders(gateway, RECIPIENT) == ["ACME"]
        assert gateway.engine.numbers.asks == frozenset()
        assert await gateway.store.load_entities("conversation") == []


async def test_another_configuration_takes_effect_at_once() -> None:
    """An account gets another pool, and one that had none gets one, while the engine runs."""
    pools = [NumberPool("otp"), NumberPool("more", rotation="sticky")]
    config = make_config(accounts={name: account_settings(name) for name in ("acme", "other")})
    async with run_gateway(config) as gateway:
        (one,), (two,) = long_numbers(1), long_numbers(1, "more", start=10)
        await stock(gateway, *dedicated([one, two]), assign(long_numbers(1, start=20)[0], "other"), pools=pools)
        assert await senders(gateway, RECIPIENT) == ["ACME"]
        for pool, expected in (("otp", one.address), ("more", two.address)):
            changed = number_config("acme", "other", pool=pool)
            gateway.engine.reconfigure(changed, gateway.engine.core.tables, gateway.carriers)
            assert await senders(gateway, RECIPIENT) == [expected]
        assert gateway.engine.numbers.asks == {"acme", "other"}
        gateway.engine.reconfigure(config, gateway.engine.core.tables, gateway.carriers)
        assert await senders(gateway, RECIPIENT) == ["ACME"]
        assert gateway.engine.numbers.asks == frozenset()


async def test_what_is_committed_too_late_holds_nothing() -> None:
    """A batch that is unwound, and one that the store refuses, give their choices back."""
    store = MemoryStore()
    async with run_gateway(number_config(), store) as gateway:
        await stock(gateway, *dedicated(long_numbers(2)), pools=[NumberPool("otp", rotation="sticky", limit=9)])
        assert len(await senders(gateway, RECIPIENT)) == 1
        engine, now = gateway.engine, gateway.clock.now_ms()
        account = engine.accounts["acme"]
        statuses: list[int] = []

        def submit_one() -> None:
            message = make_message(now, destination_addr=RECIPIENT)
            assert engine.admission.admit(account, message, RECIPIENT, now) is None
            taken = engine.intake.take(account, message, now)
            assert isinstance(taken, list)
            engine.intake.number(taken)
            engine.intake.commit(taken, statuses.append)

        known = engine.numbers.conversations.get(RECIPIENT)
        assert known is not None
        store.fail_next(StoreFull("no room"))
        submit_one()
        await gateway.settle()
        assert [use.count for use in known.uses] == [1]
        store.hold()
        submit_one()
        await trio.sleep(60)
        store.release()
        await gateway.settle()
        assert statuses == [ESME_RMSGQFUL, ESME_RSYSERR]
        assert (engine.numbers.choices_held, known.pins) == (0, 0)
