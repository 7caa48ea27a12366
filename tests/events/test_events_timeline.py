"""What is told of one message from its own records."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from smsagg.events.timeline import timeline_of
from smsagg.model import Cause, Event, Message, MessageState
from smsagg.model.trail import with_attempt, with_note, with_outcome
from smsagg.testing.gateway import make_message

NOW = 1_800_000_000_000


def message(trail: str = "", **fields: Any) -> Message:
    return make_message(NOW, seq=1, message_id="m1", trail=trail, **fields)


def kinds(whole: Message, *noted: Event) -> list[str]:
    return [one.kind.removeprefix("message.") for one in timeline_of(whole, [whole], noted)]


def trail_of(*outcomes: str) -> str:
    trail = ""
    for place, outcome in enumerate(outcomes):
        trail = with_attempt(trail, 1000 * (place + 1), "mersey/1|least_cost 0.0210 EUR")
        trail = with_outcome(trail, outcome) if outcome else trail
    return trail


def test_a_life_without_followers_is_told_whole() -> None:
    """Each attempt with its outcome; of carriers and what they cost not a word."""
    whole = message(
        trail_of("ESME_RTHROTTLED throttled", "accepted"), state=MessageState.DELIVERED, done_at=NOW + 9_000
    )
    assert kinds(whole) == ["accepted", "queued", "attempt", "attempt", "sent", "delivered"]
    told = timeline_of(whole, [whole], ())
    assert [one.data["outcome"] for one in told if one.kind == "message.attempt"] == [
        "ESME_RTHROTTLED throttled", "accepted",
    ]  # fmt: skip
    assert [one.at - NOW for one in told] == [0, 0, 1000, 2000, 2000, 9000]
    assert "mersey" not in str(told)
    assert "0.0210" not in str(told)


def test_an_end_says_why() -> None:
    """State, cause and the code that came with it."""
    whole = message(
        trail_of("accepted"), state=MessageState.UNDELIVERABLE, done_at=NOW + 5_000, cause=Cause.ABSENT_SUBSCRIBER,
        error_code=27,
    )  # fmt: skip
    end = timeline_of(whole, [whole], ())[-1]
    assert (end.kind, end.data) == (
        "message.failed", {"state": "undelivered", "cause": "absent_subscriber", "error_code": 27},
    )  # fmt: skip


def test_what_a_carrier_took_without_a_receipt_is_sent_once() -> None:
    """That was its end."""
    assert kinds(message(trail_of("accepted"), state=MessageState.ACCEPTED, done_at=NOW + 1_000)) == [
        "accepted", "queued", "attempt", "sent",
    ]  # fmt: skip


def test_what_operators_did_is_no_attempt() -> None:
    """Notes in the trail are theirs."""
    assert kinds(message(with_note("", 0, "held by content rule gambling"))) == ["accepted", "queued"]


def test_what_was_noted_has_its_id_and_its_time() -> None:
    """Those under which endpoints were told; that it was held is known from there."""
    noted = [
        Event(7, "acme", "message.queued", NOW + 3, "m1", b"{}"),
        Event(8, "acme", "message.held", NOW + 3, "m1", b"{}"),
    ]
    told = timeline_of(message(), [message()], noted)
    assert [(one.kind, one.event_id, one.at - NOW) for one in told] == [
        ("message.accepted", 0, 0), ("message.queued", 7, 3), ("message.held", 8, 3),
    ]  # fmt: skip


outcomes = st.lists(st.sampled_from(["", "accepted", "not sent", "ESME_RSYSERR retry"]), max_size=18)


@given(st.lists(outcomes, min_size=1, max_size=4), st.sampled_from(list(MessageState)))
def test_every_attempt_of_every_part_is_told_once_and_in_order(trails: list[list[str]], state: MessageState) -> None:
    """Whatever became of the message."""
    parts = [message(trail_of(*trail), part_number=place) for place, trail in enumerate(trails, 1)]
    whole = message(state=state, done_at=NOW + 10**6 if state.is_final else 0)
    told = timeline_of(whole, parts, ())
    attempts = [one.data["attempt"] for one in told if one.kind == "message.attempt"]
    assert attempts == list(range(1, sum(map(len, trails)) + 1))
    assert [one.at for one in told] == sorted(one.at for one in told)
    assert sum(one.kind == "message.sent" for one in told) <= 1
