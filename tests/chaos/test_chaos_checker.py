"""Each invariant holds on a sound history and is broken by one made for it: a checker that cannot fail is none."""

from collections.abc import Callable

import pytest
from chaos_histories import broken_by, client_receipt, copied, settled_late, sound_history, with_row

from tools.chaos.checker import DELIVERED, ENROUTE, EXPIRED, UNDELIVERABLE, UNKNOWN, Verdict, check
from tools.chaos.checker.copies import _shared_out
from tools.chaos.history import (
    CarrierReceipt,
    CarrierSubmit,
    ClockStep,
    Fault,
    History,
    Reply,
    Submit,
)


def test_sound_history_passes() -> None:
    """Nothing is wrong with a message that was acknowledged, sent once and reported once."""
    report = check(with_row(sound_history()))
    assert report.verdict is Verdict.PASS
    assert (report.counts.attempt, report.counts.acknowledged, report.counts.ok) == (1, 1, 1)
    assert not report.violations


def test_empty_history_proves_nothing() -> None:
    """A run in which nothing was acknowledged does not pass."""
    assert check(History()).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("pending", ["deadline", "live row", "owed receipt"])
def test_not_drained_never_passes(pending: str) -> None:
    """What is missing might have come later, so the verdict is unknown."""
    history = with_row(sound_history())
    if pending == "deadline":
        history.is_drained = False
    elif pending == "live row":
        history.submits.append(Submit("n2", "main", 1, 1.0, reply=Reply.OK, message_id="id2", answered_at=1.1))
        with_row(history, nonce="n2", message_id="id2", state=0, carrier="", carrier_message_id="", is_live=True)
    else:
        history.store.deliveries = 1
        history.client_receipts.clear()
    assert check(history).verdict is Verdict.UNKNOWN


def test_lost_message() -> None:
    """S1: acknowledged and not in the store, even when the run was not drained."""
    history = sound_history()
    history.client_receipts.clear()
    history.is_drained = False
    report = check(history)
    assert {violation.invariant.split()[0] for violation in report.violations} == {"S1"}
    assert (report.verdict, report.counts.lost) == (Verdict.FAIL, 1)


def test_lost_receipt() -> None:
    """S1: over, nothing is owed, and the client never took a receipt."""
    history = with_row(sound_history())
    history.client_receipts[0].answer = 0x64
    assert broken_by(history) == {"S1"}


def test_no_receipt_asked() -> None:
    """A message that asked for no receipt is complete without one, and S10 is broken when one comes."""
    history = with_row(sound_history())
    history.submits[0].registered_delivery = 0
    assert broken_by(history) == {"S10"}
    history.client_receipts.clear()
    assert not broken_by(history)


@pytest.mark.parametrize("how", ["sent", "refused by the carrier", "stored", "never submitted"])
def test_invention(how: str) -> None:
    """S2: what was refused is sent or kept, or what nobody submitted is there."""
    history = with_row(sound_history())
    history.submits.append(Submit("n2", "main", 1, 2.0, reply=Reply.FAIL, command_status=8, answered_at=2.1))
    if how == "stored":
        with_row(history, nonce="n2", message_id="id2", state=0, carrier="", carrier_message_id="", is_live=True)
    else:
        nonce = "n9" if how == "never submitted" else "n2"
        status = 8 if how == "refused by the carrier" else 0
        history.carrier_submits.append(CarrierSubmit(3.0, 0, "alpha", nonce, "8", status))
    assert broken_by(history) == {"S2"}


def test_receipt_for_nobody() -> None:
    """S2: a receipt whose id the store never had."""
    history = with_row(sound_history())
    history.client_receipts.append(client_receipt(2.0, "id9"))
    assert broken_by(history) == {"S2"}


def test_unwound_refusal_is_no_invention() -> None:
    """A refused message may stand in history as DELETED, unsent."""
    history = with_row(sound_history())
    history.submits.append(Submit("n2", "main", 1, 2.0, reply=Reply.FAIL, command_status=8, answered_at=2.1))
    with_row(history, nonce="n2", message_id="id2", state=4, carrier="", carrier_message_id="")
    assert check(history).verdict is Verdict.PASS


def test_unknown_submit() -> None:
    """S3: a submit that was never answered may be there whole or be absent, but not be sent and absent."""
    history = with_row(sound_history())
    history.submits.append(Submit("n2", "main", 1, 2.0))
    assert check(history).counts.absent == 1
    history.carrier_submits.append(CarrierSubmit(3.0, 0, "alpha", "n2", "8"))
    assert broken_by(history) == {"S3"}


def test_id_given_twice() -> None:
    """S4: two submits were told the same id."""
    history = with_row(sound_history())
    history.submits.append(Submit("n2", "main", 2, 2.0, reply=Reply.OK, message_id="id1", answered_at=2.1))
    with_row(history, nonce="n2", carrier_message_id="8")
    history.carrier_submits.append(CarrierSubmit(2.2, 0, "alpha", "n2", "8"))
    history.carrier_receipts.append(CarrierReceipt(2.3, "alpha", "8", DELIVERED))
    assert broken_by(history) == {"S4"}


def test_two_rows() -> None:
    """S4: one submit became two messages."""
    history = with_row(with_row(sound_history()), message_id="id2")
    assert broken_by(history) == {"S4"}


@pytest.mark.parametrize(("state", "word"), [(UNDELIVERABLE, "UNDELIV"), (DELIVERED, "UNDELIV")])
def test_receipt_says_otherwise(state: int, word: str) -> None:
    """S5: the client was told another state than the stored one, by TLV or by text."""
    history = with_row(sound_history())
    history.client_receipts[0] = client_receipt(1.5, "id1", state, word)
    assert broken_by(history) == {"S5"}


def test_reported_and_not_over() -> None:
    """S5: a receipt went out for a message that is still live."""
    history = with_row(sound_history(), state=0, carrier_message_id="", is_live=True)
    assert broken_by(history) == {"S5"}


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda h: h.carrier_receipts.clear(), id="never reported"),
        pytest.param(lambda h: setattr(h.carrier_submits[0], "nonce", "n2"), id="the id of another message"),
        pytest.param(lambda h: setattr(h.store.messages[0], "carrier", "beta"), id="an id of another carrier"),
    ],
)
def test_state_without_evidence(change: Callable[[History], None]) -> None:
    """S6: a final state that no receipt for an id of this message gave."""
    history = with_row(sound_history())
    history.submits.append(Submit("n2", "main", 1, 1.0))
    with_row(history, nonce="n2", message_id="id2", state=EXPIRED, carrier_message_id="", done_at_ms=90_000)
    change(history)
    assert broken_by(history) == {"S6"}


def test_unknown_is_for_at_most_once() -> None:
    """S6: only an at-most-once message may end UNKNOWN."""
    history = with_row(sound_history(), state=UNKNOWN, carrier_message_id="")
    history.client_receipts[0] = client_receipt(1.5, "id1", UNKNOWN, "UNKNOWN")
    assert broken_by(history) == {"S6"}
    history.submits[0].at_most_once = True
    assert check(history).verdict is Verdict.PASS


def test_copies_within_the_window() -> None:
    """S7: a fault explains as many copies as it cut windows."""
    history = settled_late(with_row(sound_history()))
    copied(history, 1, at=7.0)
    report = check(history)
    assert (report.verdict, report.counts.duplicated) == (Verdict.PASS, 1)
    assert report.charged[0][1] == 1


@pytest.mark.parametrize(
    ("number_of", "at"), [pytest.param(1, 2.0, id="no fault between"), pytest.param(3, 7.0, id="above the window")]
)
def test_copies_without_excuse(number_of: int, at: float) -> None:
    """S7: a copy with no fault between, or more copies than the fault's windows."""
    history = settled_late(with_row(sound_history()))
    history.faults[0].copies_max = 0 if number_of == 3 else 2
    copied(history, number_of, at)
    assert broken_by(history) == {"S7"}


def test_too_many_messages_copied_by_one_fault() -> None:
    """S7: each of three messages is sent twice around a fault whose windows held two."""
    history = History(faults=[Fault("kill -9", "server", 5.0, 6.0, copies_max=2, receipts_max=2)])
    for number in range(3):
        nonce, message_id, carrier_id = f"n{number}", f"id{number}", str(number)
        history.submits.append(Submit(nonce, "main", 1, 1.0, 0, reply=Reply.OK, message_id=message_id, answered_at=1.1))
        for at, given in ((4.0, f"first{number}"), (7.0, carrier_id)):
            history.carrier_submits.append(CarrierSubmit(at, 0, "alpha", nonce, given))
        history.carrier_receipts.append(CarrierReceipt(8.0, "alpha", carrier_id, DELIVERED))
        with_row(history, nonce=nonce, message_id=message_id, carrier_message_id=carrier_id)
    assert broken_by(history) == {"S7"}
    history.faults[0].copies_max = 3
    assert not broken_by(history)


def test_at_most_once_is_never_copied() -> None:
    """S7: no fault excuses a second sending of an at-most-once message."""
    history = settled_late(with_row(sound_history()))
    history.submits[0].at_most_once = True
    copied(history, 1, at=7.0)
    assert broken_by(history) == {"S7"}


def test_expired_and_sent() -> None:
    """S9: a message reached the carrier after the validity_period that it asked for."""
    history = settled_late(with_row(sound_history()))
    history.submits[0].validity_s = 2.0
    assert check(history).verdict is Verdict.PASS
    history.carrier_submits[0].at = 4.9
    assert broken_by(history) == {"S9"}


def test_a_day_is_over() -> None:
    """S9: who names no validity_period has a day, also when the server's clock makes it pass at once."""
    history = with_row(sound_history())
    history.carrier_submits[0].at = 2.9
    history.clock = [ClockStep(1.15, 1.2, 86_405.0)]
    assert broken_by(history) >= {"S9"}


def test_time_passes_by_the_clock_of_the_server() -> None:
    """S9: set forward by an hour, two seconds are over; back again after a restart, they are not over for an hour."""
    history = settled_late(with_row(sound_history()))
    history.submits[0].validity_s = 2.0
    history.carrier_submits[0].at = 2.9
    history.clock = [ClockStep(1.15, 1.2, 3_600.0)]
    assert broken_by(history) == {"S9"}
    history.clock = [ClockStep(1.05, 1.2, 3_600.0)]
    assert check(history).verdict is Verdict.PASS
    history.clock = [ClockStep(0.5, 0.6, 3_600.0)]
    assert check(history).verdict is Verdict.PASS
    history.carrier_submits[0].at = 4.9
    assert broken_by(history) == {"S9"}
    history.clock.append(ClockStep(3.0, 3.5, 0.0))
    assert check(history).verdict is Verdict.PASS


def test_receipt_copies() -> None:
    """S10: copies need a fault or the client's own "again later", and are identical."""
    history = with_row(sound_history())
    history.client_receipts.append(client_receipt(7.0))
    assert check(history).counts.receipts_duplicated == 1
    assert check(history).verdict is Verdict.PASS
    history.client_receipts[1].text += "x"
    assert broken_by(history) == {"S10"}
    history.client_receipts[1] = client_receipt(1.6)
    assert broken_by(history) == {"S10"}
    history.client_receipts[0].answer = 0x64
    assert check(history).verdict is Verdict.PASS


def test_receipt_copies_above_the_window() -> None:
    """S10: one fault cannot explain more copies than its windows held."""
    history = with_row(sound_history())
    history.faults[0].receipts_max = 1
    history.client_receipts += [client_receipt(5.5), client_receipt(5.6)]
    assert broken_by(history) == {"S10"}


def test_receipt_to_another_account() -> None:
    """S13: a receipt reached an account that did not submit the message."""
    history = with_row(sound_history())
    history.client_receipts[0].account = "other"
    assert broken_by(history) == {"S13"}


def test_receipt_before_response() -> None:
    """S11: on one session the receipt came before the id was known; on another session it may."""
    history = with_row(sound_history())
    history.client_receipts[0].at = 1.05
    assert broken_by(history) == {"S11"}
    history.client_receipts[0].session = 2
    assert check(history).verdict is Verdict.PASS


def test_carrier_receipt_forgotten() -> None:
    """S12: the carrier was told ESME_ROK, and the message waits for that receipt still."""
    history = with_row(sound_history(), state=ENROUTE, is_live=True)
    history.client_receipts.clear()
    assert broken_by(history) == {"S12"}


def test_parked_receipt_is_not_forgotten() -> None:
    """A receipt that is parked in the store will be matched."""
    history = with_row(sound_history(), state=ENROUTE, is_live=True)
    history.client_receipts.clear()
    history.store.parked.add(("alpha", "7"))
    assert check(history).verdict is Verdict.UNKNOWN


def test_unanswered_submit() -> None:
    """S17: a submit got no answer on a session that lived to the end."""
    history = with_row(sound_history())
    history.submits.append(Submit("n2", "main", 1, 2.0, reply=Reply.UNANSWERED))
    assert broken_by(history) == {"S17"}


def test_anomaly() -> None:
    """A server that ends by itself fails the run, whatever else is right."""
    history = with_row(sound_history())
    history.anomalies.append("server ended by itself")
    assert broken_by(history) == {"anomaly"}


def test_copies_that_several_faults_explain() -> None:
    """Go to the one that has room: what was at hand at one death may be sent again only after the next."""
    faults = [Fault("kill", "server", at, at + 0.5, copies_max=2) for at in (2.0, 4.0)]
    shared = _shared_out([(0, 1), (0, 1), (0,), (0,)], faults, lambda fault: fault.copies_max)
    assert shared == {0: 2, 1: 2}
    assert _shared_out([(0,)] * 3, faults, lambda fault: fault.copies_max) == {0: 3}
