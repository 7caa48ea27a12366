"""People, their roles, and the keys that are theirs."""

import trio
import trio.testing
from directory_bench import OWNER_KEY, kind_of, made, owned_config
from test_api_v1_reload import stream
from v1_bench import OPERATOR_KEY, Client, api

from smsagg.store.memory import MemoryStore


async def put(client: Client, path: str, **fields: object) -> int:
    return (await client.call("PUT", path, fields)).status


async def test_people_are_added_changed_and_removed() -> None:
    async with api(owned_config()) as client:
        owner = client.with_key(OWNER_KEY)
        assert await put(owner, "/v1/users/ann", role="analyst", full_name="Ann Example") == 201
        assert await put(owner, "/v1/users/ann", role="developer") == 200
        ann = (await owner.call("GET", "/v1/users/ann")).document
        assert {name: ann[name] for name in ("name", "role", "full_name", "enabled", "has_totp", "created_by")} == {
            "name": "ann", "role": "developer", "full_name": "", "enabled": True, "has_totp": False,
            "created_by": "key:owner",
        }  # fmt: skip
        assert [one["name"] for one in (await owner.call("GET", "/v1/users")).document["users"]] == ["ann"]
        assert (await owner.call("DELETE", "/v1/users/ann")).status == 204
        assert kind_of(await owner.call("GET", "/v1/users/ann")) == (404, "unknown-user")
        assert await put(owner, "/v1/users/ann", role="operator") == 422
        assert await put(owner, "/v1/users/me", role="analyst") == 409


async def test_a_users_key_may_what_the_role_may_now() -> None:
    """Another role holds at once, with streams; a disabled user lets nobody in, an enabled one again."""
    async with api(owned_config()) as client:
        owner = client.with_key(OWNER_KEY)
        await put(owner, "/v1/users/ann", role="developer")
        key = await made(owner, "/v1/keys", {"name": "ann-laptop", "user": "ann"})
        ann = client.with_key(key["secret"])
        assert (await ann.send()).status == 202
        async with stream(client, key["secret"]) as ended:
            await put(owner, "/v1/users/ann", role="analyst")
            await client.gateway.settle()
            assert ended.endswith(b"end")
        assert kind_of(await ann.send()) == (403, "scope-missing")
        await put(owner, "/v1/users/ann", role="analyst", enabled=False)
        assert (await ann.call("GET", "/v1/messages/none")).status == 401
        await put(owner, "/v1/users/ann", role="analyst")
        assert (await ann.call("GET", "/v1/messages/none")).status == 404


async def test_a_users_key_may_have_less_than_the_role_and_never_more() -> None:
    async with api(owned_config()) as client:
        owner = client.with_key(OWNER_KEY)
        await put(owner, "/v1/users/ann", role="analyst")
        beyond = {"name": "k", "user": "ann", "scopes": ["messages:write"]}
        assert (await owner.call("POST", "/v1/keys", beyond)).status == 422
        assert (await owner.call("POST", "/v1/keys", {"name": "k", "user": "nobody"})).status == 422
        key = await made(owner, "/v1/keys", {"name": "k", "user": "ann", "scopes": ["messages:read"]})
        assert key["scopes"] == ["messages:read"]
        assert kind_of(await client.with_key(key["secret"]).call("GET", "/v1/events")) == (403, "scope-missing")


async def test_who_comes_after_a_removed_person_inherits_no_key() -> None:
    store = MemoryStore()
    async with api(owned_config(), store) as client:
        owner = client.with_key(OWNER_KEY)
        await put(owner, "/v1/users/ann", role="owner")
        key = await made(owner, "/v1/keys", {"name": "laptop", "user": "ann"})
        assert (await owner.call("DELETE", "/v1/users/ann")).status == 204
        await put(owner, "/v1/users/ann", role="owner")
        assert (await client.with_key(key["secret"]).send()).status == 401
        assert kind_of(await owner.call("GET", "/v1/keys/laptop")) == (404, "unknown-key")
    async with api(owned_config(), MemoryStore(store.tables)) as client:
        assert (await client.with_key(key["secret"]).send()).status == 401


async def test_nobody_makes_or_removes_somebody_who_may_more() -> None:
    """A key that may change people, and little else, makes no owner of anybody, and removes none."""
    async with api(owned_config()) as client:
        owner = client.with_key(OWNER_KEY)
        key = await made(owner, "/v1/keys", {"name": "giver", "scopes": ["users:write", "messages:read"]})
        weak = client.with_key(key["secret"])
        await put(owner, "/v1/users/boss", role="owner")
        assert await put(weak, "/v1/users/me2", role="owner") == 403
        assert await put(weak, "/v1/users/boss", role="analyst") == 403
        assert kind_of(await weak.call("DELETE", "/v1/users/boss")) == (403, "beyond-your-scopes")


async def test_the_operators_people_are_apart_from_the_accounts() -> None:
    async with api(owned_config()) as client:
        operator = client.with_key(OPERATOR_KEY)
        assert await put(operator, "/v1/admin/users/eve", role="compliance") == 201
        assert await put(operator, "/v1/admin/users/bob?account=acme", role="owner") == 201
        assert await put(operator, "/v1/admin/users/bob", role="owner") == 422
        key = await made(operator, "/v1/admin/keys?account=acme", {"name": "bob", "user": "bob"})
        bob = client.with_key(key["secret"])
        assert [one["name"] for one in (await bob.call("GET", "/v1/users")).document["users"]] == ["bob"]
        assert kind_of(await bob.call("GET", "/v1/admin/users")) == (403, "operators-only")


async def test_who_is_removed_while_they_enrol_leaves_no_factor_to_the_next_of_the_name() -> None:
    async with api(owned_config()) as client:
        owner = client.with_key(OWNER_KEY)
        await put(owner, "/v1/users/ann", role="developer")
        key = await made(owner, "/v1/keys", {"name": "ann", "user": "ann"})
        answers: dict[str, int] = {}

        async def call(who: Client, method: str, path: str) -> None:
            answers[method] = (await who.call(method, path)).status

        async with trio.open_nursery() as nursery:
            client.gateway.store.hold()
            nursery.start_soon(call, owner, "DELETE", "/v1/users/ann")
            await trio.testing.wait_all_tasks_blocked(0.05)
            nursery.start_soon(call, client.with_key(key["secret"]), "POST", "/v1/users/me/totp")
            await trio.testing.wait_all_tasks_blocked(0.05)
            client.gateway.store.release()
        assert answers == {"DELETE": 204, "POST": 401}
        assert client.gateway.engine.register.get("totp", "acme/ann") is None
