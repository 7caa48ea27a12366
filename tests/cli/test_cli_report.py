"""``smsagg report`` on a store with some past."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result
from past_store import Past
from rich.console import Console

from smsagg.cli import main


@pytest.fixture
def past(tmp_path: Path) -> Iterator[Past]:
    past = Past(tmp_path).fill()
    yield past
    past.close()


def run(past: Past, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["report", "--config", str(past.config), *arguments])


def test_json_has_every_figure(past: Past) -> None:
    """By country, with causes, times and a total that is the sum."""
    found = json.loads(run(past, "--by", "country", "--format", "json").stdout)
    assert found["by"] == ["country"]
    assert found["currency"] == "EUR"
    gb, vn = found["rows"]
    assert (gb["country"], gb["accepted"], gb["delivered"], gb["pending"]) == ("GB", 6, 5, 1)
    assert gb["delivery_rate"] == 1.0
    assert gb["median_s"] == pytest.approx(3, rel=0.004)
    assert (gb["cost"], gb["revenue"], gb["margin"], gb["cost_per_delivered"]) == ("0.10", "0.25", "0.15", "0.02")
    assert gb["times"] == {"1s": 1, "5s": 4, "15s": 0, "1m": 0, "5m": 0, "1h": 0, "more": 0}
    assert (vn["failed"], vn["rejected"], vn["retries"], vn["opted_out"], vn["revenue"]) == (2, 1, 2, 1, "0.10")
    assert vn["causes"] == {"absent_subscriber": 1, "opted_out": 1, "rejected": 1}
    assert vn["cost_per_delivered"] is None
    assert found["total"]["accepted"] == 9
    assert found["total"]["delivery_rate"] == 0.625


def test_csv_is_flat(past: Past) -> None:
    """A row a group, whose columns are always the same."""
    rows = list(csv.DictReader(run(past, "--by", "account,carrier", "--format", "csv").stdout.splitlines()))
    assert [(row["account"], row["carrier"], row["accepted"]) for row in rows] == [
        ("acme", "alpha", "3"),
        ("acme", "beta", "3"),
        ("bank", "alpha", "2"),
        ("acme", "", "1"),
    ]
    assert rows[1]["causes"] == "absent_subscriber=1 opted_out=1 rejected=1"
    assert rows[0]["within_1s"] == "1"
    assert rows[0]["margin"] == "0.09"


def test_the_table_has_totals_and_causes(past: Past) -> None:
    """For people: words for what is unknown, nothing where nothing is."""
    output = run(past, "--by", "carrier").stdout
    lines = [line.split() for line in output.splitlines() if line.strip()]
    assert lines[0][:2] == ["Messages", "from"]
    totals = next(line for line in lines if line[0] == "total")
    assert totals[1] == "9"
    assert "62.5" in " ".join(totals)
    assert any(line[:3] == ["absent", "subscriber", "1"] for line in lines)
    assert any(line[0] == "none" for line in lines)


def test_one_account_and_a_short_span(past: Past) -> None:
    """What is asked for and nothing else."""
    bank = json.loads(run(past, "--account", "bank", "--format", "json").stdout)
    assert bank["total"]["accepted"] == 2
    recent = json.loads(run(past, "--since", "10m", "--format", "json").stdout)
    assert recent["total"]["accepted"] == recent["total"]["pending"] == 1
    empty = run(past, "--since", "2001-01-01", "--until", "2001-01-02")
    assert empty.exit_code == 0
    assert "total" in empty.stdout
    nobody = run(past, "--account", "nobody", "--format", "csv")
    assert nobody.exit_code == 0
    assert "no account nobody" in nobody.stderr


def test_a_chart(past: Past, tmp_path: Path) -> None:
    """Well-formed, with a bar for each end of each group."""
    path = tmp_path / "chart.svg"
    assert run(past, "--by", "country,account", "--chart", str(path)).exit_code == 0
    titles = [node.text for node in ElementTree.parse(path).iter("{http://www.w3.org/2000/svg}title")]
    assert "delivered: 3" in titles
    assert "pending: 1" in titles
    assert "failed: 2" in titles


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--by", "planet"), '"planet" is none of country'),
        (("--by", "country,country"), '"country" is named twice'),
        (("--since", "soon"), "must be a time ago"),
        (("--since", "2026-02-30"), "is no date"),
        (("--since", "1h", "--until", "2h"), "is after --until"),
        (("--zone", "Moon/Base"), "is no time zone"),
    ],
)
def test_what_makes_no_sense_is_refused(past: Past, arguments: tuple[str, ...], reason: str) -> None:
    """With the reason, and what was expected."""
    result = run(past, *arguments)
    assert result.exit_code == 2
    assert reason in result.output


def test_without_a_store_it_says_so(past: Past) -> None:
    """No traceback."""
    past.path.rename(past.path.with_suffix(".gone"))
    result = run(past)
    assert result.exit_code == 1
    assert "there is no store at" in result.output


def test_little_money_is_shown_to_a_hundredth_of_a_cent(past: Past) -> None:
    """Single messages cost less than a cent is good for."""
    assert "0.1000  0.2500  0.1500" in run(past, "--by", "country").stdout


def test_a_narrow_terminal_shows_what_the_groups_are(past: Past, monkeypatch: pytest.MonkeyPatch) -> None:
    """Columns that matter less go before a name does; far too narrow, lines are wider than the terminal."""
    monkeypatch.setattr("smsagg.cli.report.console", lambda: Console(width=75, color_system=None))
    table = run(past, "--by", "country,carrier").stdout.split("Money")[0]
    assert "country  carrier  accepted" in table
    assert "GB       alpha" in table
    assert "█" not in table
    monkeypatch.setattr("smsagg.cli.report.console", lambda: Console(width=20, color_system=None))
    assert "GB       alpha" in run(past, "--by", "country,carrier").stdout
