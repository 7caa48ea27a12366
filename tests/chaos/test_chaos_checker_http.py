"""The checker's eye on calls and webhooks: a sound history, broken in one place each."""

from collections.abc import Callable

import pytest
from attrs import evolve
from chaos_histories import broken_by, sound_history, with_row

from tools.chaos.checker import DELIVERED, UNDELIVERABLE, Verdict, check
from tools.chaos.history import Call, CallAnswer, CarrierReceipt, CarrierSubmit, History, Reply, Submit, Told


def history() -> History:
    """Beside all else a message by HTTP, asked for twice, whose end its account's endpoint took."""
    history = sound_history()
    history.submits.append(
        Submit("n9", "web", 0, 1.0, 0, reply=Reply.OK, message_id="id9", answered_at=1.1, is_called=True)
    )
    answers = [CallAnswer(1.1, 202, ("id9",)), CallAnswer(1.6, 202, ("id9",))]
    history.calls.append(Call("key 1", "web", ("n9",), 1.0, answers, is_open=False))
    history.told.append(Told(1.5, "web", "steady", "evt_1", "message.delivered", "id9", "octets", True, 204))
    history.carrier_submits.append(CarrierSubmit(1.2, 1_200, "alpha", "n9", "9"))
    history.carrier_receipts.append(CarrierReceipt(1.3, "alpha", "9", DELIVERED))
    history.rules = evolve(history.rules, endpoints={"web": ("steady",)})
    with_row(history, message_id="id9", nonce="n9", carrier_message_id="9", account="web")
    return with_row(history)


def other_ids(history: History) -> None:
    history.calls[0].answers[1].message_ids = ("id8",)


def other_body_taken(history: History) -> None:
    history.calls[0].answers.append(CallAnswer(1.7, 202, ("id9",), is_other_body=True))


def failed(history: History) -> None:
    history.calls[0].answers.append(CallAnswer(1.7, 500))


def conflict_with_itself(history: History) -> None:
    history.calls[0].answers.append(CallAnswer(1.7, 409))


def two_rows(history: History) -> None:
    with_row(history, message_id="id8", nonce="n9", carrier_message_id="9", account="web")


def answered_and_lost(history: History) -> None:
    history.store.messages = [row for row in history.store.messages if row.nonce != "n9"]


def unsigned(history: History) -> None:
    history.told[0].is_signed = False


def another_body(history: History) -> None:
    history.told.append(evolve(history.told[0], at=5.5, digest="other octets"))


def another_end(history: History) -> None:
    history.told[0].kind = "message.failed"


def told_of_a_foreign_message(history: History) -> None:
    history.told.append(Told(1.6, "web", "steady", "evt_2", "message.sent", "id1", "octets", True, 204))


def one_end_as_two_events(history: History) -> None:
    history.told.append(evolve(history.told[0], at=5.5, webhook_id="evt_2"))


def never_told(history: History) -> None:
    history.told.clear()


def never_taken(history: History) -> None:
    history.told[0].answer = 500


def told_again_for_nothing(history: History) -> None:
    history.told.append(evolve(history.told[0], at=1.9))


def asked_although_gone(history: History) -> None:
    history.told.append(evolve(history.told[0], endpoint="gone", answer=410))


@pytest.mark.parametrize(
    ("change", "promise"),
    [
        (other_ids, "S20"), (other_body_taken, "S20"), (failed, "S20"), (conflict_with_itself, "S20"),
        (two_rows, "S4"), (answered_and_lost, "S1"), (unsigned, "S21"), (another_body, "S21"),
        (another_end, "S21"), (told_of_a_foreign_message, "S21"), (one_end_as_two_events, "S21"),
        (never_told, "S21"), (never_taken, "S21"), (told_again_for_nothing, "S21"), (asked_although_gone, "S21"),
    ],
)  # fmt: skip
def test_what_is_broken_is_found(change: Callable[[History], None], promise: str) -> None:
    """Each way to break a promise to applications."""
    broken = history()
    change(broken)
    assert promise in broken_by(broken)


def test_what_may_happen_passes() -> None:
    """Refused for a while, another body refused, told again after a fault, an end that is still owed."""
    sound = history()
    assert check(sound).verdict is Verdict.PASS
    sound.calls[0].answers[:0] = [CallAnswer(1.0, 503), CallAnswer(1.0, 429), CallAnswer(1.0, 202, ("",))]
    sound.calls[0].answers.append(CallAnswer(1.8, 409, is_other_body=True))
    sound.told.append(evolve(sound.told[0], at=5.5))
    assert broken_by(sound) == set()
    sound.told.clear()
    sound.store.owed_events.add(("web/steady", "id9"))
    assert broken_by(sound) == set()
    assert check(sound).verdict is Verdict.UNKNOWN


def test_every_other_end_is_a_failure() -> None:
    """What no kind of its own tells of."""
    sound = history()
    sound.store.messages[0].state = UNDELIVERABLE
    sound.carrier_receipts[2].state = UNDELIVERABLE
    sound.told[0].kind = "message.failed"
    assert broken_by(sound) == set()


def test_a_call_is_done_once_whatever_happens() -> None:
    """A connection that was cut is no excuse for a copy: there was a key."""
    broken = history()
    broken.carrier_submits.append(CarrierSubmit(1.25, 1_250, "alpha", "n9", "10"))
    assert "S7" in broken_by(broken)
