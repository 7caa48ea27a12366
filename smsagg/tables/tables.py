"""All data files of one configuration, read and checked together: either all of them are right, or none is used."""

from collections.abc import Mapping

from attrs import define, field

from smsagg.abuse import NO_CONTENT_RULES, ContentRules
from smsagg.compliance import NO_RULES, ComplianceMap
from smsagg.config.overlay import NO_OVERLAY, Overlay
from smsagg.config.schema import Config
from smsagg.consent.keywords import Keywords
from smsagg.errors import ConfigError
from smsagg.pricing import Currencies, RateCard
from smsagg.resolvers.base import Resolver
from smsagg.routing.networks import NetworkTable
from smsagg.routing.rules import RouteTable
from smsagg.tables.cards import currencies_of, load_cards, load_prices
from smsagg.tables.compliance import load_compliance
from smsagg.tables.content import load_content
from smsagg.tables.keywords import load_keywords, our_keywords
from smsagg.tables.lookup import load_resolver
from smsagg.tables.networks import load_networks
from smsagg.tables.routes import load_routes


@define(frozen=True)
class Tables:
    """What the data files say; without files everything is empty."""

    currencies: Currencies = field(factory=Currencies)
    cards: Mapping[str, RateCard] = field(factory=dict)
    """By carrier: what it asks of us. Carriers whose prices are not known are not in it."""
    prices: Mapping[str, RateCard] = field(factory=dict)
    """By account: what we ask of it, in its currency. Accounts without a price list are not in it."""
    routes: RouteTable | None = None
    """The routing rules; ``None``: there are none, and countries decide."""
    networks: NetworkTable | None = None
    """Whose a range of numbers is; ``None``: nobody said."""
    resolver: Resolver | None = None
    """Who knows the networks of ported numbers, for the engine to run; ``None``: nobody is asked."""
    warnings: tuple[str, ...] = ()
    """What an operator should look at, though it is no error; as problems are written."""
    content: ContentRules = NO_CONTENT_RULES
    """Rules on what texts say."""
    keywords: Keywords = field(factory=our_keywords)
    """How people opt out and in."""
    compliance: ComplianceMap = NO_RULES
    """What countries ask of messages."""


def load_tables(config: Config, overlay: Overlay = NO_OVERLAY) -> Tables:
    """Read every data file that ``config`` names, and what ``overlay`` has of the kind.

    Raises :class:`~smsagg.errors.ConfigError` that lists every problem of every file, a line each:
    ``file:line: reason``.
    """
    problems: list[str] = []
    warnings: list[str] = []
    currencies = currencies_of(config)
    tables = Tables(
        currencies=currencies,
        cards=load_cards(config, currencies, problems, overlay),
        prices=load_prices(config, currencies, problems, overlay),
        routes=load_routes(config, problems, warnings, overlay),
        networks=load_networks(config, problems),
        resolver=load_resolver(config, problems),
        warnings=tuple(warnings),
        content=load_content(config, problems),
        keywords=load_keywords(config, problems),
        compliance=load_compliance(config, problems),
    )
    if problems:
        raise ConfigError("\n".join(dict.fromkeys(problems)))
    return tables
