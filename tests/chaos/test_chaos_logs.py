"""What a run writes down is read back as it was."""

import json
from pathlib import Path
from random import Random

from attrs import astuple

from tools.chaos.carrier import ID_STYLES
from tools.chaos.journal import Journal
from tools.chaos.referee import FROM_ESME, Referee
from tools.chaos.resources import parse
from tools.chaos.store_dump import read_journal
from tools.chaos.wire import BIND_TRANSCEIVER, Frames, ShortMessage, nonce_of, submit_sm
from tools.chaos.workload import CANARY, KINDS, compose


def test_every_kind_of_message_is_legal_and_says_what_it_is() -> None:
    """Whatever is composed is a legal submit_sm that is read back equal, with its nonce in it."""
    rng, seen = Random(1), set()
    for number in range(2, 400):
        nonce = f"n{number:08d}"
        order = compose(nonce, rng, 1, 3.0, 2)
        octets = submit_sm(
            number,
            order.content,
            in_payload=order.in_payload,
            schedule=order.schedule,
            validity_period=order.validity_period,
        )
        referee = Referee(FROM_ESME)
        referee.received(BIND_TRANSCEIVER, 0, 1, b"a\0b\0\0" + bytes((0x34, 0, 0)) + b"\0")
        command_id, status, sequence_number, body = Frames().feed(octets)[0]
        assert not referee.received(command_id, status, sequence_number, body)
        content = ShortMessage(body).content
        assert content == order.content
        assert nonce_of(content.body) == nonce
        seen.add((content.data_coding, content.esm_class, order.in_payload, bool(content.tlvs)))
    assert len(seen) == len(KINDS)


def test_journal_of_a_carrier(tmp_path: Path) -> None:
    """A carrier's journal is read back, but for a line that a kill cut short."""
    content = compose("n00000007", Random(2), 1, 3.0, 0).content
    *fields, body, tlvs = astuple(content)
    plain = [*fields, body.hex(), [[tag, value.hex()] for tag, value in tlvs]]
    path = tmp_path / "alpha.jsonl"
    journal = Journal(path)
    journal.add(e="submit", nonce="n00000007", id="07", status=0, state=2, ms=5, un=3, c=plain)
    journal.add(e="receipt", id="07", state=2)
    journal.add(e="ack", id="07", state=2, status=0)
    journal.add(e="mo", id=f"alpha {CANARY}", state=0, **{"from": "1", "to": "2"})
    journal.add(e="breach", text="binds again")
    journal.write()
    with path.open("a") as file:
        file.write(json.dumps({"t": 1.0, "e": "submit"})[:-5])
    log = read_journal(path, "alpha")
    assert [(s.nonce, s.carrier_message_id, s.unanswered, s.content) for s in log.submits] == [
        ("n00000007", "07", 3, content)
    ]
    assert [(receipt.state, receipt.answer) for receipt in log.receipts] == [(2, None), (2, 0)]
    assert [(mo.source, mo.destination, mo.answer) for mo in log.mo] == [("1", "2", None)]
    assert [breach.peer for breach in log.breaches] == ["alpha"]
    assert len(Journal(path).lines) == 5


def test_ids_differ_by_little() -> None:
    """No carrier gives an id twice, and careless normalisation would make them equal."""
    for style, careless in (("zeros", lambda text: text.lstrip("0")), ("case", str.lower)):
        ids = [ID_STYLES[style](number) for number in range(1, 1_001)]
        assert len(set(ids)) == 1_000
        assert len({careless(each) for each in ids}) == 500
    assert {ID_STYLES["plain"](number) for number in range(1, 100)} & {ID_STYLES["zeros"](n) for n in range(1, 100)}


def test_exposition_of_metrics() -> None:
    """Values are found by name and label values; comments and numbers in any form are no trouble."""
    text = '# HELP a_total what\n# TYPE a_total counter\na_total{carrier="x",outcome="y"} 3.0\nb 1.5e+06\n\n'
    assert parse(text) == {"a_total": {("x", "y"): 3.0}, "b": {(): 1_500_000.0}}
