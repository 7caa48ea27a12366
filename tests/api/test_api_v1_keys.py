"""API keys that are made, rotated and revoked while the server runs."""

import pytest
import trio
import trio.testing
from directory_bench import OWNER_KEY, kind_of, made, owned_config
from test_api_v1_reload import put_in_force, stream
from v1_bench import KEY, OPERATOR_KEY, OTHERS_KEY, api, api_config

from smsagg.directory.roles import scopes_of
from smsagg.directory.secrets import digest_of
from smsagg.engine.directory import keyring
from smsagg.errors import StoreFailed
from smsagg.store.memory import MemoryStore


async def test_a_key_is_shown_once_and_does_what_its_scopes_say() -> None:
    """What is kept, listed and looked at has neither the secret nor its hash."""
    async with api(owned_config()) as client:
        owner = client.with_key(OWNER_KEY)
        key = await made(owner, "/v1/keys", {"name": "crm", "scopes": ["messages:write"]})
        assert key["secret"].startswith("sk_")
        crm = client.with_key(key["secret"])
        assert (await crm.send()).status == 202
        assert kind_of(await crm.call("GET", "/v1/messages/none")) == (403, "scope-missing")
        shown = await owner.call("GET", "/v1/keys/crm")
        assert shown.document == {name: value for name, value in key.items() if name != "secret"} | {
            "last_used_at": shown.document["last_used_at"]
        }
        assert shown.document["last_used_at"].endswith(":00.000Z")
        listed = await owner.call("GET", "/v1/keys")
        assert [(one["name"], one["source"]) for one in listed.document["keys"]] == [
            ("app", "file"), ("crm", "api"), ("owner", "file"), ("reader", "file")
        ]  # fmt: skip
        kept = b"".join(client.gateway.store.tables.entities.values())
        assert key["secret"].encode() not in kept
        trail = await owner.call("GET", "/v1/audit")
        assert [(one["action"], one["actor"]) for one in trail.document["records"]] == [("key.create", "key:owner")]
        for body in (shown.body, listed.body, trail.body):
            assert key["secret"].encode() not in body
            assert digest_of(key["secret"]).removeprefix("sha256:").encode() not in body
            assert b"sha256" not in body


async def test_keys_last_beyond_the_process() -> None:
    store = MemoryStore()
    async with api(owned_config(), store) as client:
        key = await made(client.with_key(OWNER_KEY), "/v1/keys", {"name": "crm"})
    async with api(owned_config(), MemoryStore(store.tables)) as client:
        assert (await client.with_key(key["secret"]).send()).status == 202


async def test_nobody_gives_what_they_do_not_have() -> None:
    """Neither by a new key nor by a new secret for a key that may more."""
    async with api(owned_config()) as client:
        owner = client.with_key(OWNER_KEY)
        giver = await made(owner, "/v1/keys", {"name": "giver", "scopes": ["users:write", "messages:read"]})
        await made(owner, "/v1/keys", {"name": "strong", "scopes": ["messages:write"]})
        weak = client.with_key(giver["secret"])
        wanted = {"name": "mine", "scopes": ["messages:write"]}
        assert kind_of(await weak.call("POST", "/v1/keys", wanted)) == (403, "beyond-your-scopes")
        assert kind_of(await weak.call("POST", "/v1/keys", {"name": "mine"})) == (403, "beyond-your-scopes")
        assert kind_of(await weak.call("POST", "/v1/keys/strong/rotate", {})) == (403, "beyond-your-scopes")
        await made(weak, "/v1/keys", {"name": "mine", "scopes": ["messages:read"]})


@pytest.mark.parametrize("scope", ["admin:read", "admin:write", "compliance:write"])
async def test_no_key_of_an_account_gets_what_is_the_operators(scope: str) -> None:
    """Whoever makes it."""
    async with api(owned_config()) as client:
        wanted = {"name": "crm", "scopes": [scope]}
        assert (await client.with_key(OWNER_KEY).call("POST", "/v1/keys", wanted)).status == 422
        assert (await client.with_key(OPERATOR_KEY).call("POST", "/v1/admin/keys?account=acme", wanted)).status == 422


async def test_old_and_new_secret_are_good_in_the_overlap_and_the_new_one_after_it() -> None:
    async with api(owned_config()) as client:
        owner = client.with_key(OWNER_KEY)
        key = await made(owner, "/v1/keys", {"name": "crm"})
        rotated = (await owner.call("POST", "/v1/keys/crm/rotate", {"overlap_s": 3_600})).document
        assert rotated["old_secret_until"]
        old, new = client.with_key(key["secret"]), client.with_key(rotated["secret"])
        assert [(await old.send()).status, (await new.send()).status] == [202, 202]
        client.gateway.clock.jump_wall(3_600)
        assert [(await old.send()).status, (await new.send()).status] == [401, 202]


async def test_a_second_rotation_and_one_without_overlap_end_older_secrets_at_once() -> None:
    async with api(owned_config()) as client:
        owner = client.with_key(OWNER_KEY)
        secrets = [(await made(owner, "/v1/keys", {"name": "crm"}))["secret"]]
        for overlap in (3_600, 3_600, 0):
            answer = await owner.call("POST", "/v1/keys/crm/rotate", {"overlap_s": overlap})
            secrets.append(answer.document["secret"])
            good = [(await client.with_key(secret).send()).status == 202 for secret in secrets]
            assert good == [False] * (len(secrets) - (2 if overlap else 1)) + [True] * (2 if overlap else 1)


async def test_a_key_may_rotate_itself_and_no_other() -> None:
    """Once it is replaced, the old secret may not: who stole it cannot stay."""
    async with api(owned_config()) as client:
        owner = client.with_key(OWNER_KEY)
        key = await made(owner, "/v1/keys", {"name": "crm", "scopes": ["messages:write"]})
        await made(owner, "/v1/keys", {"name": "other", "scopes": ["messages:write"]})
        crm = client.with_key(key["secret"])
        assert (await crm.call("POST", "/v1/keys/crm/rotate", {})).status == 200
        assert kind_of(await crm.call("POST", "/v1/keys/crm/rotate", {})) == (403, "scope-missing")
        assert kind_of(await crm.call("POST", "/v1/keys/other/rotate", {})) == (403, "scope-missing")
        assert kind_of(await crm.call("DELETE", "/v1/keys/crm")) == (403, "scope-missing")


async def test_a_revoked_key_lets_nobody_in_and_its_streams_end() -> None:
    """From the answer on."""
    async with api(owned_config()) as client:
        owner = client.with_key(OWNER_KEY)
        key = await made(owner, "/v1/keys", {"name": "crm"})
        async with stream(client, key["secret"]) as ended, stream(client, KEY) as goes_on:
            assert (await owner.call("DELETE", "/v1/keys/crm")).status == 204
            assert (await client.with_key(key["secret"]).send()).status == 401
            await client.gateway.settle()
            assert ended.endswith(b"end")
            assert not goes_on.endswith(b"end")
        assert kind_of(await owner.call("DELETE", "/v1/keys/crm")) == (404, "unknown-key")


async def test_keys_of_the_file_are_shown_and_not_changed() -> None:
    """And their names are not free."""
    async with api(owned_config()) as client:
        owner = client.with_key(OWNER_KEY)
        assert (await owner.call("GET", "/v1/keys/app")).document["source"] == "file"
        assert kind_of(await owner.call("DELETE", "/v1/keys/app")) == (409, "read-only")
        assert kind_of(await owner.call("POST", "/v1/keys/app/rotate", {})) == (409, "read-only")
        assert kind_of(await owner.call("POST", "/v1/keys", {"name": "app"})) == (409, "name-taken")
        await made(owner, "/v1/keys", {"name": "crm"})
        assert kind_of(await owner.call("POST", "/v1/keys", {"name": "crm"})) == (409, "name-taken")


async def test_a_key_expires_and_is_bound_to_networks_and_a_rate() -> None:
    async with api(owned_config()) as client:
        owner = client.with_key(OWNER_KEY)
        wanted = {
            "name": "crm",
            "networks": ["192.0.2.0/24"],
            "rate": 0.001,
            "burst": 1,
            "expires_at": "2090-01-01T00:00:00Z",
        }
        key = await made(owner, "/v1/keys", wanted)
        assert (await client.with_key(key["secret"], "198.51.100.1").send()).status == 401
        near = client.with_key(key["secret"], "192.0.2.1")
        assert [(await near.send()).status for _ in range(2)] == [202, 429]
        await owner.call("POST", "/v1/keys/crm/rotate", {})
        assert (await near.send()).status == 429
        for wrong in (
            {"expires_at": "2001-01-01T00:00:00Z"},
            {"networks": ["nowhere"]},
            {"burst": 1},
            {"certificate": "crm.example"},
            {"scopes": ["x"]},
        ):
            assert (await owner.call("POST", "/v1/keys", {"name": "wrong", **wrong})).status == 422


async def test_accounts_do_not_see_each_others_keys() -> None:
    """A foreign key answers like an unknown one."""
    async with api(owned_config()) as client:
        await made(client.with_key(OWNER_KEY), "/v1/keys", {"name": "crm"})
        operator = client.with_key(OPERATOR_KEY)
        theirs = await made(operator, "/v1/admin/keys?account=other", {"name": "boss", "role": "owner"})
        other = client.with_key(theirs["secret"])
        for method, path in (("GET", "/v1/keys/crm"), ("DELETE", "/v1/keys/crm"), ("POST", "/v1/keys/crm/rotate")):
            foreign = await other.call(method, path, None if method == "GET" else {})
            unknown = await other.call(method, path.replace("crm", "nobody"), None if method == "GET" else {})
            assert foreign == unknown
            assert foreign.status == 404
        listed = (await other.call("GET", "/v1/keys")).document
        assert [one["name"] for one in listed["keys"]] == ["app", "boss"]


async def test_the_operator_rules_keys_of_accounts_and_an_account_no_others() -> None:
    async with api(owned_config()) as client:
        operator = client.with_key(OPERATOR_KEY)
        mine = await made(operator, "/v1/admin/keys", {"name": "reports", "role": "analyst"})
        assert mine["scopes"] == sorted(scopes_of("analyst", ""))
        assert (await client.with_key(mine["secret"]).call("GET", "/v1/admin/keys")).status == 200
        assert kind_of(await operator.call("GET", "/v1/admin/keys?account=nobody")) == (404, "unknown-account")
        assert kind_of(await operator.call("GET", "/v1/keys")) == (403, "no-account")
        for key in (OWNER_KEY, OTHERS_KEY):
            refused = await client.with_key(key).call("GET", "/v1/admin/keys?account=acme")
            assert kind_of(refused) == (403, "operators-only")


async def test_a_key_goes_on_with_its_account_and_ends_with_it() -> None:
    """Reloads do not lose it; who leaves the file lets nobody in, and who comes back lets it in again."""
    config = owned_config()
    async with api(config) as client:
        key = await made(client.with_key(OWNER_KEY), "/v1/keys", {"name": "crm"})
        crm = client.with_key(key["secret"])
        put_in_force(client, owned_config())
        assert (await crm.send()).status == 202
        other = api_config(accounts={"other": config.accounts["other"]})
        put_in_force(client, other)
        assert (await crm.send()).status == 401
        put_in_force(client, config)
        assert (await crm.send()).status == 202


async def test_there_are_so_many_keys_and_lists_have_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring, "KEYS_MAX", 3)
    async with api(owned_config()) as client:
        owner = client.with_key(OWNER_KEY)
        for name in ("k1", "k2", "k3"):
            await made(owner, "/v1/keys", {"name": name})
        assert kind_of(await owner.call("POST", "/v1/keys", {"name": "k4"})) == (409, "too-many-keys")
        names, cursor = [], ""
        while cursor is not None:
            page = (await owner.call("GET", f"/v1/keys?limit=2&cursor={cursor}")).document
            names += [one["name"] for one in page["keys"]]
            cursor = page["next_cursor"]
        assert names == ["app", "k1", "k2", "k3", "owner", "reader"]


async def test_keys_that_are_made_at_once_stay_within_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring, "KEYS_MAX", 2)
    async with api(owned_config()) as client:
        owner = client.with_key(OWNER_KEY)
        statuses: list[int] = []

        async def make(name: str) -> None:
            statuses.append((await owner.call("POST", "/v1/keys", {"name": name})).status)

        async with trio.open_nursery() as nursery:
            for name in ("k1", "k1", "k2", "k3", "k4"):
                nursery.start_soon(make, name)
        assert sorted(statuses) == [201, 201, 409, 409, 409]


async def test_a_caller_who_goes_away_while_a_key_is_revoked_has_it_revoked() -> None:
    """Or not: but store, memory and audit trail agree."""
    async with api(owned_config()) as client:
        owner = client.with_key(OWNER_KEY)
        key = await made(owner, "/v1/keys", {"name": "crm"})
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(owner.call, "DELETE", "/v1/keys/crm")
                await trio.testing.wait_all_tasks_blocked()
                scope.cancel()
        is_good = (await client.with_key(key["secret"]).send()).status == 202
        is_kept = any(name.endswith("acme/crm") for _, name in client.gateway.store.tables.entities)
        actions = [one["action"] for one in (await owner.call("GET", "/v1/audit")).document["records"]]
        assert is_good == is_kept == ("key.revoke" not in actions)


async def test_what_cannot_be_kept_lets_nobody_in_and_what_cannot_be_forgotten_stays() -> None:
    async with api(owned_config()) as client:
        owner, store = client.with_key(OWNER_KEY), client.gateway.store
        key = await made(owner, "/v1/keys", {"name": "crm"})
        store.break_down(StoreFailed("no disk"))
        assert (await owner.call("POST", "/v1/keys", {"name": "new"})).status == 503
        assert (await owner.call("DELETE", "/v1/keys/crm")).status == 503
        assert (await owner.call("GET", "/v1/keys/new")).status == 404
        assert (await client.with_key(key["secret"]).call("GET", "/v1/messages/none")).status == 404


@pytest.mark.parametrize(
    ("change", "expected"), [("DELETE /v1/keys/crm", 401), ("POST /v1/keys/crm/rotate", 201), ("", 201)]
)
async def test_who_sends_a_request_slowly_must_be_let_in_still_when_it_has_come(change: str, expected: int) -> None:
    """A thief who has begun one when the key is revoked makes no other key by it; a key that is rotated does."""
    async with api(owned_config()) as client:
        owner, may_end = client.with_key(OWNER_KEY), trio.Event()
        key = await made(owner, "/v1/keys", {"name": "crm", "scopes": sorted(scopes_of("owner", "acme"))})
        answers: list[int] = []

        async def make_slowly() -> None:
            crm = client.with_key(key["secret"])
            answers.append((await crm.call("POST", "/v1/keys", {"name": "other"}, comes_after=may_end)).status)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(make_slowly)
            await trio.testing.wait_all_tasks_blocked(0.05)
            if change:
                method, path = change.split()
                assert (await owner.call(method, path, {} if method == "POST" else None)).status in (200, 204)
            may_end.set()
        assert answers == [expected]
