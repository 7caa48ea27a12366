"""``smsagg savings`` and ``smsagg replay`` on a store with some past."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from past_store import Past

from smsagg.cli import main

CARD = "prefix,price\n44,{gb}\n84,{vn}\n"
ROUTES = """
[[routes]]
name = "bank-apart"
accounts = ["bank"]
pool = "other"

[[routes]]
name = "no-vietnam"
countries = ["VN"]
block = "not sold"
"""


@pytest.fixture
def past(tmp_path: Path) -> Iterator[Past]:
    """Five messages to GB by alpha at 0.02 each; to VN two by beta at 0.02, one that it refused; one that waits."""
    past = Past(tmp_path).fill()
    text = past.config.read_text() + '[pools.other]\ncarriers = ["beta"]\n'
    past.config.write_text(text)
    (tmp_path / "cards").mkdir()
    (tmp_path / "cards" / "alpha.csv").write_text(CARD.format(gb="0.015", vn="0.05"))
    (tmp_path / "cards" / "beta.csv").write_text(CARD.format(gb="0.012", vn="0.025"))
    (tmp_path / "routes.toml").write_text(ROUTES)
    yield past
    past.close()


def run(command: str, past: Past, *arguments: str) -> Result:
    return CliRunner().invoke(main, [command, "--config", str(past.config), *arguments])


def document(command: str, past: Past, *arguments: str) -> Any:
    result = run(command, past, *arguments, "--format", "json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def rows_of(found: Any) -> list[tuple[Any, ...]]:
    names = ("country", "carrier", "volume_now", "volume_then", "cost_now", "cost_then", "difference")
    return [tuple(row[name] for name in names) for row in found["rows"]]


def test_other_cards_for_the_same_carriers(past: Past, tmp_path: Path) -> None:
    """Messages stay where they went; a folder has a card for each, a file one for one of them."""
    assert rows_of(document("savings", past, "--cards", str(tmp_path / "cards"))) == [
        ("GB", "alpha", 5, 5, "0.10", "0.075", "-0.025"),
        ("VN", "beta", 2, 2, "0.04", "0.05", "0.01"),
    ]
    found = document("savings", past, "--cards", f"beta={tmp_path}/cards/beta.csv")
    assert rows_of(found) == [
        ("GB", "alpha", 5, 5, "0.10", "0.10", "0.00"),
        ("VN", "beta", 2, 2, "0.04", "0.05", "0.01"),
    ]
    assert found["total"]["difference"] == "0.01"


def test_another_policy_chooses_among_carriers(past: Past, tmp_path: Path) -> None:
    """Least cost by the cards, with a newcomer where it has a price."""
    assert rows_of(document("savings", past, "--cards", str(tmp_path / "cards"), "--policy", "least_cost")) == [
        ("GB", "alpha", 5, 0, "0.10", "0.00", "-0.10"),
        ("GB", "beta", 0, 5, "0.00", "0.06", "0.06"),
        ("VN", "beta", 2, 2, "0.04", "0.05", "0.01"),
    ]
    (tmp_path / "cards" / "gamma.csv").write_text("country,price,charge\nVN,0.001,delivery\n")
    found = document("savings", past, "--cards", str(tmp_path / "cards"), "--policy", "least_cost")
    assert rows_of(found)[2:] == [
        ("VN", "beta", 2, 0, "0.04", "0.00", "-0.04"),
        ("VN", "gamma", 0, 2, "0.00", "0.00", "0.00"),
    ]


def test_no_price_and_refused_are_told_apart(past: Past, tmp_path: Path) -> None:
    """They are not compared."""
    (tmp_path / "only.csv").write_text("prefix,price\n44,0.01\n")
    found = document("savings", past, "--cards", f"beta={tmp_path}/only.csv", "--cards", f"alpha={tmp_path}/only.csv")
    assert found["total"] == {
        "volume_now": 7, "volume_then": 5, "cost_now": "0.10", "cost_then": "0.05", "difference": "-0.05",
        "unpriced": 2, "blocked": 0,
    }  # fmt: skip
    found = document("savings", past, "--routes", str(tmp_path / "routes.toml"), "--cards", str(tmp_path / "cards"))
    assert (found["total"]["blocked"], found["total"]["volume_then"]) == (2, 5)
    table = run("savings", past, "--routes", str(tmp_path / "routes.toml"), "--cards", str(tmp_path / "cards")).output
    assert "blocked" in table
    assert table.rstrip().splitlines()[-1].split()[:2] == ["total", "7"]


def test_replay_tells_what_moves(past: Past, tmp_path: Path) -> None:
    """From which pool and rule to which, what is refused, and what it would cost and bring."""
    config = past.config.read_text()
    past.config.write_text(
        config.replace("[carriers.beta]", f'[carriers.beta]\nrate_card = "{tmp_path}/cards/beta.csv"')
    )
    found = document("replay", past, "--routes", str(tmp_path / "routes.toml"))
    gb, vn = found["rows"]
    assert (gb["country"], gb["volume"], gb["moved"], gb["blocked"]) == ("GB", 6, 2, 0)
    assert (gb["cost_now"], gb["cost_then"]) == ("0.10", "0.084")
    assert (gb["margin_now"], gb["margin_then"]) == ("0.15", "0.166")
    assert (gb["delivery_rate_now"], vn["delivery_rate_now"], vn["delivery_rate_then"]) == (1.0, 0.0, None)
    assert (vn["volume"], vn["blocked"], vn["cost_then"], vn["margin_then"]) == (3, 3, "0.00", "0.00")
    assert found["moves"] == [
        {"country": "GB", "volume": 4, "now": {"pool": "gb", "rule": "uk"}, "then": {"pool": "gb", "rule": ""}},
        {"country": "VN", "volume": 3, "now": {"pool": "gb", "rule": "uk"}, "then": {"blocked": "no-vietnam"}},
        {
            "country": "GB",
            "volume": 2,
            "now": {"pool": "gb", "rule": "uk"},
            "then": {"pool": "other", "rule": "bank-apart"},
        },
    ]
    table = run("replay", past, "--routes", str(tmp_path / "routes.toml")).output
    assert "other (bank-apart)" in table
    assert "blocked (no-vietnam)" in table
    text = run("replay", past, "--routes", str(tmp_path / "routes.toml"), "--format", "csv").stdout
    assert [row["blocked"] for row in csv.DictReader(text.splitlines())] == ["0", "3"]


def test_replay_of_a_draft_configuration(past: Past, tmp_path: Path) -> None:
    """Pools whose members change choose anew; the others keep their carriers."""
    draft = tmp_path / "draft.toml"
    text = past.config.read_text().replace('carriers = ["alpha", "beta"]', 'carriers = ["beta"]')
    draft.write_text(text.replace("[carriers.beta]", f'[carriers.beta]\nrate_card = "{tmp_path}/cards/beta.csv"'))
    gb, vn = document("replay", past, "--draft", str(draft))["rows"]
    assert (gb["cost_now"], gb["cost_then"]) == ("0.10", "0.06")
    assert (vn["cost_now"], vn["cost_then"]) == ("0.04", "0.05")


def test_drafts_with_mistakes(past: Past, tmp_path: Path) -> None:
    """Every problem of every file, with its line; and what is missing on the command line."""
    (tmp_path / "bad.csv").write_text("prefix,price\n44,cheap\n,0.01\n")
    result = run("savings", past, "--cards", f"alpha={tmp_path}/bad.csv", "--cards", f"beta={tmp_path}/none.csv")
    assert result.exit_code == 1
    assert f"{tmp_path}/bad.csv:2: price" in result.output
    assert f"{tmp_path}/bad.csv:3: has no destination" in result.output
    assert f"{tmp_path}/none.csv: cannot be read" in result.output
    (tmp_path / "bad.toml").write_text('[[routes]]\nname = "x"\npool = "nowhere"\n')
    result = run("replay", past, "--routes", str(tmp_path / "bad.toml"))
    assert result.exit_code == 1
    assert "nowhere" in result.output
    assert "give --cards, --routes or --policy" in run("savings", past).output
    assert "give --routes or --draft" in run("replay", past).output
    assert "neither CARRIER=FILE.csv nor a folder" in run("savings", past, "--cards", "nothing").output
    (tmp_path / "empty").mkdir()
    assert "has no rate cards" in run("savings", past, "--cards", str(tmp_path / "empty")).output
