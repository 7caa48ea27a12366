"""Who may not see texts and numbers is told about messages and events without them."""

import orjson
from v1_bench import KEY, READING_KEY, Client, api, api_config

from smsagg.api.v1 import V1
from smsagg.api.v1.masking import masked_envelope_of
from smsagg.api.v1.messages.viewing import instant
from smsagg.config.schema import ApiKeySettings, Config
from smsagg.directory.secrets import digest_of
from smsagg.model import Event
from smsagg.testing.gateway import account_settings, run_gateway

NUMBER = "447700900123"


def config() -> Config:
    keys = {
        "app": ApiKeySettings(digest_of(KEY)),
        "analyst": ApiKeySettings(digest_of(READING_KEY), scopes=("messages:read", "messages:write", "events:read")),
    }
    return api_config(accounts={"acme": account_settings("acme", api_keys=keys, events=True)})


async def test_numbers_are_masked_for_those_who_need_none() -> None:
    """In a message, a search, the list of events and their stream; the state and the price are told."""
    async with run_gateway(config()) as gateway:

        async def search(**_: object) -> tuple[list[object], int]:
            return [await gateway.store.find_message(1)], 0

        client = Client(V1(gateway.engine, search), gateway)  # type: ignore[arg-type]
        analyst = client.with_key(READING_KEY)
        sent = (await client.send()).document["id"]
        await gateway.settle()
        gateway.carrier.accept()
        await gateway.settle()
        for path in (f"/v1/messages/{sent}", "/v1/messages", "/v1/events"):
            whole, masked = await client.call("GET", path), await analyst.call("GET", path)
            assert (whole.status, masked.status) == (200, 200)
            assert NUMBER in whole.body.decode()
            assert NUMBER not in masked.body.decode()
            assert "44770•••" in masked.body.decode()
        told = (await analyst.call("GET", f"/v1/messages/{sent}")).document
        assert (told["state"], told["from"]) == ("sent", "ACME")


async def test_who_cancels_a_message_by_its_id_learns_no_number() -> None:
    """As who looks at it."""
    async with api(config()) as client:
        later = instant(client.gateway.clock.now_ms() + 3_600_000)
        sent = (await client.send(send_at=later)).document["id"]
        cancelled = await client.with_key(READING_KEY).call("POST", f"/v1/messages/{sent}/cancel")
        assert (cancelled.status, cancelled.document["state"]) == (200, "cancelled")
        assert cancelled.document["to"] == "44770•••"


def test_an_event_without_texts_and_numbers() -> None:
    """Whoever it names, and whatever it says."""
    data = {
        "from": f"+{NUMBER}",
        "to": "ACME",
        "recipient": None,
        "text": "hello",
        "body": "68656c6c6f",
        "carrier": "a",
    }
    event = Event(1, "acme", "message.inbound", 0, "", orjson.dumps({**data, "recipient": NUMBER}))
    shown = orjson.loads(masked_envelope_of(event))["data"]
    assert shown == {**data, "from": "+4477•••", "recipient": "44770•••", "text": None, "body": None}
