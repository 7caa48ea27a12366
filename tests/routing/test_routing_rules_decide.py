"""The table of routing rules: what it decides, the same as asking every rule about everything."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from routing_rules import NOW, ROUTER, STRICT_ROUTER, naive, query, table_of

from smsagg.routing.rules import Blocked, Routed, Verdict
from smsagg.routing.rules import table as rules_table
from smsagg.routing.rules.explain import explain
from smsagg.routing.rules.settings import RuleSettings
from smsagg.routing.zones import LocalTimes

ACCOUNTS, CLASSES, TAGS = ("acme", "bank", "shop"), ("default", "otp", "promo"), ("vip", "test")
NUMBERS = ("447400123456", "447911123456", "441534700000", "33612345678", "12125551234", "919812345678", "8821612345")
COUNTRIES = ("GB", "JE", "FR", "US", "IN", "001", "")
NETWORKS = ("23415", "23410", "20801", "310410", "")
SENDERS = ("ACME", "ACME-1", "Bank", "+447700900123", "447700900123", "53849", "")
TEXTS = ("Your code is 123456", "SALE! 50% off", "hello", "")
PATTERNS = ("", "code", "^sale", r"\d{6}", "off$")


def some(values: tuple[str, ...], most: int = 2) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(values), max_size=most, unique=True).map(tuple)


PRIORITIES = {"pool": st.none() | st.integers(0, 3), "block": st.none(), "continue": st.integers(0, 3)}
"""By action: a rule that goes on sets something."""
INSTANTS = st.none() | st.integers(-2, 2).map(lambda hours: datetime.fromtimestamp(NOW / 1000 + hours * 3600, UTC))


@st.composite
def rules(draw: st.DrawFn) -> list[RuleSettings]:
    found = []
    for number in range(draw(st.integers(0, 8))):
        action = draw(st.sampled_from(["pool", "pool", "block", "continue"]))
        valid_from, valid_until = draw(INSTANTS), draw(INSTANTS)
        if valid_from and valid_until and valid_from >= valid_until:
            valid_from = None
        found.append(
            RuleSettings(
                name=f"r{number}",
                enabled=draw(st.integers(0, 7)) > 0,
                valid_from=valid_from,
                valid_until=valid_until,
                accounts=draw(some(ACCOUNTS)),
                classes=draw(some(CLASSES)),
                prefixes=draw(some(("44", "4479", "447", "33", "1", "12125", "9198", "4", "88"))),
                countries=draw(some(COUNTRIES[:-1])),
                networks=draw(some(("23415", "234", "208", "310410", "20810"))),
                senders=draw(some(("ACME", "ACME*", "4477*", "*", "+447700900123", "53849"))),
                sender_pattern=draw(st.sampled_from(("", "", "^[A-Z]+$", "900"))),
                content_pattern=draw(st.sampled_from(PATTERNS)),
                times=draw(some(("22:00-07:00", "09:00-17:30", "00:00-24:00", "22:13-22:14"))),
                weekdays=draw(some(("mon-fri", "sat", "sun-tue", "tue"))),
                tags=draw(some(TAGS)),
                pool=draw(st.sampled_from(("gb", "fr"))) if action == "pool" else "",
                block="no" if action == "block" else "",
                continue_=action == "continue",
                set_class=draw(st.sampled_from(("", *CLASSES))) if action != "block" else "",
                set_tag=draw(st.sampled_from(("", *TAGS))) if action != "block" else "",
                set_priority=draw(PRIORITIES[action]),
            )
        )
    return found


QUERIES = st.builds(
    query,
    account=st.sampled_from(ACCOUNTS),
    message_class=st.sampled_from(CLASSES),
    digits=st.sampled_from(NUMBERS),
    country=st.sampled_from(COUNTRIES),
    network=st.sampled_from(NETWORKS),
    source_addr=st.sampled_from(SENDERS),
    tags=st.frozensets(st.sampled_from(TAGS)),
    tag=st.sampled_from(("", *TAGS)),
    now=st.integers(NOW - 4 * 86_400_000, NOW + 4 * 86_400_000) | st.just(NOW),
    body=st.sampled_from(TEXTS).map(str.encode),
    data_coding=st.sampled_from((0, 0, 1, 4)),
)


@given(rules(), st.lists(QUERIES, min_size=1, max_size=6), st.booleans())
def test_the_table_says_what_the_rules_say(settings: list[RuleSettings], queries: list, has_default: bool) -> None:
    """For any rules and messages the answer is that of reading them one after the other; explaining agrees."""
    router = ROUTER if has_default else STRICT_ROUTER
    table = table_of(*settings, router=router)
    for asked in queries:
        expected = naive(settings, asked, router)
        assert table.decide(asked) == expected
        assert table.decide(asked) == expected, "asked again"
        verdicts = explain(table.rules, asked, LocalTimes())
        decided = [verdict.rule for verdict in verdicts if verdict.verdict is Verdict.DECIDED]
        assert decided == ([expected.rule] if expected.rule else [])
        assert all(verdict.why for verdict in verdicts)


def test_the_first_rule_that_holds_decides() -> None:
    """Order is what the file says, not how close a rule fits."""
    wide = RuleSettings(name="wide", countries=("GB",), pool="fr")
    close = RuleSettings(name="close", prefixes=("447400",), accounts=("acme",), pool="gb")
    assert table_of(wide, close).decide(query()) == Routed("fr", "wide")
    assert table_of(close, wide).decide(query()) == Routed("gb", "close")


def test_a_longer_prefix_does_not_hide_the_rules_of_shorter_ones() -> None:
    """A number below both prefixes meets both rules."""
    otp = RuleSettings(name="otp", prefixes=("447400",), classes=("otp",), pool="fr")
    rest = RuleSettings(name="rest", prefixes=("44",), pool="gb")
    assert table_of(otp, rest).decide(query()).rule == "rest"
    assert table_of(otp, rest).decide(query(message_class="otp")).rule == "otp"


def test_an_mcc_stands_for_all_its_networks() -> None:
    """And a rule of one network does not take it from the rules of the MCC."""
    one = RuleSettings(name="one", networks=("23415",), accounts=("bank",), pool="fr")
    all_of_them = RuleSettings(name="all", networks=("234",), pool="gb")
    table = table_of(one, all_of_them)
    assert [table.decide(query(network=network)).rule for network in ("23415", "23499", "20801", "")] == [
        "all",
        "all",
        "",
        "",
    ]


def test_blocked_messages_get_the_rules_status() -> None:
    """ESME_RINVDSTADR when it names none."""
    plain = RuleSettings(name="plain", countries=("FR",), block="not there")
    own = RuleSettings(name="own", block="never", command_status=0x45)
    table = table_of(plain, own)
    assert table.decide(query(country="FR")) == Blocked("plain", "not there", 0x0B)
    assert table.decide(query()) == Blocked("own", "never", 0x45)


def test_a_class_that_a_rule_gives_counts_for_the_rules_after_it() -> None:
    """And not for those before it; what several rules give adds up, the last word wins."""
    table = table_of(
        RuleSettings(name="before", classes=("otp",), pool="fr"),
        RuleSettings(
            name="codes", content_pattern="code", continue_=True, set_class="otp", set_priority=1, set_tag="code"
        ),
        RuleSettings(name="more", tags=("code",), continue_=True, set_priority=3),
        RuleSettings(name="after", classes=("otp",), pool="gb"),
    )
    assert table.decide(query(body=b"Your CODE is 1")) == Routed("gb", "after", "otp", "code", 3)
    assert table.decide(query(body=b"hello")) == Routed("gb", "")
    assert table.decide(query(country="FR", body=b"code", account="x")).pool == "gb"


def test_what_rules_set_goes_with_a_message_that_its_country_routes() -> None:
    """Though no rule names a pool."""
    table = table_of(RuleSettings(name="tag", accounts=("acme",), continue_=True, set_tag="t"), router=STRICT_ROUTER)
    assert table.decide(query()) == Routed("gb", "", "", "t", None)
    assert table.decide(query(country="US")) == Blocked("", "no_route", 0x0B)


def test_a_binary_message_has_no_text() -> None:
    """No pattern is found in it, whatever its octets."""
    table = table_of(RuleSettings(name="r", content_pattern="code", pool="fr"))
    assert table.decide(query(body=b"code")).rule == "r"
    assert table.decide(query(body=b"code", data_coding=4)).rule == ""


def test_the_text_of_a_part_is_what_follows_its_header() -> None:
    """A user data header is not looked through."""
    table = table_of(RuleSettings(name="r", content_pattern="^code", pool="fr"))
    assert table.decide(query(body=bytes.fromhex("050003010201") + b"code", esm_class=0x40)).rule == "r"


def test_the_text_is_not_decoded_when_no_rule_in_reach_asks_for_it() -> None:
    """Nor the time looked up."""
    table = table_of(
        RuleSettings(name="fr", countries=("FR",), content_pattern="x", pool="fr"),
        RuleSettings(name="bank", accounts=("bank",), times=("00:00-24:00",), pool="fr"),
        RuleSettings(name="rest", pool="gb"),
    )
    asked = query()
    assert table.decide(asked) == Routed("gb", "rest")
    assert asked.minute == -1
    assert asked._text == "\0unread"


def test_many_patterns_are_looked_for_together() -> None:
    """With the same result as one by one."""
    table = table_of(*(RuleSettings(name=f"r{n}", content_pattern=f"code{n}$", pool="fr") for n in range(50)))
    assert [table.decide(query(body=b"code%d" % n)).rule for n in (0, 7, 49, 50)] == ["r0", "r7", "r49", ""]
    assert len(table._sets) == 1


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short lists, sets of patterns, and senders."""
    monkeypatch.setattr(rules_table, "SHORT_LISTS_MAX", 3)
    monkeypatch.setattr(rules_table, "SETS_MAX", 2)
    monkeypatch.setattr("smsagg.routing.rules.conditions.SENDERS_REMEMBERED", 5)
    settings = [RuleSettings(name=f"a{n}", accounts=(f"a{n}",), content_pattern=f"x{n}", pool="fr") for n in range(9)]
    table = table_of(*settings, RuleSettings(name="s", sender_pattern="B$|x", content_pattern="", pool="gb"))
    for n in range(9):
        assert table.decide(query(account=f"a{n}", body=b"x%d" % n)).rule == f"a{n}"
        assert table.decide(query(account=f"a{n}", source_addr=f"A{n}B")).rule == "s"
    assert len(table._short_lists) <= 3
    assert len(table._sets) <= 2


def test_a_pattern_sees_texts_in_one_spelling() -> None:
    """Case, width, invisible characters and kinds of white space make no difference, as for rules on content."""
    table = table_of(RuleSettings(name="r", content_pattern="your code", pool="fr"))
    for written in ("Your CODE is 1", "ＹＯＵＲ ｃｏｄｅ", "your\u00a0co\u200bde"):
        assert table.decide(query(body=written.encode("utf-16-be"), data_coding=8)).pool == "fr"
