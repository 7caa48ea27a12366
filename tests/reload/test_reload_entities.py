"""Accounts, pools, routes and cards that are put at run time: over HTTP, in force, kept, and left out."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import httpx2
import pytest
import trio
from reload_bench import Bench, hash_of, running, text_of

from smsagg.config.documents import is_secret
from smsagg.config.schema import AccountSettings
from smsagg.config.units import BulkFile, DataFile
from smsagg.directory.audit import AuditSought, first_break
from smsagg.directory.secrets import KEY_PREFIX, digest_of, new_secret
from smsagg.errors import ConfigError, StoreFailed
from smsagg.reload.of_files import ELSEWHERE
from smsagg.smpp.status import ESME_RINVDSTADR
from smsagg.store.memory import Tables

OPERATOR_KEY = new_secret(KEY_PREFIX, os.urandom)
TENANT_KEY = new_secret(KEY_PREFIX, os.urandom)
KEYS = f'[operators.ann]\nhash = "{digest_of(OPERATOR_KEY)}"\n'
TENANT = f'api_keys = {{ app = {{ hash = "{digest_of(TENANT_KEY)}" }} }}\n'
TEXT = text_of(rest=KEYS, demo=TENANT)
VN = {"carriers": ["alpha"], "countries": ["VN"]}


@asynccontextmanager
async def calling(bench: Bench, key: str = OPERATOR_KEY) -> AsyncIterator[httpx2.AsyncClient]:
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx2.AsyncClient(base_url=f"http://{bench.http}/v1/admin", headers=headers) as client:
        yield client


async def actions(bench: Bench) -> list[tuple[str, str]]:
    records, _ = await bench.store.find_audit(AuditSought(), 0, 100)
    assert first_break(records[::-1], await bench.store.audit_head()) is None
    return [(record.entry.action, record.entry.subject) for record in records[::-1]]


async def test_a_pool_is_in_force_when_it_is_answered_and_after_a_restart(tmp_path: Path) -> None:
    """Put, looked at, listed with its source, changed, taken away; each is an audit record and a version."""
    tables = Tables()
    async with running(tmp_path, TEXT, tables) as bench, calling(bench) as client:
        esme = await bench.connect()
        assert (await esme.submit("84901234567")).command_status == ESME_RINVDSTADR
        put = await client.put("/pools/vn", json=VN)
        assert (put.status_code, put.json()["source"], put.json()["in_force"]) == (201, "api", True)
        assert (await esme.submit("84901234567")).command_status == 0
        assert bench.reloader.current.number == 2
        assert (await client.put("/pools/vn", json={**VN, "queue_max": 7})).status_code == 200
        assert bench.engine.core.config.pools["vn"].queue_max == 7
        listed = (await client.get("/pools")).json()["items"]
        assert [(one["name"], one["source"]) for one in listed] == [("gb", "file"), ("vn", "api")]
    async with running(tmp_path, None, tables) as bench, calling(bench) as client:
        assert bench.engine.core.config.pools["vn"].queue_max == 7
        assert bench.reloader.current.number == 3
        assert (await client.delete("/pools/vn")).status_code == 204
        assert (await client.delete("/pools/vn")).status_code == 404
        assert "vn" not in bench.engine.core.config.pools
        assert await actions(bench) == [("pool.put", "vn"), ("pool.put", "vn"), ("pool.delete", "vn")]
    async with running(tmp_path, None, tables) as bench:
        assert "vn" not in bench.engine.core.config.pools


async def test_what_a_file_has_is_read_only(tmp_path: Path) -> None:
    """409 on change; its settings are shown without secrets, and so are an account's that was put."""
    async with running(tmp_path, TEXT) as bench, calling(bench) as client:
        for answered in (await client.put("/pools/gb", json=VN), await client.delete("/pools/gb")):
            assert (answered.status_code, answered.json()["type"]) == (409, "problems/provided-by-file")
        shown = (await client.get("/accounts/demo/settings")).json()
        assert (shown["source"], shown["settings"]["system_id"]) == ("file", "demo")
        assert "hash" not in str(shown)


async def test_an_account_binds_with_the_password_that_it_was_put_with(tmp_path: Path) -> None:
    """Kept as an argon2 hash, shown to nobody, kept when it is not said again; once disabled it binds no more."""
    async with running(tmp_path, TEXT) as bench, calling(bench) as client:
        put = await client.put("/accounts/crm", json={"system_id": "crm", "password": "s3cret", "rate": "50/s"})
        assert put.status_code == 201
        assert put.json()["settings"] == {"system_id": "crm", "rate": "50/s"}
        assert (await bench.connect("crm", "s3cret")).is_bound
        assert not (await bench.connect("crm", "wrong")).is_bound
        kept = bench.engine.register.get("account", "crm")
        assert kept is not None
        assert kept["password_hash"].startswith("$argon2id$")
        assert "s3cret" not in str(kept)
        assert (await client.put("/accounts/crm", json={"system_id": "crm"})).status_code == 200
        assert (await bench.connect("crm", "s3cret")).is_bound
        assert (await client.get("/accounts/crm")).json()["source"] == "api"
        texts = await bench.reloader.versions.texts_of(bench.reloader.current)
        assert kept["password_hash"] not in str(texts)
        assert "redacted:" in texts["overlay:entities.json"]
        await client.put("/accounts/crm", json={"system_id": "crm", "enabled": False})
        assert not (await bench.connect("crm", "s3cret")).is_bound
        assert (await client.delete("/accounts/crm")).status_code == 204
        assert set(bench.engine.accounts) == {"demo"}
        assert (await client.put("/accounts/web", json={"system_id": "web"})).status_code == 201
        assert not (await bench.connect("web", "")).is_bound


async def test_what_is_wrong_is_named_and_changes_nothing(tmp_path: Path) -> None:
    """J14: also members that are nobody's to set; names, secrets and files of the server are not for HTTP."""
    async with running(tmp_path, TEXT) as bench, calling(bench) as client:
        for path, body, member in (
            ("/pools/vn", {"carriers": ["nobody"]}, "carriers[0]"),
            ("/pools/vn", {"carriers": ["alpha"], "countries": ["GB"]}, "countries[0]"),
            ("/accounts/x", {"system_id": "x", "tenant_id": "demo"}, "tenant_id"),
            ("/accounts/x", {"system_id": "x", "price": "0"}, "price"),
            ("/accounts/x", {"system_id": "x", "is_admin": True}, "is_admin"),
            ("/accounts/x", {"system_id": "x", "password": "far too long"}, "password"),
            ("/accounts/x", {"system_id": "x", "password": 7}, "password"),
            ("/accounts/x", {"system_id": "x", "price_list": "/etc/passwd"}, "price_list"),
            ("/accounts/x", {"system_id": "demo"}, "system_id"),
            ("/keywords/win", {"account": "nobody"}, "account"),
            ("/routes/all", {"pool": "nobody"}, "pool"),
            ("/routes/all", {"pool": "gb", "place": "first"}, "place"),
            ("/routes/all", {"pool": "gb", "valid_from": "soon"}, "valid_from"),
        ):
            answered = await client.put(path, json=body)
            assert (answered.status_code, answered.json()["errors"][0]["path"]) == (422, member), answered.json()
        for name in ("a b", "a%0Ab", "x" * 65, "%1B"):
            assert (await client.put(f"/pools/{name}", json=VN)).status_code in (404, 422)
        assert (await client.put("/pools/vn", json=[])).status_code == 422
        assert (await client.put("/pools/vn", json={**VN, "queue_max": 10**30})).status_code == 422
        body, kind = b'{"carriers": ["alpha"], "countries": ["VN"], "quality_min": NaN}', "application/json"
        answered = await client.put("/pools/vn", content=body, headers={"Content-Type": kind})
        assert answered.status_code == 422
        assert await actions(bench) == []
        assert bench.reloader.current.number == 1


def test_no_secret_and_no_file_of_the_server_is_a_key_of_an_account_that_is_put() -> None:
    """Whoever gives accounts another key of the kind has to say where it is set."""

    def walk(settings: Any) -> bool:
        return any(
            is_secret(field.name) or field.type in (DataFile, BulkFile, DataFile | None) or walk(field.type)
            for inner in _tables_in(settings)
            for field in attrs.fields(attrs.resolve_types(inner))
        )

    found = {
        field.name
        for field in attrs.fields(attrs.resolve_types(AccountSettings))
        if is_secret(field.name) or field.type in (DataFile, BulkFile, DataFile | None) or walk(field.type)
    }
    assert found <= ELSEWHERE.keys()


def _tables_in(type_: Any) -> list[Any]:
    """Classes of settings that a type mentions."""
    if attrs.has(type_):
        return [type_]
    return [inner for argument in getattr(type_, "__args__", ()) for inner in _tables_in(argument)]


async def test_rules_are_asked_at_their_place(tmp_path: Path) -> None:
    """Before or after those of the file; a rule that is taken away is asked no more."""
    await trio.Path(tmp_path / "routes.toml").write_text('[[routes]]\nname = "all"\npool = "gb"\n')
    routing = '[routing]\nroutes = "routes.toml"\n'
    async with running(tmp_path, text_of(rest=KEYS + routing)) as bench, calling(bench) as client:
        esme = await bench.connect()
        block = {"block": "not now", "countries": ["GB"], "valid_until": "2099-01-01T00:00:00Z"}
        assert (await client.put("/routes/stop", json={"place": 1, **block})).status_code == 201
        assert (await esme.submit()).command_status == 0
        assert (await client.put("/routes/stop", json={"place": -1, **block})).status_code == 200
        assert (await esme.submit()).command_status == ESME_RINVDSTADR
        assert (await client.put("/routes/all", json={"pool": "gb"})).status_code in (409, 422)
        listed = (await client.get("/routes")).json()["items"]
        assert [(one["name"], one["source"]) for one in listed] == [("all", "file"), ("stop", "api")]
        assert (await client.delete("/routes/stop")).status_code == 204
        assert (await esme.submit()).command_status == 0


async def test_rate_cards_and_price_lists_come_as_csv(tmp_path: Path) -> None:
    """All rows or none; wrong lines are named; as it went in it comes out."""
    card = "prefix,price,currency\n44,0.021,EUR\n"
    csv = {"Content-Type": "text/csv"}
    async with running(tmp_path, TEXT) as bench, calling(bench) as client:
        assert (await client.put("/rate-cards/alpha", content=card, headers=csv)).status_code == 201
        assert "alpha" in bench.engine.core.tables.cards
        shown = await client.get("/rate-cards/alpha")
        assert (shown.text, shown.headers["content-type"].split(";")[0]) == (card, "text/csv")
        wrong = await client.put("/rate-cards/alpha", content=card + "x,y,z\n", headers=csv)
        assert wrong.status_code == 422
        assert {error["path"] for error in wrong.json()["errors"]} == {"line 3"}
        assert (await client.get("/rate-cards/alpha")).text == card
        assert (await client.put("/rate-cards/nobody", content=card, headers=csv)).status_code == 422
        assert (await client.put("/price-lists/demo", content=card, headers=csv)).status_code == 201
        assert "demo" in bench.engine.core.tables.prices
        assert [one["lines"] for one in (await client.get("/price-lists")).json()["items"]] == [2]
        assert (await client.delete("/price-lists/demo")).status_code == 204
        assert "demo" not in bench.engine.core.tables.prices


async def test_keywords_own_what_handsets_write(tmp_path: Path) -> None:
    async with running(tmp_path, TEXT) as bench, calling(bench) as client:
        win = {"account": "demo", "number": "447700900000", "keyword": "WIN"}
        assert (await client.put("/keywords/win", json=win)).status_code == 201
        assert bench.engine.core.config.mo_routes[0].keyword == "WIN"
        assert (await client.get("/keywords/win")).json()["settings"] == win


async def test_nobody_overwrites_what_another_has_changed_meanwhile(tmp_path: Path) -> None:
    """If-Match and If-None-Match: 412, and nothing has changed."""
    async with running(tmp_path, TEXT) as bench, calling(bench) as client:
        first = (await client.put("/pools/vn", json=VN, headers={"If-None-Match": "*"})).headers["etag"]
        assert (await client.get("/pools/vn")).headers["etag"] == first
        assert (await client.put("/pools/vn", json=VN, headers={"If-None-Match": "*"})).status_code == 412
        second = await client.put("/pools/vn", json={**VN, "queue_max": 5}, headers={"If-Match": first})
        assert second.status_code == 200
        for stale in (first, '"rubbish"', '""'):
            assert (await client.put("/pools/vn", json=VN, headers={"If-Match": stale})).status_code == 412
            assert (await client.delete("/pools/vn", headers={"If-Match": stale})).status_code == 412
        assert (await client.put("/pools/vn", json=VN, headers={"If-Match": "naked"})).status_code == 422
        assert bench.engine.core.config.pools["vn"].queue_max == 5
        crm = await client.put("/accounts/crm", json={"system_id": "crm"})
        again = await client.put("/accounts/crm", json={"system_id": "c"}, headers={"If-Match": crm.headers["etag"]})
        assert again.status_code == 200


async def test_what_others_need_stays(tmp_path: Path) -> None:
    """409 with the reasons."""
    async with running(tmp_path, TEXT) as bench, calling(bench) as client:
        await client.put("/pools/vn", json=VN)
        await client.put("/routes/vn", json={"pool": "vn"})
        refused = await client.delete("/pools/vn")
        assert (refused.status_code, refused.json()["type"]) == (409, "problems/in-use")
        assert "route vn: pool" in refused.json()["errors"][0]["detail"]
        assert "vn" in bench.engine.core.config.pools


async def test_a_store_that_fails_changes_nothing(tmp_path: Path) -> None:
    """J18: 503, in force and kept is what was before; when the store works again so does the change."""
    async with running(tmp_path, TEXT) as bench, calling(bench) as client:
        bench.store.break_down(StoreFailed("no medium"))
        assert (await client.put("/pools/vn", json=VN)).status_code == 503
        assert "vn" not in bench.engine.core.config.pools
        bench.store.repair()
        assert bench.engine.register.get("pool", "vn") is None
        assert (await client.put("/pools/vn", json=VN)).status_code == 201


async def test_files_that_have_changed_are_not_put_in_force_by_the_way(tmp_path: Path) -> None:
    """409 until somebody reloads them; a reload keeps what was put."""
    async with running(tmp_path, TEXT) as bench, calling(bench) as client:
        bench.write(text_of(rest=KEYS, demo=TENANT + "binds_max = 3\n"))
        refused = await client.put("/pools/vn", json=VN)
        assert (refused.status_code, refused.json()["type"]) == (409, "problems/files-changed")
        assert bench.engine.core.config.accounts["demo"].binds_max == 10
        await bench.reloader.reload("test")
        assert (await client.put("/pools/vn", json=VN)).status_code == 201
        bench.write(TEXT)
        await bench.reloader.reload("test")
        assert "vn" in bench.engine.core.config.pools
        await bench.reloader.roll_back(2, "test")
        assert bench.engine.core.config.accounts["demo"].binds_max == 3
        assert "vn" in bench.engine.core.config.pools


async def test_what_fits_no_more_is_left_out_of_a_start_and_told(tmp_path: Path) -> None:
    """The server starts, /readyz and the list say what is left out and why; it comes in when it fits again."""
    tables = Tables()
    both = text_of(rest=KEYS, carriers='[carriers.beta]\ntype = "simulated"\n')
    async with running(tmp_path, both, tables) as bench, calling(bench) as client:
        assert (await client.put("/pools/vn", json={**VN, "carriers": ["beta"]})).status_code == 201
        assert (await client.put("/pools/ie", json={**VN, "countries": ["IE"]})).status_code == 201
        bench.write(text_of(rest=KEYS))
        with pytest.raises(ConfigError, match="pool vn: carriers"):
            await bench.reloader.reload("test")
    async with running(tmp_path, text_of(rest=KEYS), tables) as bench, calling(bench) as client:
        assert set(bench.engine.core.config.pools) == {"gb", "ie"}
        ready = await client.get(f"http://{bench.http}/readyz")
        assert "pool vn is left out: pool vn: carriers" in ready.json()["warnings"][0]
        shown = (await client.get("/pools/vn")).json()
        assert (shown["in_force"], "beta" in shown["problem"]) == (False, True)
        assert (await client.put("/pools/fr", json={**VN, "countries": ["FR"]})).status_code == 201
        bench.write(both)
        await bench.reloader.reload("test")
        assert set(bench.engine.core.config.pools) == {"gb", "ie", "fr", "vn"}
        assert (await client.get("/pools/vn")).json()["in_force"]


async def test_what_the_file_comes_to_have_is_left_out(tmp_path: Path) -> None:
    """The file's is in force; the one that was put can be taken away."""
    tables = Tables()
    async with running(tmp_path, TEXT, tables) as bench, calling(bench) as client:
        await client.put("/pools/vn", json={**VN, "queue_max": 7})
    pools = '[pools.vn]\ncountries = ["VN"]\ncarriers = ["alpha"]\n'
    async with running(tmp_path, text_of(rest=KEYS, pools=pools), tables) as bench, calling(bench) as client:
        assert bench.engine.core.config.pools["vn"].queue_max == 20_000
        assert (await client.get("/pools/vn")).json()["source"] == "file"
        assert (await client.delete("/pools/vn")).status_code == 204
        assert bench.reloader.left_out == {}
        assert "vn" in bench.engine.core.config.pools


async def test_tenants_have_no_way_in(tmp_path: Path) -> None:
    """J14: 403 on each of the operator's paths, whatever the method."""
    async with running(tmp_path, TEXT) as bench, calling(bench, TENANT_KEY) as client:
        for path in ("pools", "keywords", "routes", "rate-cards", "price-lists", "accounts"):
            assert (await client.get(f"/{path}")).status_code == 403
            for method in ("PUT", "DELETE"):
                answered = await client.request(method, f"/{path}/demo", json={})
                assert answered.status_code == 403, (method, path)
        assert await actions(bench) == []


async def test_metacharacters_are_characters(tmp_path: Path) -> None:
    """J19, J23: in every string of an account and a rule; nothing is forged, nothing breaks."""
    evil = "'; DROP TABLE audit; --\r\n2027 root: all is well\x1b[2J\x00"
    async with running(tmp_path, TEXT) as bench, calling(bench) as client:
        for path, body in (
            ("/accounts/x", {"system_id": evil[:15], "message_class": evil}),
            ("/routes/x", {"pool": "gb", "comment": evil, "senders": [evil]}),
            ("/keywords/x", {"account": evil, "number": evil, "keyword": evil}),
            ("/pools/x", {"carriers": [evil], "backup": evil, "countries": [evil]}),
        ):
            answered = await client.put(path, json=body)
            assert answered.status_code == 422, answered.text
        assert (await client.put("/routes/x", json={"pool": "gb", "comment": evil})).status_code == 201
        assert (await client.get("/routes/x")).json()["settings"]["comment"] == evil
        assert (await client.get(f"/pools?cursor={evil[:10]}")).status_code == 200
        assert await actions(bench) == [("route.put", "x")]


async def test_a_sender_is_asked_for_approved_and_given_up(tmp_path: Path) -> None:
    """J09 over HTTP: allowed from the operator's word on, over SMPP too, and after a restart; not before, not after."""
    tables = Tables()
    rules = 'senders = { allowed = ["OTHER"] }\n'
    text = text_of(rest=KEYS, demo=TENANT + rules)
    async with running(tmp_path, text, tables) as bench, calling(bench) as ann, calling(bench, TENANT_KEY) as demo:
        esme, own = await bench.connect(), f"http://{bench.http}/v1/senders"
        assert (await esme.submit()).command_status != 0
        asked = await demo.put(f"{own}/ACME", json={"note": "our brand"})
        assert (asked.status_code, asked.json()["status"]) == (200, "pending")
        assert (await esme.submit()).command_status != 0
        assert (await demo.put("/senders/demo/ACME", json={"status": "approved"})).status_code == 403
        waiting = (await ann.get("/senders?status=pending")).json()["senders"]
        assert [(one["account"], one["sender"], one["note"]) for one in waiting] == [("demo", "ACME", "our brand")]
        approved = await ann.put("/senders/demo/ACME", json={"status": "approved", "reason": "seen"})
        assert (approved.status_code, approved.json()["status"]) == (200, "approved")
        assert (await esme.submit()).command_status == 0
        assert (await demo.put(f"{own}/ACME", json={"note": "still ours"})).json()["status"] == "approved"
        listed = (await demo.get(own)).json()["senders"]
        assert [(one["sender"], one["source"]) for one in listed] == [("ACME", "api"), ("OTHER", "file")]
    async with running(tmp_path, None, tables) as bench, calling(bench) as ann, calling(bench, TENANT_KEY) as demo:
        esme, own = await bench.connect(), f"http://{bench.http}/v1/senders"
        assert (await esme.submit()).command_status == 0
        assert (await ann.put("/senders/demo/ACME", json={"status": "rejected"})).status_code == 200
        assert (await esme.submit()).command_status != 0
        assert (await demo.put(f"{own}/ACME", json={})).json()["status"] == "pending"
        await ann.put("/senders/demo/ACME", json={"status": "approved"})
        assert (await demo.delete(f"{own}/ACME")).status_code == 204
        assert (await esme.submit()).command_status != 0
        assert (await demo.delete(f"{own}/ACME")).status_code == 404
        for wrong in ("TwelveLetters", "ACME*", "%C3%84", "a%0Ab"):
            assert (await demo.put(f"{own}/{wrong}", json={})).status_code == 422
        assert (await demo.put(f"{own}/ACME", json={"status": "approved"})).status_code == 422
        assert (await ann.put("/senders/nobody/ACME", json={"status": "approved"})).status_code == 404
        assert [action for action, _ in await actions(bench)] == [
            "sender.request", "sender.approved", "sender.request", "sender.rejected", "sender.request",
            "sender.approved", "sender.delete",
        ]  # fmt: skip


async def test_who_gets_the_name_of_an_account_that_was_taken_away_inherits_nothing(tmp_path: Path) -> None:
    """Its keys, people, endpoints and approved senders leave with it in one transaction; its neighbours' stay."""
    tables = Tables()
    crm = {"system_id": "crm", "password": "s3cret", "senders": {"allowed": ["OTHER"]}}
    async with running(tmp_path, TEXT, tables) as bench, calling(bench) as client:
        for account in ("crm", "crm-2"):
            assert (await client.put(f"/accounts/{account}", json={**crm, "system_id": account})).status_code == 201
            for path, body in (
                (f"/admin/keys?account={account}", {"name": "app", "role": "developer"}),
                (f"/admin/clients?account={account}", {"name": "app", "role": "developer"}),
            ):
                made = await client.post(f"http://{bench.http}/v1{path}", json=body)
                assert made.status_code == 201, made.text
            user = await client.put(f"http://{bench.http}/v1/admin/users/ann?account={account}", json={"role": "owner"})
            assert user.status_code in (200, 201), user.text
            assert (await client.put(f"/senders/{account}/ACME", json={"status": "approved"})).status_code == 200
        esme = await bench.connect("crm", "s3cret")
        assert (await esme.submit()).command_status == 0
        assert (await client.delete("/accounts/crm")).status_code == 204
        kinds = ("key", "client", "user", "sender")
        assert [list(bench.engine.register.all(kind, "crm")) for kind in kinds] == [
            ["crm-2/app"], ["crm-2/app"], ["crm-2/ann"], ["crm-2/ACME"]
        ]  # fmt: skip
        record = (await bench.store.find_audit(AuditSought(), 0, 1))[0][0].entry
        assert record.details == '{"along":{"key":1,"client":1,"user":1,"sender":1}}'
        assert (await client.put("/accounts/crm", json=crm)).status_code == 201
        esme = await bench.connect("crm", "s3cret")
        assert (await esme.submit()).command_status != 0
    async with running(tmp_path, None, tables) as bench:
        esme = await bench.connect("crm", "s3cret")
        assert (await esme.submit()).command_status != 0


async def test_a_sender_that_is_approved_while_it_is_given_up_is_not_in_force_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second factor takes its time, and the operator decides in it."""
    text = text_of(rest=KEYS, demo=TENANT + 'senders = { allowed = ["OTHER"] }\n')
    async with running(tmp_path, text) as bench, calling(bench) as ann, calling(bench, TENANT_KEY) as demo:
        own = f"http://{bench.http}/v1/senders"

        async def approved_meanwhile(_request: Any, _operation: str) -> None:
            assert (await ann.put("/senders/demo/ACME", json={"status": "approved"})).status_code == 200

        await demo.put(f"{own}/ACME", json={})
        with monkeypatch.context() as patched:
            patched.setattr("smsagg.api.v1.resources.senders.dangerous", approved_meanwhile)
            assert (await demo.delete(f"{own}/ACME")).status_code == 204
        assert (await (await bench.connect()).submit()).command_status != 0


async def test_the_operator_takes_a_sender_away(tmp_path: Path) -> None:
    """It is as if nobody had asked; an account has no way to another's."""
    text = text_of(rest=KEYS, demo=TENANT + 'senders = { allowed = ["OTHER"] }\n')
    async with running(tmp_path, text) as bench, calling(bench) as ann, calling(bench, TENANT_KEY) as demo:
        esme = await bench.connect()
        assert (await ann.put("/senders/demo/ACME", json={"status": "approved"})).status_code == 200
        assert (await esme.submit()).command_status == 0
        assert (await demo.delete("/senders/demo/ACME")).status_code == 403
        assert (await ann.delete("/senders/demo/ACME")).status_code == 204
        assert (await esme.submit()).command_status != 0
        assert (await ann.delete("/senders/demo/ACME")).status_code == 404
        assert [one["sender"] for one in (await ann.get("/senders")).json()["senders"]] == ["OTHER"]


async def test_an_account_that_moves_into_the_file_keeps_what_it_has(tmp_path: Path) -> None:
    """What was put is left out then, and taken away; its keys go on."""
    async with running(tmp_path, TEXT) as bench, calling(bench) as client:
        await client.put("/accounts/crm", json={"system_id": "crm", "password": "s3cret"})
        made = await client.post("/keys?account=crm", json={"name": "app", "role": "developer"})
        assert made.status_code == 201
        assert (await client.put("/senders/crm/ACME", json={"status": "approved"})).status_code == 200
        in_file = f'[accounts.crm]\nsystem_id = "crm"\npassword_hash = "{hash_of("s3cret")}"\n'
    tables = bench.store.tables
    async with running(tmp_path, text_of(accounts=in_file, rest=KEYS, demo=TENANT), tables) as bench:
        async with calling(bench) as client:
            assert (await client.get("/accounts/crm/settings")).json()["source"] == "file"
            assert (await client.delete("/accounts/crm")).status_code == 204
        async with calling(bench, made.json()["secret"]) as app:
            assert (await app.get(f"http://{bench.http}/v1/me")).status_code == 200
        assert list(bench.engine.register.all("sender")) == ["crm/ACME"]


async def test_a_password_that_is_changed_stays_so_beside_another_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever changes the rate at the same moment does not bring the old one back."""
    async with running(tmp_path, TEXT) as bench, calling(bench) as client:
        await client.put("/accounts/crm", json={"system_id": "crm", "password": "stolen"})
        began, plan = trio.Event(), bench.reloader._plan

        async def slowly(*arguments: Any, **named: Any) -> Any:
            began.set()
            await trio.sleep(0.1)
            return await plan(*arguments, **named)

        monkeypatch.setattr(bench.reloader, "_plan", slowly)
        async with trio.open_nursery() as nursery:
            for changed in ({"password": "fresh"}, {"rate": "5/s"}):
                nursery.start_soon(partial(client.put, "/accounts/crm", json={"system_id": "crm", **changed}))
                await began.wait()
        assert not (await bench.connect("crm", "stolen")).is_bound
        assert (await bench.connect("crm", "fresh")).is_bound
