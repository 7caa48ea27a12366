"""The judgement of carriers: falls fast, rises slowly, sees silence, doubts the impossible, believes its probes."""

from collections.abc import Callable, Iterator
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsagg.config.schema import Duration, QualitySettings
from smsagg.routing.experience import Experience
from smsagg.routing.quality import KEPT_MS, PRIOR_DELIVERY, Quality

NOW = 1_700_000_000_000
STEP_S = 2
Behaviour = Callable[[Random], tuple[bool, float] | None]
"""Delivered, and after how many seconds it is reported; ``None``: never."""


def honest(share: float = 0.97, median_s: float = 6.0) -> Behaviour:
    return lambda rng: (rng.random() < share, median_s * rng.lognormvariate(0, 0.6))


def liar(rng: Random) -> tuple[bool, float]:
    return True, 0.05 * rng.random()


def swallower(_rng: Random) -> None:
    return None


class Judge:
    """Carriers in one country, a judge, and time."""

    def __init__(self, seed: int = 1, **values: float) -> None:
        self.rng = Random(seed)
        self.experience = Experience()
        self.quality = Quality(QualitySettings(**values), self.experience)
        self.now = NOW
        self.reports: list[tuple[int, str, bool, int]] = []

    def live(self, seconds: int, traffic: dict[str, tuple[float, Behaviour]]) -> Iterator[int]:
        """Messages a second and behaviour of each carrier; yields after each sample the seconds that passed."""
        for step in range(0, seconds, STEP_S):
            for carrier, (rate, behaviour) in traffic.items():
                cell = self.experience.cell(carrier, "GB")
                for _ in range(int(rate * STEP_S)):
                    cell.took(self.now)
                    fate = behaviour(self.rng)
                    if fate is not None:
                        self.reports.append((self.now + int(fate[1] * 1000), carrier, fate[0], self.now))
            self.now += STEP_S * 1000
            self.reports.sort()
            while self.reports and self.reports[0][0] <= self.now:
                at, carrier, is_delivered, taken_at = self.reports.pop(0)
                self.experience.cell(carrier, "GB").reported(is_delivered, taken_at, at)
            self.quality.sample(self.now)
            yield step + STEP_S

    def pass_time(self, seconds: int, traffic: dict[str, tuple[float, Behaviour]]) -> None:
        for _ in self.live(seconds, traffic):
            pass

    def score(self, carrier: str) -> float:
        return self.quality.score(carrier, "GB")


def test_who_was_never_seen_is_expected_to_be_a_little_worse_than_its_country() -> None:
    """And a country that was never seen to be good."""
    judge = Judge()
    assert judge.score("alpha") == PRIOR_DELIVERY
    judge.pass_time(300, {"alpha": (5, honest(0.5))})
    assert 0.4 < judge.score("beta") < judge.score("alpha") < 0.6


def test_a_better_carrier_has_the_better_score() -> None:
    """By what it delivers, and by how soon."""
    judge = Judge()
    judge.pass_time(600, {"good": (5, honest(0.97)), "worse": (5, honest(0.9)), "slow": (5, honest(0.97, 200))})
    assert judge.score("good") > judge.score("worse") + 0.03
    assert judge.score("good") > judge.score("slow") + 0.03


def test_a_carrier_that_swallows_messages_falls_long_before_they_expire() -> None:
    """Within two minutes, of a half-life of ten."""
    judge = Judge()
    judge.pass_time(1800, {"alpha": (10, honest()), "beta": (2, honest(0.95))})
    assert judge.score("alpha") > judge.score("beta")
    fell_after = next(
        seconds
        for seconds in judge.live(600, {"alpha": (10, swallower), "beta": (2, honest(0.95))})
        if judge.score("alpha") < judge.score("beta")
    )
    assert fell_after <= 60


def test_reports_that_are_usually_missing_are_no_fault() -> None:
    """A carrier that never reports a tenth is as good as it always was; one that misses more than that is not."""
    judge = Judge(half_life=Duration(60))
    missing_some: Behaviour = lambda rng: (True, 5.0) if rng.random() > 0.1 else None  # noqa: E731
    judge.pass_time(7200, {"alpha": (5, missing_some)})
    assert judge.score("alpha") > 0.95
    missing_many: Behaviour = lambda rng: (True, 5.0) if rng.random() > 0.4 else None  # noqa: E731
    judge.pass_time(180, {"alpha": (5, missing_many)})
    assert judge.score("alpha") < 0.8


def test_a_newcomer_that_swallows_everything_falls_at_once_and_stays_down() -> None:
    """Silence is usual for nobody who never spoke, however long it lasts."""
    judge = Judge(half_life=Duration(60))
    traffic: dict[str, tuple[float, Behaviour]] = {"alpha": (5, swallower), "beta": (5, honest(0.9))}
    judge.pass_time(120, traffic)
    assert judge.score("alpha") < 0.3
    for _ in judge.live(7_200, {"alpha": (0.5, swallower), "beta": (1, honest(0.9))}):
        assert judge.score("alpha") < judge.score("beta") - 0.2


def test_errors_cost() -> None:
    """Temporary refusals and silence of the link, not throttling."""
    judge = Judge()
    judge.pass_time(300, {"alpha": (5, honest()), "beta": (5, honest())})
    before = judge.score("alpha")
    judge.experience.cell("alpha", "GB").temporary += 300
    judge.experience.cell("beta", "GB").throttled += 300
    judge.pass_time(2, {})
    assert judge.score("alpha") < before - 0.1
    assert judge.score("beta") == pytest.approx(before, abs=0.02)


def test_permanent_refusals_are_messages_not_delivered() -> None:
    """A carrier that refuses a country for good delivers nothing there."""
    judge = Judge()
    judge.pass_time(300, {"alpha": (5, honest())})
    judge.experience.cell("alpha", "GB").permanent += 3_000
    judge.pass_time(2, {})
    assert judge.score("alpha") < 0.5


def test_a_carrier_that_recovers_rises_again() -> None:
    """Given some messages to show it with."""
    judge = Judge(half_life=Duration(120))
    judge.pass_time(600, {"alpha": (10, honest())})
    judge.pass_time(300, {"alpha": (10, swallower)})
    assert judge.score("alpha") < 0.3
    judge.pass_time(1200, {"alpha": (0.5, honest())})
    assert judge.score("alpha") > 0.85


def test_instant_receipts_are_doubted_at_once() -> None:
    """All delivered, all faster than the carrier itself ever was, or its peers."""
    judge = Judge()
    judge.pass_time(900, {"alpha": (10, honest()), "beta": (2, honest(0.9))})
    doubted_after = next(
        seconds
        for seconds in judge.live(600, {"alpha": (10, liar), "beta": (2, honest(0.9))})
        if judge.score("alpha") < judge.score("beta")
    )
    assert doubted_after <= 30
    judge.pass_time(600, {"alpha": (10, liar), "beta": (2, honest(0.9))})
    assert judge.score("alpha") < 0.5
    assert judge.quality.explain("alpha", "GB").plausibility < 0.5


def test_lies_among_the_last_honest_reports_are_doubted_too() -> None:
    """Honest reports still come when the lies begin, and the first lies make no measure for the next."""
    for behaviour in (liar, lambda rng: (True, 0.6 + 0.3 * rng.random())):
        judge = Judge()
        judge.pass_time(1_500, {"alpha": (10, honest()), "beta": (2, honest(0.9))})
        mixed: Behaviour = lambda rng, lie=behaviour: lie(rng) if rng.random() < 0.4 else honest(1.0)(rng)  # type: ignore[misc] # noqa: E731
        judge.pass_time(30, {"alpha": (10, mixed), "beta": (2, honest(0.9))})
        judge.pass_time(40, {"alpha": (10, behaviour), "beta": (2, honest(0.9))})
        assert judge.score("alpha") < judge.score("beta")


def test_a_newcomer_is_doubted_by_its_peers() -> None:
    """It has no past to compare with."""
    judge = Judge()
    judge.pass_time(300, {"beta": (5, honest()), "gamma": (5, honest())})
    judge.pass_time(60, {"beta": (5, honest()), "gamma": (5, honest()), "alpha": (5, liar)})
    assert judge.score("alpha") < judge.score("beta") / 2


def test_a_carrier_that_was_always_fast_is_believed_when_nobody_is_slower() -> None:
    """A country in which receipts come at once is no evidence against anybody."""
    judge = Judge()
    judge.pass_time(600, {"alpha": (5, liar), "beta": (5, liar)})
    assert judge.score("alpha") > 0.95
    assert judge.score("beta") > 0.95


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.8, 1.0), st.floats(2, 30))
def test_honest_carriers_are_not_doubted(seed: int, share: float, median_s: float) -> None:
    """Whatever chance does with their latencies."""
    judge = Judge(seed)
    judge.pass_time(240, {"alpha": (3, honest(share, median_s)), "beta": (3, honest(0.9, 10))})
    assert judge.quality.explain("alpha", "GB").plausibility == 1.0


def test_probes_make_a_carrier_false_and_true_again() -> None:
    """One wrong answer is enough; it takes two right ones in a row to be believed again."""
    judge = Judge()
    judge.pass_time(300, {"alpha": (5, honest())})
    assert judge.quality.probed("alpha", "GB", False, judge.now)
    assert (judge.score("alpha"), judge.quality.is_false("alpha", "GB")) == (0.0, True)
    assert not judge.quality.probed("alpha", "GB", True, judge.now)
    assert not judge.quality.probed("alpha", "GB", False, judge.now)
    assert not judge.quality.probed("alpha", "GB", True, judge.now)
    judge.pass_time(10, {"alpha": (5, honest())})
    assert judge.score("alpha") == 0.0
    assert judge.quality.probed("alpha", "GB", True, judge.now)
    assert judge.score("alpha") > 0.9
    assert not judge.quality.probed("alpha", "GB", True, judge.now)


def test_conversions_tell_who_delivers_to_people() -> None:
    """Codes that nobody types in were not delivered, whatever the receipts say."""
    judge = Judge()
    for _ in judge.live(300, {"alpha": (5, honest()), "beta": (5, honest())}):
        judge.experience.on_feedback("alpha", "GB", False, 8)
        judge.experience.on_feedback("alpha", "GB", True, 2)
        judge.experience.on_feedback("beta", "GB", True, 8)
        judge.experience.on_feedback("beta", "GB", False, 2)
    assert judge.score("alpha") < judge.score("beta") / 2


def test_scores_outlive_a_restart() -> None:
    """What changed is kept, aged by the time between, and a carrier that was false still is."""
    judge = Judge()
    judge.pass_time(900, {"alpha": (5, honest(0.6)), "beta": (5, honest())})
    judge.quality.probed("beta", "GB", False, judge.now)
    kept = dict(judge.quality.take_changed())
    assert judge.quality.take_changed() == []
    later = Judge()
    for key, record in kept.items():
        later.quality.restore(key, record, judge.now + 1000)
    assert later.score("alpha") == pytest.approx(judge.score("alpha"), abs=0.05)
    assert later.quality.is_false("beta", "GB")
    assert not later.quality.restore(("gamma", "GB"), {"lasting": {"older": 1}, "at": "never"}, NOW)
    assert not later.quality.restore(("alpha", "GB"), kept["alpha", "GB"], judge.now + KEPT_MS + 1)
    assert later.quality.restore(("gamma", "GB"), {"lasting": {"older": 1}, "at": NOW}, NOW)
    assert later.score("gamma") > 0


def test_a_clock_that_steps_back_breaks_nothing() -> None:
    """Time that did not pass ages nothing."""
    judge = Judge()
    judge.pass_time(100, {"alpha": (5, honest())})
    judge.now -= 3_600_000
    judge.pass_time(20, {"alpha": (5, honest())})
    assert judge.score("alpha") > 0.8


def test_a_score_says_what_it_is_made_of() -> None:
    """For people who ask why."""
    judge = Judge()
    judge.pass_time(300, {"alpha": (5, honest())})
    assert "delivery 9" in str(judge.quality.explain("alpha", "GB"))
    judge.quality.probed("alpha", "GB", False, judge.now)
    assert "false receipts" in str(judge.quality.explain("alpha", "GB"))
    assert set(judge.quality.scores()) == {("alpha", "GB")}
