"""Why a message would go where it would go: what every step on its way says of it, without anything happening.

Asked about a message that nobody sent, this follows the admission step by step and changes nothing: no sender is used
up, nothing is counted, reserved or looked up at a service. Without an engine (the server does not run) the
configuration and its files answer alone, and what depends on the moment is left out.

The answer is a record for programs: amounts are decimal strings in the currency beside them, instants are ISO 8601.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from math import isfinite
from typing import Any

from attrs import define

from smsagg.abuse import Checks, rules_of
from smsagg.abuse.checks import Shared
from smsagg.config.amounts import format_micros
from smsagg.config.sandbox import SANDBOX
from smsagg.config.schema import AccountSettings, Config, MessageClassSettings
from smsagg.engine.admission.foresight import (
    PASSED,
    REFUSED,
    WARNING,
    Step,
    compliance_step,
    guard_step,
    later_steps,
    sandbox_step,
)
from smsagg.engine.admission.permission import asked_of
from smsagg.engine.admission.tariffs import guard_of
from smsagg.engine.engine import Engine
from smsagg.errors import ControlError
from smsagg.model import ChargeOn, Message
from smsagg.policy.sender_rules import SenderRules
from smsagg.policy.submit_rules import end_of_life
from smsagg.pricing import CardRate
from smsagg.routing.destination import NPI_ISDN, TON_INTERNATIONAL, BadDestination, e164_digits
from smsagg.routing.prefix import country_of
from smsagg.routing.router import Router
from smsagg.routing.rules import Blocked, Routed, RouteQuery, RouteTable
from smsagg.routing.rules.explain import local_time
from smsagg.routing.zones import zone_of
from smsagg.smpp.status import ESME_RINVDSTADR, ESME_RINVSRCADR, ESME_RSUBMITFAIL, name_of
from smsagg.tables import Tables
from smsagg.text import Rules, Transliteration, plan

Record = dict[str, Any]

_PUNCTUATION = str.maketrans("", "", " ()-./")
_NO_REWRITING = Rules(transliteration=Transliteration.NONE)
_CHARGE_ON = {charge_on: charge_on.name.lower() for charge_on in ChargeOn}


@define(frozen=True)
class Question:
    """A message that might be submitted."""

    account: str
    number: str
    sender: str = ""
    text: str = ""
    message_class: str = ""
    """``""``: the account's."""
    tag: str = ""
    at: int | None = None
    """UTC milliseconds; ``None``: now."""


class Explainer:
    """Explains under one configuration."""

    def __init__(self, config: Config, tables: Tables, engine: Engine | None = None) -> None:
        """``engine`` is the one that runs under both, if there is one."""
        self._config = config
        self._tables = tables
        self._engine = engine

    def explain(self, question: Question, now: int) -> Record:
        """Everything about ``question``, at ``now`` (UTC milliseconds) unless it says when. Raises ControlError for an
        account or a class that is not there."""
        settings = self._account(question)
        at = now if question.at is None else question.at
        record: Record = {"at": _instant(at), "account": question.account, "is_running": self._engine is not None}
        digits = e164_digits(question.number.translate(_PUNCTUATION), TON_INTERNATIONAL, NPI_ISDN)
        if isinstance(digits, BadDestination):
            steps = [Step("number", REFUSED, ESME_RINVDSTADR, digits.value)]
            return record | {"number": question.number, "steps": [_told(step) for step in steps]}
        return record | _Explanation(self, question, settings, digits, at).record()

    def _account(self, question: Question) -> AccountSettings:
        config = self._config
        if question.account not in config.accounts:
            raise ControlError(
                f"there is no account {question.account}; there are {', '.join(sorted(config.accounts))}"
            )
        if question.message_class and question.message_class not in config.message_classes:
            names = ", ".join(sorted(config.message_classes))
            raise ControlError(f"there is no message class {question.message_class}; there are {names}")
        return config.accounts[question.account]


class _Explanation:
    """One answer in the making."""

    def __init__(
        self, explainer: Explainer, question: Question, settings: AccountSettings, digits: str, at: int
    ) -> None:
        self._config, self._tables = explainer._config, explainer._tables
        self._engine = explainer._engine
        self._question, self._settings, self._digits, self._at = question, settings, digits, at
        self._country = country_of(digits)
        self._prices = None if settings.sandbox else self._tables.prices.get(question.account)
        self._network, self._network_by = self._network_of()
        planned = plan(question.text, _NO_REWRITING)
        self._segments = len(planned.segments)
        self._routes = self._tables.routes or RouteTable((), Router(self._config.pools, self._config.routing))
        self._sender, self._sender_step = self._sender_of()
        self._query = RouteQuery(
            question.account,
            question.message_class or settings.message_class,
            digits,
            self._country,
            self._network,
            self._sender,
            at,
            frozenset(settings.tags),
            question.tag,
            b"".join(planned.bodies),
            planned.data_coding,
        )
        self._decision = Routed(SANDBOX, "") if settings.sandbox else self._routes.decide(self._query)
        self._message = self._written()

    def record(self) -> Record:
        steps = [*self._steps()]
        told: Record = {
            "number": self._digits,
            **self._destination(),
            "sender": self._sender,
            "segments": self._segments,
            "tags": sorted(self._settings.tags),
            "rules": [
                {"rule": one.rule, "verdict": one.verdict.value, "why": one.why}
                for one in (() if self._settings.sandbox else self._routes.explain(self._query))
            ],
            "decision": self._decided(),
            "steps": [_told(step) for step in steps],
        }
        if isinstance(self._decision, Routed):
            told["price"] = self._price()
            told["candidates"] = self._candidates(self._decision.pool)
        return told

    # --- where it goes ---

    def _network_of(self) -> tuple[str, str]:
        """The network, and who says so: ``lookup``, ``prefix`` or nobody (``""``)."""
        if self._engine is not None:
            network = self._engine.lookups.recall(self._digits, self._country)
        elif self._tables.resolver is not None and self._is_looked_up():
            network = self._tables.resolver.known(self._digits) or ""
        else:
            network = ""
        if network:
            return network, "lookup"
        network = "" if self._tables.networks is None else self._tables.networks.find(self._digits)
        return network, "prefix" if network else ""

    def _is_looked_up(self) -> bool:
        lookup = None if self._settings.sandbox else self._config.routing.lookup
        return lookup is not None and self._country in lookup.countries

    def _destination(self) -> Record:
        networks, times = self._tables.networks, self._routes.local_times
        return {
            "country": self._country,
            "network": self._network,
            "network_by": self._network_by,
            "operator": "" if networks is None else networks.operator(self._network),
            "is_looked_up": self._is_looked_up(),
            "zone": zone_of(self._digits),
            "local_time": local_time(times.minute_of_week(self._digits, self._at)),
        }

    def _decided(self) -> Record:
        decision = self._decision
        if isinstance(decision, Blocked):
            return {
                "blocked": decision.reason,
                "rule": decision.rule,
                "command_status": name_of(decision.command_status),
            }
        return {
            "pool": decision.pool,
            "rule": decision.rule,
            "by": self._decided_by(decision),
            "message_class": decision.message_class or self._query.message_class,
            "tag": decision.tag or self._query.tag,
            "priority": decision.priority,
        }

    def _decided_by(self, decision: Routed) -> str:
        if self._settings.sandbox:
            return "its account, which is a sandbox"
        if decision.rule:
            return f"rule {decision.rule}"
        named = self._country in self._config.pools[decision.pool].countries
        return "its country" if named else "default, since no pool names its country"

    # --- what each step says ---

    def _steps(self) -> Iterator[Step]:
        if not self._settings.enabled:
            yield Step("account", REFUSED, 0, "disabled: its ESMEs cannot bind")
        yield from guard_step(self._guard(), self._message, self._digits, self._at)
        yield self._sender_step
        yield self._route_step()
        if self._settings.sandbox:
            yield sandbox_step(self._digits)
        if isinstance(self._decision, Routed):
            self._message.message_class = self._decision.message_class or self._query.message_class
            yield from self._compliance_steps()
            yield from self._price_steps(self._decision.pool)
            if self._engine is not None:
                yield from later_steps(self._engine, self._message, self._digits, self._segments, self._at)

    def _guard(self) -> Checks | None:
        """The checks for abuse of the account; of the files alone with nothing counted yet."""
        account = self._question.account
        if self._engine is not None:
            return self._engine.core.accounts[account].guard
        rules, content = rules_of(self._config, account), self._tables.content.compile(account)
        checks = Checks(account, rules, Shared(self._config.abuse), content, None, lambda _finding: None)
        return checks if checks.are_needed else None

    def _sender_of(self) -> tuple[str, Step]:
        senders, asked = self._settings.senders, self._question.sender
        if senders is None:
            return asked, Step("sender", PASSED, 0, "any is allowed")
        if senders.from_pool and (senders.pool_names is None or not asked or asked in senders.pool_names):
            pool = senders.from_pool_by_country.get(self._country, senders.from_pool)
            return asked, Step("sender", PASSED, 0, f"one of number pool {pool}; name it with --from to ask about it")
        found = SenderRules(senders).apply(0, 0, asked)
        if found is None:
            return asked, Step("sender", REFUSED, ESME_RINVSRCADR, "not allowed for the account")
        if found.address != asked:
            return found.address, Step("sender", PASSED, 0, "replaced by the account's default")
        return asked, Step("sender", PASSED, 0, "allowed")

    def _route_step(self) -> Step:
        decision = self._decision
        if not isinstance(decision, Blocked):
            return Step("route", PASSED, 0, f"pool {decision.pool}, by {self._decided_by(decision)}")
        if decision.rule:
            return Step("route", REFUSED, decision.command_status, f"blocked by {decision.rule}: {decision.reason}")
        return Step("route", REFUSED, decision.command_status, "no pool for its country, and no default pool")

    def _compliance_steps(self) -> Iterator[Step]:
        """Whether the recipient opted in or out is known to the engine alone."""
        message, digits, engine = self._message, self._digits, self._engine
        if engine is None:
            is_suppressed, asked = False, asked_of(self._settings, message, digits, lambda: True)
        else:
            is_suppressed = engine.consents.is_suppressed(message, digits)
            asked = engine.admission.permission.asked(engine.core.accounts[message.account], message, digits)
        settings = self._config.message_classes.get(message.message_class, MessageClassSettings())
        asked = asked._replace(expires_at=end_of_life(self._at, None, settings))
        yield from compliance_step(self._tables.compliance.of(self._country), asked, self._country, is_suppressed)

    def _price_steps(self, pool: str) -> Iterator[Step]:
        if self._prices is None:
            return
        rate = self._rate()
        if rate is None:
            refuses = self._settings.when_unpriced == "refuse"
            reason = "the account's price list has no price for it"
            yield Step("price", REFUSED if refuses else WARNING, ESME_RSUBMITFAIL if refuses else 0, reason)
            return
        yield Step("price", PASSED, 0, f"{format_micros(rate.unit)} {rate.currency} a segment")
        guard = guard_of(self._settings, self._config.pools[pool])
        if guard is None:
            return
        costs = [
            self._cost(member.carrier) for name in self._chain(pool) for member in self._config.pools[name].carriers
        ]
        if any(cost is None or guard.allows(rate.base, cost.base) for cost in costs):
            yield Step("margin", PASSED, 0, "some carrier leaves it")
        else:
            status = ESME_RSUBMITFAIL if guard.refuses else 0
            yield Step("margin", REFUSED if guard.refuses else WARNING, status, "no carrier of the pool leaves it")

    # --- prices and carriers ---

    def _rate(self) -> CardRate | None:
        prices = self._prices
        return None if prices is None else prices.find(self._digits, self._network, self._at, self._country)

    def _cost(self, carrier: str) -> CardRate | None:
        card = self._tables.cards.get(carrier)
        return None if card is None else card.find(self._digits, self._network, self._at, self._country)

    def _price(self) -> Record | None:
        rate = self._rate()
        return None if rate is None else _rate_told(rate, self._segments, self._tables.currencies.base)

    def _chain(self, pool: str) -> list[str]:
        chain: list[str] = []
        while pool and pool not in chain:
            chain.append(pool)
            pool = self._config.pools[pool].backup
        return chain

    def _candidates(self, pool: str) -> list[Record]:
        """The carriers of the pool and its backups; of a running engine in the order in which it would take them."""
        if self._engine is None:
            names = [
                (name, member.carrier) for name in self._chain(pool) for member in self._config.pools[name].carriers
            ]
            return [self._candidate(name, carrier) for name, carrier in names]
        core = self._engine.core
        found = core.pools[pool].explain(self._message, core.clock.monotonic_s())
        return [
            self._candidate(one.pool, one.carrier)
            | {
                "quality": one.quality,
                "health": one.health,
                "window": one.window,
                "rate_per_s": one.rate if isfinite(one.rate) else None,
                "verdict": one.verdict,
                "why": one.why,
            }
            for one in found
        ]

    def _candidate(self, pool: str, carrier: str) -> Record:
        revenue, cost = self._rate(), self._cost(carrier)
        record: Record = {"carrier": carrier, "pool": pool, "cost": None, "margin": None}
        if cost is not None:
            record["cost"] = _rate_told(cost, 1, self._tables.currencies.base)
            if revenue is not None:
                record["margin"] = format_micros(revenue.base - cost.base)
        return record

    def _written(self) -> Message:
        """The message as a front door would have made it, with what is known of it."""
        query, decision, rate = self._query, self._decision, self._rate()
        message = Message(
            seq=0,
            message_id="",
            account=query.account,
            message_class=query.message_class,
            service_type="",
            source_addr_ton=0,
            source_addr_npi=0,
            source_addr=query.source_addr,
            dest_addr_ton=TON_INTERNATIONAL,
            dest_addr_npi=NPI_ISDN,
            destination_addr=self._digits,
            esm_class=0,
            protocol_id=0,
            priority=0,
            registered_delivery=0,
            data_coding=query.data_coding,
            sm_default_msg_id=0,
            body=query.body,
            in_payload=False,
            tlvs=b"",
            country=self._country,
            pool=decision.pool if isinstance(decision, Routed) else "",
            accepted_at=self._at,
            not_before=self._at,
            expires_at=self._at,
        )
        message.network = self._network
        if rate is not None:
            message.price, message.revenue, message.charge_on = rate.unit, rate.base, rate.charge_on
        return message


def _rate_told(rate: CardRate, segments: int, base: str) -> Record:
    return {
        "unit": format_micros(rate.unit),
        "currency": rate.currency,
        "charge_on": _CHARGE_ON[rate.charge_on],
        "total": format_micros(rate.unit * segments),
        "base": format_micros(rate.base * segments),
        "base_currency": base,
    }


def _told(step: Step) -> Record:
    status = name_of(step.command_status) if step.command_status else ""
    return {"step": step.name, "says": step.says, "command_status": status, "reason": step.reason}


def _instant(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="seconds")
