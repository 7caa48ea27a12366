"""Recovery, timers, others, footprint, answers, starts: each promise has a history that breaks it and no other."""

import pytest
from attrs import evolve
from chaos_histories import broken_by, sound_history, with_row

from tools.chaos.history import (
    CarrierSubmit,
    Enquiry,
    Fault,
    History,
    Phases,
    Reply,
    Sample,
    Stall,
    Start,
    Submit,
)


def refused_submits(number_of: int, at: float, answered_after_s: float, account: str = "main") -> list[Submit]:
    """Submits that got an answer, and no more: they are nobody's loss."""
    return [
        Submit(
            f"r{account}{at}{n}",
            account,
            1,
            at + n / 100,
            reply=Reply.FAIL,
            answered_at=at + n / 100 + answered_after_s,
        )
        for n in range(number_of)
    ]


def test_nothing_taken_after_the_faults() -> None:
    """L1: an account's messages are all refused when everything is well again."""
    history = with_row(sound_history())
    history.phases = Phases(0.0, healed_at=10.0, load_ended_at=14.0)
    history.submits += refused_submits(5, 11.0, 0.1)
    assert broken_by(history) == {"L1"}
    history.phases.healed_at = 0.5
    assert not broken_by(history)


def test_backlog_that_does_not_drain() -> None:
    """L1: what waited is worked off at a quarter of the run's pace, after some seconds, or the machine stalled."""
    history = with_row(sound_history())
    history.phases = Phases(0.0, 0.5, load_ended_at=1.5, backlog=1, drained_at=24.0)
    assert not broken_by(history)
    history.phases.drained_at = 29.0
    assert broken_by(history) == {"L1"}
    history.stalls.append(Stall(10.0, 14.0))
    assert not broken_by(history)


def test_stuck() -> None:
    """L1: a message is due, and since the load ended nothing at all was sent."""
    history = with_row(sound_history())
    history.submits.append(Submit("n2", "main", 1, 1.0))
    with_row(history, nonce="n2", message_id="id2", state=0, carrier="", carrier_message_id="", is_live=True)
    history.store.dumped_at_ms = 90_000
    history.is_drained = False
    history.phases = Phases(0.0, 0.5, load_ended_at=1.5, given_up_at=11.0)
    assert not broken_by(history)
    history.phases.given_up_at = 13.0
    assert broken_by(history) == {"L1"}
    history.store.messages[-1].due_at_ms = 85_000
    assert not broken_by(history)


@pytest.mark.parametrize("what", ["session", "message", "parked receipt"])
def test_outlives_its_timer(what: str) -> None:
    """L2: something is there still, long after its time."""
    history = with_row(sound_history())
    history.rules = evolve(history.rules, parked_receipt_ttl_s=30.0)
    history.store.dumped_at_ms = 1_000_000
    if what == "session":
        history.overdue.append("a half-open link was not ended")
    elif what == "message":
        history.submits.append(Submit("n2", "main", 1, 1.0))
        with_row(history, nonce="n2", message_id="id2", state=0, carrier="", carrier_message_id="", is_live=True)
    else:
        history.store.parked_at_ms.append(800_000)
    assert broken_by(history) == {"L2"}


def struck(offered: int, sent_before: int, sent_during: int) -> History:
    """gamma is away for three seconds; meanwhile messages go to the other pool."""
    history = with_row(sound_history())
    history.faults.append(Fault("mute", "gamma", 100.0, 103.0))
    for number in range(offered):
        nonce, message_id = f"n5{number}", f"id5{number}"
        submit = Submit(nonce, "main", 1, 100.0 + number / 100, 0, reply=Reply.OK, message_id=message_id, pool="world")
        submit.answered_at = submit.invoked_at + 0.1
        history.submits.append(submit)
        with_row(history, nonce=nonce, message_id=message_id, state=6, carrier_message_id=nonce)
        at = 200.0 if number >= sent_during else 100.5 + number / 100
        history.carrier_submits.append(CarrierSubmit(at, 0, "alpha", nonce, nonce))
    history.submits.append(Submit("n6", "main", 1, 90.0))
    with_row(history, nonce="n6", message_id="id6", state=3, carrier_message_id="", done_at_ms=90_000)
    history.carrier_submits += [CarrierSubmit(98.0, 0, "alpha", "n6", "", 0x58) for _ in range(sent_before)]
    return history


def test_another_pool_is_choked() -> None:
    """L3: while one carrier is struck, the others get what they got before, or what there is."""
    assert not broken_by(struck(offered=100, sent_before=80, sent_during=60))
    assert broken_by(struck(offered=100, sent_before=80, sent_during=10)) == {"L3"}
    assert not broken_by(struck(offered=100, sent_before=0, sent_during=10))


def test_others_are_answered_late() -> None:
    """L3: while one account's client is struck, another's messages are acknowledged as ever."""
    history = with_row(sound_history())
    history.faults.append(Fault("half-open", "esme", 100.0, 103.0, account="main"))
    history.submits += refused_submits(100, 100.5, 2.5, account="main")
    assert not broken_by(history)
    history.submits += refused_submits(100, 100.5, 2.5, account="other")
    assert broken_by(history) == {"L3"}
    history.stalls.append(Stall(100.0, 101.0))
    assert not broken_by(history)


SAMPLE = Sample(0.0, 1, 50 << 20, 40, 10, 1 << 20, tasks=60, connections=6)


@pytest.mark.parametrize(
    "change",
    [
        {"rss_octets": 500 << 20},
        {"fds": 300},
        {"threads": 100},
        {"wal_octets": 200 << 20},
        {"tasks": 2_000},
        {"rss_octets": 200 << 20},
        {"fds": 90},
        {"threads": 30},
        {"tasks": 120},
    ],
)
def test_footprint_grows(change: dict[str, int]) -> None:
    """L4: a cap is passed, or what was taken is not given back."""
    history = with_row(sound_history())
    history.samples = [evolve(SAMPLE, at=float(at)) for at in range(10)]
    assert not broken_by(history)
    history.samples.append(evolve(SAMPLE, at=10.0, **change))
    assert broken_by(history) == {"L4"}


def test_first_samples_come_while_sessions_are_made() -> None:
    """L4: what the load needs is what it took when everybody had come."""
    history = with_row(sound_history())
    history.samples = [evolve(SAMPLE, at=float(at)) for at in range(10)]
    history.samples[0].fds = history.samples[1].fds = 20
    assert not broken_by(history)


def test_footprint_under_load_may_differ() -> None:
    """L4: in between it may grow up to the cap, and while clients are away it says nothing."""
    history = with_row(sound_history())
    history.samples = [evolve(SAMPLE, at=float(at)) for at in range(10)]
    history.samples[5].tasks = 500
    history.samples.append(evolve(SAMPLE, at=11.0, tasks=500, connections=2))
    assert not broken_by(history)


def test_enquire_link_answered_late() -> None:
    """L5: a second is the bound, but for the time in which there was no server or no machine."""
    history = with_row(sound_history())
    history.enquiries.append(Enquiry(10.0, 11.5))
    assert broken_by(history) == {"L5"}
    history.stalls.append(Stall(10.2, 10.8))
    assert not broken_by(history)
    history.stalls.clear()
    history.faults.append(Fault("stop", "server", 10.0, 11.4))
    assert not broken_by(history)


def test_enquire_link_never_answered() -> None:
    """L5: a session that ends without an answer was silent until then."""
    history = with_row(sound_history())
    history.enquiries.append(Enquiry(10.0, session_ended_at=10.5))
    assert not broken_by(history)
    history.enquiries.append(Enquiry(20.0, session_ended_at=25.0))
    assert broken_by(history) == {"L5"}


def test_slow_start() -> None:
    """L6: a server that takes too long before it takes binds."""
    history = with_row(sound_history())
    history.starts.append(Start(0.0, 15.0))
    assert not broken_by(history)
    history.starts.append(Start(30.0, 55.0))
    assert broken_by(history) == {"L6"}
