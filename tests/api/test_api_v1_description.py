"""The OpenAPI document."""

from typing import Any

import orjson
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from v1_bench import Client, api_config

from smsagg.api.v1 import V1
from smsagg.api.v1.shapes import NewBatch, NewMessage
from smsagg.testing.gateway import run_gateway


async def find_nothing(**_: Any) -> tuple[list[Any], int]:
    return [], 0


async def described() -> dict[str, Any]:
    async with run_gateway(api_config()) as gateway:
        client = Client(V1(gateway.engine, find_nothing), gateway, key="")
        document: dict[str, Any] = (await client.call("GET", "/v1/openapi.json")).document
        return document


def operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for path in document["paths"].values() for operation in path.values()]


async def test_the_document_is_openapi() -> None:
    """As the OpenAPI Initiative's schema and rules have it."""
    assert [error.message for error in OpenAPIV31SpecValidator(await described()).iter_errors()] == []


async def test_every_call_is_explained() -> None:
    """A name, a summary, a description, what it answers, and that all problems are RFC 9457."""
    document = await described()
    assert document["security"] == [{"key": []}, {"oauth2": []}]
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
            assert parameter.get("description") or parameter["in"] == "path" or parameter["schema"].get("title")


@pytest.mark.parametrize(("path", "shape"), [("/v1/messages", NewMessage), ("/v1/messages/batch", NewBatch)])
async def test_every_body_has_examples_that_are_right(path: str, shape: type[NewMessage | NewBatch]) -> None:
    """They are what the shape takes."""
    content = (await described())["paths"][path]["post"]["requestBody"]["content"]["application/json"]
    assert content["schema"]["$ref"].endswith(f"/{shape.__name__}")
    for example in content["examples"].values():
        shape.model_validate_json(orjson.dumps(example["value"]))
