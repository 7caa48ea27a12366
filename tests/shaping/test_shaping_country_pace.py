"""The pace of a country over all its carriers."""

from math import inf

from smsagg.shaping.country_pace import RECOVERY_S, WINDOW_S, CountryPace


class Traffic:
    """So many attempts a second, of which some fail."""

    def __init__(self, pace: CountryPace) -> None:
        self.pace, self.now, self.attempts, self.errors = pace, 100.0, 0, 0

    def run(self, seconds: int, per_s: int, errors: float = 0.0) -> None:
        for _ in range(seconds):
            self.now += 1
            tried = int(min(per_s, self.pace.rate_per_s))
            self.attempts += tried
            self.errors += round(tried * errors)
            self.pace.look(self.attempts, self.errors, self.now)


def test_errors_halve_it_once_a_window() -> None:
    """Each decrease is judged by what came after it, and starts from what really went."""
    traffic = Traffic(CountryPace(None, 0.5, 20))
    traffic.run(20, 100)
    assert traffic.pace.rate_per_s == inf
    traffic.run(int(WINDOW_S) + 2, 100, errors=0.9)
    assert 45 <= traffic.pace.rate_per_s <= 75
    assert traffic.pace.is_lowered
    traffic.run(60, 100, errors=0.9)
    assert traffic.pace.rate_per_s < 15


def test_it_recovers_step_by_step_and_is_lifted() -> None:
    """Without a cap it is lifted at twice of where it stood."""
    traffic = Traffic(CountryPace(None, 0.5, 20))
    traffic.run(10, 100)
    while not traffic.pace.is_lowered:
        traffic.run(1, 100, errors=1.0)
    lowered = traffic.pace.rate_per_s
    traffic.run(10, 100)
    assert lowered + 5 < traffic.pace.rate_per_s < lowered + 25
    traffic.run(int(2.5 * RECOVERY_S), 100)
    assert traffic.pace.rate_per_s == inf


def test_a_cap_is_never_passed() -> None:
    """Nor lowered by a few failures, or by too few attempts to tell."""
    traffic = Traffic(CountryPace(50.0, 0.5, 20))
    assert traffic.pace.rate_per_s == 50
    traffic.run(30, 100, errors=0.3)
    assert traffic.pace.rate_per_s == 50
    traffic.run(3, 2, errors=1.0)
    assert traffic.pace.rate_per_s == 50
    traffic.run(30, 100, errors=1.0)
    assert traffic.pace.rate_per_s < 20
    traffic.run(int(2 * RECOVERY_S), 100)
    assert traffic.pace.rate_per_s == 50


def test_without_adapting_the_cap_alone_counts() -> None:
    """Whatever goes wrong."""
    traffic = Traffic(CountryPace(50.0, None, 20))
    traffic.run(60, 100, errors=1.0)
    assert traffic.pace.rate_per_s == 50
