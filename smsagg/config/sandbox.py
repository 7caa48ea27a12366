"""The built-in pool and carrier of sandbox accounts, there as soon as one account is a sandbox.

They are entered after the file was checked, so that nothing in it can refer to them: no rule, backup or default leads
into the sandbox, and nothing leads out of it.
"""

from collections.abc import Iterator
from typing import Any

from cattrs import Converter

from smsagg.config.problems import Problem
from smsagg.config.schema import CarrierSettings, Config, PoolSettings

SANDBOX = "sandbox"
"""Name of the pool and of its only carrier."""
SANDBOX_POOLS = frozenset({SANDBOX, f"{SANDBOX}~"})
"""What the pool of a sandbox message may be called in the store: the other is where it waits while no pool is there."""

_CARRIER: dict[str, Any] = {
    "type": "simulated",
    "magic_numbers": True,
    "window": 1_000,
    "circuit_failures": 0,
    "health_window": "0s",
    "temporary": ["ESME_RTHROTTLED"],
}
"""One account's magic numbers must not slow down another's messages: no circuit opens, no pace falls."""
_POOL: dict[str, Any] = {"carriers": [SANDBOX]}


def sandbox_problems(config: Config) -> Iterator[Problem]:
    """The name is taken."""
    for section in ("carriers", "pools"):
        if SANDBOX in getattr(config, section):
            yield Problem((section, SANDBOX), "is the name of what messages of sandbox accounts go to")


def add_sandbox(config: Config, converter: Converter) -> None:
    """Enter pool and carrier into a sound configuration that has a sandbox account."""
    if any(account.sandbox for account in config.accounts.values()):
        config.carriers[SANDBOX] = converter.structure(_CARRIER, CarrierSettings)
        config.pools[SANDBOX] = converter.structure(_POOL, PoolSettings)
