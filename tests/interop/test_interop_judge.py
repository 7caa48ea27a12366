"""What makes a check of ``make interop`` fail: texts that did not arrive whole, PDUs that tshark cannot read."""

from typing import Any

from tools.interop.capture import read_fields
from tools.interop.judge import judge, judge_unbinds, part_of, whole
from tools.interop.plan import TEXTS, plan_for


def part(text: str, **fields: Any) -> dict[str, Any]:
    return {"text": text, "udh": None, "sar": None} | fields


class Arrived:
    """A carrier to which this text came, whatever the number."""

    def __init__(self, text: str) -> None:
        self._text = text

    def text_to(self, destination_addr: str, expected: str) -> str:
        return self._text


def test_parts_are_put_in_the_order_that_they_name() -> None:
    """By header (either reference length, other elements before it) or by TLV, in whatever order they came."""
    assert whole([part("b", udh="0003010202"), part("a", udh="0003010201")]) == "ab"
    assert whole([part("b", udh="0804000102020504aaaabbbb"), part("a", udh="0504aaaabbbb080400010201")]) == "ab"
    assert whole([part("b", sar=[7, 2, 2]), part("a", sar=[7, 2, 1])]) == "ab"
    assert part_of(b"\x05\x04\0\0\0\0") == 0


def test_a_character_cut_in_two_is_whole_again() -> None:
    """Some clients cut between the surrogates of an emoji."""
    assert whole([part("\ud83d", sar=[7, 2, 1]), part("\ude00", sar=[7, 2, 2])]) == "😀"


def test_a_text_that_arrived_otherwise_fails_its_check() -> None:
    """What the client believes does not count."""
    plan = plan_for(0, "any", "127.0.0.1", 1)
    results = {"plain": {"ok": True, "detail": ""}, "emoji": {"ok": True, "detail": ""}}
    judge(results, plan, Arrived(TEXTS["plain"]))  # type: ignore[arg-type]
    assert results["plain"]["ok"] is True
    assert results["emoji"]["ok"] is False


def test_a_session_that_was_dropped_is_no_unbind() -> None:
    """The server counts how sessions ended."""
    results = {"unbind": {"ok": True, "detail": ""}}
    judge_unbinds(results, lambda: 3, patience_s=0.0)
    assert results["unbind"]["ok"] is False


def test_a_malformed_pdu_is_reported() -> None:
    """With its frame; the others are counted by command."""
    found = read_fields(
        "1\t50000\t2775\t0x00000004,0x00000004\t\t\n2\t2775\t50000\t0x80000004\t1\tMalformed Packet (Exception)\n",
        {4: "submit_sm", 0x80000004: "submit_sm_resp"},
    )
    assert found.pdus == {"submit_sm": 2, "submit_sm_resp": 1}
    assert found.malformed == ["frame 2, port 2775 to 50000: Malformed Packet (Exception)"]
