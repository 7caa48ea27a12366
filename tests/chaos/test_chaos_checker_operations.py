"""Cancels, questions, handsets' texts, what is sent once it is settled: each promise has a history that breaks it."""

import pytest
from chaos_histories import broken_by, settled_late, sound_history, with_row

from tools.chaos.checker import DELETED, DELIVERED, ENROUTE, EXPIRED, REJECTED, Verdict, check
from tools.chaos.history import Cancel, CarrierMo, CarrierSubmit, ClientMo, Fault, Query, Stall, Submit

ESME_RINVMSGID = 0x0C
ESME_RINVDSTADR = 0x0B
ESME_RX_T_APPN = 0x64
ESME_RINVCMDID = 0x03


@pytest.mark.parametrize("by", ["cancel", "receipt taken", "receipt given"])
def test_sent_after_it_was_settled(by: str) -> None:
    """S8: no fault excuses a sending after the cancel was acknowledged, or after the end was known."""
    history = with_row(sound_history())
    history.carrier_submits.append(CarrierSubmit(8.0, 0, "alpha", "n1", "8"))
    if by == "cancel":
        history.carrier_submits = history.carrier_submits[1:]
        history.carrier_receipts.clear()
        history.store.messages[0].state = DELETED
        history.store.messages[0].carrier_message_id = ""
        history.client_receipts.clear()
        history.submits[0].registered_delivery = 0
        history.submits[0].is_cancelled = True
        history.cancels.append(Cancel("n1", "id1", "main", 2.0, 0, 2.1))
    elif by == "receipt taken":
        history.client_receipts[0].at = 20.0
    else:
        for receipt in history.carrier_receipts:
            receipt.at = 19.0
    assert broken_by(history) == {"S8"}
    history.carrier_submits[-1].at = 6.5 if by != "cancel" else 2.5
    history.faults.append(Fault("late", "alpha", 0.0, 7.0))
    assert not broken_by(history)


def test_sent_after_a_permanent_refusal() -> None:
    """S8: who refused for good is believed, unless a fault kept the answer back."""
    history = settled_late(with_row(sound_history()))
    history.carrier_submits.insert(0, CarrierSubmit(1.15, 0, "alpha", "n1", "", ESME_RINVDSTADR))
    assert broken_by(history) == {"S8"}
    history.faults.append(Fault("reset", "alpha", 1.16, 1.18, copies_max=10))
    assert not broken_by(history)


def test_cancelled_and_delivered() -> None:
    """S8: a cancel that was acknowledged ends the message as DELETED."""
    history = with_row(sound_history())
    history.carrier_submits[0].at = 0.9
    history.cancels.append(Cancel("n1", "id1", "main", 1.11, 0, 1.12))
    assert broken_by(history) == {"S8"}


def test_query_denies_a_message() -> None:
    """S1: the owner is told that there is no such message."""
    history = with_row(sound_history())
    history.queries.append(Query("n1", "id1", "main", 1.2, ESME_RINVMSGID, 1.3))
    assert broken_by(history) == {"S1"}


def test_query_told_another_end() -> None:
    """S5: what was told to be final is what the store has in the end."""
    history = with_row(sound_history())
    history.queries.append(Query("n1", "id1", "main", 1.2, 0, 1.3, "id1", EXPIRED))
    assert broken_by(history) == {"S5"}
    history.queries[-1].state = ENROUTE
    assert not broken_by(history)


@pytest.mark.parametrize("how", ["told a stranger", "told of another", "differs from unknown"])
def test_query_tells_too_much(how: str) -> None:
    """S13: a stranger learns nothing, not even that there is such an id."""
    history = with_row(sound_history())
    if how == "told a stranger":
        history.queries.append(Query("n1", "id1", "other", 1.2, 0, 1.3, "id1", ENROUTE))
    elif how == "told of another":
        history.queries.append(Query("n1", "id1", "main", 1.2, 0, 1.3, "id2", ENROUTE))
    else:
        history.queries.append(Query("n1", "id1", "other", 1.2, ESME_RINVMSGID, 1.3))
        history.queries.append(Query("", "id9", "other", 1.2, ESME_RINVMSGID, 1.3, answer=b"\0"))
    assert broken_by(history) == {"S13"}


def test_odd_answer_to_a_cancel() -> None:
    """S17: a cancel is done, comes too late, or must wait; nothing else."""
    history = with_row(sound_history())
    history.cancels[0].command_status = ESME_RINVCMDID
    assert broken_by(history) == {"S17"}


def test_handset_message_lost() -> None:
    """S12: a handset's text that was taken from the carrier reaches its account, or is owed to it."""
    history = with_row(sound_history())
    history.client_mo[0].answer = ESME_RX_T_APPN
    assert broken_by(history) == {"S12"}
    history.store.owed_mo.append("hello")
    history.store.deliveries = 1
    assert check(history).verdict is Verdict.UNKNOWN


def test_handset_message_refused_for_good() -> None:
    """S12: a text to a number that somebody owns is not refused."""
    history = with_row(sound_history())
    history.carrier_mo.append(CarrierMo(1.2, "alpha", "hello", "447700900001", "53849", ESME_RINVDSTADR))
    assert broken_by(history) == {"S12"}


def test_handset_message_out_of_nothing() -> None:
    """S2: an account hears only what a handset wrote."""
    history = with_row(sound_history())
    history.client_mo.append(ClientMo(2.0, "main", "boo", "447700900001", "53849", 0))
    assert broken_by(history) == {"S2"}


def test_handset_message_to_another_account() -> None:
    """S13: a text goes to the owner of the number, and to nobody when it has none."""
    history = with_row(sound_history())
    history.client_mo[0].account = "other"
    assert broken_by(history) == {"S13"}


def test_handset_message_changed() -> None:
    """S18: a text arrives with the addresses that it was written from and to."""
    history = with_row(sound_history())
    history.client_mo[0].source = "447700900002"
    assert broken_by(history) == {"S18"}


def test_handset_message_twice() -> None:
    """S10: a copy of a text needs a fault, the client's own word, or the carrier's second sending."""
    history = with_row(sound_history())
    history.client_mo.append(ClientMo(1.3, "main", "hello", "447700900001", "53849", 0))
    assert broken_by(history) == {"S10"}
    history.carrier_mo.append(CarrierMo(1.2, "alpha", "hello", "447700900001", "53849"))
    assert not broken_by(history)
    del history.carrier_mo[-1]
    history.client_mo[-1].at = 7.0
    report = check(history)
    assert (report.verdict, report.counts.receipts_duplicated) == (Verdict.PASS, 1)


def test_handset_message_sent_again_around_a_fault() -> None:
    """S10: what the carrier brought again excuses the copy that no fault explains, whichever came first."""
    history = with_row(sound_history())
    history.carrier_mo.append(CarrierMo(5.5, "alpha", "hello", "447700900001", "53849"))
    history.client_mo.append(ClientMo(6.5, "main", "hello", "447700900001", "53849", 0))
    history.client_mo.append(ClientMo(6.6, "main", "hello", "447700900001", "53849", 0))
    assert not broken_by(history)
    history.faults.append(Fault("kill -9", "server", 7.0, 8.0, copies_max=2, receipts_max=2))
    history.client_mo += [ClientMo(at, "main", "hello", "447700900001", "53849", 0) for at in (8.5, 8.6)]
    assert not broken_by(history)
    history.client_mo.append(ClientMo(8.7, "main", "hello", "447700900001", "53849", 0))
    assert broken_by(history) == {"S10"}


@pytest.mark.parametrize("kind", ["cancels", "queries", "enquiries", "carrier_mo", "client_receipts"])
def test_operation_that_never_went_well(kind: str) -> None:
    """A run that shows nothing about a kind of operation is unknown."""
    history = with_row(sound_history())
    history.submits[0].registered_delivery = 0
    getattr(history, kind).clear()
    history.client_receipts.clear()
    history.client_mo.clear()
    assert check(history).verdict is not Verdict.PASS


def test_stall_of_the_machine_excuses_as_a_fault_does() -> None:
    """S8: what a machine that let nobody run kept back is not the server's doing."""
    history = settled_late(with_row(sound_history()))
    history.carrier_submits.insert(0, CarrierSubmit(1.15, 0, "alpha", "n1", "", ESME_RINVDSTADR))
    history.stalls.append(Stall(1.16, 1.19))
    assert not broken_by(history)


def test_final_by_a_permanent_refusal() -> None:
    """A message that a carrier refused for good is REJECTED, and that is sound."""
    history = with_row(sound_history())
    history.submits.append(Submit("n2", "main", 1, 1.0))
    history.carrier_submits.append(CarrierSubmit(1.2, 0, "alpha", "n2", "", ESME_RINVDSTADR))
    with_row(history, nonce="n2", message_id="id2", state=REJECTED, carrier_message_id="", error_code=ESME_RINVDSTADR)
    assert not broken_by(history)
    assert history.store.messages[0].state == DELIVERED
