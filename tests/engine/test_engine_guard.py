"""Held messages, frozen accounts and what checks remember, from one life of the process to the next, on both stores."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest
from trio.testing import MockClock, wait_all_tasks_blocked

from smsagg.abuse import ContentRule, ContentRules
from smsagg.config.abuse import AbuseSettings, AccountAbuseSettings
from smsagg.config.schema import Config, MessageClassSettings, StoreSettings
from smsagg.config.units import parse_message_limit
from smsagg.engine.admission import freezing
from smsagg.engine.requests.replacement import Revision
from smsagg.model import FROZEN_UNTIL, HELD_UNTIL, Message, MessageState, Refusal
from smsagg.smpp.status import ESME_ROK, ESME_RSUBMITFAIL, ESME_RTHROTTLED
from smsagg.store.base import Changes, EntityUpdate, Store
from smsagg.store.memory import MemoryStore, Tables
from smsagg.store.sqlite import open_sqlite_store
from smsagg.tables import Tables as DataTables
from smsagg.testing.carrier import FakeSettings
from smsagg.testing.clock import FakeClock
from smsagg.testing.gateway import (
    FakeGateway,
    account_settings,
    carrier_settings,
    make_config,
    make_message,
    pool_settings,
    run_gateway,
    seqs,
)

HELD = {"next_attempt_at": HELD_UNTIL, "trail": "0||held by content rule phishing"}


class Lives:
    """One medium, and life after life of the process upon it."""

    def __init__(self, kind: str, path: Path, mock_clock: MockClock) -> None:
        self._kind = kind
        self._tables = Tables()
        self._settings = StoreSettings(path=str(path / "smsagg.db"), free_octets_min=0)  # type: ignore[arg-type]
        self._mock_clock = mock_clock
        self.clock = FakeClock()

    @asynccontextmanager
    async def life(self, config: Config | None = None, tables: DataTables | None = None) -> AsyncIterator[FakeGateway]:
        async with self._open() as store, run_gateway(config, store, self.clock, tables=tables) as gateway:
            yield gateway

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[Store]:
        if self._kind == "memory":
            yield MemoryStore(self._tables)
        else:
            async with open_sqlite_store(self._settings) as store:
                yield store

    async def pass_time(self, gateway: FakeGateway, seconds: float, step_s: float = 1.0) -> None:
        """Virtual time moves in steps, and everything that is due happens in between."""
        await gateway.settle()
        for _ in range(round(seconds / step_s)):
            self._mock_clock.jump(step_s)
            await gateway.settle()


@pytest.fixture(params=["memory", "sqlite"])
def lives(request: pytest.FixtureRequest, tmp_path: Path, mock_clock: MockClock) -> Lives:
    return Lives(request.param, tmp_path, mock_clock)


def config_of(bound: bool = True, abuse: AbuseSettings | None = None, **acme: Any) -> Config:
    settings = AccountAbuseSettings(**acme) if acme else None
    return make_config(
        accounts={"acme": account_settings("acme", abuse=settings), "other": account_settings("other")},
        carriers={"alpha": carrier_settings(FakeSettings(bound=bound, window=1_000, long_messages="udh"))},
        pools={"gb": pool_settings("alpha", countries=("GB",))},
        abuse=abuse or AbuseSettings(),
    )


def admit(gateway: FakeGateway, digits: str = "447700900123", **fields: Any) -> list[Message] | Refusal:
    """As a front door does: admit, take, number and commit one message."""
    engine, now = gateway.engine, gateway.clock.now_ms()
    account = engine.accounts["acme"]
    message = make_message(now, destination_addr=digits, **fields)
    taken = engine.admission.admit(account, message, digits, now) or engine.intake.take(account, message, now)
    if not isinstance(taken, Refusal):
        engine.intake.number(taken)
        engine.intake.commit(taken, lambda _status: None)
    return taken


async def held_of(gateway: FakeGateway) -> list[Message]:
    return [message async for batch in gateway.engine.holding.held() for message in batch]


async def test_held_messages_survive_a_restart(lives: Lives, mock_clock: MockClock) -> None:
    """K05: neither life sends them, the second one releases one and rejects the other with one receipt."""
    async with lives.life() as gateway:
        first, second = await gateway.accept(2, **HELD)
        await lives.pass_time(gateway, 5)
        assert gateway.sent == []
    lives.clock.jump_wall(3_600)
    async with lives.life() as gateway:
        sink = gateway.attach()
        await lives.pass_time(gateway, 5)
        assert gateway.sent == []
        held = await held_of(gateway)
        assert seqs(held) == [first.seq, second.seq]
        assert gateway.engine.accounts["acme"].queued == 2
        assert await gateway.engine.holding.release(held[:1], "uid 0") == 1
        assert await gateway.engine.holding.reject(held[1:], "uid 0") == 1
        await gateway.settle()
        assert gateway.sent == [first.seq]
        assert len(sink.received) == 1
        gateway.carrier.receipt(*gateway.carrier.accept())
        await gateway.settle()
        assert len(sink.received) == 2
        gateway.assert_nothing_is_held()
        released = await gateway.find(first)
        assert released is not None
        assert "released by uid 0" in released.trail


async def test_the_parts_of_a_held_message_are_rejected_together(lives: Lives, mock_clock: MockClock) -> None:
    """K05: what we cut ends as a whole, with one receipt."""
    async with lives.life(config_of()) as gateway:
        sink = gateway.attach()
        parts = await gateway.accept(1, body=b"x" * 400, **HELD)
        assert len(parts) == 3
        held = await held_of(gateway)
        assert await gateway.engine.holding.reject(held[:1], "uid 0") == 3
        await gateway.settle()
        assert len(sink.received) == 1
        assert await held_of(gateway) == []
        assert gateway.sent == []
        gateway.assert_nothing_is_held()


async def test_a_held_message_expires_with_its_receipt(lives: Lives, mock_clock: MockClock) -> None:
    """K05: EXPIRED, once, also when its time was up while nobody ran."""
    async with lives.life() as gateway:
        await gateway.accept(1, ttl_s=60, **HELD)
    lives.clock.jump_wall(120)
    async with lives.life() as gateway:
        sink = gateway.attach()
        await lives.pass_time(gateway, 5)
        assert len(sink.received) == 1
        assert await held_of(gateway) == []
        gateway.assert_nothing_is_held()


@pytest.mark.parametrize("bound", [True, False])
async def test_a_frozen_account_sends_nothing_until_let_go(lives: Lives, mock_clock: MockClock, bound: bool) -> None:
    """K09: what is ready, scheduled and of several parts is held over a restart; all goes out when it may, once."""
    async with lives.life(config_of(bound=False)) as gateway:
        ready = await gateway.accept(20)
        later = await gateway.accept(3, delay_s=30)
        parts = await gateway.accept(1, body=b"x" * 400)
        others = await gateway.accept(2, account="other")
        assert gateway.engine.guard.freeze("acme", "a test", "uid 0")
        assert not gateway.engine.guard.freeze("acme", "again", "uid 0")
        await gateway.settle()
        assert not gateway.engine.core.live.keys() & set(seqs([*ready, *later, *parts]))
    async with lives.life(config_of(bound=bound)) as gateway:
        await lives.pass_time(gateway, 60)
        gateway.carrier.bind()
        await gateway.settle()
        assert gateway.sent == seqs(others)
        assert gateway.engine.guard.unfreeze("acme", "uid 0")
        await gateway.settle()
        assert sorted(gateway.sent) == sorted(seqs([*ready, *later, *parts, *others]))
        assert gateway.sent[2:22] == seqs(ready)
        gateway.carrier.receipt(*gateway.carrier.accept())
        await gateway.settle()
        assert await gateway.store.find_held(FROZEN_UNTIL, 10) == []
    async with lives.life(config_of()) as gateway:
        assert gateway.engine.freezing.frozen == {}
        await gateway.settle()
        assert gateway.sent == []


async def test_what_is_replaced_while_its_account_is_let_go_goes_on(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store does not show as held what a replacement has just claimed."""
    store = MemoryStore(Tables())
    async with run_gateway(config_of(), store) as gateway:
        engine = gateway.engine
        engine.guard.freeze("acme", "a test", "uid 0")
        message = await gateway.accept_one()
        await gateway.settle()
        claim = store.claim_by_key

        async def claim_while_let_go(keys: Sequence[int]) -> list[Message]:
            claimed = await claim(keys)
            if engine.guard.unfreeze("acme", "uid 0"):
                await wait_all_tasks_blocked()
            return claimed

        monkeypatch.setattr(store, "claim_by_key", claim_while_let_go)
        status = await engine.replacement.revise(
            "acme", message.message_id, lambda old: Revision(1, b"new", False, old.not_before, old.expires_at)
        )
        assert status == ESME_ROK
        await gateway.until(lambda: not engine.core.frozen)
        await gateway.until(lambda: [sent.body for sent in gateway.carrier.outstanding] == [b"new"])
        gateway.carrier.receipt(*gateway.carrier.accept())
        await gateway.settle()
        gateway.assert_nothing_is_held()


async def test_what_moves_to_another_pool_while_its_account_is_let_go_goes_on(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store does not show as held what the loader has just claimed."""
    store = MemoryStore(Tables())
    async with run_gateway(config_of(bound=False), store) as gateway:
        engine = gateway.engine
        message = await gateway.accept_one()
        engine.guard.freeze("acme", "a test", "uid 0")
        await gateway.settle()
        claim = store.claim_messages

        async def claim_while_let_go(pool: str, due_at: int, limit: int) -> list[Message]:
            claimed = await claim(pool, due_at, limit)
            if claimed:
                engine.guard.unfreeze("acme", "uid 0")
                await wait_all_tasks_blocked()
            return claimed

        monkeypatch.setattr(store, "claim_messages", claim_while_let_go)
        carriers = {"alpha": carrier_settings(FakeSettings(bound=True))}
        pools = {"uk": pool_settings("alpha", countries=("GB",))}
        gateway.reconfigure(attrs.evolve(gateway.config, carriers=carriers, pools=pools))
        await gateway.until(lambda: not engine.core.frozen)
        await gateway.until(lambda: gateway.sent == [message.seq])
        gateway.carrier.receipt(*gateway.carrier.accept())
        await gateway.settle()
        gateway.assert_nothing_is_held()


async def test_a_crash_before_the_queue_was_held_sends_nothing(lives: Lives, mock_clock: MockClock) -> None:
    """K09: the account is frozen as soon as that is written, wherever its messages were."""
    async with lives.life(config_of(bound=False)) as gateway:
        await gateway.accept(10)
        gateway.store.write(
            Changes(entities=[EntityUpdate(freezing.KIND, "acme", b'{"at": 1, "reason": "x", "by": "guard"}')])
        )
        await gateway.store.flush()
    async with lives.life(config_of()) as gateway:
        await lives.pass_time(gateway, 10)
        assert gateway.sent == []
        assert len(await gateway.store.find_held(FROZEN_UNTIL, 100)) == 10
        assert admit(gateway) == Refusal(ESME_RTHROTTLED, "frozen")


async def test_a_crash_before_the_queue_was_released_releases_it(lives: Lives, mock_clock: MockClock) -> None:
    """K09: what is held of an account that is not frozen goes on at the next start."""
    async with lives.life(config_of(bound=False)) as gateway:
        messages = await gateway.accept(10)
        gateway.engine.guard.freeze("acme", "a test", "uid 0")
        await gateway.settle()
        gateway.store.write(Changes(entities=[EntityUpdate(freezing.KIND, "acme", None)]))
        await gateway.store.flush()
    async with lives.life(config_of()) as gateway:
        await lives.pass_time(gateway, 10)
        assert gateway.sent == seqs(messages)


async def test_what_comes_back_from_a_carrier_is_held() -> None:
    """K09: attempts under way end as they do; what was not sent, or is to be tried again, waits."""
    async with run_gateway(config_of()) as gateway:
        returned = await gateway.accept(3)
        await gateway.settle()
        gateway.engine.guard.freeze("acme", "a test", "uid 0")
        gateway.carrier.links[0].return_unsent()
        await gateway.settle()
        assert len(await gateway.store.find_held(FROZEN_UNTIL, 10)) == 3
        assert gateway.engine.core.live == {}
        gateway.engine.guard.unfreeze("acme", "uid 0")
        await gateway.settle()
        assert gateway.sent == seqs(returned) * 2
        gateway.carrier.lose()
        gateway.engine.guard.freeze("acme", "a test", "uid 0")
        gateway.carrier.bind()
        await gateway.until(lambda: not gateway.engine.core.live)
        assert gateway.sent == seqs(returned) * 2


async def test_a_recorded_attempt_that_comes_back_is_held_in_the_store() -> None:
    """K09: of a class that must not send twice the store had the attempt; the last word is that it waits."""
    config = attrs.evolve(config_of(), message_classes={"otp": MessageClassSettings(in_doubt="fail")})
    async with run_gateway(config) as gateway:
        messages = await gateway.accept(3, message_class="otp")
        await gateway.settle()
        gateway.engine.guard.freeze("acme", "a test", "uid 0")
        gateway.carrier.links[0].return_unsent()
        await gateway.settle()
        held = await gateway.store.find_held(FROZEN_UNTIL, 10)
        assert seqs(held) == seqs(messages)
        gateway.engine.guard.unfreeze("acme", "uid 0")
        await gateway.settle()
        assert gateway.sent == seqs(messages) * 2


async def test_freezing_and_letting_go_in_one_breath_loses_nothing() -> None:
    """However often, everything is sent once in the end."""
    async with run_gateway(config_of(bound=False)) as gateway:
        messages = await gateway.accept(50)
        for _ in range(5):
            gateway.engine.guard.freeze("acme", "a test", "uid 0")
            gateway.engine.guard.unfreeze("acme", "uid 0")
            gateway.engine.guard.freeze("acme", "a test", "uid 0")
            await gateway.settle()
            gateway.engine.guard.unfreeze("acme", "uid 0")
        gateway.carrier.bind()
        await gateway.settle()
        assert sorted(gateway.sent) == seqs(messages)
        assert not gateway.engine.core.frozen


async def test_a_frozen_accounts_messages_can_be_cancelled_and_expire(lives: Lives, mock_clock: MockClock) -> None:
    """K09: with their receipts, as if they were queued, which they are."""
    async with lives.life(config_of()) as gateway:
        gateway.carrier.lose()
        sink = gateway.attach()
        first = await gateway.accept_one(ttl_s=30)
        second = await gateway.accept_one()
        gateway.engine.guard.freeze("acme", "a test", "uid 0")
        await gateway.settle()
        assert await gateway.engine.control.cancel("acme", second.message_id, lambda _message: True)
        await lives.pass_time(gateway, 40)
        assert len(sink.received) == 2
        over = [await gateway.find(message) for message in (first, second)]
        assert [message and message.state for message in over] == [MessageState.EXPIRED, MessageState.DELETED]
        gateway.assert_nothing_is_held()


async def test_duplicates_are_known_after_a_restart(lives: Lives, mock_clock: MockClock) -> None:
    """Also those of a message that was cut; not those of one that ended without having arrived."""
    config = config_of(duplicates="drop", duplicates_period=600.0)
    async with lives.life(config) as gateway:
        (first,) = taken(admit(gateway))
        parts = taken(admit(gateway, body=b"x" * 400))
        (cancelled,) = taken(admit(gateway, body=b"cancelled", delay_s=60))
        await gateway.settle()
        assert await gateway.engine.control.cancel("acme", cancelled.message_id, lambda _message: True)
        await gateway.settle()
    lives.clock.jump_wall(300)
    async with lives.life(config) as gateway:
        assert admit(gateway) == Refusal(ESME_ROK, "duplicate", first.message_id)
        assert admit(gateway, body=b"x" * 400) == Refusal(ESME_ROK, "duplicate", parts[0].message_id)
        assert taken(admit(gateway, body=b"cancelled"))
        assert taken(admit(gateway, body=b"new"))
        await gateway.settle()
        assert isinstance(admit(gateway, body=b"new"), Refusal)
    lives.clock.jump_wall(301)
    async with lives.life(config) as gateway:
        assert taken(admit(gateway))


async def test_a_cut_message_that_failed_may_be_sent_again() -> None:
    """One of its parts did not arrive: the whole is no duplicate any more."""
    async with run_gateway(config_of(duplicates="refuse")) as gateway:
        taken(admit(gateway, body=b"x" * 400))
        await gateway.settle()
        assert admit(gateway, body=b"x" * 400) == Refusal(ESME_RSUBMITFAIL, "duplicate")
        first, *others = gateway.carrier.accept()
        gateway.carrier.receipts([(first, MessageState.UNDELIVERABLE), *((i, MessageState.DELIVERED) for i in others)])
        await gateway.settle()
        assert taken(admit(gateway, body=b"x" * 400))


async def test_what_was_learned_of_an_account_survives_a_restart(lives: Lives, mock_clock: MockClock) -> None:
    """K09: a restart does not begin the learning anew."""
    config = config_of(takeover="freeze", takeover_after=3_600.0, takeover_messages=10, takeover_freeze_on=("country",))
    async with lives.life(config) as gateway:
        taken(admit(gateway))
        gateway.engine.guard.bound("acme", "192.0.2.7")
        await gateway.settle()
        gateway.engine.guard.save()
        await gateway.settle()
    lives.clock.jump_wall(7_200)
    async with lives.life(config) as gateway:
        gateway.engine.guard.bound("acme", "192.0.2.99")
        assert list(gateway.engine.guard.alarms) == []
        gateway.engine.guard.bound("acme", "198.51.100.1")
        assert [alarm.finding.kind for alarm in gateway.engine.guard.alarms] == ["network"]
        assert taken(admit(gateway))
        assert admit(gateway, "441481960194") == Refusal(ESME_RTHROTTLED, "frozen")
        await gateway.settle()
    async with lives.life(config) as gateway:
        assert admit(gateway) == Refusal(ESME_RTHROTTLED, "frozen")


async def test_another_configuration_takes_effect_and_keeps_the_counts() -> None:
    """Limits go on counting, new rules hold at once, and an account without checks has no guard."""
    limited = config_of(limits=(parse_message_limit("2/h"),))
    async with run_gateway(limited) as gateway:
        assert [isinstance(admit(gateway), Refusal) for _ in range(3)] == [False, False, True]
        rule = ContentRule("scam", "block", ("send money",))
        gateway.engine.reconfigure(limited, DataTables(content=ContentRules([rule])), gateway.carriers)
        assert admit(gateway, body=b"Send MONEY") == Refusal(ESME_RSUBMITFAIL, "content")
        assert admit(gateway) == Refusal(ESME_RTHROTTLED, "velocity")
        gateway.engine.reconfigure(config_of(), DataTables(), gateway.carriers)
        assert gateway.engine.accounts["acme"].guard is None
        assert taken(admit(gateway))


async def test_a_prefix_whose_messages_do_not_arrive_is_blocked() -> None:
    """K04: by the final states that carriers report; the rest of the country goes on."""
    config = config_of(delivery_collapse="block", delivery_collapse_messages=20)
    async with run_gateway(config) as gateway:
        for prefix, state in (("4477009", MessageState.DELIVERED), ("4479110", MessageState.UNDELIVERABLE)):
            for number in range(25):
                taken(admit(gateway, f"{prefix}{number:05d}"))
            await gateway.settle()
            gateway.carrier.receipts((accepted, state) for accepted in gateway.carrier.accept())
            await gateway.settle()
        (alarm,) = gateway.engine.guard.alarms
        assert (alarm.finding.kind, alarm.finding.subject) == ("collapse", "4479110")
        assert admit(gateway, "447911000099") == Refusal(ESME_RTHROTTLED, "prefix_blocked")
        assert taken(admit(gateway, "447700900099"))


def taken(result: list[Message] | Refusal) -> list[Message]:
    assert not isinstance(result, Refusal), result
    return result
