"""Accounts with an owner's key, and what is asked of the directory."""

from typing import Any

from attrs import evolve
from v1_bench import Answered, Client, api_config

from smsagg.config.schema import ApiKeySettings, Config
from smsagg.directory.roles import scopes_of
from smsagg.directory.secrets import digest_of

OWNER_KEY = "sk_owner"


def owned_config(**sections: Any) -> Config:
    """The usual accounts and operator; ``acme`` has also ``owner``, a key in the file that may all of the account."""
    config = api_config(**sections)
    acme = config.accounts["acme"]
    owner = ApiKeySettings(digest_of(OWNER_KEY), scopes=tuple(sorted(scopes_of("owner", "acme"))))
    config.accounts["acme"] = evolve(acme, api_keys={**acme.api_keys, "owner": owner})
    return config


async def made(client: Client, path: str, document: dict[str, Any], **headers: str) -> dict[str, Any]:
    """What was made; its ``secret`` among it."""
    answer = await client.call("POST", path, document, **headers)
    assert answer.status == 201, answer.body
    found: dict[str, Any] = answer.document
    return found


def kind_of(answer: Answered) -> tuple[int, str]:
    """Status and the last part of a problem's type."""
    return answer.status, answer.document["type"].removeprefix("problems/")
