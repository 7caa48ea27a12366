"""What is in a configuration, as tables for people."""

from collections.abc import Iterator, Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table

from smsagg.config.amounts import format_micros
from smsagg.config.schema import AccountSettings, Config, MessageClassSettings, PoolSettings
from smsagg.config.units import format_duration
from smsagg.mo import MoRoutes, routes_of
from smsagg.policy.encoding import encoding_rules
from smsagg.pricing import RateCard
from smsagg.routing.rules import Rule
from smsagg.routing.rules.settings import RuleSettings
from smsagg.tables import Tables

CONDITIONS = (
    "accounts", "classes", "prefixes", "countries", "networks", "senders", "sender_pattern", "content_pattern", "times",
    "weekdays", "tags", "valid_from", "valid_until",
)  # fmt: skip
SETTINGS = ("set_class", "set_tag", "set_priority")


def tables_of(config: Config, tables: Tables) -> Iterator[Table]:
    """Accounts, pools and carriers; and what else there is."""
    yield _accounts(config)
    yield _pools(config)
    yield _carriers(config)
    if len(config.message_classes) > 1 or any(_is_smart(config, account) for account in config.accounts.values()):
        yield _classes(config)
        yield _encodings(config)
    if routes_of(config):
        yield _mo_routes(config)
    if tables.routes is not None and not tables.routes.is_empty:
        yield _routes(tables.routes.rules)
    if tables.cards or tables.prices:
        yield _prices(tables)


def _accounts(config: Config) -> Table:
    table = _table("Accounts", "account", "system_id", "binds", "window", "rate", "queue", "class", "networks")
    for name, account in config.accounts.items():
        rate = "unlimited" if account.rate is None else f"{account.rate:g}/s"
        table.add_row(
            name if account.enabled else f"{name} (disabled)",
            account.system_id,
            str(account.binds_max),
            str(account.window_max),
            rate,
            str(account.queue_max),
            account.message_class,
            ", ".join(account.networks) or "any",
        )
    return table


def _pools(config: Config) -> Table:
    table = _table("Pools", "pool", "policy", "carriers", "countries", "backup", "queue", "when full")
    for name, pool in config.pools.items():
        countries = list(pool.countries)
        if name == config.routing.default_pool:
            countries.append("all others")
        table.add_row(
            name,
            pool.policy,
            _members(pool),
            ", ".join(countries) or "none",
            pool.backup or "none",
            str(pool.queue_max),
            pool.when_full,
        )
    return table


def _members(pool: PoolSettings) -> str:
    """The members as the pool's policy looks at them."""
    if pool.policy == "weighted":
        return ", ".join(f"{member.carrier} ({member.weight})" for member in pool.carriers)
    if pool.policy != "priority":
        return ", ".join(member.carrier for member in pool.carriers)
    ranked = sorted(pool.carriers, key=lambda member: member.rank)
    return ", ".join(f"{member.carrier} ({member.rank})" for member in ranked)


def _carriers(config: Config) -> Table:
    table = _table("Carriers", "carrier", "type", "pools", "receipts", "circuit")
    for name, carrier in config.carriers.items():
        pools = [pool for pool, settings in config.pools.items() if name in {m.carrier for m in settings.carriers}]
        circuit = f"{carrier.circuit_failures} failures" if carrier.circuit_failures else "never opens"
        table.add_row(name, carrier.type, ", ".join(pools) or "unused", carrier.ask_receipts, circuit)
    return table


def _classes(config: Config) -> Table:
    table = _table("Message classes", "class", "ttl", "in doubt", "attempts", "retry after", "encoding")
    for name, one in config.message_classes.items():
        table.add_row(
            name,
            format_duration(one.ttl),
            one.in_doubt,
            str(one.retry.attempts_max),
            f"{format_duration(one.retry.first)} to {format_duration(one.retry.max)}",
            one.encoding,
        )
    return table


def _class_of(config: Config, account: AccountSettings) -> MessageClassSettings:
    return config.message_classes.get(account.message_class) or MessageClassSettings()


def _is_smart(config: Config, account: AccountSettings) -> bool:
    return encoding_rules(account, _class_of(config, account)) is not None or account.data_coding_0 != "gsm"


def _encodings(config: Config) -> Table:
    table = _table("Texts", "account", "data_coding 0 means", "encoding", "replaces", "national tables")
    for name, account in config.accounts.items():
        rules = encoding_rules(account, _class_of(config, account))
        table.add_row(
            name,
            account.data_coding_0,
            "as_is" if rules is None else "smart",
            "nothing" if rules is None else rules.transliteration.name.lower(),
            "none" if rules is None else ", ".join(one.name.lower() for one in rules.languages) or "none",
        )
    return table


def _mo_routes(config: Config) -> Table:
    """In the order in which they are asked for one number."""
    table = _table("Messages from handsets", "number", "keyword", "carrier", "account", "long ones")
    for route in MoRoutes(routes_of(config)).all():
        table.add_row(
            route.number,
            route.keyword or "any",
            route.carrier or "any",
            route.account,
            "as one" if route.reassemble else "as parts",
        )
    return table


def _routes(rules: Sequence[Rule]) -> Table:
    table = _table("Routes", "", "rule", "asks for", "gives", "comment")
    for number, rule in enumerate(rules, 1):
        table.add_row(
            str(number),
            rule.name if rule.enabled else f"{rule.name} (disabled)",
            "; ".join(_asked(rule.settings)) or "nothing",
            _given(rule.settings),
            rule.settings.comment,
        )
    return table


def _asked(rule: RuleSettings) -> Iterator[str]:
    for key in CONDITIONS:
        value = getattr(rule, key)
        if value:
            yield f"{key} {', '.join(value) if isinstance(value, tuple) else value}"


def _given(rule: RuleSettings) -> str:
    if rule.block:
        return f"refused: {rule.block}"
    given = [
        f"{key.removeprefix('set_')} {getattr(rule, key)}" for key in SETTINGS if getattr(rule, key) not in ("", None)
    ]
    return ", ".join([*([f"pool {rule.pool}"] if rule.pool else []), *given])


def _prices(tables: Tables) -> Table:
    table = _table("Prices", "of", "rows", "currencies", "cheapest", "dearest", "owed")
    priced = [(f"carrier {name}", card) for name, card in tables.cards.items()]
    priced += [(f"account {name}", card) for name, card in tables.prices.items()]
    for name, card in priced:
        table.add_row(name, str(len(card)), *_spread(card))
    return table


def _spread(card: RateCard) -> tuple[str, str, str, str]:
    """Currencies, least and highest price, and for what they are owed."""
    currencies = ", ".join(sorted({row.currency for row in card.rows}))
    units = [row.unit for row in card.rows]
    owed = ", ".join(sorted(charge.name.lower() for charge in card.charges))
    if not units:
        return currencies, "", "", owed
    return currencies, format_micros(min(units)), format_micros(max(units)), owed


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in columns:
        table.add_column(column, overflow="fold", min_width=len(column))
    return table
