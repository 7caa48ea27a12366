"""Rules on what texts say."""

import pytest
from abuse_bench import Bench, message, rule

from smsagg.abuse import ContentRules
from smsagg.abuse.bodies import CHARACTERS_MAX, PartTexts
from smsagg.abuse.content import HOST_CHARACTERS_MAX, hosts_in
from smsagg.model import HELD_UNTIL, Message
from smsagg.smpp.concatenation import Concatenation, write_user_data
from smsagg.smpp.status import ESME_RSUBMITFAIL
from smsagg.text import GSM_DEFAULT


def find(text: str, *rules: object, country: str = "GB", account: str = "acme") -> tuple[str, str] | None:
    compiled = ContentRules(rules).compile(account)  # type: ignore[arg-type]
    return None if compiled is None else compiled.find(text, country, "default")


@pytest.mark.parametrize(
    "text",
    [
        "Verify your PayPal account",
        "verify your ＰＡＹＰＡＬ now",
        "verify pаypаl",
        "pay\u200bpal",
        "päypal",
        "PAY\u00adPAL",
    ],
)
def test_a_folding_rule_sees_through_spellings(text: str) -> None:
    """K05: case, width, borrowed letters and invisible characters hide nothing."""
    assert find(text, rule("brand", "block", "paypal")) == ("block", "brand")
    assert find("honest text", rule("brand", "block", "paypal")) is None


def test_a_rule_that_does_not_fold_looks_at_the_text_as_it_is() -> None:
    """For those who mean it exactly."""
    assert find("paypal", rule("brand", "block", "PayPal", fold=False)) is None
    assert find("PayPal", rule("brand", "block", "PayPal", fold=False)) == ("block", "brand")


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("see https://evil.example/x", True),
        ("see login.EVIL.example?now", True),
        ("evil。example", True),
        ("еvil.example", True),
        ("http://user@evil.example:8080", True),
        ("see notevil.example", False),
        ("evil.example.com", False),
        ("no link at all", False),
    ],
)
def test_hosts_and_all_below_them(text: str, is_found: bool) -> None:
    """K05: with or without scheme, in any spelling, but no other host that ends or begins alike."""
    found = find(text, rule("hosts", "block", hosts=frozenset({"evil.example"})))
    assert (found is not None) == is_found


def test_the_most_severe_rule_decides() -> None:
    """block before hold before flag, and of these the first in the file."""
    rules = (rule("f", "flag", "a"), rule("h", "hold", "b"), rule("x", "block", "c"), rule("y", "block", "c"))
    assert find("a", *rules) == ("flag", "f")
    assert find("ab", *rules) == ("hold", "h")
    assert find("abc", *rules) == ("block", "x")


def test_scopes_leave_others_alone() -> None:
    """By account, message class and country; who no rule concerns has nothing to look through."""
    here = rule("gb", "block", "a", countries=frozenset({"GB"}))
    assert find("a", here) == ("block", "gb")
    assert find("a", here, country="DE") is None
    rules = ContentRules([rule("other", "block", "a", accounts=frozenset({"globex"}))])
    assert rules.compile("acme") is None
    assert rules.compile("globex") is not None
    assert find("a", rule("otp", "block", "a", classes=frozenset({"otp"}))) is None
    assert find("a", rule("all", "block", "a", classes=frozenset({"otp", "default"}))) is not None


def test_accounts_share_what_is_compiled() -> None:
    """The memory of patterns does not grow with the accounts."""
    rules = ContentRules([rule("x", "block", "a"), rule("y", "block", "b", accounts=frozenset({"globex"}))])
    assert rules.compile("acme") is rules.compile("umbrella")
    assert rules.compile("acme") is not rules.compile("globex")


def test_actions_are_carried_out() -> None:
    """K05: block refuses, hold marks the message to be held, flag lets it go; each raises an alarm with the rule."""
    rules = ContentRules([rule("x", "block", "bad"), rule("h", "hold", "odd"), rule("f", "flag", "hm")])
    bench = Bench(content=rules)
    assert bench.send(text=b"bad") == (ESME_RSUBMITFAIL, "content", "")
    held, flagged, plain = message(text=b"odd"), message(text=b"hm"), message()
    assert [bench.checks.check(m, "447700900123", 0) for m in (held, flagged, plain)] == [None] * 3
    assert held.next_attempt_at == HELD_UNTIL
    assert held.trail == "0||held by content rule h"
    assert flagged.next_attempt_at == plain.next_attempt_at == 0
    assert [(f.subject, f.action) for f in bench.findings] == [("x", "block"), ("h", "hold"), ("f", "flag")]


def test_texts_are_read_by_their_coding_and_header() -> None:
    """GSM with its extensions, UCS-2, and a part without its header; binary has no text."""
    rules = ContentRules([rule("x", "block", r"bad\[")])
    bench = Bench(content=rules)
    gsm = GSM_DEFAULT.encode("bad[")
    assert gsm is not None
    assert bench.send(text=gsm) is not None
    assert bench.send(text="BAD[".encode("utf-16-be"), data_coding=8) is not None
    assert bench.send(text=write_user_data(Concatenation(1, 2, 1), b"", gsm), esm_class=0x40) is not None
    assert bench.send(text=b"bad[", data_coding=4) is None


def test_a_host_is_no_longer_than_a_name_can_be() -> None:
    """J21: of a text that is one host of ten thousand labels the end counts, and what is above it."""
    (host,) = hosts_in("a." * 10_000 + "evil.example")
    assert len(host) == HOST_CHARACTERS_MAX
    assert find("a." * 10_000 + "evil.example", rule("h", "block", hosts=frozenset({"evil.example"}))) is not None


def test_rules_take_linear_time() -> None:
    """J21: what would keep a backtracking engine busy for years is answered."""
    text = "a" * 4_000 + "\u0301" * 4_000 + "a.b." * 1_000 + "!"
    rules = (rule("evil", "block", "(a+)+$", "(a|aa)+b$"), rule("hosts", "block", hosts=frozenset({"evil.example"})))
    assert find(text, *rules) is None


def part(text: str, number: int, reference: int = 7, **changes: object) -> Message:
    """A part of three that a customer cut."""
    body = write_user_data(Concatenation(reference, 3, number), b"", text.encode())
    return message(text=body, esm_class=0x40, **changes)


def test_a_link_over_two_parts_is_found() -> None:
    """K05: the part that completes it is refused, in whatever order they come, and so are those that follow."""
    bench = Bench(content=ContentRules([rule("hosts", "block", hosts=frozenset({"evil.example"}))]))
    texts = {1: "see ev", 2: "il.exam", 3: "ple/now"}
    for reference, order in enumerate([(1, 2, 3), (3, 1, 2), (2, 3, 1)]):
        parts = [part(texts[number], number, reference) for number in order]
        answers = [bench.checks.check(one, "447700900123", 0) for one in parts]
        assert [answer is None for answer in answers] == [True, True, False]


def test_parts_of_different_messages_are_not_read_together() -> None:
    """Another reference, another recipient, a number that comes again, or a long time after."""
    rules = ContentRules([rule("hosts", "block", hosts=frozenset({"evil.example"}))])
    others = [
        (part("il.example", 2, reference=8), 0),
        (part("il.example", 2, destination_addr="447700900124"), 0),
        (part("il.example", 1), 0),
        (part("il.example", 2), 300_001),
    ]
    for second, at in others:
        bench = Bench(content=rules)
        assert bench.checks.check(part("see ev", 1), "447700900123", 0) is None
        assert bench.checks.check(second, "447700900123", at) is None


def test_what_is_kept_of_parts_is_bounded() -> None:
    """Of a message without end the latest parts."""
    texts = PartTexts()
    for number in range(1, 256):
        body = write_user_data(Concatenation(7, 255, number), b"", b"%03d" % number * 50)
        read = texts.read(message(text=body, esm_class=0x40), 0)
        assert len(read) <= CHARACTERS_MAX
    assert read.endswith("255")
    assert read.startswith("243")
