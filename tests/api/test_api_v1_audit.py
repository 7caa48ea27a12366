"""The audit trail over HTTP: the operator sees all of it, an account what concerns it."""

import os
from typing import Any

from v1_bench import KEY, OPERATOR_KEY, READING_KEY, Client, api, api_config

from smsagg.config.schema import ApiKeySettings, Config
from smsagg.directory.audit import Actor
from smsagg.directory.secrets import KEY_PREFIX, digest_of, new_secret
from smsagg.errors import StoreFailed
from smsagg.testing.gateway import account_settings

AUDITORS_KEY = new_secret(KEY_PREFIX, os.urandom)
ANN = Actor("user:ann", "", "192.0.2.1")
CRM = Actor("key:crm", "acme", "198.51.100.7")


def config() -> Config:
    """With a key of ``acme`` that may look at the trail."""
    keys = {"auditor": ApiKeySettings(digest_of(AUDITORS_KEY), scopes=("audit:read",))}
    keys["app"] = ApiKeySettings(digest_of(KEY))
    return api_config(accounts={"acme": account_settings("acme", api_keys=keys), "other": account_settings("other")})


async def noted(client: Client) -> None:
    """Three records."""
    register = client.gateway.engine.register
    await register.note(ANN, "account.freeze", "acme", {"reason": "a test"}, "acme")
    await register.note(CRM, "sender.put", "acme/ACME", {})
    await register.note(ANN, "carriers.drain", "alpha", {})


async def subjects(client: Client, path: str) -> list[str]:
    return [record["subject"] for record in (await client.call("GET", path)).document["records"]]


async def test_an_account_sees_what_concerns_it_and_not_who_the_operators_are() -> None:
    """J14: nothing of others; the operator's people are "operator"."""
    async with api(config()) as client:
        await noted(client)
        client = client.with_key(AUDITORS_KEY)
        found = (await client.call("GET", "/v1/audit")).document["records"]
        told = [(one["actor"], one["address"], one["subject"]) for one in found]
        assert told == [("key:crm", "198.51.100.7", "acme/ACME"), ("operator", None, "acme")]
        assert await subjects(client, "/v1/audit?actor=operator") == ["acme"]
        for nobody in ("user:ann", "user:bob"):  # a cursor would tell that she was there
            page = (await client.call("GET", f"/v1/audit?actor={nobody}&limit=1")).document
            assert (page["records"], page["next_cursor"]) == ([], 2)
        assert await subjects(client, "/v1/audit?actor=key:crm") == ["acme/ACME"]
        assert (await client.with_key(KEY).call("GET", "/v1/audit")).status == 403
        await client.gateway.engine.register.note(ANN, "account.freeze", "other", {}, "other")
        assert await subjects(client, "/v1/audit") == ["acme/ACME", "acme"]


async def test_the_operator_sees_all_and_finds_it() -> None:
    """By actor, subject, account and time, in pages."""
    async with api() as client:
        await noted(client)
        ann = client.with_key(OPERATOR_KEY)
        assert await subjects(ann, "/v1/admin/audit") == ["alpha", "acme/ACME", "acme"]
        assert await subjects(ann, "/v1/admin/audit?actor=user:ann") == ["alpha", "acme"]
        assert await subjects(ann, "/v1/admin/audit?account=acme&subject=acme") == ["acme"]
        assert await subjects(ann, "/v1/admin/audit?since=2999-01-01T00:00:00Z") == []
        first = (await ann.call("GET", "/v1/admin/audit?limit=2")).document
        rest = (await ann.call("GET", f"/v1/admin/audit?limit=2&cursor={first['next_cursor']}")).document
        assert ([r["seq"] for r in first["records"]], [r["seq"] for r in rest["records"]]) == ([3, 2], [1])
        assert rest["next_cursor"] is None


async def test_who_may_not_is_told() -> None:
    """J14: an account's key on the operator's side, a key without the scope, an operator without an account."""
    async with api() as client:
        assert (await client.call("GET", "/v1/admin/audit")).status == 403
        assert (await client.with_key(READING_KEY).call("GET", "/v1/audit")).status == 403
        assert (await client.with_key(OPERATOR_KEY).call("GET", "/v1/audit")).status == 403


async def test_no_filter_is_sql_or_a_cursor_of_ones_own() -> None:
    """J23: metacharacters are characters; what is no cursor is 422."""
    async with api() as client:
        await noted(client)
        ann = client.with_key(OPERATOR_KEY)
        for evil in ("'%20OR%201=1--", "%25", "a%00b", "%22;DROP%20TABLE%20audit;--"):
            for name in ("actor", "subject", "account"):
                assert await subjects(ann, f"/v1/admin/audit?{name}={evil}") == []
        for wrong in ("cursor=-1", "cursor=x", "limit=0", "limit=501", "since=yesterday", f"actor={'x' * 201}"):
            assert (await ann.call("GET", f"/v1/admin/audit?{wrong}")).status == 422
        assert len(await subjects(ann, "/v1/admin/audit")) == 3


async def test_a_store_that_fails_is_told() -> None:
    async with api() as client:
        client.gateway.store.break_down(StoreFailed("no medium"))
        answered: Any = await client.with_key(OPERATOR_KEY).call("GET", "/v1/admin/audit")
        assert (answered.status, answered.document["type"]) == (503, "problems/store-failing")
