"""Why a message would go where it would go, without anything happening."""

from decimal import Decimal
from typing import Any

import pytest
from attrs import evolve

from smsagg.abuse import ContentRule, ContentRules
from smsagg.config.amounts import parse_micros
from smsagg.config.schema import AccountAbuseSettings, Config, RoutingSettings, SenderSettings
from smsagg.engine.admission.explaining import Explainer, Question
from smsagg.errors import ControlError
from smsagg.model import ChargeOn
from smsagg.pricing import Currencies, RateCard
from smsagg.pricing.rate_card import CardRow, DestinationKind
from smsagg.routing.networks import NetworkRange, NetworkTable
from smsagg.routing.router import Router
from smsagg.routing.rules import RouteTable, rule_of
from smsagg.routing.rules.settings import RuleSettings
from smsagg.tables import Tables
from smsagg.testing.gateway import FakeGateway, account_settings, make_config, make_message, pool_settings, run_gateway
from smsagg.testing.resolver import FakeResolver, lookup_settings

NOW = 1_700_000_000_000
"""Tuesday, 2023-11-14 22:13:20 UTC."""
NUMBER = "447700900123"


def config_of(*rules: RuleSettings, prices: dict[str, str] | None = None, **values: Any) -> tuple[Config, Tables]:
    """One account, a pool ``gb`` with a backup, these rules, and prices of a segment by carrier or account."""
    sections: dict[str, Any] = {
        "pools": {"gb": pool_settings("alpha", countries=("GB",), backup="codes"), "codes": pool_settings("alpha")}
    }
    config = make_config(**(sections | values))
    currencies = Currencies("EUR", {"GBP": Decimal("1.2")})

    def card(price: str, currency: str) -> RateCard:
        row = CardRow(DestinationKind.PREFIX, "44", parse_micros(price), currency, ChargeOn.SUBMITTED)
        return RateCard([row], currencies)

    prices = prices or {}
    tables = Tables(
        currencies=currencies,
        cards={name: card(price, "EUR") for name, price in prices.items() if name in config.carriers},
        prices={name: card(price, "GBP") for name, price in prices.items() if name in config.accounts},
        routes=RouteTable([rule_of(rule) for rule in rules], Router(config.pools, config.routing)) if rules else None,
        networks=NetworkTable([NetworkRange("4477", "23415", "GB", "Vodafone")]),
    )
    return config, tables


def explain(config: Config, tables: Tables, at: int | None = NOW, **asked: Any) -> dict[str, Any]:
    question = Question(**({"account": "acme", "number": NUMBER, "sender": "ACME", "at": at} | asked))
    return Explainer(config, tables).explain(question, NOW)


def says(record: dict[str, Any]) -> dict[str, str]:
    return {step["step"]: step["says"] for step in record["steps"]}


def test_the_files_alone_tell_destination_rules_and_pool() -> None:
    """With the first condition of each rule that does not hold."""
    rules = (
        RuleSettings(name="fr", countries=("FR",), pool="codes"),
        RuleSettings(name="off", enabled=False, pool="codes"),
        RuleSettings(name="codes", content_pattern="code", continue_=True, set_class="otp", set_priority=3),
        RuleSettings(name="night", classes=("otp",), times=("22:00-07:00",), pool="codes", comment="x"),
        RuleSettings(name="rest", pool="gb"),
    )
    record = explain(*config_of(*rules), number="+44 (7700) 900-123", text="Your code")
    assert record["is_running"] is False
    assert record["at"] == "2023-11-14T22:13:20+00:00"
    assert {
        key: record[key] for key in ("number", "country", "network", "network_by", "operator", "zone", "local_time")
    } == {
        "number": NUMBER,
        "country": "GB",
        "network": "23415",
        "network_by": "prefix",
        "operator": "Vodafone",
        "zone": "Europe/London",
        "local_time": "tue 22:13",
    }
    assert [(rule["rule"], rule["verdict"], rule["why"]) for rule in record["rules"]] == [
        ("fr", "passed", "country is GB, not FR"),
        ("off", "disabled", "enabled = false"),
        ("codes", "continued", "set_class otp, set_priority 3"),
        ("night", "decided", "pool codes"),
    ]
    assert record["decision"] == {
        "pool": "codes",
        "rule": "night",
        "by": "rule night",
        "message_class": "otp",
        "tag": "",
        "priority": 3,
    }
    assert record["price"] is None
    assert record["candidates"] == [{"carrier": "alpha", "pool": "codes", "cost": None, "margin": None}]


def test_each_condition_tells_why_it_does_not_hold() -> None:
    """With what the message is instead."""
    conditions: list[tuple[dict[str, Any], str]] = [
        ({"accounts": ("x", "y")}, "account is acme, not x, y"),
        ({"classes": ("otp",)}, "class is default, not otp"),
        ({"prefixes": ("33", "49")}, "number begins with none of 33, 49"),
        ({"networks": ("23410", "208")}, "network is 23415, not 208, 23410"),
        ({"senders": ("X*",)}, "sender is ACME, not X*"),
        ({"sender_pattern": "^[a-z]+$"}, "sender ACME has no ^[a-z]+$"),
        ({"content_pattern": "code"}, "text has no code"),
        ({"times": ("09:00-17:00",)}, "it is tue 22:13 there, not 09:00-17:00"),
        ({"weekdays": ("sat-sun",)}, "it is tue 22:13 there, not sat-sun"),
        ({"tags": ("t",)}, "tags are gold, not t"),
        ({"countries": ("AD", "AE", "AF", "AG", "AI", "AL", "AM")}, "country is GB, not AD, AE, AF, AG, AI, AL … (7)"),
    ]
    rules = [RuleSettings(name=f"r{n}", pool="codes", **keys) for n, (keys, _) in enumerate(conditions)]
    record = explain(*config_of(*rules), tag="gold", text="hello")
    assert [rule["why"] for rule in record["rules"]] == [why for _, why in conditions]
    assert record["decision"]["rule"] == ""


def test_without_rules_the_country_decides() -> None:
    """And one without a pool is refused."""
    config, tables = config_of()
    assert explain(config, tables)["decision"]["pool"] == "gb"
    record = explain(config, tables, number="33612345678")
    assert record["decision"] == {"blocked": "no_route", "rule": "", "command_status": "ESME_RINVDSTADR"}
    assert says(record)["route"] == "refused"
    assert "candidates" not in record


def test_prices_and_margins_are_told() -> None:
    """Of all segments for the price, of one for the carriers; the guard says what it would do."""
    accounts = {"acme": account_settings("acme", margin_guard="refuse")}
    config, tables = config_of(prices={"acme": "0.05", "alpha": "0.04"}, accounts=accounts)
    record = explain(config, tables, text="a" * 200)
    assert record["segments"] == 2
    assert record["price"] == {
        "unit": "0.05",
        "currency": "GBP",
        "charge_on": "submitted",
        "total": "0.10",
        "base": "0.12",
        "base_currency": "EUR",
    }
    assert [(one["pool"], one["cost"]["unit"], one["margin"]) for one in record["candidates"]] == [
        ("gb", "0.04", "0.02"),
        ("codes", "0.04", "0.02"),
    ]
    assert says(record)["margin"] == "passed"
    config, tables = config_of(prices={"acme": "0.03", "alpha": "0.04"}, accounts=accounts)
    assert says(explain(config, tables))["margin"] == "refused"
    config, tables = config_of(
        prices={"acme": "0.03"}, accounts={"acme": account_settings("acme", when_unpriced="refuse")}
    )
    assert says(explain(config, tables, number="33612345678"))["route"] == "refused"
    fr = RuleSettings(name="fr", countries=("FR",), pool="gb")
    config, tables = config_of(
        fr, prices={"acme": "0.03"}, accounts={"acme": account_settings("acme", when_unpriced="refuse")}
    )
    assert says(explain(config, tables, number="33612345678"))["price"] == "refused"


def test_what_is_refused_before_the_rules_is_told() -> None:
    """A number that is none, a sender that is not allowed, an account that is disabled."""
    senders = SenderSettings(allowed=("ACME",), default="ACME", when_not_allowed="replace")
    config, tables = config_of(accounts={"acme": account_settings("acme", senders=senders, enabled=False)})
    assert says(explain(config, tables, number="12")) == {"number": "refused"}
    record = explain(config, tables, sender="Other")
    assert record["sender"] == "ACME"
    assert says(record) == {"account": "refused", "sender": "passed", "route": "passed"}
    config, tables = config_of(accounts={"acme": account_settings("acme", senders=SenderSettings(allowed=("ACME",)))})
    assert says(explain(config, tables, sender="Other"))["sender"] == "refused"


def test_a_sender_from_a_number_pool_is_not_chosen_for_that() -> None:
    """The pool is told; one of its numbers may be asked about."""
    senders = SenderSettings(from_pool="uk", from_pool_by_country={"FR": "fr"}, pool_names=("ACME",))
    config, tables = config_of(accounts={"acme": account_settings("acme", senders=senders)})
    step = explain(config, tables)["steps"][0]
    assert (step["says"], step["reason"].split(";")[0]) == ("passed", "one of number pool uk")
    assert "allowed" in explain(config, tables, sender="447700900999")["steps"][0]["reason"]


def test_accounts_and_classes_that_are_not_there_are_told() -> None:
    """With those that are."""
    config, tables = config_of()
    with pytest.raises(ControlError, match="no account other; there are acme"):
        explain(config, tables, account="other")
    with pytest.raises(ControlError, match="no message class otp"):
        explain(config, tables, message_class="otp")


def live(gateway: FakeGateway, **asked: Any) -> dict[str, Any]:
    core = gateway.engine.core
    explainer = Explainer(core.config, core.tables, gateway.engine)
    question = Question(**({"account": "acme", "number": NUMBER, "sender": "ACME"} | asked))
    return explainer.explain(question, gateway.clock.now_ms())


async def test_a_running_engine_tells_of_the_moment_and_is_not_changed() -> None:
    """Health, balances, what was looked up; nothing is counted, asked or reserved."""
    accounts = {"acme": account_settings("acme", billing="prepaid")}
    routing = RoutingSettings(lookup=lookup_settings())
    config, tables = config_of(prices={"acme": "0.05"}, accounts=accounts, routing=routing)
    resolver = FakeResolver({NUMBER: "23410"})
    tables = Tables(currencies=tables.currencies, prices=tables.prices, networks=tables.networks, resolver=resolver)
    async with run_gateway(config, tables=tables) as gateway:
        await gateway.settle()
        record = live(gateway)
        assert record["is_running"] is True
        assert (record["network"], record["network_by"], record["is_looked_up"]) == ("23415", "prefix", True)
        assert says(record)["money"] == "refused"
        assert [(one["pool"], one["verdict"], one["health"]) for one in record["candidates"]] == [
            ("gb", "taken", ""),
            ("codes", "could", ""),
        ]
        assert resolver.asked == []
        assert not gateway.metrics.lookups
        lookups = gateway.engine.lookups
        await lookups.wait(lookups.start([NUMBER]))
        assert (live(gateway)["network"], live(gateway)["network_by"]) == ("23410", "lookup")
        gateway.assert_nothing_is_held()


async def test_checks_for_abuse_and_recipient_caps_are_foreseen() -> None:
    """Asking as often as one likes changes nothing."""
    abuse = AccountAbuseSettings(countries=("GB",))
    accounts = {"acme": account_settings("acme", abuse=abuse, per_recipient=0.001, per_recipient_burst=1)}
    config, tables = config_of(accounts=accounts)
    async with run_gateway(config, tables=tables) as gateway:
        for _ in range(3):
            assert says(live(gateway)) == {"abuse": "passed", "sender": "passed", "route": "passed"}
        refused = live(gateway, number="33612345678")["steps"][0]
        assert (refused["step"], refused["says"], refused["command_status"]) == ("abuse", "refused", "ESME_RINVDSTADR")
        assert refused["reason"] == "country not enabled"
        now = gateway.clock.now_ms()
        account, message = gateway.engine.accounts["acme"], make_message(now)
        assert gateway.engine.admission.admit(account, message, NUMBER, now) is None
        assert says(live(gateway))["recipient"] == "refused"


async def test_what_rules_on_content_would_do_with_the_text_is_told() -> None:
    """One that they hold waits for an operator, one that they flag goes on with an alarm."""
    rules = [ContentRule("bank phishing", "hold", ("verify your account",)), ContentRule("prize", "flag", ("prize",))]
    config, tables = config_of()
    async with run_gateway(config, tables=evolve(tables, content=ContentRules(rules))) as gateway:
        for text, said in (("hello", "passed"), ("a prize", "warning"), ("Verify your account, a prize", "held")):
            step = live(gateway, text=text)["steps"][0]
            assert (step["step"], step["says"]) == ("abuse", said)
        assert step["reason"] == "until an operator releases it, by content rule bank phishing"
        assert not list(gateway.engine.guard.alarms)


def test_the_default_pool_is_told_apart_from_that_of_the_country() -> None:
    """It takes what no pool names."""
    config, tables = config_of(routing=RoutingSettings(default_pool="codes"))
    assert explain(config, tables)["decision"]["by"] == "its country"
    elsewhere = explain(config, tables, number="33612345678")
    assert (elsewhere["decision"]["pool"], elsewhere["decision"]["by"]) == (
        "codes",
        "default, since no pool names its country",
    )


def test_the_files_alone_tell_what_checks_for_abuse_would_refuse() -> None:
    """Countries that are not enabled and contents that are blocked need no server to be known."""
    accounts = {"acme": account_settings("acme", abuse=AccountAbuseSettings(countries=("GB",)))}
    config, tables = config_of(accounts=accounts, routing=RoutingSettings(default_pool="codes"))
    tables = evolve(tables, content=ContentRules([ContentRule("scam", "block", ("send money",))]))
    assert says(explain(config, tables))["abuse"] == "passed"
    assert explain(config, tables, text="Send MONEY")["steps"][0]["reason"] == "content"
    assert explain(config, tables, number="33612345678")["steps"][0]["reason"] == "country not enabled"
