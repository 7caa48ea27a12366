"""Windows, rates, legality, fidelity, secrecy, books: each promise has a history that breaks it and no other."""

from collections import Counter

import pytest
from attrs import evolve
from chaos_histories import broken_by, sound_history, with_row

from tools.chaos.checker import DELIVERED
from tools.chaos.history import Breach, CarrierSubmit, Fault, History, Life, Reply, Rules, Sample, Submit
from tools.chaos.wire import Content

CONTENT = Content(
    source_addr="ACME",
    source_addr_ton=5,
    source_addr_npi=0,
    dest_addr_ton=0,
    dest_addr_npi=0,
    destination_addr="+447700900123",
    data_coding=3,
    body=b"n00000001 secret",
    registered_delivery=1,
    tlvs=((0x1401, b"x"),),
)


@pytest.mark.parametrize("where", ["carrier", "receipts", "handset", "metrics"])
def test_window_exceeded(where: str) -> None:
    """S16: a peer has one request more to answer than the window holds, or /metrics says so."""
    history = with_row(sound_history())
    if where == "carrier":
        history.carrier_submits[0].unanswered = history.rules.link_window + 1
    elif where == "receipts":
        history.client_receipts[0].unanswered = history.rules.deliver_window + 1
    elif where == "handset":
        history.client_mo[0].unanswered = history.rules.deliver_window + 1
    else:
        history.samples.append(Sample(1.0, 1, 0, 0, 0, 0, outstanding={"alpha/1": history.rules.link_window + 1}))
    assert broken_by(history) == {"S16"}
    if where != "metrics":
        history.faults.append(Fault("stop", "alpha", 0.0, 9.0))
        assert not broken_by(history)


def test_carrier_rate_exceeded() -> None:
    """S16: more in a second than rate, burst and windows together."""
    history = with_row(sound_history())
    history.rules = evolve(history.rules, link_rate_per_s={"alpha": 10.0})
    allowed = 2 * (10 + 2 + 10)
    history.submits.append(Submit("n2", "main", 1, 1.0))
    with_row(history, nonce="n2", message_id="id2", carrier_message_id="8")
    refused = [CarrierSubmit(8.0 + each / 100, 0, "alpha", "n2", "", 0x58) for each in range(allowed + 1)]
    history.carrier_submits += refused
    history.carrier_submits.append(CarrierSubmit(30.0, 0, "alpha", "n2", "8"))
    history.carrier_receipts.append(evolve(history.carrier_receipts[0], carrier_message_id="8"))
    assert not broken_by(history)
    history.carrier_submits.append(CarrierSubmit(8.5, 0, "alpha", "n2", "", 0x58))
    assert broken_by(history) == {"S16"}


def test_account_rate_exceeded() -> None:
    """S16: an account is acknowledged more in a second than it may send."""
    history = History(rules=Rules(account_rate={"main": (2.0, 1.0, 1.0)}))
    for number in range(6):
        nonce, message_id = f"n{number}", f"id{number}"
        submit = Submit(nonce, "main", 1, 1.0, 0, reply=Reply.OK, message_id=message_id, answered_at=1.0 + number / 10)
        history.submits.append(submit)
        with_row(history, nonce=nonce, message_id=message_id, state=6, carrier_message_id=nonce)
        history.carrier_submits.append(CarrierSubmit(1.6, 0, "alpha", nonce, nonce))
    assert broken_by(history) == {"S16"}
    history.rules = Rules(account_rate={"main": (3.0, 1.0, 1.0)})
    assert not broken_by(history)


def test_illegal_pdu() -> None:
    """S17: a referee saw what may not be."""
    history = with_row(sound_history())
    history.breaches.append(Breach(1.0, "alpha", "binds again"))
    assert broken_by(history) == {"S17"}


def sound_content() -> History:
    """Submitted with a plus, sent on as international digits."""
    history = with_row(sound_history())
    history.submits[0].content = CONTENT
    history.carrier_submits[0].content = evolve(
        CONTENT, dest_addr_ton=1, dest_addr_npi=1, destination_addr="447700900123"
    )
    receipt = history.client_receipts[0]
    receipt.source, receipt.destination = "+447700900123", "ACME"
    return history


@pytest.mark.parametrize(
    "change",
    [
        {"body": b"n00000001 other"},
        {"tlvs": ()},
        {"data_coding": 0},
        {"destination_addr": "447700900124"},
        {"source_addr": "ACNE"},
        {"registered_delivery": 0},
    ],
)
def test_changed_on_the_way(change: dict[str, object]) -> None:
    """S18: any field that is not documented to change is as it was submitted."""
    history = sound_content()
    assert not broken_by(history)
    content = history.carrier_submits[0].content
    assert content is not None
    history.carrier_submits[0].content = evolve(content, **change)
    assert broken_by(history) == {"S18"}


def test_receipt_from_another_number() -> None:
    """S18: a receipt comes from the number that the message went to."""
    history = sound_content()
    history.client_receipts[0].source = "447700900123"
    assert broken_by(history) == {"S18"}


@pytest.mark.parametrize("told", ["hidden-4711", "447700900123", "447700900001"])
def test_secret_in_an_output(told: str) -> None:
    """S19: a text, a customer's number or a handset's stands in a log."""
    history = sound_content()
    history.secrets = {"the text": "hidden-4711"}
    history.outputs = {"server.log": "took 447700900•••, at 2026"}
    assert not broken_by(history)
    history.outputs["server.log"] += f" {told} "
    assert broken_by(history) == {"S19"}


def balanced_history() -> History:
    """The last life took the one message, sent it once and delivered its receipt, and says so."""
    history = with_row(sound_history())
    history.life = Life(
        0.9,
        3.0,
        Counter({("main", DELIVERED): 0}),
        0,
        {
            "smsagg_messages_accepted_total": {("main", "GB"): 1.0},
            "smsagg_messages_finished_total": {("main", "delivered"): 1.0},
            "smsagg_carrier_attempts_total": {("alpha", "accepted"): 1.0},
            "smsagg_delivery_attempts_total": {("main", "receipt", "delivered"): 1.0, ("main", "mo", "delivered"): 1.0},
            "smsagg_carrier_receipts_total": {("alpha", "delivered"): 1.0},
            "smsagg_carrier_mo_total": {("alpha", "taken"): 1.0},
            "smsagg_carrier_link_outstanding": {("alpha", "alpha/1"): 0.0},
        },
    )
    return history


def test_sound_books() -> None:
    """What was counted is what the store gained and what everybody saw."""
    assert not broken_by(balanced_history())


@pytest.mark.parametrize(
    ("metric", "key"),
    [
        ("smsagg_messages_accepted_total", ("main", "GB")),
        ("smsagg_messages_finished_total", ("main", "delivered")),
        ("smsagg_messages_finished_total", ("main", "expired")),
        ("smsagg_carrier_attempts_total", ("alpha", "accepted")),
        ("smsagg_carrier_attempts_total", ("beta", "permanent")),
        ("smsagg_delivery_attempts_total", ("main", "receipt", "delivered")),
        ("smsagg_delivery_attempts_total", ("main", "mo", "refused")),
        ("smsagg_carrier_receipts_total", ("alpha", "delivered")),
        ("smsagg_carrier_mo_total", ("alpha", "taken")),
    ],
)
def test_counted_once_too_often(metric: str, key: tuple[str, ...]) -> None:
    """S15: any counter that says one more than happened."""
    history = balanced_history()
    assert history.life is not None
    series = history.life.metrics[metric]
    series[key] = series.get(key, 0.0) + 1
    assert broken_by(history) == {"S15"}


def test_in_doubt_is_allowed_for() -> None:
    """S15: an attempt whose answer was lost is counted as in doubt, whether or not it arrived."""
    history = balanced_history()
    assert history.life is not None
    history.life.metrics["smsagg_carrier_attempts_total"] |= {("alpha", "in_doubt"): 1.0}
    assert not broken_by(history)
