"""What is wrong with number pools in the configuration."""

import pytest

from smsagg.config.load import parse_config
from smsagg.errors import ConfigError
from smsagg.testing.carrier import FakeSettings

BASE = """
[accounts.acme]
system_id = "acme"
password_hash = "$argon2id$v=19$m=19456,t=3,p=1$AAAAAAAAAAAAAAAAAAAAAA$BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"
[carriers.alpha]
type = "fake"
[pools.gb]
carriers = ["alpha"]
countries = ["GB"]
"""


def problems_of(text: str) -> list[str]:
    try:
        parse_config(BASE + text, "f", lambda _type: FakeSettings)
    except ConfigError as error:
        return str(error).splitlines()
    return []


def test_a_pool_with_all_its_keys() -> None:
    """Is right; the pools themselves are not in the file."""
    text = """
[accounts.acme.senders]
from_pool = "gb-otp"
from_pool_by_country = { DE = "de-otp" }
pool_names = ["POOL"]
[numbers]
quarantine = "3d"
conversation_ttl = "30d"
conversations_in_memory_max = 2_000
"""
    assert problems_of(text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('from_pool = "a b"', ["from_pool: must be the name of a number pool"]),
        ('from_pool = "a"\nfrom_pool_by_country = { XX = "b" }', ['from_pool_by_country.XX: "XX" is no country code']),
        ('from_pool = "a"\nfrom_pool_by_country = { DE = "" }', ["from_pool_by_country.DE: must be the name"]),
        ('pool_names = ["POOL"]', ["pool_names: means nothing without from_pool"]),
        ('from_pool_by_country = { DE = "a" }', ["from_pool_by_country: means nothing without from_pool"]),
        ('from_pool = "a"\npool_names = ["far too long a name"]', ["pool_names: must be a number or a name"]),
    ],
)
def test_problems(text: str, expected: list[str]) -> None:
    """Each with its key and the reason."""
    found = problems_of(f"[accounts.acme.senders]\n{text}\n")
    assert len(found) == len(expected), found
    for line, reason in zip(found, expected, strict=True):
        assert line.startswith(f"f: accounts.acme.senders.{reason}"), line


def test_too_little_memory() -> None:
    """A memory that forgets whom it has just learned of is refused."""
    assert problems_of("[numbers]\nconversations_in_memory_max = 10\n") == [
        "f: numbers.conversations_in_memory_max: must be 1000 or more, not 10"
    ]
