"""The OpenAPI document: what FastAPI knows of the endpoints, and what is the same for all of them.

Every endpoint needs a key and may answer with the problems of :data:`COMMON`; bodies are described here because they
are read without FastAPI (see ``reading``).
"""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from smsagg.api.v1.messages.reading import KEY_CHARACTERS_MAX
from smsagg.api.v1.messages.shapes import ProblemAnswer
from smsagg.api.v1.problem import MEDIA_TYPE, problems
from smsagg.directory.roles import SCOPES

COMMON = (400, 401, 403, 408, 413, 429, 431, 503)
"""A request that is no HTTP, no key, a key that may not, too slow, too large, a key over its rate, headers too large,
too busy."""
_BODIES: set[type[BaseModel]] = {ProblemAnswer}
"""What endpoints read, and problems: FastAPI does not know of them."""
_REF = "#/components/schemas/{model}"
_PROBLEM = {"$ref": _REF.format(model="ProblemAnswer")}
_SECURITY: Mapping[str, Any] = {
    "key": {"type": "http", "scheme": "bearer", "description": "An API key: sk_…"},
    "client": {"type": "http", "scheme": "basic", "description": "Id and secret of an OAuth client."},
    "oauth2": {
        "type": "oauth2",
        "description": "An access token of an OAuth client: at_…",
        "flows": {"clientCredentials": {"tokenUrl": "/v1/oauth/token", "scopes": dict.fromkeys(SCOPES, "")}},
    },
    "certificate": {"type": "mutualTLS", "description": "A client certificate that stands for a key, over TLS."},
}
_IN_PATHS: Mapping[str, tuple[str, str]] = {
    "account": ("Whose.", "acme"),
    "erasure_id": ("Id of an erasure.", "era_5f0c2b7d9a1e4c3b8d6f0a21"),
    "message_id": ("Id of a message.", "00000001b5d0c9f2"),
    "name": ("Its name.", "crm"),
    "country": ("ISO 3166.", "FR"),
    "sender": ("A name or a number to send from.", "ACME"),
    "number": ("International, with or without `+`.", "447700900123"),
    "verification_id": ("Id of a verification.", "ver_5f2b8c1e0d7a49f3a6b1c2d3e4f50617"),
}
"""What paths are of: a description and an example."""
_RETRY_AFTER = {"Retry-After": {"description": "Seconds until it is worth trying again.", "schema": {"type": "string"}}}
_HEADERS: Mapping[str, Any] = {
    "401": {"WWW-Authenticate": {"description": "`Bearer`.", "schema": {"type": "string"}}},
    "429": _RETRY_AFTER,
    "503": _RETRY_AFTER,
}

REPLAYED: Mapping[str, Any] = {
    "Idempotent-Replayed": {
        "description": "`true`: this was answered before, to a request with the same Idempotency-Key.",
        "schema": {"type": "string"},
    }
}
REPEATABLE: dict[str, Any] = {
    "parameters": [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "description": "Makes the call safe to repeat: the same key and request get the same answer, once sent.",
            "schema": {"type": "string", "maxLength": KEY_CHARACTERS_MAX},
            "example": "order-4711",
        }
    ]
}
"""What an endpoint that may be repeated with a key adds to its description."""


def links_of(parameter: str, *operations: str) -> dict[str, Any]:
    """What may be called next, with the ``id`` that was answered as ``parameter``."""
    return {
        operation: {"operationId": operation, "parameters": {parameter: "$response.body#/id"}}
        for operation in operations
    }


def describe(api: FastAPI) -> dict[str, Any]:
    """The document."""
    document = get_openapi(
        title=api.title,
        version=api.version,
        description=api.description,
        routes=api.routes,
        tags=[
            {"name": "messages", "description": "Send, look at, search for and cancel messages."},
            {"name": "consent", "description": "Numbers that want no messages, and numbers that asked for them."},
            {"name": "directory", "description": "Who may use the API: people, keys, OAuth clients."},
            {"name": "admin", "description": "The operator's own."},
            {"name": "numbers", "description": "Numbers, short codes and names of the inventory, and pools of them."},
            {"name": "senders", "description": "What messages may be sent from."},
            {"name": "audit", "description": "Who did what."},
            {"name": "personal data", "description": "What is held about a number, and having it taken out."},
            {"name": "inbound", "description": "Messages from handsets."},
            {"name": "webhooks", "description": "Who is told what happens, and how each of them stands."},
            {"name": "events", "description": "What happened, as it was told."},
            {"name": "templates", "description": "Texts that are written once and sent often."},
            {"name": "verifications", "description": "Codes that prove whose a number is."},
        ],
    )
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for model in sorted(_BODIES, key=lambda model: model.__name__):
        _add(schemas, model)
    components["securitySchemes"] = _SECURITY
    document["security"] = [{"key": []}, {"oauth2": []}, {"certificate": []}]
    common = {str(status): said for status, said in problems(*COMMON).items()}
    for path in document["paths"].values():
        if (said := path.get("post", {}).get("requestBody")) and "application/json" in said["content"]:
            name = said["content"]["application/json"]["schema"].get("$ref", "").rpartition("/")[2]
            said["required"] = name not in schemas or bool(schemas[name].get("required"))  # see read_as
        for operation in path.values():
            found = {**{status: {"description": said["description"]} for status, said in common.items()}}
            found |= operation["responses"]
            for status, response in found.items():
                if int(status) >= 400:
                    response["content"] = _own_errors(response) | {MEDIA_TYPE: {"schema": _PROBLEM}}
                if status in _HEADERS:
                    response["headers"] = _HEADERS[status]
            operation["responses"] = dict(sorted(found.items()))
            for parameter in operation.get("parameters", ()):
                if parameter["in"] == "path" and parameter["name"] in _IN_PATHS:
                    text, example = _IN_PATHS[parameter["name"]]
                    parameter.setdefault("description", text)
                    parameter.setdefault("example", example)
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    return document


def _own_errors(response: Mapping[str, Any]) -> dict[str, Any]:
    """Of an endpoint that answers errors in another standard's way."""
    content: dict[str, Any] = response.get("content", {})
    told_alike = [_REF.format(model=model) for model in ("ProblemAnswer", "HTTPValidationError")]
    return {kind: said for kind, said in content.items() if said["schema"].get("$ref") not in told_alike}


def body_of(model: type[BaseModel], examples: Mapping[str, Any]) -> dict[str, Any]:
    """What an endpoint that reads a ``model``, and may be repeated with a key, adds to its description."""
    _BODIES.add(model)
    named = {name.replace(" ", "-"): {"summary": name, "value": value} for name, value in examples.items()}
    schema = {"$ref": _REF.format(model=model.__name__)}
    content = {"application/json": {"schema": schema, "examples": named}}
    return {"requestBody": {"required": True, "content": content}, **REPEATABLE}


def json_of(model: type[BaseModel], examples: Mapping[str, Any]) -> dict[str, Any]:
    """The same for one that needs no key: asked twice it does nothing more."""
    return {"requestBody": body_of(model, examples)["requestBody"]}


def _add(schemas: dict[str, Any], model: type[BaseModel]) -> None:
    schema = model.model_json_schema(ref_template=_REF)
    schemas.update(schema.pop("$defs", {}))
    schemas[model.__name__] = schema
