"""The number inventory over HTTP."""

from typing import Any

import pytest
from v1_bench import OPERATOR_KEY, OTHERS_KEY, Client, api

from smsagg.directory.audit import AuditSought
from smsagg.errors import StoreFailed
from smsagg.inventory.inventory import Inventory
from smsagg.inventory.number import Number

TABLE = b"number,type,country,pool\n447700900900,long,GB,gb\n447700900901,long,GB,gb\n12345,short,GB,\n"


async def stocked(client: Client) -> Client:
    """An operator's client, of an inventory of three numbers and a pool."""
    ann = client.with_key(OPERATOR_KEY)
    made = await ann.call("PUT", "/v1/admin/number-pools/gb", {"country": "GB", "rotation": "sticky"})
    assert (made.status, made.document["period_s"], made.document["numbers"]) == (200, 86_400, 0)
    taken = await ann.call("POST", "/v1/admin/numbers/import", TABLE, content_type="text/csv")
    assert taken.document == {"new": 3, "changed": 0, "unchanged": 0}
    return ann


async def listed(client: Client, path: str) -> list[str]:
    return [one["number"] for one in (await client.call("GET", path)).document["numbers"]]


async def actions(client: Client) -> list[tuple[str, str, str]]:
    records, _ = await client.gateway.store.find_audit(AuditSought(), 0, 100)
    return [(one.entry.action, one.entry.subject, one.entry.account) for one in records[::-1]]


async def test_a_number_is_given_shown_to_its_account_and_taken_back() -> None:
    """Nobody else sees it; each step is on record."""
    async with api() as client:
        ann = await stocked(client)
        path = "/v1/admin/numbers/447700900900"
        given = await ann.call("POST", f"{path}/assign", {"account": "acme"})
        assert (given.status, given.document["accounts"], given.document["assignment"]) == (200, ["acme"], "dedicated")
        assert await listed(client, "/v1/numbers") == ["447700900900"]
        assert await listed(client.with_key(OTHERS_KEY), "/v1/numbers") == []
        own: Any = (await client.call("GET", "/v1/numbers")).document["numbers"][0]
        assert "accounts" not in own
        again = await ann.call("POST", f"{path}/assign", {"account": "other"})
        assert (again.status, again.document["type"]) == (409, "problems/inventory")
        assert (await ann.call("POST", f"{path}/actions", {"action": "suspend"})).document["status"] == "suspended"
        assert (await ann.call("POST", f"{path}/actions", {"action": "resume"})).document["status"] == "assigned"
        assert (await ann.call("POST", f"{path}/actions", {"action": "unassign"})).document["accounts"] == []
        until = {"account": "acme", "until": "2999-01-01T00:00:00Z"}
        leased = await ann.call("POST", "/v1/admin/numbers/447700900901/assign", until)
        assert leased.document["leased_until"] == "2999-01-01T00:00:00.000Z"
        assert (await actions(client))[2] == ("numbers.assign", "447700900900", "acme")


async def test_the_inventory_is_found_by_what_is_said() -> None:
    async with api() as client:
        ann = await stocked(client)
        assert await listed(ann, "/v1/admin/numbers?pool=gb") == ["447700900900", "447700900901"]
        assert await listed(ann, "/v1/admin/numbers?pool=gb&limit=1") == ["447700900900"]
        assert await listed(ann, "/v1/admin/numbers?account=acme") == []
        assert len(await listed(ann, "/v1/admin/numbers?country=GB&status=available")) == 3
        assert (await ann.call("GET", "/v1/admin/numbers/1")).status == 404
        pools = (await ann.call("GET", "/v1/admin/number-pools")).document["pools"]
        assert [(one["name"], one["numbers"], one["available"]) for one in pools] == [("gb", 2, 2)]


async def test_what_cannot_be_is_told_and_changes_nothing() -> None:
    """All rows or none; pools with numbers stay; members that are nobody's to set; an account's key."""
    async with api() as client:
        ann = await stocked(client)
        wrong = await ann.call("POST", "/v1/admin/numbers/import", b"number,type\nx,long\n", content_type="text/csv")
        assert (wrong.status, len(wrong.document["errors"])) == (422, 1)
        assert (await ann.call("DELETE", "/v1/admin/number-pools/gb")).status == 409
        assert (await ann.call("DELETE", "/v1/admin/number-pools/none")).status == 404
        assert (await ann.call("PUT", "/v1/admin/number-pools/gb", {"tenant_id": "acme"})).status == 422
        assert (await ann.call("PUT", "/v1/admin/number-pools/gb", {"fallback": ["none"]})).status == 409
        trail = [(action, subject) for action, subject, _ in await actions(client)]
        assert trail[2:] == [
            ("numbers.import", ""), ("numbers.import.refused", ""),
            ("numbers.pool_remove", "gb"), ("numbers.pool_remove.refused", "gb"),
            ("numbers.pool_set", "gb"), ("numbers.pool_set.refused", "gb"),
        ]  # fmt: skip
        for method, path in (
            ("GET", "numbers"), ("POST", "numbers/import"), ("POST", "numbers/1/assign"), ("GET", "number-pools"),
            ("PUT", "number-pools/gb"), ("DELETE", "number-pools/gb"), ("POST", "numbers/1/actions"),
        ):  # fmt: skip
            assert (await client.call(method, f"/v1/admin/{path}", {})).status == 403


async def test_what_cannot_be_recorded_is_not_done() -> None:
    """J18."""
    async with api() as client:
        ann = await stocked(client)
        client.gateway.store.break_down(StoreFailed("no medium"))
        assigned = await ann.call("POST", "/v1/admin/numbers/447700900900/assign", {"account": "acme"})
        assert assigned.status == 503
        client.gateway.store.repair()
        assert await listed(client, "/v1/numbers") == []


async def test_an_account_that_asks_for_its_own_looks_at_nobody_elses(monkeypatch: pytest.MonkeyPatch) -> None:
    """An inventory may hold a million; one customer's question costs as much as that customer has."""
    async with api() as client:
        ann = await stocked(client)
        await ann.call("POST", "/v1/admin/numbers/447700900900/assign", {"account": "acme"})
        looked_at: list[str] = []
        as_of = Inventory.as_of

        def watched(book: Inventory, number: Number, now: int) -> Number:
            looked_at.append(number.name)
            return as_of(book, number, now)

        monkeypatch.setattr(Inventory, "as_of", watched)
        assert await listed(client, "/v1/numbers") == ["447700900900"]
        assert looked_at == ["447700900900"]


async def test_a_short_code_of_several_countries_is_named_with_its_country() -> None:
    """As the list names it."""
    async with api() as client:
        ann = await stocked(client)
        rows = b"number,type,country\n12345,short,FR\n"
        await ann.call("POST", "/v1/admin/numbers/import", rows, content_type="text/csv")
        assert (await ann.call("GET", "/v1/admin/numbers/12345")).status == 404
        for name in ("FR/12345", "GB/12345"):
            assert (await ann.call("GET", f"/v1/admin/numbers/{name}")).document["number"] == name
        given = await ann.call("POST", "/v1/admin/numbers/FR/12345/assign", {"account": "acme"})
        assert (given.status, given.document["accounts"]) == (200, ["acme"])
        acted = await ann.call("POST", "/v1/admin/numbers/FR/12345/actions", {"action": "suspend"})
        assert acted.document["status"] == "suspended"
