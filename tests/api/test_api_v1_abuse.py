"""What the checks of abuse are over HTTP: the same as over SMPP, as problems."""

from typing import Any

import pytest
from trio.testing import MockClock
from v1_bench import KEY, OTHERS_KEY, api, api_config

from smsagg.abuse import ContentRule, ContentRules
from smsagg.config.abuse import AccountAbuseSettings
from smsagg.config.schema import ApiKeySettings, Config, RoutingSettings
from smsagg.directory.secrets import digest_of
from smsagg.tables import Tables
from smsagg.testing.gateway import account_settings


def config(abuse: dict[str, Any] | None = None, **sections: Any) -> Config:
    """``acme`` with these checks, and ``other`` without any."""
    settings = AccountAbuseSettings(**abuse or {})
    accounts = {
        name: account_settings(name, api_keys={"app": ApiKeySettings(digest_of(key))}, abuse=checks)
        for name, key, checks in (
            ("acme", KEY, settings),
            ("other", OTHERS_KEY, None),
        )
    }
    return api_config(accounts=accounts, **sections)


async def test_sequential_numbers_are_stopped_and_the_rest_goes_on(autojump_clock: MockClock) -> None:
    """K01: fifty of a run are taken, then 429 for its prefix; other prefixes and accounts go on."""
    async with api(config({"sequences": "block"})) as client:
        batch = [{"to": f"+4477009{number:05}", "from": "ACME", "text": "1"} for number in range(200)]
        answered = (await client.call("POST", "/v1/messages/batch", {"messages": batch})).document
        assert 50 <= answered["accepted"] <= 55
        assert answered["results"][-1]["problem"]["type"] == "problems/prefix-blocked"
        assert (await client.send("+447700900199")).status == 429
        assert (await client.send("+447800900199")).status == 202
        assert (await client.with_key(OTHERS_KEY).send("+447700900199")).status == 202


async def test_a_country_that_is_not_enabled_is_refused() -> None:
    """K02: 422 for its number."""
    async with api(config({"countries": ("DE",)})) as client:
        refused = await client.send("+447700900123")
        assert (refused.status, refused.document["type"]) == (422, "problems/country-not-enabled")
        assert refused.document["errors"][0]["path"] == "to"


@pytest.mark.parametrize(("action", "status", "state"), [("block", 422, None), ("hold", 202, "queued")])
async def test_a_blocked_text_is_refused_or_held(action: str, status: int, state: str | None) -> None:
    """K05: what is held is accepted, and goes nowhere."""
    rules = ContentRules([ContentRule("phishing", action, ("verify your account",))])
    async with api(config(), tables=Tables(content=rules)) as client:
        answered = await client.send(text="Please VERIFY your account")
        assert (answered.status, answered.document.get("state")) == (status, state)
        await client.gateway.settle()
        assert client.gateway.sent == []


async def test_a_number_gets_so_many_and_no_more(autojump_clock: MockClock) -> None:
    """K08: 429 with Retry-After, for that number alone."""
    routing = RoutingSettings(per_recipient=0.1, per_recipient_burst=2)  # type: ignore[arg-type]
    async with api(config(routing=routing)) as client:
        statuses = [(await client.send("+447700900123", text=str(n))).status for n in range(4)]
        assert statuses == [202, 202, 429, 429]
        refused = await client.send("+447700900123")
        assert (refused.document["type"], refused.headers["retry-after"]) == ("problems/per-recipient", "1")
        assert (await client.send("+447700900124")).status == 202
