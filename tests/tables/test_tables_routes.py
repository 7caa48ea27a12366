"""The routes file and the networks file of a configuration."""

import tomllib
from pathlib import Path

import pytest
from attrs import fields

from smsagg.carriers.registry import settings_class
from smsagg.config.csv_rows import FileProblems
from smsagg.config.load import load_config, parse_config
from smsagg.config.schema import Config
from smsagg.errors import ConfigError
from smsagg.routing.rules.settings import RuleSettings
from smsagg.tables import load_tables
from smsagg.tables.networks import read_networks

CONFIGS = Path(__file__).parents[2] / "configs"
MINIMAL = (CONFIGS / "minimal.toml").read_text()


def config_with(folder: Path, routing: str, **files: str) -> Config:
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text)
    text = MINIMAL.replace("[routing]\n", f"[routing]\n{routing}\n")
    return parse_config(text, str(folder / "main.toml"), settings_class)


def test_the_shipped_example_loads_without_a_warning() -> None:
    """Its rules, its networks, and nothing that cannot be reached."""
    tables = load_tables(load_config(CONFIGS / "example.toml", settings_class))
    assert tables.warnings == ()
    assert tables.routes is not None
    assert [rule.name for rule in tables.routes.rules] == [
        "codes",
        "quiet-hours",
        "winter-campaign",
        "vodafone-uk",
        "no-satellites",
    ]
    assert tables.networks is not None
    assert tables.networks.find("447400999999") == "23420"
    assert tables.networks.operator("23415") == "Vodafone"


def test_the_example_has_every_key_of_a_rule() -> None:
    """A key that is added to the rules must be added to the example."""
    document = tomllib.loads((CONFIGS / "routes.example.toml").read_text())
    shown = {key for rule in document["routes"] for key in rule}
    assert shown == {attribute.name.removesuffix("_") for attribute in fields(RuleSettings)}


def test_without_files_there_is_nothing(tmp_path: Path) -> None:
    """And nothing is asked of messages."""
    tables = load_tables(config_with(tmp_path, ""))
    assert (tables.routes, tables.networks, tables.warnings) == (None, None, ())


def test_rules_that_are_all_disabled_cost_nothing(tmp_path: Path) -> None:
    """As if there were none."""
    rule = '[[routes]]\nname = "a"\nenabled = false\nblock = "x"\n'
    assert load_tables(config_with(tmp_path, 'routes = "r.toml"', r_toml=rule)).routes is None


def test_problems_of_all_files_are_told_together(tmp_path: Path) -> None:
    """Each with its file and line."""
    config = config_with(
        tmp_path,
        'routes = "r.toml"\nnetworks = "n.csv"',
        r_toml='[[routes]]\nname = "a"\npool = "nowhere"\n',
        n_csv="prefix,mcc,mnc\n44,23,15\n",
    )
    with pytest.raises(ConfigError) as refused:
        load_tables(config)
    assert str(refused.value).splitlines() == [
        f'{tmp_path}/r.toml:3: route "a": pool: the configuration has no pool "nowhere"',
        f'{tmp_path}/n.csv:2: mcc must be 3 digits, not "23"',
    ]


def test_warnings_do_not_refuse(tmp_path: Path) -> None:
    """Rules that nothing reaches are told."""
    rule = '[[routes]]\nname = "a"\nblock = "x"\n[[routes]]\nname = "b"\nblock = "x"\n'
    tables = load_tables(config_with(tmp_path, 'routes = "r.toml"', r_toml=rule))
    assert tables.warnings == (f'{tmp_path}/r.toml:4: route "b" is never reached: route "a" decides all that it would',)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    """Both of them."""
    with pytest.raises(ConfigError, match=r"r\.toml: cannot be read.*\n.*n\.csv: cannot be read"):
        load_tables(config_with(tmp_path, 'routes = "r.toml"\nnetworks = "n.csv"'))


@pytest.mark.parametrize(
    ("row", "reasons"),
    [
        ("+44,234,15,,", ['prefix must be the leading digits of an international number, without "+", not "+44"']),
        ("044,234,15,,", ['prefix must be the leading digits of an international number, without "+", not "044"']),
        (",234,15,,", ['prefix must be the leading digits of an international number, without "+", not ""']),
        (
            "44,2345,1,,",
            ['mcc must be 3 digits, not "2345"', 'mnc must be 2 or 3 digits, with its leading zeros, not "1"'],
        ),
        ("44,234,15,UK,x", ['country must be a code of ISO 3166 (two capital letters, such as "GB"), not "UK"']),
        ("4477,234,15,GB,", ["prefix 4477 is in line 2 already"]),
    ],
)
def test_a_wrong_row_is_told_with_its_reasons(row: str, reasons: list[str]) -> None:
    """All of them."""
    problems = FileProblems("n")
    read_networks(f"prefix,mcc,mnc,country,operator\n4477,234,10,,\n{row}\n", problems)
    assert problems.lines == [f"n:3: {reason}" for reason in reasons]


def test_the_longest_range_has_the_network() -> None:
    """Digits that no range holds have none; networks keep the digits that they are written with."""
    problems = FileProblems("n")
    table = read_networks("mnc,mcc,prefix\n15,234,4477\n010,310,1212\n10,234,447\n", problems)
    assert problems.lines == []
    assert [table.find(digits) for digits in ("447712345678", "447912345678", "12125551234", "33612345678")] == [
        "23415",
        "23410",
        "310010",
        "",
    ]
    assert table.operator("23415") == ""
