"""The operator's look at accounts, and everybody's at themselves."""

from directory_bench import OWNER_KEY, kind_of, made, owned_config
from v1_bench import KEY, OPERATOR_KEY, READING_KEY, api

from smsagg.directory.roles import scopes_of


async def test_the_operator_sees_accounts_and_no_secrets() -> None:
    """J16: neither hashes of passwords and keys, nor webhooks' secrets."""
    config = owned_config()
    async with api(config) as client:
        operator = client.with_key(OPERATOR_KEY)
        listed = await operator.call("GET", "/v1/admin/accounts?limit=1")
        assert [one["name"] for one in listed.document["accounts"]] == ["acme"]
        rest = await operator.call("GET", f"/v1/admin/accounts?cursor={listed.document['next_cursor']}")
        assert [one["name"] for one in rest.document["accounts"]] == ["other"]
        shown = await operator.call("GET", "/v1/admin/accounts/acme")
        assert shown.document == listed.document["accounts"][0]
        assert (shown.document["source"], shown.document["enabled"], shown.document["is_frozen"]) == (
            "file",
            True,
            False,
        )
        for answer in (listed, shown):
            assert b"argon2" not in answer.body
            assert b"sha256" not in answer.body
        client.gateway.engine.guard.freeze("acme", "looks odd", "ann")
        assert (await operator.call("GET", "/v1/admin/accounts/acme")).document["is_frozen"] is True
        assert kind_of(await operator.call("GET", "/v1/admin/accounts/nobody")) == (404, "unknown-account")


async def test_no_key_of_an_account_sees_accounts() -> None:
    """J14: a tenant on an admin route, whatever the tenant may on their own."""
    async with api(owned_config()) as client:
        for key in (KEY, OWNER_KEY):
            for path in ("accounts", "accounts/acme", "keys", "keys/app", "clients", "users", "users/ann"):
                answer = await client.with_key(key).call("GET", f"/v1/admin/{path}")
                assert kind_of(answer) == (403, "operators-only")


async def test_everybody_may_look_at_themselves() -> None:
    async with api(owned_config()) as client:
        reader = (await client.with_key(READING_KEY).call("GET", "/v1/me")).document
        assert reader == {
            "name": "key:reader", "account": "acme", "user": None, "role": "developer", "scopes": ["messages:read"],
            "expires_at": None, "has_totp": False, "totp_for": [],
        }  # fmt: skip
        operator = (await client.with_key(OPERATOR_KEY).call("GET", "/v1/me")).document
        assert (operator["account"], operator["scopes"]) == (None, sorted(scopes_of("operator", "")))
        wanted = {"name": "k", "expires_at": "2090-01-01T00:00:00Z"}
        key = await made(client.with_key(OWNER_KEY), "/v1/keys", wanted)
        shown = (await client.with_key(key["secret"]).call("GET", "/v1/me")).document
        assert shown["expires_at"] == "2090-01-01T00:00:00.000Z"
