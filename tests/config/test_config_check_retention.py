"""Nothing is to be taken out of messages that are gone by then."""

from pathlib import Path

import pytest

from smsagg.carriers.registry import settings_class
from smsagg.config.documents import Documents, digests_with, redacted
from smsagg.config.load import load_config
from smsagg.errors import ConfigError

CONFIG = """
[store]
history_ttl = "10d"
[retention]
{retention}
[accounts.acme]
system_id = "acme"
password_hash = "$argon2id$v=19$m=19456,t=3,p=1$AAAAAAAAAAAAAAAAAAAAAA$BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"
[accounts.acme.retention]
{account}
[carriers.alpha]
type = "simulated"
[pools.gb]
carriers = ["alpha"]
countries = ["GB"]
"""


def problems(tmp_path: Path, retention: str, account: str) -> list[str]:
    file = tmp_path / "smsagg.toml"
    file.write_text(CONFIG.format(retention=retention, account=account))
    try:
        load_config(file, settings_class)
    except ConfigError as error:
        return [line.removeprefix(f"{file}: ") for line in str(error).splitlines()]
    return []


@pytest.mark.parametrize(
    ("retention", "account"),
    [
        ("", ""),
        ('bodies = "1d"\nnumbers = "10d"\nbody_digest_secret = "k"', 'bodies = "2d"'),
        ('body_digest_secret = "k"', 'bodies = "2d"'),
        ("", 'bodies = "20d"\nhistory = "30d"'),
    ],
)
def test_sound_periods(tmp_path: Path, retention: str, account: str) -> None:
    """Up to the life of the message itself."""
    assert problems(tmp_path, retention, account) == []


def test_every_problem_is_named(tmp_path: Path) -> None:
    """With its key, and what is expected."""
    found = problems(tmp_path, 'bodies = "11d"\nnumbers = "5m"', 'numbers = "2d"\nhistory = "1d"')
    assert found == [
        "retention.numbers: must be 3600.0 or more, not 300.0",
        "retention.bodies: must be history_ttl (10d) or less, after which the message is gone",
        "accounts.acme.retention.numbers: must be 1d or less, after which the message is gone",
    ]
    assert problems(tmp_path, 'body_digest_secret = "k"', "") == [
        "retention.body_digest_secret: means nothing where no text is ever taken out (bodies)"
    ]


def test_the_digests_secret_is_in_no_kept_version(tmp_path: Path) -> None:
    """Versions of the configuration are kept without it, as without passwords."""
    text = CONFIG.format(retention='bodies = "1d"\nbody_digest_secret = "Zebra"', account="")
    file = tmp_path / "smsagg.toml"
    file.write_text(text)
    config = load_config(file, settings_class)
    assert "Zebra" not in repr(config)
    kept = redacted(Documents("main", {"main": text}), digests_with(b"key"))
    assert "body_digest_secret" in kept.texts["main"]
    assert "Zebra" not in kept.texts["main"]


def test_periods_of_countries(tmp_path: Path) -> None:
    """Of those that there are."""
    assert problems(tmp_path, '[retention.countries.DE]\nbodies = "2h"', "") == []
    (told,) = problems(tmp_path, '[retention.countries.XX]\nbodies = "2h"', "")
    assert told.endswith("retention.countries.XX: is no country (ISO 3166 alpha-2, capitals)")
