"""The plan of probes: spread, sooner for the doubted, and within a day's bounds."""

from smsagg.config.schema import Amount, Duration, ProbeSettings
from smsagg.routing.probe_plan import BETWEEN_MIN_S, ProbePlan


def plan(carriers: str = "abc", every: float = 900, **values: object) -> ProbePlan:
    settings = ProbeSettings(
        pool="gb",
        number="447700900999",
        expected="undeliverable",
        every=Duration(every),
        **values,  # type: ignore[arg-type]
    )
    return ProbePlan(settings, list(carriers), 0.0)


def test_the_first_probes_are_spread() -> None:
    """Over the time between two."""
    planned = plan()
    assert [len(planned.due(now)) for now in (0, 299, 300, 600, 900)] == [0, 0, 1, 2, 3]


def test_who_is_doubted_is_due_sooner() -> None:
    """A fifth of the time after his last, and never at once again."""
    planned = plan()
    planned.sent("a", 0, 1_000.0)
    assert "a" not in planned.due(1_179.0, ["a"])
    assert "a" in planned.due(1_180.0, ["a"])
    assert "a" not in planned.due(1_180.0)
    assert "a" in planned.due(1_900.0)
    often = plan("a", every=60)
    often.sent("a", 0, 0.0)
    assert not often.due(BETWEEN_MIN_S - 1, ["a"])
    assert often.due(BETWEEN_MIN_S, ["a"])


def test_who_could_not_be_probed_is_due_soon() -> None:
    """Not at the next look."""
    planned = plan()
    planned.postponed("a", 1_000.0)
    assert "a" not in planned.due(1_001.0)
    assert "a" in planned.due(1_000.0 + BETWEEN_MIN_S)


def test_a_day_is_bounded_by_number_and_cost() -> None:
    """The next day has room again."""
    planned = plan(messages_per_day_max=2, cost_per_day_max=Amount(100))
    assert planned.has_room(1, 60)
    planned.sent("a", 60, 0.0)
    assert not planned.has_room(1, 60)
    assert planned.has_room(1, 40)
    planned.sent("a", 40, 0.0)
    assert not planned.has_room(1, 0)
    assert planned.has_room(2, 60)
