"""How long a message may stay behind a link that is dead, silent or flapping; and ways to countries."""

from typing import Any

import pytest
import trio
import trio.testing

from smsagg.config.schema import Config, Duration, MessageClassSettings, PoolMember, RetrySettings
from smsagg.engine.health import health as health_module
from smsagg.engine.health.drills import DrillKind
from smsagg.model import Accepted, Message, MessageState, Outcome, Refused
from smsagg.smpp.status import ESME_RSYSERR, ESME_RTHROTTLED
from smsagg.testing.carrier import FakeSettings
from smsagg.testing.gateway import FakeGateway, carrier_settings, make_config, pool_settings, run_gateway, seqs

RETRY = RetrySettings(first=Duration(2), multiplier=1, jitter=0, attempts_max=1_000)
WINDOW_S = 15.0


def config_of(fake: FakeSettings | None = None, policy: str = "priority", **carrier: Any) -> Config:
    """Two carriers, the first one preferred; GB and VN go to the one pool."""
    members = PoolMember("alpha", rank=0), PoolMember("beta", rank=1)
    values: dict[str, Any] = {"health_window": Duration(WINDOW_S), "circuit_failures": 5} | carrier
    return make_config(
        pools={"gb": pool_settings(*members, policy=policy)},
        carriers={name: carrier_settings(fake, **values) for name in ("alpha", "beta")},
        message_classes={"default": MessageClassSettings(retry=RETRY)},
    )


def shares(gateway: FakeGateway) -> dict[str, int]:
    return {name: len(carrier.sent) for name, carrier in gateway.carriers.items()}


def refusing(country: str, gateway: FakeGateway, name: str) -> None:
    """A carrier that refuses one country for now, and takes the others."""
    carrier = gateway.carriers[name]

    def answer(message: Message) -> Outcome:
        return Refused(message, ESME_RSYSERR) if message.country == country else Accepted(message, carrier.next_id())

    carrier.answer_with(answer)


# --- dead, silent, flapping ---


async def test_a_silent_carrier_keeps_nothing_beyond_its_health_window() -> None:
    """Its window is full and nothing is answered: the backup, which is for when nobody is usable, has the rest."""
    config = make_config(
        pools={"gb": pool_settings("alpha", backup="world"), "world": pool_settings("beta")},
        carriers={
            "alpha": carrier_settings(FakeSettings(window=3), health_window=Duration(WINDOW_S)),
            "beta": carrier_settings(),
        },
    )
    async with run_gateway(config) as gateway:
        messages = await gateway.accept(10)
        await trio.sleep(WINDOW_S - 1)
        assert shares(gateway) == {"alpha": 3, "beta": 0}
        await trio.sleep(3)
        assert seqs(gateway.carriers["beta"].outstanding) == seqs(messages[3:])
        gateway.carriers["alpha"].accept()
        fresh = await gateway.accept(2)
        await gateway.settle()
        assert seqs(gateway.carriers["alpha"].outstanding) == seqs(fresh)


async def test_a_silent_link_is_given_nothing_while_its_attempts_are_outstanding() -> None:
    """They are its probes; when they have timed out, one message at a time is."""
    async with run_gateway(config_of(FakeSettings(window=3), circuit_open=Duration(10))) as gateway:
        gateway.carriers["beta"].accept_all()
        alpha = gateway.carriers["alpha"]
        await gateway.accept(3)
        await trio.sleep(60)
        await gateway.accept(5)
        await trio.sleep(20)
        assert shares(gateway) == {"alpha": 3, "beta": 5}
        alpha.time_out()
        await gateway.accept(5)
        await trio.sleep(5)
        assert len(alpha.outstanding) == 1
        alpha.accept()
        await gateway.accept(2)
        await gateway.settle()
        assert len(alpha.outstanding) == 2


async def test_a_slow_link_is_no_silent_one() -> None:
    """One answer a window is enough, and an idle link is not silent either."""
    async with run_gateway(config_of(FakeSettings(window=10))) as gateway:
        alpha = gateway.carriers["alpha"]
        await trio.sleep(100)
        await gateway.accept(10)
        for _ in range(6):
            await trio.sleep(WINDOW_S - 2)
            alpha.link.accept(alpha.outstanding[:1])
        await gateway.accept(6)
        await gateway.settle()
        assert shares(gateway) == {"alpha": 16, "beta": 0}


async def test_a_carrier_that_becomes_slow_is_not_sent_anything_twice() -> None:
    """Its answers take longer than the health window from now on: a moment's pause, then its window's worth a time."""
    config = make_config(
        pools={"gb": pool_settings("alpha")},
        carriers={"alpha": carrier_settings(FakeSettings(window=10), health_window=Duration(WINDOW_S))},
        message_classes={"default": MessageClassSettings(retry=RETRY)},
    )
    async with run_gateway(config) as gateway:
        link = gateway.carrier.link
        due: list[tuple[float, list[Message]]] = []
        gateway.carrier.observe_sent = lambda messages: due.append((trio.current_time() + 20, list(messages)))
        messages = await gateway.accept(50)
        while any(not message.carrier_message_id for message in messages):
            await trio.sleep(0.5)
            while due and due[0][0] <= trio.current_time():
                link.accept(due.pop(0)[1])
        assert len(gateway.sent) == len(set(gateway.sent)) == 50
        assert trio.current_time() <= 130
        assert {message.attempts for message in messages} == {1}


@pytest.mark.parametrize("policy", ["priority", "weighted"])
@pytest.mark.parametrize("death", ["lost", "refusing", "silent"])
async def test_an_outage_of_one_of_two_carriers(policy: str, death: str) -> None:
    """Whatever the policy and the kind of death: all is with the other carrier within the health window."""
    async with run_gateway(config_of(FakeSettings(window=20), policy=policy)) as gateway:
        alpha, beta = gateway.carriers.values()
        alpha.accept_all()
        beta.accept_all()
        await gateway.accept(20)
        await gateway.settle()
        alpha.answer_with(None)
        if death == "lost":
            alpha.lose()
        elif death == "refusing":
            alpha.answer_with(lambda message: Refused(message, ESME_RSYSERR))
        messages = []
        for _ in range(30):
            messages += await gateway.accept(5)
            await trio.sleep(1)
        await trio.sleep(WINDOW_S)
        late = [message for message in messages if message.carrier != "beta"]
        assert len(late) <= (20 if death == "silent" else 1)
        assert all(message in alpha.outstanding for message in late)
        await gateway.accept(10)
        await trio.sleep(1)
        assert len(gateway.engine.core.pools["gb"].ready) == 0


async def test_a_flapping_link_loses_nothing() -> None:
    """Bound and lost every few seconds, with a window of attempts each time: every message is taken in the end."""
    async with run_gateway(config_of(FakeSettings(window=20))) as gateway:
        alpha, beta = gateway.carriers.values()
        beta.accept_all()
        messages = []
        for turn in range(20):
            messages += await gateway.accept(5)
            await trio.sleep(1)
            if turn % 3 == 0:
                alpha.lose()
            elif turn % 3 == 2:
                alpha.bind()
            else:
                alpha.accept()
        alpha.bind()
        alpha.accept_all()
        await trio.sleep(60)
        assert all(message.carrier_message_id for message in messages)


async def test_parts_do_not_follow_a_link_that_went_silent() -> None:
    """Parts that wait behind their siblings on a full link go elsewhere when it proves dead."""
    config = config_of(FakeSettings(window=2, long_messages="udh"))
    async with run_gateway(config) as gateway:
        gateway.carriers["beta"].accept_all()
        parts = await gateway.accept(body=b"x" * 700)
        assert len(parts) > 4
        await gateway.settle()
        assert len(gateway.engine.waiting.following) == len(parts) - 2
        await trio.sleep(WINDOW_S + 2)
        assert len(gateway.engine.waiting.following) == 0
        assert len(gateway.carriers["beta"].sent) == len(parts) - 2


async def test_attempts_being_recorded_are_not_made_on_a_link_that_died_meanwhile() -> None:
    """At most once: the slot was promised, then the carrier was taken out of service; the messages go to the other."""
    config = make_config(
        pools={"gb": pool_settings(PoolMember("alpha", rank=0), PoolMember("beta", rank=1))},
        carriers={name: carrier_settings() for name in ("alpha", "beta")},
        message_classes={"default": MessageClassSettings(in_doubt="fail", retry=RETRY)},
    )
    async with run_gateway(config) as gateway:
        store: Any = gateway.store
        messages = await gateway.accept(3)
        store.hold()
        await trio.testing.wait_all_tasks_blocked()
        alpha = gateway.engine.core.carriers["alpha"]
        assert alpha.links[0].reserved == 3
        gateway.engine.core.health.stop(alpha, "", "test", "stopped")
        store.release()
        await gateway.settle()
        assert shares(gateway) == {"alpha": 0, "beta": 3}
        assert seqs(gateway.carriers["beta"].outstanding) == seqs(messages)


# --- ways to countries ---


async def test_a_carrier_that_fails_for_one_country_keeps_the_others() -> None:
    """Its way there is closed but for probes; other countries' messages go on as before."""
    async with run_gateway(config_of(circuit_open=Duration(10))) as gateway:
        alpha, beta = gateway.carriers.values()
        refusing("VN", gateway, "alpha")
        beta.accept_all()
        for _ in range(5):
            await gateway.accept(2, country="VN")
            await gateway.accept(2, country="GB")
            await trio.sleep(1)
        before = shares(gateway)
        vietnamese = await gateway.accept(10, country="VN")
        british = await gateway.accept(10, country="GB")
        await gateway.settle()
        assert {message.carrier for message in vietnamese} == {"beta"}
        assert {message.carrier for message in british} == {"alpha"}
        assert shares(gateway) == {"alpha": before["alpha"] + 10, "beta": before["beta"] + 10}
        alpha.accept_all()
        for _ in range(15):
            await gateway.accept(1, country="VN")
            await trio.sleep(1)
        healed = await gateway.accept(5, country="VN")
        await gateway.settle()
        assert {message.carrier for message in healed} == {"alpha"}


async def test_a_way_that_nobody_wants_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a message to probe it with its circuit does not stay open for ever."""
    monkeypatch.setattr(health_module, "STALE_S", 60.0)
    async with run_gateway(config_of(circuit_open=Duration(10))) as gateway:
        refusing("VN", gateway, "alpha")
        gateway.carriers["beta"].accept_all()
        await gateway.accept(10, country="VN")
        await trio.sleep(5)
        health = gateway.engine.core.health
        assert not health.is_quiet
        await trio.sleep(55)
        assert not health.is_quiet
        await trio.sleep(20)
        assert health.is_quiet
        assert gateway.engine.core.carriers["alpha"].ways == {}


async def test_a_country_that_fails_everywhere_waits_and_holds_up_nothing() -> None:
    """No carrier takes it: its messages stay queued, and those of others go past them."""
    async with run_gateway(config_of(circuit_open=Duration(10))) as gateway:
        for name in gateway.carriers:
            refusing("VN", gateway, name)
        waiting = await gateway.accept(40, country="VN")
        await trio.sleep(30)
        british = await gateway.accept(20, country="GB")
        await gateway.settle()
        assert {message.carrier for message in british} == {"alpha"}
        for carrier in gateway.carriers.values():
            carrier.accept_all()
        await trio.sleep(60)
        assert all(message.carrier_message_id for message in waiting)


async def test_an_open_way_opens_the_backup() -> None:
    """A pool whose only carrier fails for a country goes to its backup with that country only."""
    config = make_config(
        pools={"gb": pool_settings("alpha", backup="world"), "world": pool_settings("beta")},
        carriers={name: carrier_settings(circuit_failures=3) for name in ("alpha", "beta")},
        message_classes={"default": MessageClassSettings(retry=RETRY)},
    )
    async with run_gateway(config) as gateway:
        refusing("VN", gateway, "alpha")
        gateway.carriers["beta"].accept_all()
        vietnamese = await gateway.accept(6, country="VN")
        await trio.sleep(5)
        british = await gateway.accept(6, country="GB")
        await gateway.settle()
        assert {message.carrier for message in vietnamese} == {"beta"}
        assert {message.carrier for message in british} == {"alpha"}


async def test_what_is_taken_and_not_delivered_closes_the_way() -> None:
    """Receipts tell it; a probe is judged by its receipt, and the carrier is used again when that says delivered."""
    config = config_of(circuit_delivery=0.3, circuit_delivery_samples=20, circuit_open=Duration(10))
    async with run_gateway(config) as gateway:
        alpha, beta = gateway.carriers.values()
        beta.accept_all()
        await gateway.accept(40)
        await gateway.settle()
        ids = alpha.accept()
        alpha.receipt(*ids[:35], state=MessageState.UNDELIVERABLE)
        await trio.sleep(2)
        fresh = await gateway.accept(5)
        await gateway.settle()
        assert {message.carrier for message in fresh} == {"beta"}
        await trio.sleep(12)
        await gateway.accept(5)
        await gateway.settle()
        (probe,) = alpha.accept()
        await gateway.accept(5)
        await gateway.settle()
        assert not alpha.outstanding
        await trio.sleep(3)
        alpha.receipt(probe)
        await trio.sleep(2)
        await gateway.accept(5)
        await gateway.settle()
        assert len(alpha.outstanding) == 5


# --- throttling ---


async def test_throttling_of_one_carrier_moves_the_rest() -> None:
    """It gets what it takes, the other has the remainder, and no attempt is spent."""
    async with run_gateway(config_of(FakeSettings(window=50))) as gateway:
        alpha, beta = gateway.carriers.values()
        beta.accept_all()
        taken = [0.0, 0]

        def answer(message: Message) -> Outcome:
            now = int(trio.current_time())
            taken[:] = [now, taken[1] + 1 if taken[0] == now else 1]
            return Accepted(message, alpha.next_id()) if taken[1] <= 10 else Refused(message, ESME_RTHROTTLED)

        alpha.answer_with(answer)
        messages = []
        for _ in range(600):
            messages += await gateway.accept(3)
            await trio.sleep(0.1)
        await trio.sleep(5)
        assert all(message.carrier_message_id for message in messages)
        assert {message.attempts for message in messages} == {1}
        by_alpha = sum(message.carrier == "alpha" for message in messages)
        assert by_alpha >= 0.5 * 10 * 60


# --- every policy, every way to lose a carrier ---


@pytest.mark.parametrize("policy", ["priority", "weighted", "least_cost", "quality", "combined"])
@pytest.mark.parametrize("loss", ["unbound", "circuit", "way", "stopped", "way stopped", "drained", "drill"])
@pytest.mark.parametrize("to_backup", [False, True])
async def test_what_waits_for_a_lost_carrier_moves_at_once(policy: str, loss: str, to_backup: bool) -> None:
    """No time passes between the loss and the hand-over of all its queue, to the pool's backup, or to its other
    carrier, which had been stopped until then."""
    members = ["alpha"] if to_backup else ["alpha", "beta"]
    pools = {"gb": pool_settings(*members, policy=policy, backup="world" if to_backup else "")}
    if to_backup:
        pools["world"] = pool_settings("beta", policy=policy)
    config = make_config(
        pools=pools,
        carriers={
            "alpha": carrier_settings(FakeSettings(window=3), circuit_failures=3, circuit_open=Duration(10)),
            "beta": carrier_settings(),
        },
        message_classes={"default": MessageClassSettings(retry=RETRY)},
    )
    async with run_gateway(config) as gateway:
        alpha, beta, engine = gateway.carriers["alpha"], gateway.carriers["beta"], gateway.engine
        state, health = engine.core.carriers["alpha"], engine.core.health
        if not to_backup:
            health.stop(engine.core.carriers["beta"], "", "test", "stopped")
        messages = await gateway.accept(20)
        await gateway.settle()
        assert shares(gateway) == {"alpha": 3, "beta": 0}
        if loss == "unbound":
            alpha.lose()
        elif loss == "circuit":
            alpha.time_out()
        elif loss == "way":
            alpha.refuse(ESME_RSYSERR)
        elif loss == "stopped":
            health.stop(state, "", "test", "stopped")
        elif loss == "way stopped":
            health.stop(state, "GB", "test", "stopped")
        elif loss == "drained":
            await engine.maintenance.drain("alpha", unbind=False, reason="")
        else:
            engine.drills.start("alpha", "", DrillKind.OUTAGE, 60, force=True)
        health.release(engine.core.carriers["beta"], "", "test")
        await gateway.settle()
        assert {sent.seq for sent in beta.sent} >= set(seqs(messages[3:]))


async def test_a_link_whose_carrier_is_congested_slows() -> None:
    """To half, before anything is refused; the other carrier has the rest."""
    async with run_gateway(config_of(FakeSettings(window=100, rate=100.0))) as gateway:
        alpha = gateway.engine.core.carriers["alpha"].links[0]
        gateway.engine.on_congestion(alpha.link)
        assert alpha.pacing.rate_per_s(trio.current_time()) == 50.0
