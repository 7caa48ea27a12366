"""What is held about a number: told to who may ask, taken out, and nobody else's."""

import os
import time
from collections.abc import Iterator

import orjson
import trio
from v1_bench import KEY, OPERATOR_KEY, Client, api, api_config

from smsagg.api.v1 import V1
from smsagg.config.schema import ApiKeySettings, Config
from smsagg.directory.secrets import KEY_PREFIX, digest_of, new_secret
from smsagg.model import MessageState
from smsagg.protection.subject import DataSubject
from smsagg.testing.gateway import account_settings, run_gateway

OFFICERS_KEY = new_secret(KEY_PREFIX, os.urandom)
NUMBER = {"number": "+44 7700 900123"}


def config() -> Config:
    """With a key of ``acme`` that may ask for personal data."""
    keys = {"officer": ApiKeySettings(digest_of(OFFICERS_KEY), scopes=("personal-data:write",))}
    keys["app"] = ApiKeySettings(digest_of(KEY))
    return api_config(accounts={"acme": account_settings("acme", api_keys=keys), "other": account_settings("other")})


async def test_a_number_is_erased() -> None:
    """The answer says how far it is; the record stays, for its account to see what it paid for."""
    async with api(config()) as client:
        sent = (await client.send()).document["id"]
        await client.gateway.settle()
        ids = client.gateway.carrier.accept()
        await client.gateway.settle()
        client.gateway.carrier.receipts([(ids[0], MessageState.DELIVERED)])
        await client.gateway.settle()
        officer = client.with_key(OFFICERS_KEY)
        begun = await officer.call("POST", "/v1/personal-data/erase", NUMBER)
        assert begun.status == 202
        assert "7700900123" not in begun.body.decode()
        erasures, name = client.gateway.engine.erasures, begun.document["id"]
        await client.gateway.until(lambda: erasures.find("acme", name).state == "done")
        path = f"/v1/personal-data/erasures/{name}"
        told = (await officer.call("GET", path)).document
        assert told["state"] == "done"
        shown = (await client.call("GET", f"/v1/messages/{sent}")).document
        assert (shown["to"], shown["state"]) == (told["pseudonym"], "delivered")
        events = (await client.call("GET", "/v1/events")).body
        assert b"7700900123" not in events
        ann = client.with_key(OPERATOR_KEY)
        assert (await ann.call("GET", path.replace("/v1/", "/v1/admin/"))).status == 404
        audit = (await ann.call("GET", "/v1/admin/audit")).body
        assert b"personal-data.erase" in audit
        assert b"7700900123" not in audit


async def test_an_export_is_a_stream_of_lines() -> None:
    """Of what the account holds; the operator gets all. It is noted who asked, and not about whom."""
    asked: list[DataSubject] = []

    def find(subject: DataSubject) -> Iterator[bytes]:
        asked.append(subject)
        yield b'{"kind":"message"}\n'
        yield b'{"kind":"end","records":1}\n'

    async with run_gateway(config()) as gateway:
        client = Client(V1(gateway.engine, personal_data=find), gateway)
        answer = await client.with_key(OFFICERS_KEY).call("POST", "/v1/personal-data/export", NUMBER)
        assert answer.headers["content-type"] == "application/x-ndjson"
        assert [orjson.loads(line)["kind"] for line in answer.body.splitlines()] == ["message", "end"]
        ann = client.with_key(OPERATOR_KEY)
        assert (await ann.call("POST", "/v1/admin/personal-data/export", NUMBER)).status == 200
        assert asked == [DataSubject("447700900123", "acme"), DataSubject("447700900123", "")]
        records = (await ann.call("GET", "/v1/admin/audit")).document["records"]
        assert [record["action"] for record in records] == ["personal-data.export"] * 2
        assert "7700900123" not in str(records)


async def test_an_export_ends_with_the_server() -> None:
    """Though it has found nothing yet, and would look for long."""

    def find(_subject: DataSubject) -> Iterator[bytes]:
        while True:
            time.sleep(0.001)
            yield b""

    async with run_gateway(config()) as gateway:
        client = Client(V1(gateway.engine, personal_data=find), gateway).with_key(OFFICERS_KEY)
        with trio.move_on_after(0.1), trio.fail_after(5):
            await client.call("POST", "/v1/personal-data/export", NUMBER)


async def test_who_may_not() -> None:
    """J14: neither a key without the scope, nor an account at the operator's; and no number is no number."""
    async with api(config()) as client:
        for what in ("export", "erase"):
            assert (await client.call("POST", f"/v1/personal-data/{what}", NUMBER)).status == 403
            officer = client.with_key(OFFICERS_KEY)
            assert (await officer.call("POST", f"/v1/admin/personal-data/{what}", NUMBER)).status == 403
            wrong = await officer.call("POST", f"/v1/personal-data/{what}", {"number": "nobody"})
            assert (wrong.status, wrong.document["type"].rpartition("/")[2]) == (422, "invalid-number")
        assert (await officer.call("GET", "/v1/personal-data/erasures/era_0")).status == 404
