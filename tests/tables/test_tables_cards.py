"""Rate cards and price lists as a configuration names them."""

from decimal import Decimal
from pathlib import Path

import pytest
from attrs import evolve

from smsagg.carriers.registry import settings_class
from smsagg.config.amounts import CurrencyCode, ExchangeRate
from smsagg.config.load import load_config
from smsagg.config.schema import Config, DataFile, MoneySettings
from smsagg.errors import ConfigError
from smsagg.tables import Tables, load_tables
from smsagg.testing.gateway import account_settings, carrier_settings, make_config

CONFIGS = Path(__file__).parents[2] / "configs"
IN_2026 = 1_780_000_000_000
IN_2027 = 1_800_000_000_000


def config_with(folder: Path, **files: str) -> Config:
    """Accounts and carriers of :func:`make_config` with these files."""
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text)
    carrier = evolve(carrier_settings(), rate_card=DataFile(str(folder / "card.csv")), currency=CurrencyCode("USD"))
    account = evolve(account_settings("acme"), price_list=DataFile(str(folder / "prices.csv")))
    money = MoneySettings(CurrencyCode("EUR"), {CurrencyCode("USD"): ExchangeRate(Decimal("0.5"))})
    return make_config(accounts={"acme": account}, carriers={"alpha": carrier}, money=money)


def test_each_side_has_its_prices_in_its_currency(tmp_path: Path) -> None:
    """A row without a currency has the carrier's or the account's; the base price follows from it."""
    config = config_with(tmp_path, card="prefix,price\n44,0.02\n", prices="prefix,price\n44,0.03\n")
    tables = load_tables(config)
    cost, price = (card.find("447700900123", "", IN_2026) for card in (tables.cards["alpha"], tables.prices["acme"]))
    assert (cost.unit, cost.currency, cost.base) == (20_000, "USD", 10_000)
    assert (price.unit, price.currency, price.base) == (30_000, "EUR", 30_000)


def test_the_problems_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    """Each with its file and line."""
    config = config_with(tmp_path, card="prefix,price\n44,0,02\n", prices="prefix,price,currency\n44,0.03,USD\nx,1,\n")
    with pytest.raises(ConfigError) as told:
        load_tables(config)
    assert str(told.value).splitlines() == [
        f"{tmp_path}/card.csv:2: has 3 values, and the header names 2 columns",
        f'{tmp_path}/prices.csv:2: currency must be EUR, the account\'s, not "USD"',
        f'{tmp_path}/prices.csv:3: prefix must be 1 to 15 digits that do not begin with 0, or "*", not "x"',
    ]


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    """With its path as the server looked for it."""
    with pytest.raises(ConfigError) as told:
        load_tables(config_with(tmp_path, card="prefix,price\n44,1\n"))
    assert str(told.value) == f"{tmp_path}/prices.csv: cannot be read: No such file or directory"


def test_without_files_nothing_has_a_price() -> None:
    """And nothing is read."""
    tables = load_tables(make_config())
    assert tables == Tables(tables.currencies)


def test_the_shipped_files_load() -> None:
    """They hold what their comments say: a price of 2027 among them."""
    tables = load_tables(load_config(CONFIGS / "example.toml", settings_class))
    card, prices = tables.cards["transit"], tables.prices["acme"]
    assert card.find("447911123456", "23415", IN_2026, "GB").unit == 23_100
    assert card.find("447911123456", "23415", IN_2027, "GB").unit == 24_500
    assert card.find("447700900123", "", IN_2026, "GB").unit == 19_800
    assert card.find("447911123456", "", IN_2026, "GB").unit == 26_200
    assert card.find("12125550100", "310260", IN_2026, "US").base == 6_543
    assert card.find("491701234567", "", IN_2026, "DE").currency == "EUR"
    assert [prices.find("12125550100", "", at, "US").unit for at in (IN_2026, IN_2027)] == [12_000, 12_500]
