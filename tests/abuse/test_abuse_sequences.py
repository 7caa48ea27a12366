"""Runs of neighbouring numbers are found, and ordinary traffic is left alone."""

from random import Random

import pytest
from abuse_bench import NOW, Bench

from smsagg.abuse.sequences import Sequences
from smsagg.smpp.status import ESME_RTHROTTLED

RUN = [f"2637710{n:05d}" for n in range(10_000)]


def test_ten_thousand_sequential_numbers_are_stopped_after_a_few() -> None:
    """K01: OTP pumping in one prefix raises one alarm and is blocked; the rest of the account is unaffected."""
    bench = Bench(sequences="block")
    rng = Random(1)
    refused = taken = 0
    for n, digits in enumerate(RUN):
        answer = bench.send(digits, at_s=n / 50, country="ZW")
        taken += answer is None
        refused += answer is not None and answer.command_status == ESME_RTHROTTLED
        assert bench.send(f"4477{rng.randrange(10**8):08d}", at_s=n / 50) is None
    assert taken == 50
    assert refused == 9_950
    assert bench.kinds == {"sequence"}
    assert len(bench.findings) == 1
    assert (bench.findings[0].subject, bench.findings[0].action) == ("2637710", "block")


@pytest.mark.parametrize("step", [1, 2])
def test_a_shuffled_run_among_other_traffic_is_found(step: int) -> None:
    """K01: neither another order nor gaps nor messages in between hide it."""
    bench = Bench(sequences="monitor")
    rng = Random(2)
    run = RUN[:1_000:step]
    rng.shuffle(run)
    for n, digits in enumerate(run):
        assert bench.send(digits, at_s=n / 10, country="ZW") is None
        for _ in range(10):
            assert bench.send(f"4477{rng.randrange(10**8):08d}", at_s=n / 10) is None
    assert {finding.subject for finding in bench.findings} == {"2637710"}


def test_a_throttled_prefix_keeps_a_trickle_and_is_free_again_later() -> None:
    """K01: throttle leaves ten a minute; after block_for all is as before."""
    bench = Bench(sequences="throttle", block_for=600.0)
    answers = [bench.send(digits, at_s=10, country="ZW") for digits in RUN[:500]]
    assert answers.count(None) == 50 + 10
    assert bench.send(RUN[700], at_s=11) is not None
    assert bench.send(RUN[700], at_s=700) is None
    assert not bench.checks.blocked


def test_a_companys_own_numbers_can_be_exempt() -> None:
    """Messages to all numbers of a range that the operator knows are no run."""
    bench = Bench(sequences="block", sequences_exempt=("2637710",))
    assert all(bench.send(digits) is None for digits in RUN[:200])
    assert not bench.findings


def test_the_same_number_again_and_again_is_no_run() -> None:
    """Only different numbers count."""
    bench = Bench(sequences="block")
    assert all(bench.send(RUN[n % 40]) is None for n in range(1_000))
    assert not bench.findings


def test_a_slow_walk_leaves_the_window() -> None:
    """Numbers further apart in time than the window are not looked at together."""
    sequences = Sequences(20, 2, 600.0, 1_000)
    found = [sequences.note(digits, NOW + 60_000 * n) for n, digits in enumerate(RUN[:500])]
    assert not any(found)


@pytest.mark.parametrize("seed", range(3))
def test_ordinary_traffic_raises_no_alarm(seed: int) -> None:
    """A day of it in simulation: 60,000 one-time passwords to random subscribers of 40 ranges, every tenth to a recent
    one, and a campaign to 25,000 subscribers in the order of their numbers, one in forty numbers: not one alarm."""
    rng = Random(seed)
    sequences = Sequences(50, 2, 600.0, 100_000)
    ranges = [f"447{rng.randrange(1000):03d}" for _ in range(40)]
    alarms = 0
    recent = ["447700900123"]
    for n in range(60_000):
        digits = rng.choice(recent) if rng.random() < 0.1 else f"{rng.choice(ranges)}{rng.randrange(10**6):06d}"
        recent = [*recent[-20:], digits]
        alarms += bool(sequences.note(digits, NOW + n * 1_440))
    for number in range(0, 10**6, 40):
        digits = f"{ranges[0]}{number + rng.randrange(40):06d}"
        alarms += bool(sequences.note(digits, NOW + number // 40 * 4))
    assert alarms == 0


def test_thousands_are_bounded() -> None:
    """A flood over all numbers of the world stays within the bound."""
    sequences = Sequences(50, 2, 600.0, 1_000)
    rng = Random(4)
    for n in range(20_000):
        sequences.note(str(rng.randrange(10**11, 10**12)), NOW + n)
    assert len(sequences) <= 1_000
