"""Circuits: a failing carrier is left alone, probed, and used again; and nothing leaves one open for ever."""

from typing import Any

import pytest
import trio

from smsagg.config.schema import Config, Duration, MessageClassSettings, PoolMember, RetrySettings
from smsagg.model import Accepted, Refused
from smsagg.smpp.status import ESME_RINVDSTADR, ESME_RSYSERR, ESME_RTHROTTLED
from smsagg.testing.carrier import FakeSettings
from smsagg.testing.gateway import (
    FakeGateway,
    carrier_settings,
    make_config,
    pool_settings,
    run_gateway,
    seqs,
)

RETRY = RetrySettings(first=Duration(5), multiplier=1, jitter=0, attempts_max=1_000)


def config_of(pools: dict[str, Any], carriers: dict[str, Any], **sections: Any) -> Config:
    return make_config(
        pools=pools,
        carriers=carriers,
        message_classes={"default": MessageClassSettings(retry=RETRY)},
        **sections,
    )


def shares(gateway: FakeGateway) -> dict[str, int]:
    return {name: len(carrier.sent) for name, carrier in gateway.carriers.items()}


def with_circuit(*names: str, failures: int = 3) -> Config:
    members = [PoolMember(name, rank=rank) for rank, name in enumerate(names)]
    carriers = {name: carrier_settings(circuit_failures=failures, circuit_open=Duration(10)) for name in names}
    return config_of({"gb": pool_settings(*members)}, carriers)


async def test_a_failing_carrier_is_left_alone_and_probed() -> None:
    """After failures in a row nothing but one probe at a time goes to it, until one succeeds (G11)."""
    async with run_gateway(with_circuit("alpha")) as gateway:
        messages = await gateway.accept(3)
        await gateway.settle()
        gateway.carrier.refuse(ESME_RSYSERR)
        await trio.sleep(9)
        assert len(gateway.sent) == 3
        await trio.sleep(2)
        assert len(gateway.sent) == 4
        gateway.carrier.refuse(ESME_RSYSERR)
        await trio.sleep(9)
        assert len(gateway.sent) == 4
        await trio.sleep(2)
        assert len(gateway.sent) == 5
        gateway.carrier.accept()
        await trio.sleep(10)
        gateway.carrier.accept()
        await gateway.settle()
        assert set(gateway.sent) == set(seqs(messages))
        assert gateway.engine.accounts["acme"].queued == 0


async def test_an_open_circuit_fails_over() -> None:
    """While one carrier's circuit is open the others of the pool have everything."""
    async with run_gateway(with_circuit("alpha", "beta")) as gateway:
        gateway.carriers["beta"].accept_all()
        await gateway.accept(3)
        await gateway.settle()
        gateway.carriers["alpha"].refuse(ESME_RSYSERR)
        await gateway.settle()
        fresh = await gateway.accept(5)
        await gateway.settle()
        assert [sent.seq for sent in gateway.carriers["beta"].sent] == seqs(fresh)
        await trio.sleep(6)
        assert len(gateway.carriers["beta"].sent) == 8


async def test_an_open_circuit_opens_the_backup() -> None:
    """A pool whose only carrier is bound and failing goes to its backup, and comes back with a probe."""
    config = config_of(
        {"gb": pool_settings("alpha", backup="world"), "world": pool_settings("beta")},
        {"alpha": carrier_settings(circuit_failures=1, circuit_open=Duration(10)), "beta": carrier_settings()},
    )
    async with run_gateway(config) as gateway:
        await gateway.accept_one()
        await gateway.settle()
        gateway.carriers["alpha"].refuse(ESME_RSYSERR)
        await gateway.accept(2)
        await gateway.settle()
        assert shares(gateway) == {"alpha": 1, "beta": 2}
        await trio.sleep(11)
        assert shares(gateway) == {"alpha": 1, "beta": 3}
        await gateway.accept_one()
        await gateway.settle()
        assert shares(gateway) == {"alpha": 2, "beta": 3}
        gateway.carriers["alpha"].accept()
        await gateway.accept(2)
        await gateway.settle()
        assert shares(gateway) == {"alpha": 4, "beta": 3}


async def test_a_lost_link_is_one_failure() -> None:
    """However many attempts were on it: a carrier that is back at once is used at once."""
    async with run_gateway(with_circuit("alpha", failures=3)) as gateway:
        messages = await gateway.accept(50)
        await gateway.settle()
        gateway.carrier.lose()
        gateway.carrier.bind()
        await trio.sleep(0.1)
        assert seqs(gateway.carrier.outstanding) == seqs(messages)


@pytest.mark.parametrize("status", [ESME_RTHROTTLED, ESME_RINVDSTADR])
async def test_throttling_and_bad_messages_open_no_circuit(status: int) -> None:
    """They show a carrier that works."""
    async with run_gateway(with_circuit("alpha", failures=1)) as gateway:
        await gateway.accept(5)
        await gateway.settle()
        gateway.carrier.refuse(status)
        last = await gateway.accept_one()
        await trio.sleep(30)
        assert last.seq in gateway.sent


@pytest.mark.parametrize("in_doubt", ["resend", "fail"])
async def test_a_probe_that_is_not_sent_is_made_again(in_doubt: str) -> None:
    """The link goes before the probe is written: another one is made later, and the carrier is used again."""
    config = make_config(
        carriers={"alpha": carrier_settings(circuit_failures=1, circuit_open=Duration(10))},
        message_classes={"default": MessageClassSettings(in_doubt=in_doubt, retry=RETRY)},
    )
    async with run_gateway(config) as gateway:
        await gateway.accept(2)
        await gateway.settle()
        link = gateway.carrier.link
        link.refuse(ESME_RSYSERR)
        await gateway.until(lambda: link.in_flight == 1)
        link.is_bound = False
        link.return_unsent()
        link.bind()
        gateway.carrier.accept_all()
        await trio.sleep(40)
        assert gateway.engine.accounts["acme"].queued == 0


async def test_a_probe_lost_while_its_attempt_was_recorded_is_made_again() -> None:
    """At most once: the link went between the record and the write; the circuit does not wait for an outcome."""
    config = make_config(
        carriers={"alpha": carrier_settings(circuit_failures=1, circuit_open=Duration(10))},
        message_classes={"default": MessageClassSettings(in_doubt="fail", retry=RETRY)},
    )
    async with run_gateway(config) as gateway:
        store: Any = gateway.store
        await gateway.accept(1)
        await gateway.settle()
        gateway.carrier.refuse(ESME_RSYSERR)
        await gateway.settle()
        await trio.sleep(9)
        store.hold()
        await trio.sleep(2)
        gateway.carrier.lose()
        store.release()
        await gateway.settle()
        assert len(gateway.sent) == 1
        gateway.carrier.bind()
        gateway.carrier.accept_all()
        await trio.sleep(30)
        assert gateway.engine.accounts["acme"].queued == 0


async def test_a_probe_whose_message_was_taken_by_another_carrier() -> None:
    """The probe's message turns out to be with another carrier; its outcome still closes or opens the circuit."""
    members = (PoolMember("alpha", rank=0), PoolMember("beta", rank=1))
    config = config_of(
        {"gb": pool_settings(*members)},
        {
            "alpha": carrier_settings(FakeSettings(window=1), circuit_failures=1, circuit_open=Duration(3)),
            "beta": carrier_settings(FakeSettings(window=1), circuit_failures=0),
        },
    )
    async with run_gateway(config) as gateway:
        alpha, beta = gateway.carriers["alpha"], gateway.carriers["beta"]
        first = await gateway.accept_one()
        await gateway.settle()
        alpha.refuse(ESME_RSYSERR)  # opens
        await trio.sleep(6)
        assert seqs(beta.outstanding) == [first.seq]
        beta.time_out()
        await trio.sleep(6)
        assert seqs(alpha.outstanding) == [first.seq]  # the probe
        beta.link.accept_late(first, "late")
        alpha.refuse(ESME_RSYSERR)
        await trio.sleep(5)
        beta.lose()
        second = await gateway.accept_one()
        await trio.sleep(5)
        assert seqs(alpha.outstanding) == [second.seq]


async def test_failures_among_successes_open_nothing() -> None:
    """In a row means that nothing was taken in between, also when the answers come in one batch."""
    async with run_gateway(with_circuit("alpha", failures=3)) as gateway:
        messages = await gateway.accept(12)
        await gateway.settle()
        link = gateway.carrier.link
        link.outstanding.clear()
        link.report(
            [
                Accepted(message, f"id{i}") if i % 3 == 2 else Refused(message, ESME_RSYSERR)
                for i, message in enumerate(messages)
            ]
        )
        fresh = await gateway.accept_one()
        await gateway.settle()
        assert fresh.seq in gateway.sent


async def test_a_link_that_fails_alone_is_left_alone() -> None:
    """Its carrier's other link has everything, while one message at a time probes it."""
    config = make_config(
        carriers={"alpha": carrier_settings(FakeSettings(links=2, window=3), circuit_failures=3)},
        message_classes={"default": MessageClassSettings(retry=RETRY)},
    )
    async with run_gateway(config) as gateway:
        first, second = gateway.carrier.links
        await gateway.accept(6)
        await gateway.settle()
        assert (first.in_flight, second.in_flight) == (3, 3)
        second.accept()
        first.refuse(ESME_RSYSERR)
        await gateway.accept(5)
        await gateway.settle()
        assert (first.in_flight, second.in_flight) == (0, 3)
        second.accept()
        await trio.sleep(11)
        assert first.in_flight == 1
        first.accept()
        second.accept()
        await gateway.accept(6)
        await gateway.settle()
        assert (first.in_flight, second.in_flight) == (3, 3)
