"""Settings about abuse that cannot be meant so."""

import pytest

from smsagg.carriers.registry import settings_class
from smsagg.config.load import parse_config
from smsagg.config.units import MessageLimit, format_message_limit, parse_message_limit
from smsagg.errors import ConfigError

MINIMAL = """
[accounts.acme]
system_id = "acme"
password_hash = "$argon2id$v=19$m=19456,t=3,p=1$noX+Iw763ShLhVZnnser4A$M1DcfYGpzs4iR6ubb7HmTvh5JgrsN11OGA5JJIcDMMI"
[carriers.transit]
type = "simulated"
[pools.world]
carriers = ["transit"]
[routing]
default_pool = "world"
"""


def problems(text: str) -> list[str]:
    try:
        parse_config(MINIMAL + text, "f.toml", settings_class)
    except ConfigError as error:
        return str(error).splitlines()
    return []


def test_every_problem_is_named() -> None:
    """All of them at once, each with its key."""
    assert sorted(problems(
        """
        [abuse]
        countries = ["GB", "XX"]
        sequences = "stop"
        prefix_limits = ["100"]
        sequences_exempt = ["+44"]
        duplicates_period = "2d"
        [accounts.acme.abuse]
        countries_blocked = ["gb"]
        limits = ["0/m"]
        takeover_freeze_on = ["volume", "rain"]
        """
    )) == sorted([
        'f.toml: accounts.acme.abuse.limits[0]: must be a limit above 0',
        'f.toml: accounts.acme.abuse.takeover_freeze_on: must be one of "volume", "country", "network", not "rain"',
        'f.toml: abuse.sequences: must be one of "off", "monitor", "throttle", "block", not "stop"',
        'f.toml: abuse.sequences_exempt: must hold leading digits of numbers such as "4477009", without a plus, '
        'not "+44"',
        'f.toml: abuse.duplicates_period: must be from 1 to 86400, not 172800.0',
        'f.toml: abuse.prefix_limits[0]: must be a number of messages within a time, such as "100/m", "20/10s" or '
        '"2000/h", not "100"',
        'f.toml: abuse.countries[1]: "XX" is no country code of ISO 3166 (two capital letters, such as "GB")',
        'f.toml: accounts.acme.abuse.countries_blocked[0]: "gb" is no country code of ISO 3166 (two capital letters, '
        'such as "GB")',
    ])  # fmt: skip


def test_a_key_that_means_nothing_is_a_problem() -> None:
    """How to do what is not done at all."""
    assert problems('[accounts.acme.abuse]\nduplicates_period = "5m"') == [
        'f.toml: accounts.acme.abuse.duplicates_period: means nothing with duplicates = "off"'
    ]
    assert not problems('[abuse]\nduplicates = "drop"\n[accounts.acme.abuse]\nduplicates_period = "5m"')


@pytest.mark.parametrize(
    ("text", "limit"),
    [("100/m", (100, 60.0)), ("20/10s", (20, 10.0)), ("5/1d", (5, 86_400.0)), ("7/90m", (7, 5_400.0))],
)
def test_a_limit_has_messages_and_a_time(text: str, limit: tuple[int, float]) -> None:
    """Written with or without a number before the unit."""
    assert parse_message_limit(text) == MessageLimit(*limit)
    assert parse_message_limit(format_message_limit(MessageLimit(*limit))) == MessageLimit(*limit)


@pytest.mark.parametrize("text", ["100", "/m", "100/", "1.5/m", "100/w", "0/m", "5/0s", 5, "-1/m"])
def test_a_bad_limit_is_refused(text: object) -> None:
    """With what a limit looks like."""
    with pytest.raises(ValueError, match="must be a"):
        parse_message_limit(text)
