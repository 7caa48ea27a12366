"""Prefixes of which far fewer messages are delivered than elsewhere in the country."""

from random import Random
from typing import Any

import pytest
from abuse_bench import NOW, Bench, message

from smsagg.config.sandbox import SANDBOX
from smsagg.model import MessageState
from smsagg.smpp.status import ESME_RTHROTTLED


def over(bench: Bench, digits: str, delivered: bool, at_s: float = 0.0, **changes: Any) -> None:
    """A message that a carrier had is over."""
    state = MessageState.DELIVERED if delivered else MessageState.UNDELIVERABLE
    made = message(digits, **{"carrier": "mersey", "state": state, **changes})
    bench.checks.finished(made, NOW + int(at_s * 1000))


def ordinary(bench: Bench, count: int = 500) -> None:
    """Nine in ten delivered, all over the country."""
    for n in range(count):
        over(bench, f"4477{n % 1000:03d}00000", n % 10 != 0, at_s=n)


@pytest.mark.parametrize("action", ["monitor", "block"])
def test_a_prefix_that_collapses_is_found(action: str) -> None:
    """K04: an alarm that tells both rates; in mode block the prefix gets nothing more for a while, others do."""
    bench = Bench(delivery_collapse=action)
    ordinary(bench)
    assert not bench.findings
    for n in range(60):
        over(bench, f"4479110{n:05d}", n % 10 == 0, at_s=500)
    finding = bench.findings[0]
    assert (finding.kind, finding.subject, finding.action) == ("collapse", "4479110", action)
    assert "% delivered" in finding.detail
    answer = bench.send("447911000001", at_s=501)
    assert (answer is None) == (action == "monitor")
    assert answer is None or answer.command_status == ESME_RTHROTTLED
    assert bench.send("447700900123", at_s=501) is None


def test_a_prefix_that_is_most_of_the_country_does_not_hide_in_it() -> None:
    """K04: it is compared with the rest."""
    bench = Bench(delivery_collapse="monitor")
    ordinary(bench, 100)
    for n in range(5_000):
        over(bench, f"4479110{n:05d}", False, at_s=100)
    assert bench.kinds == {"collapse"}


def test_few_messages_say_nothing() -> None:
    """Neither few in the prefix nor few elsewhere."""
    bench = Bench(delivery_collapse="monitor")
    ordinary(bench)
    for n in range(40):
        over(bench, f"4479110{n:05d}", False, at_s=500)
    assert not bench.findings
    alone = Bench(delivery_collapse="monitor")
    for n in range(500):
        over(alone, f"4479110{n:05d}", False)
    assert not alone.findings


def test_a_country_that_is_bad_everywhere_is_no_collapse() -> None:
    """A carrier's outage hits all prefixes alike."""
    bench = Bench(delivery_collapse="monitor")
    rng = Random(1)
    for n in range(5_000):
        over(bench, f"4477{rng.randrange(40):03d}00000", rng.random() < 0.2, at_s=n / 10)
    assert not bench.findings


def test_what_no_carrier_had_does_not_count() -> None:
    """Messages cancelled, held and rejected, or expired in our queue tell nothing of a prefix."""
    bench = Bench(delivery_collapse="monitor")
    ordinary(bench)
    for n in range(200):
        over(bench, f"4479110{n:05d}", False, at_s=500, carrier="")
        over(bench, f"4479110{n:05d}", False, at_s=500, state=MessageState.DELETED)
    assert not bench.findings


def test_the_past_fades() -> None:
    """Failures of half a day ago count for nothing today."""
    bench = Bench(delivery_collapse="monitor")
    for n in range(49):
        over(bench, f"4479110{n:05d}", False)
    ordinary(bench, 200)
    for n in range(20):
        over(bench, f"4479110{n:05d}", False, at_s=43_200)
    assert not bench.findings


@pytest.mark.parametrize(("pool", "kinds"), [("gb", {"collapse", "bounces"}), (SANDBOX, set())])
def test_what_a_sandbox_simulates_says_nothing(pool: str, kinds: set[str]) -> None:
    """Neither of a prefix nor of the account, however much is undelivered."""
    bench = Bench(delivery_collapse="monitor", bounces="monitor")
    ordinary(bench)
    for n in range(1_000):
        over(bench, f"4479110{n:05d}", False, at_s=500, pool=pool)
    assert bench.kinds == kinds
