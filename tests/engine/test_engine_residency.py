"""Messages of an account with a residency go to carriers of its region only, whatever fails."""

from typing import Any

import pytest

from smsagg.config.residency import residency_problems
from smsagg.config.schema import Config, Duration, MessageClassSettings, RetrySettings, StoreSettings
from smsagg.model import MessageState
from smsagg.smpp.status import ESME_RSYSERR
from smsagg.testing.gateway import account_settings, carrier_settings, make_config, pool_settings, run_gateway

RETRY = RetrySettings(first=Duration(1), multiplier=1, jitter=0, attempts_max=100)


def config_of(**pool: Any) -> Config:
    return make_config(
        accounts={"acme": account_settings("acme", residency="eu"), "free": account_settings("free")},
        carriers={
            "abroad": carrier_settings(regions=("us",)),
            "local": carrier_settings(regions=("eu", "us")),
            "backup": carrier_settings(),
        },
        pools={
            "gb": pool_settings("abroad", "local", countries=("GB",), backup="other", **pool),
            "other": pool_settings("backup"),
        },
        store=StoreSettings(region="eu"),
        message_classes={"default": MessageClassSettings(retry=RETRY)},
    )


@pytest.mark.parametrize("policy", ["priority", "weighted", "quality"])
async def test_only_carriers_of_the_region_are_candidates(policy: str) -> None:
    """Others' messages go to all of them."""
    async with run_gateway(config_of(policy=policy)) as gateway:
        await gateway.accept(20, account="acme")
        await gateway.settle()
        assert len(gateway.carriers["local"].sent) == 20
        await gateway.accept(20, account="free")
        await gateway.settle()
        assert gateway.carriers["abroad"].sent
        assert not gateway.carriers["backup"].sent


async def test_failover_never_leaves_the_region() -> None:
    """What its carriers do not take waits for them, and says why."""
    async with run_gateway(config_of()) as gateway:
        gateway.carriers["local"].lose()
        (waiting,) = await gateway.accept(1, account="acme")
        (gone,) = await gateway.accept(1, account="free")
        await gateway.settle()
        assert waiting.state is MessageState.QUEUED
        assert gone.carrier == "abroad"
        told = gateway.engine.core.pools["gb"].explain(waiting, gateway.clock.monotonic_s())
        refused = {one.carrier: one.why for one in told if one.verdict == "refused"}
        assert refused == dict.fromkeys(("abroad", "backup"), "not in the account's region")


async def test_a_failed_attempt_is_repeated_in_the_region() -> None:
    """Although the carrier that just failed is avoided where there is another one."""
    async with run_gateway(config_of()) as gateway:
        (message,) = await gateway.accept(1, account="acme")
        await gateway.settle()
        gateway.carriers["local"].refuse(ESME_RSYSERR)
        await gateway.settle()
        await gateway.until(lambda: len(gateway.carriers["local"].sent) == 2)
        assert not gateway.carriers["abroad"].sent
        assert message.carrier == "local"


def test_an_account_is_kept_in_its_region() -> None:
    """Or refused with the configuration."""
    assert not list(residency_problems(config_of()))
    european, trying = account_settings("acme", residency="eu"), account_settings("try", residency="eu", sandbox=True)
    elsewhere = make_config(accounts={"acme": european}, store=StoreSettings(region="us"))
    nowhere = make_config(accounts={"acme": european})
    alone = make_config(accounts={"acme": european, "try": trying}, store=StoreSettings(region="eu"))
    told = [[problem.reason for problem in residency_problems(config)] for config in (elsewhere, nowhere, alone)]
    assert told == [
        ['is "eu", but the store is in "us"'],
        ['is "eu", but the store is in no region (store.region)'],
        ['is "eu", and no carrier is there (carriers.*.regions)'],
    ]
