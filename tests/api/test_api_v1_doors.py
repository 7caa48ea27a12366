"""No door of the API stands open: every endpoint asks who calls, and an operator's are no account's."""

import re

import pytest
from v1_bench import KEY, OTHERS_KEY, READING_KEY, Client, api

LOGIN = "/v1/oauth/token"
"""Asks in its own way who calls."""
METHODS = ("get", "post", "put", "patch", "delete")


async def endpoints_of(client: Client) -> list[tuple[str, str]]:
    """(method, path with something in each place) of all that is described."""
    paths = (await client.call("GET", "/v1/openapi.json")).document["paths"]
    return [
        (method.upper(), re.sub(r"\{\w+\}", "0000000000000000", path))
        for path, methods in paths.items()
        for method in methods
        if method in METHODS and path != LOGIN
    ]


@pytest.mark.parametrize("key", ["", "sk_unknown", "demo-pw", "admin", "x" * 5_000, "\x00\xff"])
async def test_nobody_is_let_in_who_does_not_say_who_it_is(key: str) -> None:
    """401 at every endpoint, whatever it is asked for; there is no default key."""
    async with api() as client:
        endpoints = await endpoints_of(client)
        assert len(endpoints) > 8
        for method, path in endpoints:
            answer = await client.with_key(key).call(method, path, {"to": "+447700900123", "text": "hello"})
            assert answer.status == 401, (method, path)
            assert answer.headers["www-authenticate"] == "Bearer"
        await client.gateway.settle()
        assert client.gateway.carrier.outstanding == []


async def test_the_operators_endpoints_are_no_accounts() -> None:
    """403 at each of them for a key of an account, whatever its scopes."""
    async with api() as client:
        theirs = [(method, path) for method, path in await endpoints_of(client) if path.startswith("/v1/admin/")]
        assert theirs
        for method, path in theirs:
            for key in (KEY, READING_KEY, OTHERS_KEY):
                assert (await client.with_key(key).call(method, path, {})).status == 403, (method, path)
