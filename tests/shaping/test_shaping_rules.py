"""Rules: what they measure, when they act, when they stop."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsagg.config.schema import Duration, Rate, ShapingRuleSettings, StatusCode
from smsagg.routing.experience import BINS, bin_of
from smsagg.shaping.rules import STATUSES_FROM, Action, Rule, Subject, binned_percentile_ms, percentile_of
from smsagg.shaping.window import SLOTS, SlidingCounts

SUBJECT = ("alpha", "GB")
BUSY = StatusCode(0x14)


class World:
    """Counters that a test adds to, and a rule that looks at them once a second."""

    def __init__(self, **settings: Any) -> None:
        values: dict[str, Any] = {"name": "rule", "action": "slow", "country": "*", "window": Duration(60.0)}
        self.rule = Rule(ShapingRuleSettings(**(values | settings)), [BUSY])
        self.counts = [0] * (STATUSES_FROM + 1)
        self.responses: list[tuple[float, float]] = []
        self.now = 1_000.0
        self.action: Action | None = None
        self.began: list[float] = []
        self.ended: list[float] = []

    def subjects(self) -> dict[Subject, tuple[int, ...]]:
        return {SUBJECT: tuple(self.counts)}

    def response_ms(self, subject: Subject, since: float) -> list[float]:
        return [ms for at, ms in self.responses if at >= since]

    def add(
        self,
        accepted: int = 0,
        throttled: int = 0,
        temporary: int = 0,
        permanent: int = 0,
        in_doubt: int = 0,
        delivered: int = 0,
        failed: int = 0,
        busy: int = 0,
        receipt_ms: int = 1_000,
    ) -> None:
        added = (accepted, throttled, temporary, permanent, in_doubt, delivered, failed)
        for i, count in enumerate(added):
            self.counts[i] += count
        self.counts[7 + bin_of(receipt_ms)] += delivered + failed
        self.counts[STATUSES_FROM] += busy

    def run(self, seconds: int, **per_second: int) -> None:
        for _ in range(seconds):
            self.now += 1
            self.add(**per_second)
            measured = self.rule.measure(SUBJECT, self, self.now)
            action = self.rule.action_on(SUBJECT)
            if action is None:
                begun = None if measured is None else self.rule.look(SUBJECT, measured, self.now)
                if begun is not None:
                    self.rule.begin(begun, self.now)
                    self.action = begun
                    self.began.append(self.now)
            elif self.rule.is_over(action, measured, self.now):
                self.ended.append(self.now)


@pytest.mark.parametrize(
    ("condition", "good", "bad"),
    [
        ({"error_share": 0.5}, {"accepted": 6, "permanent": 4}, {"accepted": 4, "throttled": 3, "in_doubt": 3}),
        ({"temporary_share": 0.3}, {"accepted": 7, "throttled": 2, "temporary": 1}, {"accepted": 7, "temporary": 3}),
        ({"status_share": 0.2, "statuses": (BUSY,)}, {"accepted": 10, "busy": 1}, {"accepted": 8, "busy": 2}),
        ({"status_count": 100, "statuses": (BUSY,)}, {"accepted": 10, "busy": 1}, {"accepted": 10, "busy": 4}),
        ({"delivery_below": 0.5}, {"delivered": 6, "failed": 4}, {"delivered": 4, "failed": 6}),
        (
            {"receipt_latency": Duration(30.0)},
            {"delivered": 5, "receipt_ms": 20_000},
            {"delivered": 5, "receipt_ms": 120_000},
        ),
    ],
)
def test_conditions(condition: dict[str, Any], good: dict[str, int], bad: dict[str, int]) -> None:
    """Each holds for bad traffic within a window, and not for good traffic, for however long."""
    world = World(**condition)
    world.run(120, **good)
    assert world.action is None
    world.run(65, **bad)
    assert world.action is not None
    assert world.action.reason.startswith("rule: ")


def test_response_latency() -> None:
    """The percentile of sampled answers."""
    world = World(response_latency=Duration(5.0), percentile=0.9, samples_min=10)
    world.responses = [(1_005.0, 100.0)] * 90 + [(1_005.0, 9_000.0)] * 9
    world.run(20)
    assert world.action is None
    world.responses += [(1_020.0, 9_000.0)] * 5
    world.run(1)
    assert world.action is not None


def test_too_few_samples_conclude_nothing() -> None:
    """Whatever they are."""
    world = World(error_share=0.5, samples_min=50)
    world.run(10, temporary=4)
    assert world.action is None
    world.run(10, temporary=4)
    assert world.action is not None


def test_an_action_ends_by_its_time_and_is_judged_by_what_came_after() -> None:
    """Old errors neither prolong it nor begin another one."""
    world = World(error_share=0.5, lasting=Duration(30.0), action="suspend")
    world.run(10, temporary=10)
    assert len(world.began) == 1
    world.run(100)
    assert [round(ended - world.began[0]) for ended in world.ended] == [30]
    assert len(world.began) == 1


def test_it_goes_on_while_the_reason_is_there() -> None:
    """With hysteresis: better than the threshold is not yet good."""
    world = World(error_share=0.5, hysteresis=0.2, lasting=Duration(30.0))
    world.run(10, accepted=4, temporary=6)
    world.run(100, accepted=56, temporary=44)
    assert world.ended == []
    world.run(100, accepted=70, temporary=30)
    assert len(world.ended) == 1
    assert len(world.began) == 1


def test_the_rate_is_half_of_what_was_taken() -> None:
    """Or what the rule says."""
    world = World(error_share=0.5, factor=0.5)
    world.run(30, accepted=10, temporary=1)
    world.run(30, accepted=10, temporary=30)
    assert world.action is not None
    assert world.action.rate_per_s == pytest.approx(5, rel=0.2)
    fixed = World(error_share=0.5, rate=Rate(7.0))
    fixed.run(10, temporary=10)
    assert fixed.action is not None
    assert fixed.action.rate_per_s == 7.0


@pytest.mark.parametrize(
    ("settings", "subjects"),
    [
        ({"carrier": "*", "country": ""}, {("alpha", ""), ("beta", "")}),
        ({"carrier": "*", "country": "*"}, {("alpha", "GB"), ("alpha", "VN"), ("beta", "GB")}),
        ({"carrier": "alpha", "country": "*"}, {("alpha", "GB"), ("alpha", "VN")}),
        ({"carrier": "beta", "country": "GB"}, {("beta", "GB")}),
    ],
)
def test_subjects(settings: dict[str, str], subjects: set[Subject]) -> None:
    """Stars mean each by itself; no country means all that the carrier does, as one."""
    rule = World(error_share=0.5, **settings).rule
    every = {("alpha", ""), ("alpha", "GB"), ("alpha", "VN"), ("beta", ""), ("beta", "GB")}
    assert {subject for subject in every if rule.concerns(subject)} == subjects


@given(st.lists(st.tuples(st.floats(0.1, 20.0), st.integers(0, 9)), min_size=1, max_size=150))
def test_a_window_counts_what_happened_within_it(steps: list[tuple[float, int]]) -> None:
    """Never more than within a slot more, never less than within a slot less, of looks that come often enough."""
    window, now, total = SlidingCounts(60.0), 0.0, 0
    window.look((0,), now)
    events: list[tuple[float, int]] = []
    for pause, count in steps:
        now += pause
        total += count
        events.append((now, count))
        (before,), elapsed = window.look((total,), now)
        seen = total - before
        since = now - elapsed
        assert seen == sum(count for at, count in events if at > since + 1e-6)
        assert elapsed <= 60 + 20 + 60 / SLOTS


def test_percentiles() -> None:
    """Of samples, and of bins, where it is a lower bound within a factor of two."""
    assert percentile_of([], 0.5) == 0
    assert percentile_of([3.0, 1.0, 2.0], 0.5) == 2.0
    assert percentile_of([1.0, 2.0], 0.99) == 2.0
    bins = [0] * BINS
    for latency_ms in (1_000, 1_100, 60_000):
        bins[bin_of(latency_ms)] += 1
    assert 500 <= binned_percentile_ms(bins, 0.5) <= 1_100
    assert 30_000 <= binned_percentile_ms(bins, 0.99) <= 60_000
