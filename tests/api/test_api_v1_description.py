"""The OpenAPI document."""

from typing import Any

from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from v1_bench import Client, api_config

from smsagg.api.v1 import V1
from smsagg.testing.gateway import run_gateway


async def find_nothing(**_: Any) -> tuple[list[Any], int]:
    return [], 0


async def described() -> dict[str, Any]:
    async with run_gateway(api_config()) as gateway:
        client = Client(V1(gateway.engine, find_nothing), gateway, key="")
        document: dict[str, Any] = (await client.call("GET", "/v1/openapi.json")).document
        return document


def validator_of(schema: dict[str, Any], document: dict[str, Any]) -> Draft202012Validator:
    """Of a schema that names others of the document."""
    return Draft202012Validator(schema | {"components": document["components"]})


def operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for path in document["paths"].values() for operation in path.values()]


async def test_the_document_is_openapi() -> None:
    """As the OpenAPI Initiative's schema and rules have it."""
    assert [error.message for error in OpenAPIV31SpecValidator(await described()).iter_errors()] == []


async def test_every_call_is_explained() -> None:
    """A name, a summary, a description, what it answers, and that all problems are RFC 9457."""
    document = await described()
    assert document["security"] == [{"key": []}, {"oauth2": []}, {"certificate": []}]
    for operation in operations(document):
        assert operation["operationId"].isidentifier()
        assert operation["summary"]
        assert operation["description"].endswith(".")
        assert {"400", "401", "403", "413", "431", "503"} < set(operation["responses"])
        for status, response in operation["responses"].items():
            assert response["description"]
            if status >= "400":
                assert "application/problem+json" in response["content"]
                assert len(response["content"]) == 1 or operation["operationId"] == "issue_token"
        for parameter in operation.get("parameters", []):
            assert parameter.get("description") or parameter["schema"].get("title")
            assert parameter["in"] != "path" or (parameter["description"] and parameter["example"]), parameter["name"]


async def test_every_call_has_a_known_tag() -> None:
    """One, which is explained."""
    document = await described()
    known = {tag["name"] for tag in document["tags"] if tag["description"]}
    assert {tag for operation in operations(document) for tag in operation["tags"]} <= known
    assert all(len(operation["tags"]) == 1 for operation in operations(document))


async def test_every_body_has_examples_that_are_right() -> None:
    """They are what the schema of the body takes, and so is every example of a parameter."""
    document = await described()
    for operation in operations(document):
        for media_type, body in operation.get("requestBody", {"content": {}})["content"].items():
            examples = [one["value"] for one in body.get("examples", {}).values()] or [body["example"]]
            if media_type != "text/csv":
                for example in examples:
                    validator_of(body["schema"], document).validate(example)
        for parameter in operation.get("parameters", []):
            if "example" in parameter:
                validator_of(parameter["schema"], document).validate(parameter["example"])


async def test_every_json_answer_has_a_schema() -> None:
    """Which says its members, or what it is one of; what is taken away has no body."""
    document = await described()
    for operation in operations(document):
        succeeded = {status: told for status, told in operation["responses"].items() if status < "300"}
        assert succeeded, operation["operationId"]
        for told in succeeded.values():
            for media_type, content in told.get("content", {}).items():
                if media_type == "application/json":
                    assert {"$ref", "anyOf", "oneOf"} & set(content["schema"]), operation["operationId"]


async def test_a_body_that_need_say_nothing_may_be_missing() -> None:
    """Of a POST, all whose members have defaults; else it is required."""
    document = await described()
    required = {
        operation["operationId"]: operation["requestBody"]["required"]
        for path in document["paths"].values()
        if (operation := path.get("post")) and "requestBody" in operation
    }
    assert not required["rotate_key"]
    assert not required["rotate_webhook_secret"]
    assert required["send_message"]
