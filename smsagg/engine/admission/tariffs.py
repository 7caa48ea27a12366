"""What a message brings and costs: its price at its admission, the margin guard, and its carriers' prices.

Only accounts with a price list have a :class:`Tariff`, and only carriers with a rate card are asked; without either
nothing here is called.
"""

from collections.abc import Mapping
from typing import NamedTuple

import structlog

from smsagg.config.amounts import Margin, format_micros
from smsagg.config.schema import AccountSettings, PoolSettings
from smsagg.engine.core import Core
from smsagg.engine.segments import segments_of
from smsagg.model import ChargeOn, Message, Refusal
from smsagg.observe.log import RateLimitedLog
from smsagg.pricing import RateCard, keeps_margin
from smsagg.routing.destination import NPI_ISDN, TON_INTERNATIONAL, BadDestination, e164_digits
from smsagg.smpp.status import ESME_RSUBMITFAIL

_UNPRICED = Refusal(ESME_RSUBMITFAIL, "unpriced")
_NEGATIVE_MARGIN = Refusal(ESME_RSUBMITFAIL, "margin")


class MarginGuard(NamedTuple):
    """The guard of one account in one pool, when it is on."""

    refuses: bool
    """Else it warns."""
    margin: Margin

    def allows(self, revenue: int, cost: int) -> bool:
        """Whether a carrier that costs so much may be taken for so much revenue; both in the base currency."""
        return keeps_margin(self.margin, revenue, cost)


def guard_of(account: AccountSettings, pool: PoolSettings) -> MarginGuard | None:
    """What the account says counts before what the pool says; ``None``: the guard is off."""
    mode = account.margin_guard or pool.margin_guard
    if mode == "off":
        return None
    margin = pool.margin_min if account.margin_min is None else account.margin_min
    return MarginGuard(mode == "refuse", margin)


class Tariff:
    """One account's prices, and its guards by pool."""

    __slots__ = ("guards", "prices", "refuses_unpriced")

    def __init__(self, prices: RateCard, refuses_unpriced: bool, guards: Mapping[str, MarginGuard]) -> None:
        self.prices = prices
        self.refuses_unpriced = refuses_unpriced
        self.guards = guards


class Tariffs:
    """All accounts' and all carriers' prices."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._log = RateLimitedLog(structlog.get_logger("smsagg.engine"))
        self.charge_submits: Mapping[str, RateCard] = {}
        """Rate cards of the carriers that charge, for some messages, as soon as they have them."""
        self.charge_deliveries: Mapping[str, RateCard] = {}
        """Of those that charge for deliveries."""
        self.reconfigure()

    def reconfigure(self) -> None:
        """Heed the configuration and the tables of the core from now on."""
        core = self._core
        cards = core.tables.cards.items()
        self.charge_submits = {name: card for name, card in cards if ChargeOn.SUBMITTED in card.charges}
        self.charge_deliveries = {name: card for name, card in cards if ChargeOn.DELIVERED in card.charges}
        for name, account in core.accounts.items():
            prices = core.tables.prices.get(name)
            if account.settings.sandbox:
                prices = None
            account.tariff = None if prices is None else self._tariff(account.settings, prices)

    def _tariff(self, settings: AccountSettings, prices: RateCard) -> Tariff:
        pools = self._core.config.pools.items()
        guards = {name: guard for name, pool in pools if (guard := guard_of(settings, pool)) is not None}
        return Tariff(prices, settings.when_unpriced == "refuse", guards)

    def price(self, tariff: Tariff, message: Message, digits: str, now: int) -> Refusal | None:
        """Give ``message``, whose pool is chosen, its price of today; or say why it is not to be taken."""
        rate = tariff.prices.find(digits, message.network, now, message.country)
        if rate is None:
            self._core.metrics.unpriced(message)
            return _UNPRICED if tariff.refuses_unpriced else None
        message.price, message.revenue, message.charge_on = rate.unit, rate.base, rate.charge_on
        guard = tariff.guards.get(message.pool)
        if guard is None or self._pays(guard, message, digits, now):
            return None
        if guard.refuses:
            return _NEGATIVE_MARGIN
        self._warn(message)
        return None

    def _pays(self, guard: MarginGuard, message: Message, digits: str, now: int) -> bool:
        """Whether some carrier of the pool leaves the margin, or may: its price is not known, and it is taken then."""
        cards = self._core.tables.cards
        for pool in self._core.pools[message.pool].chain():
            for carrier in pool.members:
                card = cards.get(carrier.name)
                rate = None if card is None else card.find(digits, message.network, now, message.country)
                if rate is None:
                    if pool.settings.unpriced != "refuse":
                        return True
                elif guard.allows(message.revenue, rate.base):
                    return True
        return False

    def _warn(self, message: Message) -> None:
        self._core.metrics.margin_warning(message)
        self._log.warning(
            "margin_below_minimum",
            key=f"{message.account} {message.pool} {message.country}",
            account=message.account,
            pool=message.pool,
            country=message.country,
            revenue=format_micros(message.revenue),
        )

    # What carriers ask of us.

    def taken(self, message: Message, carrier: str, now: int) -> None:
        """``carrier`` has ``message``: if it charges for that, the message costs so much more."""
        card = self.charge_submits.get(carrier)
        if card is not None:
            self._charge(card, message, now, ChargeOn.SUBMITTED)

    def delivered(self, message: Message) -> None:
        """Its carrier may charge for the delivery, at the price of the instant at which it took ``message``."""
        card = self.charge_deliveries.get(message.carrier)
        if card is not None:
            self._charge(card, message, message.next_attempt_at, ChargeOn.DELIVERED)

    def _charge(self, card: RateCard, message: Message, at_ms: int, charge_on: ChargeOn) -> None:
        digits = e164_digits(message.destination_addr, TON_INTERNATIONAL, NPI_ISDN)
        if isinstance(digits, BadDestination):
            return
        rate = card.find(digits, message.network, at_ms, message.country)
        if rate is not None and rate.charge_on is charge_on:
            message.cost += rate.base * segments_of(message)
