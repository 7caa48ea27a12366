"""Rate cards of carriers and price lists of accounts, from the CSV files that the configuration names."""

from collections.abc import Iterable, Mapping

from smsagg.config.csv_rows import FileProblems, read_text
from smsagg.config.overlay import NO_OVERLAY, PRICE_LIST, RATE_CARD, Entity, Overlay, in_file
from smsagg.config.schema import AccountSettings, Config
from smsagg.pricing import Currencies, RateCard
from smsagg.pricing.card_file import read_card

_OWNERS = {RATE_CARD: "carrier", PRICE_LIST: "account"}


def currencies_of(config: Config) -> Currencies:
    """The currencies that ``config`` knows."""
    return Currencies(config.money.currency, config.money.rates)


def currency_of(config: Config, account: AccountSettings) -> str:
    """That of the account's prices and balance."""
    return account.currency or config.money.currency


def load_cards(
    config: Config, currencies: Currencies, problems: list[str], overlay: Overlay = NO_OVERLAY
) -> Mapping[str, RateCard]:
    """By carrier, of those that have a rate card; what is wrong with the files is added to ``problems``."""
    files = (
        (name, carrier.rate_card, carrier.currency or config.money.currency, "")
        for name, carrier in config.carriers.items()
    )
    return _load(files, currencies, problems, RATE_CARD, overlay)


def load_prices(
    config: Config, currencies: Currencies, problems: list[str], overlay: Overlay = NO_OVERLAY
) -> Mapping[str, RateCard]:
    """By account, of those that have a price list; all of its prices are in the account's currency."""
    files = (
        (name, account.price_list, currency := currency_of(config, account), currency)
        for name, account in config.accounts.items()
    )
    return _load(files, currencies, problems, PRICE_LIST, overlay)


def _load(
    files: Iterable[tuple[str, str | None, str, str]],
    currencies: Currencies,
    problems: list[str],
    kind: str,
    overlay: Overlay,
) -> Mapping[str, RateCard]:
    """By name, of (name, path, currency, only); a file that several name is read once for each currency."""
    texts = overlay.texts(kind)
    read: dict[tuple[str, str, str], RateCard | None] = {}
    cards: dict[str, RateCard] = {}
    for name, path, currency, only in files:
        put = texts.pop(name, None)
        if path is None:
            if put is not None:
                found = FileProblems(str(Entity(kind, name)))
                card = read_card(put, currency, currencies, found, only)
                problems += found.lines
                if card is not None:
                    cards[name] = card
            continue
        if put is not None:
            problems.append(in_file(Entity(kind, name)))
        key = (path, currency, only)
        if key not in read:
            found = FileProblems(path)
            text = read_text(path, found)
            read[key] = None if text is None else read_card(text, currency, currencies, found, only)
            problems += found.lines
        card = read[key]
        if card is not None:
            cards[name] = card
    for name in texts:
        problems.append(f"{Entity(kind, name)}: there is no {_OWNERS[kind]} {name}")
    return cards
