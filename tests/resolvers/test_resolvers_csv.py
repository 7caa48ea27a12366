"""Ported numbers from a file."""

from pathlib import Path
from random import Random

import pytest

from smsagg.config.units import BulkFile
from smsagg.errors import ConfigError
from smsagg.resolvers.csv import CsvResolver, CsvResolverSettings


def resolver(folder: Path, text: str) -> CsvResolver:
    path = folder / "ported.csv"
    path.write_text(text)
    return CsvResolver(CsvResolverSettings(BulkFile(str(path))))


def test_a_number_in_the_file_has_its_network_and_others_none(tmp_path: Path) -> None:
    """All is known at once."""
    ported = resolver(tmp_path, "msisdn,mccmnc\n447700900123,23415\n12125551234,310410\n")
    assert len(ported) == 2
    assert [ported.known(digits) for digits in ("447700900123", "12125551234", "447700900124")] == [
        "23415",
        "310410",
        "",
    ]


async def test_asking_gives_the_same(tmp_path: Path) -> None:
    """For who does not ask what is known."""
    assert await resolver(tmp_path, "msisdn,mccmnc\n447700900123,23415\n").resolve("447700900123") == "23415"


def test_every_number_of_a_large_file_is_found(tmp_path: Path) -> None:
    """Whatever its order there."""
    rng = Random(1)
    networks = {
        str(rng.randrange(10**6, 10**15)): f"{rng.randrange(200, 800)}{rng.randrange(100):02}" for _ in range(3000)
    }
    ported = resolver(tmp_path, "msisdn,mccmnc\n" + "".join(f"{n},{m}\n" for n, m in networks.items()))
    assert all(ported.known(number) == network for number, network in networks.items())
    assert ported.known("999") == ported.known("9" * 15) == ""


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("+447700900123,23415", 'msisdn must be an international number of digits, without "+", not "+447700900123"'),
        ("0447700900123,23415", "msisdn must be an international number"),
        ("123,23415", "msisdn must be an international number"),
        ("447700900123,234", 'mccmnc must be an MCC and an MNC in one, such as "23415", not "234"'),
        ("447700900999,23410", "msisdn 447700900999 is in line 2 already"),
    ],
)
def test_a_wrong_row_is_told_with_its_line(tmp_path: Path, row: str, reason: str) -> None:
    """And such a file is not used."""
    with pytest.raises(ConfigError) as refused:
        resolver(tmp_path, f"msisdn,mccmnc\n447700900999,23415\n{row}\n")
    assert str(refused.value).startswith(f"{tmp_path}/ported.csv:3: {reason}")


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    """As a problem of the configuration."""
    with pytest.raises(ConfigError, match="cannot be read"):
        CsvResolver(CsvResolverSettings(BulkFile(str(tmp_path / "none.csv"))))
