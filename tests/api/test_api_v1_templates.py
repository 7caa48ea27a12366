"""Templates by HTTP: made, looked at, approved, sent with."""

from typing import Any

import pytest
import trio
from attrs import evolve
from v1_bench import OPERATOR_KEY, OTHERS_KEY, READING_KEY, Answered, Client, api, api_config

from smsagg.compliance import ComplianceMap
from smsagg.compliance.rules import CountryRules
from smsagg.config.schema import MessageClassSettings
from smsagg.store.memory import MemoryStore
from smsagg.tables import Tables
from smsagg.text import text_of

PARCEL: dict[str, Any] = {
    "texts": {"en": "{shop}: your parcel comes on {day}.", "de": "{shop}: Ihr Paket kommt am {day}."},
    "default_locale": "en",
    "parameters": {"shop": {"type": "text", "max_length": 20}, "day": {"type": "date"}},
}
PARAMS = {"shop": "ACME", "day": "2030-01-15"}
STRICT = Tables(
    compliance=ComplianceMap({"GB": CountryRules("GB", templates=frozenset({"default", "transactional", "otp"}))})
)


async def put(client: Client, name: str = "parcel", **fields: Any) -> Any:
    answered = await client.call("PUT", f"/v1/templates/{name}", PARCEL | fields)
    assert answered.status == 200, answered
    return answered.document


async def send(client: Client, **fields: Any) -> Answered:
    document = {"to": "+447700900123", "from": "ACME", "template": "parcel", "params": PARAMS} | fields
    return await client.call("POST", "/v1/messages", document)


async def sent(client: Client) -> list[str | None]:
    await client.gateway.settle()
    return [text_of(sent.body, sent.data_coding) for sent in client.gateway.carrier.outstanding]


async def step(client: Client, what: str, **fields: Any) -> Answered:
    path = "/v1/admin/templates/acme/parcel" if what in ("approve", "reject") else "/v1/templates/parcel"
    return await client.call("POST", f"{path}/{what}", fields)


async def test_a_message_is_written_by_a_template() -> None:
    """In the language that is asked for, with the values in their places; one by one and in a batch."""
    async with api() as client:
        assert (await put(client))["in_force"] == 1
        assert (await send(client)).status == 202
        assert (await send(client, locale="de-AT")).status == 202
        one = {"to": "+447700900123", "from": "ACME", "template": "parcel"}
        batch = await client.call(
            "POST", "/v1/messages/batch", {"messages": [one | {"params": PARAMS, "locale": "fr"}, one]}
        )
        assert (batch.document["accepted"], batch.document["refused"]) == (1, 1)
        assert batch.document["results"][1]["problem"]["errors"] == [
            {"path": "params.shop", "detail": "is missing"},
            {"path": "params.day", "detail": "is missing"},
        ]
        assert await sent(client) == [
            "ACME: your parcel comes on Jan 15, 2030.",
            "ACME: Ihr Paket kommt am 15.01.2030.",
            "ACME: your parcel comes on Jan 15, 2030.",
        ]


async def test_values_are_inserted_as_they_are() -> None:
    """A value that looks like a place is none."""
    async with api() as client:
        await put(client)
        assert (await send(client, params=PARAMS | {"shop": "{day}{{x}}"})).status == 202
        assert await sent(client) == ["{day}{{x}}: your parcel comes on Jan 15, 2030."]


@pytest.mark.parametrize(
    ("fields", "kind", "path"),
    [
        ({"params": PARAMS | {"shop": "x" * 21}}, "invalid-params", "params.shop"),
        ({"params": PARAMS | {"shop": "a\nb"}}, "invalid-params", "params.shop"),
        ({"params": PARAMS | {"day": "tomorrow"}}, "invalid-params", "params.day"),
        ({"params": PARAMS | {"x": 1}}, "invalid-params", "params.x"),
        ({"template": "nothing"}, "unknown-template", "template"),
        ({"text": "too"}, "invalid-request", "text"),
        ({"template": None}, "invalid-request", "text"),
        ({"template": None, "params": None}, "invalid-request", "text"),
    ],
)
async def test_what_is_wrong_with_a_message_is_named(fields: dict[str, Any], kind: str, path: str) -> None:
    """422 with the member, without its value."""
    async with api() as client:
        await put(client)
        answered = await send(client, **fields)
        assert (answered.status, answered.document["type"]) == (422, f"problems/{kind}")
        assert [error["path"] for error in answered.document["errors"]] == [path]
        assert await sent(client) == []


async def test_a_version_never_changes_and_the_latest_is_used() -> None:
    """What says the same makes none; retired, the one before is in force again."""
    async with api() as client:
        await put(client)
        assert len((await put(client))["versions"]) == 1
        again = await put(client, texts={"en": "{day}: {shop}"})
        assert ([version["version"] for version in again["versions"]], again["in_force"]) == ([1, 2], 2)
        assert (await step(client, "retire")).document["in_force"] == 1
        assert (await step(client, "retire", version=1)).document["in_force"] is None
        refused = await send(client)
        assert (refused.status, refused.document["type"]) == (422, "problems/template-not-approved")
        assert (await step(client, "retire")).document["type"] == "problems/wrong-state"
        assert (await step(client, "retire", version=9)).status == 404


async def test_of_two_versions_at_once_one_is_made() -> None:
    """The other was made of what is not so any more: 409, and nothing of it is kept."""
    store = MemoryStore()
    async with api(store=store) as client:
        await put(client)
        answers: list[Answered] = []
        store.hold()

        async def one(text: str) -> None:
            answers.append(await client.call("PUT", "/v1/templates/parcel", PARCEL | {"texts": {"en": text}}))

        async with trio.open_nursery() as nursery:
            for text in ("{shop} {day}", "{day} {shop}"):
                nursery.start_soon(one, text)
            await trio.sleep(0.2)
            store.release()
        assert sorted(answer.status for answer in answers) == [200, 409]
        assert len((await client.call("GET", "/v1/templates/parcel")).document["versions"]) == 2


async def test_the_texts_of_an_account_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are all in memory; a template that takes another's place makes no difference."""
    monkeypatch.setattr("smsagg.engine.templates.templates.TEXTS_CHARACTERS_MAX", 150)
    async with api() as client:
        await put(client)
        await put(client, "second")
        refused = await client.call("PUT", "/v1/templates/third", PARCEL)
        assert (refused.status, refused.document["type"]) == (409, "problems/too-many-templates")
        assert (await client.call("DELETE", "/v1/templates/second")).status == 204
        await put(client, "third")


async def test_a_draft_is_not_used_until_it_is_submitted() -> None:
    """Nor is it shown to who approves."""
    async with api() as client:
        assert (await put(client, draft=True))["in_force"] is None
        operator = client.with_key(OPERATOR_KEY)
        assert (await operator.call("GET", "/v1/admin/templates")).document["waiting"] == []
        assert (await send(client)).status == 422
        assert (await step(client, "submit")).document["in_force"] == 1
        [waiting] = (await operator.call("GET", "/v1/admin/templates")).document["waiting"]
        assert (waiting["account"], waiting["template"], waiting["version"]["state"]) == ("acme", "parcel", "pending")


async def test_where_the_country_asks_for_it_only_what_is_approved_is_used() -> None:
    """Elsewhere what is pending, too; approval is the operator's, and in the audit trail."""
    async with api(tables=STRICT) as client:
        await put(client)
        assert (await send(client)).document["type"] == "problems/template-not-approved"
        assert (await step(client, "approve")).status == 403
        operator = client.with_key(OPERATOR_KEY)
        assert (await step(operator, "approve")).status == 422  # it may be another by now
        assert (await step(operator, "approve", version=1)).document["in_force_approved"] == 1
        assert (await send(client)).status == 202
        await put(client, texts={"en": "{shop}: {day}!"})
        assert (await send(client)).status == 202
        assert await sent(client) == ["ACME: your parcel comes on Jan 15, 2030."] * 2
        rejected = (await step(operator, "reject", reason="no sender")).document
        assert (rejected["versions"][1]["state"], rejected["versions"][1]["reason"]) == ("rejected", "no sender")
        actions = [record["action"] for record in (await operator.call("GET", "/v1/admin/audit")).document["records"]]
        assert actions == ["template.reject", "template.put", "template.approve", "template.put"]


async def test_approval_is_asked_for_by_the_class_that_the_message_has() -> None:
    """A type that the configuration has no class for is of the account's."""
    strict = Tables(compliance=ComplianceMap({"GB": CountryRules("GB", templates=frozenset({"default"}))}))
    config = evolve(api_config(), message_classes={"otp": MessageClassSettings()})
    async with api(config, tables=strict) as client:
        await put(client)
        assert (await send(client, message_type="otp")).status == 202
        assert (await send(client, message_type="marketing")).document["type"] == "problems/template-not-approved"


async def test_templates_are_there_after_a_restart() -> None:
    """With every version and state."""
    store = MemoryStore()
    async with api(store=store) as client:
        await put(client)
        before = await put(client, texts={"en": "{day}: {shop}"})
    async with api(store=MemoryStore(store.tables)) as client:
        assert (await client.call("GET", "/v1/templates/parcel")).document == before
        assert (await send(client)).status == 202


async def test_a_preview_says_how_texts_go_out() -> None:
    """Alphabet, segments and length in each language."""
    async with api() as client:
        await put(client, texts={"en": "{shop}: {day}", "ru": "{shop}: посылка {day}"})
        document = (await client.call("POST", "/v1/templates/parcel/preview", {"params": PARAMS})).document
        english, russian = document["previews"]
        assert (english["alphabet"], english["segments"], english["text"]) == ("gsm7", 1, "ACME: Jan 15, 2030")
        assert (russian["alphabet"], russian["length"]) == ("ucs2", len(russian["text"]))
        one = await client.call("POST", "/v1/templates/parcel/preview", {"params": PARAMS, "locale": "ru-KZ"})
        assert [preview["locale"] for preview in one.document["previews"]] == ["ru"]
        wrong = await client.call("POST", "/v1/templates/parcel/preview", {"params": {"shop": "x"}})
        assert (wrong.status, wrong.document["errors"][0]["path"]) == (422, "params.day")


@pytest.mark.parametrize(
    "fields",
    [
        {"texts": {"en": "{shop} {day} {more}"}},
        {"texts": {"en": "{shop}"}},
        {"texts": {"en": "{shop {day}"}},
        {"texts": {"en": "{shop.__class__} {day}"}},
        {"default_locale": "fr"},
        {"parameters": {"shop": {"type": "choice"}, "day": {"type": "date"}}},
        {"parameters": {"shop": {"type": "eval"}, "day": {"type": "date"}}},
    ],
)
async def test_what_is_no_template_is_refused(fields: dict[str, Any]) -> None:
    """422, and nothing is kept."""
    async with api() as client:
        assert (await client.call("PUT", "/v1/templates/parcel", PARCEL | fields)).status == 422
        assert (await client.call("GET", "/v1/templates/parcel")).status == 404


async def test_templates_are_their_accounts_own() -> None:
    """Foreign and unknown ones answer alike; each call needs its scope."""
    async with api() as client:
        await put(client)
        stranger = client.with_key(OTHERS_KEY)
        for name in ("parcel", "none"):
            assert (await stranger.call("GET", f"/v1/templates/{name}")).status == 404
            assert (await stranger.call("DELETE", f"/v1/templates/{name}")).status == 404
        assert (await stranger.call("GET", "/v1/templates")).document == {"templates": [], "next_cursor": None}
        assert (await send(stranger)).document["type"] == "problems/unknown-template"
        assert (await client.with_key(READING_KEY).call("GET", "/v1/templates")).status == 403
        assert (await client.call("GET", "/v1/admin/templates")).status == 403
        for name in ("b", "a"):
            await put(client, name)
        page = (await client.call("GET", "/v1/templates?limit=2")).document
        assert ([one["name"] for one in page["templates"]], page["next_cursor"]) == (["a", "b"], "b")
        rest = (await client.call("GET", "/v1/templates?limit=2&cursor=b")).document
        assert ([one["name"] for one in rest["templates"]], rest["next_cursor"]) == (["parcel"], None)
        assert (await client.call("DELETE", "/v1/templates/parcel")).status == 204
        assert (await send(client)).document["type"] == "problems/unknown-template"


async def test_a_draft_gives_no_message_its_type() -> None:
    """The type is of the version that the message is written with: what is not to be used yet changes nothing."""
    classes = {"otp": MessageClassSettings(), "marketing": MessageClassSettings()}
    strict = Tables(compliance=ComplianceMap({"GB": CountryRules("GB", templates=frozenset({"marketing"}))}))
    async with api(evolve(api_config(), message_classes=classes), tables=strict) as client:
        await put(client, message_type="otp")
        await put(client, message_type="marketing", draft=True)
        assert (await send(client)).status == 202
        assert (await step(client, "submit")).status == 200
        assert (await send(client)).document["type"] == "problems/template-not-approved"
        assert (await step(client.with_key(OPERATOR_KEY), "approve", version=2)).status == 200
        assert (await send(client)).status == 202
        await client.gateway.settle()
        assert [sent.message_class for sent in client.gateway.carrier.outstanding] == ["otp", "marketing"]


async def test_a_text_goes_out_as_its_preview_says() -> None:
    """A class of messages may have an encoding of its own."""
    classes = {"otp": MessageClassSettings(encoding="smart", transliterate="latin")}
    async with api(evolve(api_config(), message_classes=classes)) as client:
        await put(client, message_type="otp", texts={"en": "{shop}: {day} Žižkov"})
        document = (await client.call("POST", "/v1/templates/parcel/preview", {"params": PARAMS})).document
        assert (await send(client)).status == 202
        assert await sent(client) == [document["previews"][0]["text"]] == ["ACME: Jan 15, 2030 Zizkov"]


async def test_a_message_that_says_no_type_has_its_templates() -> None:
    """Its class is that of the template, unless the message says another."""
    config = evolve(
        api_config(), message_classes={"otp": MessageClassSettings(), "transactional": MessageClassSettings()}
    )  # fmt: skip
    async with api(config) as client:
        await put(client, message_type="transactional")
        await send(client)
        await send(client, message_type="otp")
        await client.gateway.settle()
        classes = [sent.message_class for sent in client.gateway.carrier.outstanding]
        assert classes == ["transactional", "otp"]
