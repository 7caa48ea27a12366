"""Long messages through real processes: in by each way, out in each carrier's form, one receipt for what is whole."""

from pathlib import Path

import pytest
from integration_processes import Esme, journal_of, serving, simulating, smpp_carriers

from smsagg.smpp.concatenation import UDHI, Concatenation, read_user_data, write_user_data

GB, VN, UZ = "447700900123", "84901234567", "998901234567"
TEXT = "Chào 🌍 các bạn. " * 30
BODY = TEXT.encode("utf-16-be")
FORMS = {GB: "udh", VN: "sar", UZ: "payload"}


COUNT_WHOLE = 8 + 8 + 1
"""submit_sm that the texts become, by UDH, by TLVs and whole; the SMSC writes its journal a little later."""


def submits(journal: Path, destination: str | None = None) -> list[bytes]:
    """The bodies of the submits that the SMSC took, to ``destination`` or to all, in order."""
    events = [event for event in journal_of(journal) if event["event"] == "submit"]
    return [event["text"].encode("latin-1") for event in events if destination in (None, event["destination"])]


def texts(bodies: list[bytes], form: str) -> list[bytes]:
    """Their texts, by number where the header says it."""
    if form != "udh":
        return bodies
    data = [read_user_data(body) for body in bodies]
    said = [part.concatenation for part in data if part is not None and part.concatenation is not None]
    assert len(said) == len(bodies)
    assert len({part.reference for part in said}) == 1
    assert [(part.number, part.total) for part in said] == [(n, len(said)) for n in range(1, len(said) + 1)]
    return [part.text for part in data if part is not None]


@pytest.mark.slow
def test_every_way_in_comes_out_in_every_form(tmp_path: Path) -> None:
    """A payload has one id and one receipt; parts have their own. The text arrives whole, cut between characters."""
    with simulating(tmp_path, "--latency", "1ms", "--receipt-delay", "5ms") as (smsc, journal):
        wants = {
            name: f'long_messages = "{form}"'
            for name, form in zip(("albion", "hanoi", "tashkent"), FORMS.values(), strict=True)
        }
        with serving(tmp_path, carriers=smpp_carriers(smsc, **wants)) as server, Esme(server.smpp) as esme:
            for destination in FORMS:
                esme.submit(destination, b"", message_payload=BODY, data_coding=8)
            esme.read_until(lambda: len(esme.receipts) == 3 and len(submits(journal)) == COUNT_WHOLE)
            for destination, form in FORMS.items():
                parts = texts(submits(journal, destination), form)
                assert b"".join(parts) == BODY
                assert (len(parts) == 1) == (form == "payload")
                assert all(len(part) <= 134 and part.decode("utf-16-be") for part in parts) == (form != "payload")
            assert {receipt.receipted_message_id.decode() for receipt in esme.receipts} == set(esme.accepted.values())
            halves = [BODY[:120], BODY[120:240]]
            for destination in FORMS:
                for number in (2, 1):
                    body = write_user_data(Concatenation(77, 2, number), b"", halves[number - 1])
                    esme.submit(destination, body, data_coding=8, esm_class=UDHI)
            esme.read_until(lambda: len(esme.receipts) == 9 and len(submits(journal)) == COUNT_WHOLE + 5)
            for destination, form in FORMS.items():
                bodies = submits(journal, destination)
                parts = texts(bodies[-2:] if form != "payload" else bodies[-1:], form)
                assert b"".join(parts) == b"".join(halves)
            assert {receipt.receipted_message_id.decode() for receipt in esme.receipts} == set(esme.accepted.values())
            esme.unbind()
