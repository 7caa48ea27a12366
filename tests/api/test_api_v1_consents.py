"""Suppressed numbers and opt-ins over HTTP."""

from functools import partial
from typing import Any

import pytest
from structlog.testing import capture_logs
from v1_bench import KEY, OPERATOR_KEY, OTHERS_KEY, READING_KEY, Client, api, api_config

from smsagg.engine.consent.consents import SENDERS_MAX
from smsagg.errors import StoreFull
from smsagg.model.consent import ConsentKind, ConsentRecord, ConsentUpdate
from smsagg.store.memory import MemoryStore, Tables
from smsagg.testing.carrier import FakeSettings
from smsagg.testing.gateway import carrier_settings

NUMBER = "447700900123"


async def records(client: Client, path: str = "/v1/suppressions") -> list[dict[str, Any]]:
    """The whole list, by pages of two."""
    found: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await client.call("GET", f"{path}?limit=2&cursor={cursor}")).document
        found += page["records"]
        cursor = page["next_cursor"]
    return found


async def test_a_suppressed_number_gets_nothing_until_it_is_removed() -> None:
    """From the answer on, over HTTP as over SMPP; whoever sends is told why."""
    async with api() as client:
        new = {"number": "+44 7700 900123", "evidence": "by telephone"}
        added = await client.call("POST", "/v1/suppressions", new)
        assert (added.status, added.document["number"], added.document["how"]) == (201, NUMBER, "api")
        refused = await client.send(f"+{NUMBER}")
        assert (refused.status, refused.document["type"]) == (422, "problems/suppressed")
        assert refused.document["errors"] == [{"path": "to", "detail": "suppressed"}]
        assert (await client.with_key(OTHERS_KEY).send(f"+{NUMBER}")).status == 202
        assert (await client.call("GET", f"/v1/suppressions/{NUMBER}")).document["records"] == [added.document]
        assert (await client.call("DELETE", f"/v1/suppressions/{NUMBER}")).status == 204
        assert (await client.call("DELETE", f"/v1/suppressions/{NUMBER}")).status == 404
        assert (await client.call("GET", f"/v1/suppressions/{NUMBER}")).status == 404
        assert (await client.send(f"+{NUMBER}")).status == 202


async def test_every_change_is_in_the_audit_trail_without_numbers() -> None:
    """Who did what, in the transaction of the change; a long list is one record."""
    tables = Tables()
    with capture_logs() as logs:
        async with api(store=MemoryStore(tables)) as client:
            await _change_three_times(client)
    trail = [(one.entry.action, one.entry.actor, one.entry.account) for one in tables.audit]
    assert trail == [(f"suppression.{what}", "key:app", "acme") for what in ("put", "import", "delete")]
    assert NUMBER not in str(tables.audit)
    told = [(line["head"].partition(":")[0], line["action"]) for line in logs if line["event"] == "audit_record"]
    assert told == [("1", "suppression.put"), ("2", "suppression.import"), ("3", "suppression.delete")]


async def _change_three_times(client: Client) -> None:
    await client.call("POST", "/v1/suppressions", {"number": NUMBER, "sender": "ACME"})
    body = f"number\n{NUMBER}\n".encode() + b"447700900124\n" * 600
    await client.call("POST", "/v1/suppressions/import", body, content_type="text/csv")
    await client.call("DELETE", f"/v1/suppressions/{NUMBER}?sender=ACME")


@pytest.mark.parametrize(
    ("method", "path", "body", "content_type"),
    [
        ("POST", "/v1/suppressions", {"number": NUMBER}, "application/json"),
        ("POST", "/v1/suppressions/import", f"number\n{NUMBER}\n".encode(), "text/csv"),
        ("DELETE", "/v1/suppressions/447700900999", b"", ""),
    ],
)
async def test_what_the_store_does_not_take_is_not_answered_as_done(
    method: str, path: str, body: Any, content_type: str
) -> None:
    """Neither as made nor as unknown: it is told that nothing was changed, and that it may be asked again."""
    store = MemoryStore()
    async with api(store=store) as client:
        await client.call("POST", "/v1/suppressions", {"number": "447700900999"})
        store.break_down(StoreFull("the disk is full"))
        ask = partial(client.call, method, path, body, content_type=content_type)
        refused = await ask()
        assert (refused.status, refused.document["type"]) == (503, "problems/not-now")
        store.repair()
        await client.gateway.settle()
        assert [one["number"] for one in await records(client)] == ["447700900999"]
        assert (await client.send(f"+{NUMBER}")).status == 202
        assert (await ask()).status in (200, 201, 204)


async def test_a_list_of_too_many_senders_is_told() -> None:
    """By one record as by a file."""
    async with api() as client:
        of = [ConsentRecord(ConsentKind.SUPPRESSION, "acme", NUMBER, f"s{i}", 1, "api") for i in range(SENDERS_MAX)]
        await client.gateway.engine.consents.change([ConsentUpdate(record) for record in of])
        one = await client.call("POST", "/v1/suppressions", {"number": NUMBER, "sender": "more"})
        body = f"number,sender\n{NUMBER},more\n".encode()
        several = await client.call("POST", "/v1/suppressions/import", body, content_type="text/csv")
        assert [(a.status, a.document["type"]) for a in (one, several)] == [(409, "problems/too-many")] * 2


async def test_what_waits_is_not_sent() -> None:
    """K10 over HTTP: it ends as rejected, once the number is suppressed."""
    away = carrier_settings(FakeSettings(bound=False))
    async with api(api_config(carriers={"alpha": away})) as client:
        waits = (await client.send(f"+{NUMBER}")).document["id"]
        await client.call("POST", "/v1/suppressions", {"number": NUMBER})
        client.gateway.carrier.bind()
        await client.gateway.settle()
        ended = (await client.call("GET", f"/v1/messages/{waits}")).document
        assert (ended["state"], ended["error"]) == ("rejected", "opted_out")
        assert client.gateway.sent == []


async def test_the_operators_list_holds_for_all() -> None:
    """Also for what an account's own list lets pass; an account may not look at it."""
    async with api() as client:
        ann = client.with_key(OPERATOR_KEY)
        assert (await ann.call("POST", "/v1/admin/suppressions", {"number": NUMBER})).status == 201
        for key in (KEY, OTHERS_KEY):
            assert (await client.with_key(key).send(f"+{NUMBER}")).document["type"] == "problems/suppressed"
        assert await records(client) == []
        assert [one["how"] for one in await records(ann, "/v1/admin/suppressions")] == ["operator"]
        assert (await client.call("GET", "/v1/admin/suppressions")).status == 403
        assert (await client.call("POST", "/v1/admin/suppressions", {"number": NUMBER})).status == 403
        assert (await ann.call("GET", "/v1/suppressions")).status == 403


async def test_who_may_not_is_told() -> None:
    """Scopes for reading and writing."""
    async with api() as client:
        reader = client.with_key(READING_KEY)
        for method, path in (("GET", ""), ("POST", ""), ("GET", "/export"), ("POST", "/import")):
            assert (await reader.call(method, f"/v1/consents{path}")).status == 403


async def test_a_list_goes_in_and_comes_out_again() -> None:
    """CSV, with what is wrong left out and named; twice is once."""
    async with api() as client:
        rows = "".join(f"4477009{number:05},,row {number}\n" for number in range(600))
        body = f"number,sender,evidence\n{rows}+44 7700 900001,ACME,\nnobody,,\n".encode()
        answered = await client.call("POST", "/v1/suppressions/import", body, content_type="text/csv")
        assert answered.document == {
            "rows": 601, "changed": 601, "wrong": 1, "problems": ["line:603: number: is no international number"],
        }  # fmt: skip
        again = (await client.call("POST", "/v1/suppressions/import", body, content_type="text/csv")).document
        assert (again["rows"], again["changed"]) == (601, 0)
        found = await records(client)
        assert len(found) == 601
        assert [one["sender"] for one in found if one["number"] == "447700900001"] == [None, "acme"]
        exported = await client.call("GET", "/v1/suppressions/export")
        assert exported.headers["content-type"].startswith("text/csv")
        for key in (KEY, OTHERS_KEY):
            other = client.with_key(key)
            taken = await other.call("POST", "/v1/suppressions/import", exported.body, content_type="text/csv")
            assert taken.document["rows"] == 601
        assert await records(client.with_key(OTHERS_KEY)) == await records(client)


async def test_an_import_of_nonsense_names_its_first_problems() -> None:
    """And counts the rest."""
    async with api() as client:
        body = b"number\n" + b"x\n" * 1_000 + b"447700900123\n"
        answered = (await client.call("POST", "/v1/suppressions/import", body, content_type="text/csv")).document
        assert (answered["rows"], answered["wrong"], len(answered["problems"])) == (1, 1_000, 50)
        assert (await client.call("POST", "/v1/suppressions/import", b"\xff", content_type="text/csv")).status == 400
        assert (await client.call("POST", "/v1/suppressions/import", b"", content_type="text/csv")).status == 400
        refused = await client.call("POST", "/v1/suppressions/import", b"no\n1\n", content_type="text/csv")
        assert (refused.status, refused.document["type"]) == (422, "problems/invalid-list")
        assert "column is called" in refused.document["errors"][0]["detail"]
        empty = await client.call("POST", "/v1/suppressions/import", b"number\n", content_type="text/csv")
        assert empty.document["rows"] == 0
        assert (await client.call("POST", "/v1/suppressions/import", b"number\n")).status == 415


async def test_opt_ins_are_recorded_with_their_evidence() -> None:
    """When, how and what proves it."""
    tables = Tables()
    async with api(store=MemoryStore(tables)) as client:
        new = {"number": NUMBER, "how": "web form", "evidence": "192.0.2.7", "at": "2026-01-01T00:00:00Z"}
        added = (await client.call("POST", "/v1/consents", new)).document
        assert (added["at"], added["how"], added["evidence"]) == ("2026-01-01T00:00:00.000Z", "web form", "192.0.2.7")
        assert await records(client, "/v1/consents") == [added]
        assert await records(client) == []
        assert len(tables.consents) == 1
        assert (await client.call("DELETE", f"/v1/consents/{NUMBER}?sender=ACME")).status == 404
        assert (await client.call("DELETE", f"/v1/consents/{NUMBER}")).status == 204


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "", {"number": "nobody"}),
        ("POST", "", {"number": NUMBER, "colour": "red"}),
        ("POST", "", {"number": NUMBER, "sender": "é"}),
        ("POST", "", {"number": NUMBER, "at": "2026-01-01T00:00:00"}),
        ("GET", "/nobody", None),
        ("DELETE", "/nobody", None),
        ("GET", "?limit=0", None),
        ("GET", "?cursor=x", None),
        ("GET", "?cursor=%C3%A9", None),
    ],
)
async def test_what_is_wrong_is_named(method: str, path: str, body: Any) -> None:
    """422."""
    async with api() as client:
        assert (await client.call(method, f"/v1/consents{path}", body)).status == 422
