"""``smsagg message``: a readable timeline, or a document, with what is private hidden."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from past_store import Past

from smsagg.cli import main
from smsagg.model import Cause, Delivery, DeliveryKind, MessageState, PartGroup, PartReceipts
from smsagg.model.ids import format_short_id
from smsagg.store.base import Changes, ParkedReceipt


@pytest.fixture
def past(tmp_path: Path) -> Iterator[Past]:
    past = Past(tmp_path)
    yield past
    past.close()


def run(past: Past, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["message", "--config", str(past.config), *arguments])


def document(past: Past, *arguments: str) -> Any:
    result = run(past, "--json", *arguments)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_life_from_acceptance_to_settlement(past: Past) -> None:
    """Route, price, each attempt with its reason, the end with its cause, cost and margin; nothing private."""
    message = past.accept(7, source_addr="Shop\x1b[1m", tag="spring")
    trail = "5|alpha/1|rank 0|ESME_RTHROTTLED throttled\n940|beta/2|alpha throttled|accepted"
    end = {"state": MessageState.UNDELIVERABLE, "cause": Cause.ABSENT_SUBSCRIBER, "carrier": "beta", "attempts": 2}
    past.finish(message, 60_250, trail=trail, **end)
    result = run(past, message.message_id)
    assert result.exit_code == 0
    lines = [line.strip() for line in result.output.splitlines()]
    assert lines[0] == f"{message.message_id}: failed"
    told = [" ".join(line.split()[2:]) for line in lines[1:-1]]
    assert told == [
        "accepted from acme by smpp, class default, tag spring; Shop\\x1b••• to 44770••• (GB 23415)",
        "routed by rule uk to pool gb",
        "priced price 0.04, owed once a carrier has it; 0.05 EUR",
        "attempt alpha/1 (rank 0): ESME_RTHROTTLED throttled",
        "attempt beta/2 (alpha throttled): accepted",
        "taken by beta as c7",
        "over failed, absent subscriber after 60.250 s and 2 attempts",
        "settled charged 0.04; cost 0.02 EUR, margin 0.03 EUR",
    ]
    assert lines[-1] == "text: (hidden)"
    assert "secret" not in result.output


def test_what_is_private_may_be_asked_for(past: Past) -> None:
    """Texts and numbers, each by its own option."""
    message = past.accept(7)
    past.finish(message)
    hidden, shown = (
        document(past, "7".zfill(8) + "0badcafe")[0],
        document(past, message.message_id, "--numbers", "--bodies")[0],
    )
    assert (hidden["destination_addr"], hidden["text"]) == ("44770•••", "(hidden)")
    assert (shown["destination_addr"], shown["text"]) == ("447700900007", "secret words")
    assert (shown["charged"], shown["cost"], shown["margin"]) == ("0.04", "0.02", "0.03")
    assert shown["trail"] == [{"after_ms": 12, "link": "alpha/1", "reason": "rank 0", "outcome": "accepted"}]
    past.connection.execute("UPDATE history SET body = x'', redacted = 1")
    assert document(past, message.message_id, "--bodies")[0]["text"] == "(taken out)"


def test_a_short_id_and_a_submit_multi(past: Past) -> None:
    """One message, and all copies."""
    short = format_short_id(3, 77)
    past.accept(3, message_id=short)
    for seq in (4, 5, 6):
        past.finish(past.accept(seq, message_id="000000040badcafem02"))
    assert [one["seq"] for one in document(past, short)] == [3]
    assert [one["seq"] for one in document(past, "000000040badcafem02")] == [4, 5, 6]


def part(past: Past, seq: int, group: PartGroup, number: int, message_id: str) -> None:
    message = past.accept(seq, message_id=message_id, group_seq=group.group_seq, part_number=number)
    past.finish(message)


def test_parts_of_a_long_message(past: Past) -> None:
    """By the id of the whole, and by the id of any part that a customer submitted, also with others in between."""
    whole = PartGroup(1, "000000010badcafe", "acme", "ACME", "44", 7, 2, True, PartReceipts.WORST, 1, b"", 1, 1, 2)
    own = PartGroup(3, "000000030badcafe", "acme", "ACME", "44", 8, 2, False, PartReceipts.ALL, 1, b"", 1, 1, 2)
    past.accept(0xFFFF)
    past.apply(Changes(new_messages=[], new_parts=[whole, own]))
    for seq, number in ((1, 1), (2, 2)):
        part(past, seq, whole, number, whole.message_id)
    part(past, 3, own, 1, "000000030badcafe")
    past.accept(4)
    part(past, 9, own, 2, "000000090badcafe")
    assert [(one["seq"], one["part"]["number"]) for one in document(past, whole.message_id)] == [(1, 1), (2, 2)]
    for message_id in ("000000030badcafe", "000000090badcafe"):
        assert [(one["seq"], one["part"]["number"]) for one in document(past, message_id)] == [(3, 1), (9, 2)]
    assert "part 2 of 2 of 000000030badcafe: delivered" in run(past, "000000090badcafe").output


def test_what_is_owed_and_what_waits(past: Past) -> None:
    """A receipt that its account has not acknowledged, among many others; a carrier's receipt without its effect."""
    over, live = past.accept(1), past.accept(2)
    past.finish(over)
    past.connection.execute("UPDATE messages SET state = 1, carrier = 'alpha', carrier_message_id = 'x2' WHERE seq = 2")
    deliveries = [
        Delivery(
            number, "acme", DeliveryKind.RECEIPT, "", 1, 1, "44", 5, 0, "ACME", 4, 0, 0, b"id:", b"",
            over.message_id if number == 700 else "other", 2, 0, over.accepted_at - 700_000 + number * 1_000,
            over.accepted_at + 86_400_000, attempts=3,
        )
        for number in range(1, 2_000)
    ]  # fmt: skip
    receipt = ParkedReceipt("alpha", "x2", MessageState.DELIVERED, 0, 0, 1)
    past.apply(Changes(new_deliveries=deliveries, parked_receipts=[receipt]))
    (found,) = document(past, over.message_id)
    assert [(owed["kind"], owed["attempts"]) for owed in found["deliveries"]] == [("receipt", 3)]
    assert "owed      receipt to acme, 3 attempts" in run(past, over.message_id).output
    output = run(past, live.message_id).output
    assert "with the carrier" in output
    assert "a receipt that says DELIVERED awaits its effect" in output
    assert "it is given up at" in output


@pytest.mark.parametrize("message_id", ["0000000f0badcafe", "000000010badcaff", "nonsense!", "", "zzzzzzzz"])
def test_an_unknown_id(past: Past, message_id: str) -> None:
    """Told so, whatever it looks like."""
    past.accept(1)
    result = run(past, message_id)
    assert result.exit_code == 1
    assert "no message has the id" in result.output


def test_what_was_done_besides_attempts_is_noted(past: Past) -> None:
    """A message that was held says by what, and who let it go on."""
    message = past.accept(7)
    trail = "0||held by content rule phishing\n940||released by uid 0\n941|beta/2|rank 0|accepted"
    past.finish(message, 60_250, trail=trail, state=MessageState.DELIVERED, carrier="beta", attempts=1)
    lines = [" ".join(line.split()[2:]) for line in run(past, message.message_id).output.splitlines()]
    assert "noted held by content rule phishing" in lines
    assert lines.index("noted released by uid 0") < lines.index("attempt beta/2 (rank 0): accepted")
