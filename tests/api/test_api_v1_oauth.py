"""OAuth 2.0 client credentials."""

import base64
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from attrs import evolve
from directory_bench import OWNER_KEY, made, owned_config
from test_api_v1_reload import put_in_force, stream
from v1_bench import OPERATOR_KEY, Answered, Client, api

from smsagg.config.schema import BindFailureSettings, DirectorySettings, ServerSettings
from smsagg.config.units import Duration
from smsagg.engine.directory import tokens
from smsagg.store.memory import MemoryStore

FORM = "application/x-www-form-urlencoded"
GRANT = {"grant_type": "client_credentials"}


async def ask(client: Client, form: dict[str, str] | bytes, basic: str = "", **headers: str) -> Answered:
    """POST the token endpoint as somebody without a key."""
    body = form if isinstance(form, bytes) else urlencode(form).encode()
    authorization = f"Basic {base64.b64encode(basic.encode()).decode()}" if basic else ""
    said = {"content_type": FORM, "authorization": authorization} | headers
    return await client.call("POST", "/v1/oauth/token", body, **said)


async def erp(client: Client, **fields: Any) -> tuple[str, str]:
    """Id and secret of a client of acme."""
    answer = await made(client.with_key(OWNER_KEY), "/v1/clients", {"name": "erp", **fields})
    return answer["client_id"], answer["secret"]


async def token(client: Client, client_id: str, secret: str, **form: str) -> Client:
    answer = await ask(client, {**GRANT, "client_id": client_id, "client_secret": secret, **form})
    assert answer.status == 200, answer.body
    return client.with_key(answer.document["access_token"])


async def test_a_client_gets_a_token_and_uses_it() -> None:
    """By either way of showing the secret (RFC 6749 §2.3.1); no cache keeps the answer (§5.1)."""
    async with api(owned_config()) as client:
        client_id, secret = await erp(client, scopes=["messages:write", "messages:read"])
        assert (client_id, secret[:3]) == ("acme/erp", "cs_")
        for answer in (
            await ask(client, {**GRANT, "client_id": client_id, "client_secret": secret}),
            await ask(client, GRANT, f"{quote(client_id, safe='')}:{quote(secret)}"),
            await ask(client, GRANT, f"{client_id}:{secret}"),
        ):
            assert answer.status == 200
            assert answer.headers["cache-control"] == "no-store"
            assert answer.document == {
                "access_token": answer.document["access_token"],
                "token_type": "Bearer",
                "expires_in": 3_600,
                "scope": "messages:read messages:write",
            }
            assert (await client.with_key(answer.document["access_token"]).send()).status == 202
        assert (await client.with_key(OWNER_KEY).call("GET", "/v1/clients/erp")).document["last_used_at"]


async def test_a_secret_is_no_key_and_a_token_no_secret() -> None:
    async with api(owned_config()) as client:
        client_id, secret = await erp(client)
        assert (await client.with_key(secret).send()).status == 401
        bearer = await token(client, client_id, secret)
        refused = await ask(client, {**GRANT, "client_id": client_id, "client_secret": bearer.key})
        assert refused.status == 401


async def test_a_token_may_be_asked_for_less_and_never_for_more() -> None:
    async with api(owned_config()) as client:
        shown = await erp(client, scopes=["messages:write", "messages:read"])
        reader = await token(client, *shown, scope="messages:read")
        assert (await reader.send()).status == 403
        assert (await reader.call("GET", "/v1/messages/none")).status == 404
        beyond = await ask(client, {**GRANT, "client_id": shown[0], "client_secret": shown[1], "scope": "users:write"})
        assert (beyond.status, beyond.document["error"]) == (400, "invalid_scope")


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        (b"grant_type=client_credentials&grant_type=client_credentials", 400, "invalid_request"),
        (b"grant_type=client_credentials&client_id=%ff%fe", 401, "invalid_client"),
        (b"\xff\xfe", 400, "invalid_request"),
        ("&".join(f"a{n}=1" for n in range(50)).encode(), 400, "invalid_request"),
        (GRANT, 401, "invalid_client"),
        ({**GRANT, "client_id": "acme/erp", "client_secret": "cs_wrong"}, 401, "invalid_client"),
        ({**GRANT, "client_id": "other/erp", "client_secret": "cs_wrong"}, 401, "invalid_client"),
    ],
)
async def test_errors_are_those_of_rfc_6749(form: dict[str, str] | bytes, status: int, error: str) -> None:
    """§5.2; a client that is not known and a wrong secret are told alike."""
    async with api(owned_config()) as client:
        await erp(client)
        answer = await ask(client, form)
        assert (answer.status, answer.document["error"]) == (status, error)
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["cache-control"] == "no-store"
        assert ("www-authenticate" in answer.headers) == (status == 401)


async def test_what_is_no_form_is_not_read() -> None:
    async with api(owned_config()) as client:
        client_id, secret = await erp(client)
        form = {**GRANT, "client_id": client_id, "client_secret": secret}
        assert (await ask(client, form, content_type="application/json")).document["error"] == "invalid_request"
        assert (await ask(client, form, basic=f"{client_id}:{secret}")).document["error"] == "invalid_request"
        assert (await ask(client, b"a=" + b"x" * 10_000)).status == 413
        for wrong in ("Basic ???", "Bearer sk_x", "Basic"):
            assert (await ask(client, GRANT, authorization=wrong)).status == 401


async def test_guessing_ends_in_a_ban_of_that_address() -> None:
    """For that client; others, and the client from elsewhere, get theirs."""
    server = ServerSettings(bind_failures=BindFailureSettings(free=1, ban_after=3, ban=Duration(60.0)))
    async with api(owned_config(server=server)) as client:
        client_id, secret = await erp(client)
        right = {**GRANT, "client_id": client_id, "client_secret": secret}
        stranger = client.with_key("", "198.51.100.9")
        for status in (401, 401, 401, 429):
            assert (await ask(stranger, {**right, "client_secret": "cs_guess"})).status == status
        banned = await ask(stranger, right)
        assert (banned.status, banned.headers["retry-after"]) == (429, "60")
        assert (await ask(client.with_key("", "192.0.2.1"), right)).status == 200


async def test_a_token_ends_with_its_time_and_with_its_client() -> None:
    """And so do streams that it opened. A new secret of the client ends no token."""
    async with api(owned_config(directory=DirectorySettings(token_ttl=Duration(60.0)))) as client:
        owner, shown = client.with_key(OWNER_KEY), await erp(client)
        bearer = await token(client, *shown)
        client.gateway.clock.jump_wall(60)
        assert (await bearer.send()).status == 401
        bearer = await token(client, *shown)
        assert (await owner.call("POST", "/v1/clients/erp/rotate", {"overlap_s": 0})).status == 200
        assert (await ask(client, {**GRANT, "client_id": shown[0], "client_secret": shown[1]})).status == 401
        assert (await bearer.send()).status == 202
        async with stream(client, bearer.key) as ended:
            assert (await owner.call("DELETE", "/v1/clients/erp")).status == 204
            assert (await bearer.send()).status == 401
            await client.gateway.settle()
            assert ended.endswith(b"end")


async def test_a_token_of_before_a_restart_is_refused_and_another_is_to_be_had() -> None:
    store = MemoryStore()
    async with api(owned_config(), store) as client:
        shown = await erp(client)
        before = await token(client, *shown)
    async with api(owned_config(), MemoryStore(store.tables)) as client:
        assert (await client.with_key(before.key).send()).status == 401
        assert (await (await token(client, *shown)).send()).status == 202


async def test_a_client_is_bound_to_networks_and_to_its_account() -> None:
    """At the token endpoint, and wherever the token is shown."""
    config = owned_config()
    async with api(config) as client:
        client_id, secret = await erp(client, networks=["192.0.2.0/24"])
        right = {**GRANT, "client_id": client_id, "client_secret": secret}
        assert (await ask(client, right)).status == 401
        near = await token(client.with_key("", "192.0.2.1"), client_id, secret)
        assert (await client.with_key(near.key, "192.0.2.1").send()).status == 202
        assert (await client.with_key(near.key, "198.51.100.1").send()).status == 401
        put_in_force(client, evolve(config, accounts={"other": config.accounts["other"]}))
        assert (await ask(client.with_key("", "192.0.2.1"), right)).status == 401


async def test_so_many_tokens_of_a_client_are_good_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest ends for the next."""
    monkeypatch.setattr(tokens, "TOKENS_OF_CLIENT_MAX", 2)
    async with api(owned_config()) as client:
        shown = await erp(client)
        bearers = [await token(client, *shown) for _ in range(3)]
        assert [(await bearer.send()).status for bearer in bearers] == [401, 202, 202]


async def test_when_a_client_was_last_used_is_known_also_when_its_token_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By time, and by newer ones."""
    monkeypatch.setattr(tokens, "TOKENS_OF_CLIENT_MAX", 1)
    async with api(owned_config(directory=DirectorySettings(token_ttl=Duration(60.0)))) as client:
        shown = await erp(client)
        owner = client.with_key(OWNER_KEY)
        assert (await owner.call("GET", "/v1/clients/erp")).document["last_used_at"] is None
        assert (await (await token(client, *shown)).send()).status == 202
        used_at = (await owner.call("GET", "/v1/clients/erp")).document["last_used_at"]
        client.gateway.clock.jump_wall(120)
        assert (await owner.call("GET", "/v1/clients/erp")).document["last_used_at"] == used_at
        await token(client, *shown)
        assert (await owner.call("GET", "/v1/clients/erp")).document["last_used_at"] == used_at


async def test_the_operators_clients_are_of_no_account() -> None:
    async with api(owned_config()) as client:
        operator = client.with_key(OPERATOR_KEY)
        shown = await made(operator, "/v1/admin/clients", {"name": "noc", "role": "analyst"})
        bearer = await token(client, shown["client_id"], shown["secret"])
        assert (await bearer.call("GET", "/v1/admin/accounts")).status == 200
        assert (await bearer.call("POST", "/v1/admin/keys", {"name": "x"})).status == 403
