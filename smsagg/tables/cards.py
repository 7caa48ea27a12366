"""Rate cards of carriers and price lists of accounts, from the CSV files that the configuration names."""

from collections.abc import Iterable, Mapping

from smsagg.config.csv_rows import FileProblems, read_text
from smsagg.config.schema import AccountSettings, Config
from smsagg.pricing import Currencies, RateCard
from smsagg.pricing.card_file import read_card


def currencies_of(config: Config) -> Currencies:
    """The currencies that ``config`` knows."""
    return Currencies(config.money.currency, config.money.rates)


def currency_of(config: Config, account: AccountSettings) -> str:
    """That of the account's prices and balance."""
    return account.currency or config.money.currency


def load_cards(config: Config, currencies: Currencies, problems: list[str]) -> Mapping[str, RateCard]:
    """By carrier, of those that have a rate card; what is wrong with the files is added to ``problems``."""
    files = (
        (name, carrier.rate_card, carrier.currency or config.money.currency, "")
        for name, carrier in config.carriers.items()
    )
    return _load(files, currencies, problems)


def load_prices(config: Config, currencies: Currencies, problems: list[str]) -> Mapping[str, RateCard]:
    """By account, of those that have a price list; all of its prices are in the account's currency."""
    files = (
        (name, account.price_list, currency := currency_of(config, account), currency)
        for name, account in config.accounts.items()
    )
    return _load(files, currencies, problems)


def _load(
    files: Iterable[tuple[str, str | None, str, str]], currencies: Currencies, problems: list[str]
) -> Mapping[str, RateCard]:
    """By name, of (name, path, currency, only); a file that several name is read once for each currency."""
    read: dict[tuple[str, str, str], RateCard | None] = {}
    cards: dict[str, RateCard] = {}
    for name, path, currency, only in files:
        if path is None:
            continue
        key = (path, currency, only)
        if key not in read:
            found = FileProblems(path)
            text = read_text(path, found)
            read[key] = None if text is None else read_card(text, currency, currencies, found, only)
            problems += found.lines
        card = read[key]
        if card is not None:
            cards[name] = card
    return cards
