"""The timers as values: no clock and no sleep (B01, B02, B13, B14)."""

from math import inf

from hypothesis import given
from hypothesis import strategies as st

from smsagg.smpp.timers import Due, Timers, TimerSettings

SETTINGS = TimerSettings(
    session_init_timeout_s=5.0, enquire_link_interval_s=30.0, inactivity_timeout_s=100.0, response_timeout_s=10.0
)


def bound(settings: TimerSettings = SETTINGS) -> Timers:
    timers = Timers(settings, 0.0, expects_bind=True)
    timers.bound()
    return timers


def test_session_init_fires_once_nobody_bound() -> None:
    """At its time, not before."""
    timers = Timers(SETTINGS, 100.0, expects_bind=True)
    assert timers.next_at() == 105.0
    assert timers.due(104.9) is None
    assert timers.due(105.0) is Due.SESSION_INIT


def test_session_init_is_not_extended_by_traffic() -> None:
    """A peer that only sends enquire_link is cut like a silent one."""
    timers = Timers(SETTINGS, 0.0, expects_bind=True)
    timers.pdu_received(4.0, is_transaction=True)
    assert timers.due(5.0) is Due.SESSION_INIT


def test_session_init_waits_for_the_answer_to_a_bind() -> None:
    """A slow password check is not the peer's fault; a refused bind does not buy time."""
    timers = Timers(SETTINGS, 0.0, expects_bind=True)
    assert timers.due(6.0, binding=True) is None
    assert timers.due(6.0) is Due.SESSION_INIT


def test_an_esme_has_no_session_init() -> None:
    """It is the one to bind."""
    assert Timers(SETTINGS, 0.0, expects_bind=False).next_at() == inf


def test_a_silent_peer_is_asked_and_then_given_up() -> None:
    """enquire_link after the interval, the end after the response timeout."""
    timers = bound()
    assert timers.next_at() == 30.0
    assert timers.due(30.0) is Due.SEND_ENQUIRE_LINK
    assert timers.due(30.0) is None
    assert timers.next_at() == 40.0
    assert timers.due(39.9) is None
    assert timers.due(40.0) is Due.PEER_SILENT


def test_any_pdu_is_a_sign_of_life() -> None:
    """It answers our question and starts the interval anew."""
    timers = bound()
    timers.due(30.0)
    timers.pdu_received(35.0, is_transaction=True)
    assert timers.due(60.0) is None
    assert timers.next_at() == 65.0


def test_answers_to_enquire_link_do_not_keep_a_session() -> None:
    """Who says nothing of its own is cut at the inactivity timer."""
    timers = bound()
    now = 0.0
    while (now := timers.next_at()) < 100.0:  # each turn is an interval later
        assert timers.due(now) is Due.SEND_ENQUIRE_LINK
        timers.pdu_received(now + 1, is_transaction=False)
    assert timers.due(now) is Due.INACTIVITY


def test_a_peer_that_enquires_itself_is_kept() -> None:
    """Its own enquire_link every 20 s holds a session for ever."""
    timers = bound()
    for now in range(20, 2000, 20):
        assert timers.due(float(now)) is None
        timers.pdu_received(float(now), is_transaction=True)


def test_infinity_turns_a_timer_off() -> None:
    """Nothing fires, ever."""
    timers = bound(TimerSettings(inf, inf, inf, inf, inf))
    assert timers.next_at() == inf
    assert timers.due(1e12) is None


@given(st.lists(st.tuples(st.floats(0, 50), st.booleans()), max_size=40))
def test_nothing_is_due_before_next_at_and_something_is_then(steps: list[tuple[float, bool]]) -> None:
    """next_at is a promise in both directions, whatever came in between."""
    timers = bound()
    now = 0.0
    for seconds, is_transaction in steps:
        at = timers.next_at()
        if now + seconds < at:
            now += seconds
            assert timers.due(now) is None
            timers.pdu_received(now, is_transaction=is_transaction)
        else:
            now = at
            if timers.due(now) is not Due.SEND_ENQUIRE_LINK:
                return
