"""The operator's look at accounts, and everybody's at themselves."""

from directory_bench import OWNER_KEY, kind_of, made, owned_config
from v1_bench import KEY, OPERATOR_KEY, READING_KEY, api

from smsagg.directory.roles import scopes_of
from smsagg.errors import StoreFailed


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


async def test_an_account_is_frozen_and_let_go_and_both_are_on_record() -> None:
    """Nothing is taken from it meanwhile; what cannot be recorded is not done."""
    async with api(owned_config()) as client:
        operator, gateway = client.with_key(OPERATOR_KEY), client.gateway
        path = "/v1/admin/accounts/acme"
        gateway.store.break_down(StoreFailed("no disk"))
        assert (await operator.call("POST", f"{path}/freeze", {"reason": "odd"})).status == 503
        gateway.store.repair()
        assert (await operator.call("GET", path)).document["is_frozen"] is False
        frozen = await operator.call("POST", f"{path}/freeze", {"reason": "odd"})
        assert (frozen.status, frozen.document["is_frozen"]) == (200, True)
        refused = (await client.send()).status
        let_go = await operator.call("POST", f"{path}/unfreeze")
        assert (let_go.status, let_go.document["is_frozen"]) == (200, False)
        assert [refused, (await client.send()).status] == [429, 202]
        trail = (await operator.call("GET", "/v1/admin/audit?account=acme")).document["records"]
        assert [(one["action"], one["actor"]) for one in trail] == [
            ("account.unfreeze", "key:ann"), ("account.freeze", "key:ann")
        ]  # fmt: skip
        assert kind_of(await client.with_key(OWNER_KEY).call("POST", f"{path}/unfreeze")) == (403, "operators-only")
