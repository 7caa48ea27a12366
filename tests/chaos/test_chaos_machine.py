"""What the harness believes of the server's clock."""

import pytest

from tools.chaos import machine
from tools.chaos.checker.times import ahead_s
from tools.chaos.history import ClockStep, Start
from tools.chaos.machine import ServerClock


def test_the_clock_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set forward it follows, set back it stays, and after a start it is right again."""
    now = 0.0
    monkeypatch.setattr(machine.time, "monotonic", lambda: now)
    clock = ServerClock()
    for began_at, ahead in ((10.0, -50.0), (20.0, 0.0), (30.0, 50.0), (40.0, 0.0)):
        now = began_at + 1
        clock.was_set(ahead, began_at)
    steps = clock.steps([Start(1.0, 2.0), Start(50.0, 52.0)])
    assert steps[3:] == [ClockStep(30.0, 31.0, 50.0), ClockStep(40.0, 41.0, 50.0), ClockStep(50.0, 52.0, 0.0)]
    assert {step.ahead_s for step in steps[:3]} == {0.0}
    assert ahead_s(steps, 5.0, 29.0) == {0.0}
    assert ahead_s(steps, 30.5, 30.6) == {0.0, 50.0}
    assert ahead_s(steps, 32.0, 49.0) == {50.0}
    assert ahead_s(steps, 60.0, 61.0) == {0.0}


def test_a_clock_that_nobody_set() -> None:
    """Starts alone say nothing of time."""
    assert ServerClock().steps([Start(1.0, 2.0)]) == []
