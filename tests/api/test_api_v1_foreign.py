"""What belongs to another account answers as what there is not: status and body alike, whatever is asked of it."""

import pytest
from v1_bench import OTHERS_KEY, api

CALLS = (("GET", ""), ("GET", "/events"), ("POST", "/cancel"))


@pytest.mark.parametrize(("method", "path"), CALLS)
async def test_a_foreign_message_is_none(method: str, path: str) -> None:
    """J05, J08: also ids one beside the caller's own; and nothing happens to the other's."""
    async with api() as client:
        theirs = (await client.with_key(OTHERS_KEY).send()).document["id"]
        own = (await client.send()).document["id"]
        near = [f"{int(own, 16) + step:016x}" for step in (-2, -1, 1, 2)]
        answers = [await client.call(method, f"/v1/messages/{one}{path}") for one in (theirs, "0" * 16, *near)]
        assert {one.status for one in answers} == {404}
        assert len({one.body for one in answers}) == 1
        kept = await client.with_key(OTHERS_KEY).call("GET", f"/v1/messages/{theirs}")
        assert kept.document["state"] != "cancelled"


async def test_nothing_is_found_of_others_by_what_it_says() -> None:
    """J06, J07: who knows the victim's addresses, sender and reference finds, cancels and replaces nothing by them."""
    async with api() as client:
        other = client.with_key(OTHERS_KEY)
        first = (await other.send(reference="order-1")).document["id"]
        second = await client.send(reference="order-1", text="instead")
        assert second.status == 202
        assert second.document["id"] != first
        assert (await other.call("GET", f"/v1/messages/{first}")).document["state"] != "cancelled"


async def test_the_same_idempotency_key_of_two_accounts_is_two() -> None:
    async with api() as client:
        body = {"to": "+447700900123", "text": "hello", "from": "ACME"}
        ids = {
            (await one.call("POST", "/v1/messages", body, idempotency_key="k")).document["id"]
            for one in (client, client.with_key(OTHERS_KEY))
        }
        assert len(ids) == 2


async def test_members_of_others_change_nothing() -> None:
    """J14: no account, price or right is taken from a request."""
    async with api() as client:
        for member in ({"tenant_id": "other"}, {"account": "other"}, {"price": "0"}, {"is_admin": True}):
            assert (await client.send(**member)).status == 422
