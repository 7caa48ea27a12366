"""Who comes in: keys, where they are shown, and how often."""

from typing import Any

import pytest
from attrs import evolve
from v1_bench import KEY, OPERATOR_KEY, OTHERS_KEY, Client, api, api_config

from smsagg.api.v1.entrance import Entrance
from smsagg.config.schema import AccountHttpSettings, ApiKeySettings, Config, HttpSettings, OperatorSettings
from smsagg.config.units import Rate
from smsagg.directory.secrets import digest_of
from smsagg.engine.directory.credentials import Credentials
from smsagg.testing.clock import FakeClock


def config_with(key: dict[str, Any] | None = None, account: dict[str, Any] | None = None, **http: Any) -> Config:
    """The usual accounts; what differs of acme's key, of its ``[accounts.acme.http]``, and of ``[http]``."""
    config = api_config(http=HttpSettings(**http))
    acme = evolve(
        config.accounts["acme"],
        api_keys={"app": ApiKeySettings(digest_of(KEY), **(key or {}))},
        http=AccountHttpSettings(**(account or {})),
    )
    config.accounts["acme"] = acme
    return config


async def status_from(client: Client, address: str, **headers: str) -> int:
    answer = await client.with_key(client.key, address).call("GET", "/v1/messages/none", **headers)
    return answer.status


@pytest.mark.parametrize("bound", ["key", "account"])
async def test_a_key_is_taken_from_its_networks_and_elsewhere_is_as_unknown(bound: str) -> None:
    async with api(config_with(**{bound: {"networks": ("192.0.2.0/24",)}})) as client:
        assert await status_from(client, "192.0.2.7") == 404
        assert await status_from(client, "::ffff:192.0.2.7") == 404
        elsewhere = await client.with_key(KEY, "198.51.100.1").call("GET", "/v1/messages/none")
        unknown = await client.with_key("sk_nobody", "198.51.100.1").call("GET", "/v1/messages/none")
        assert elsewhere == unknown
        assert elsewhere.status == 401


async def test_forwarded_addresses_are_believed_from_trusted_proxies_only() -> None:
    bound = config_with(key={"networks": ("192.0.2.0/24",)}, trusted_proxies=("10.0.0.0/8",))
    async with api(bound) as client:
        assert await status_from(client, "198.51.100.1", x_forwarded_for="192.0.2.7") == 401
        assert await status_from(client, "10.0.0.1", x_forwarded_for="192.0.2.7") == 404
        assert await status_from(client, "10.0.0.1", x_forwarded_for="192.0.2.7, 198.51.100.1") == 401
        assert await status_from(client, "10.0.0.1") == 401


def test_what_a_proxy_adds_in_a_line_of_its_own_is_read_behind_what_the_client_wrote() -> None:
    config = config_with(trusted_proxies=("10.0.0.0/8",))
    entrance = Entrance(config, Credentials(config, FakeClock()), FakeClock())
    lines = [(b"x-forwarded-for", address) for address in (b"192.0.2.7", b"198.51.100.1, 10.0.0.2")]
    assert entrance.address_of({"client": ("10.0.0.1", 1), "headers": lines}) == "198.51.100.1"


async def test_a_key_has_a_rate_and_is_told_of_it() -> None:
    async with api(config_with(key={"rate": Rate(0.5), "burst": 2})) as client:
        first = await client.call("GET", "/v1/messages/none")
        assert first.headers["ratelimit-policy"] == '"key";q=2;w=4'
        assert first.headers["ratelimit"] == '"key";r=1;t=2'
        assert (await client.send()).status == 202
        refused = await client.send()
        assert refused.status == 429
        assert refused.document["type"] == "problems/too-many-requests"
        assert refused.headers["retry-after"] == "2"
        assert (await client.with_key(OTHERS_KEY).send()).status == 202


async def test_all_keys_of_an_account_share_its_rate_and_a_reload_gives_nobody_a_new_one() -> None:
    config = config_with(account={"rate": Rate(0.001), "burst": 1})
    async with api(config) as client:
        assert (await client.send()).status == 202
        client.gateway.reconfigure(config)
        client.app.reconfigure()
        assert (await client.send()).status == 429


async def test_an_operators_key_is_of_no_account_and_an_accounts_is_no_operators() -> None:
    async with api() as client:
        answer = await client.with_key(OPERATOR_KEY).call("GET", "/v1/messages/none")
        assert answer.status == 403
        assert answer.document["type"] == "problems/no-account"


async def test_an_operators_key_may_be_bound_to_networks_and_expires() -> None:
    operator = OperatorSettings(digest_of(OPERATOR_KEY), networks=("10.0.0.0/8",))
    async with api(api_config(operators={"ann": operator})) as client:
        assert await status_from(client.with_key(OPERATOR_KEY), "10.1.2.3") == 403
        assert await status_from(client.with_key(OPERATOR_KEY), "192.0.2.1") == 401
    expired = OperatorSettings(digest_of(OPERATOR_KEY), expires_at=1)
    async with api(api_config(operators={"ann": expired})) as client:
        assert await status_from(client.with_key(OPERATOR_KEY), "127.0.0.1") == 401
