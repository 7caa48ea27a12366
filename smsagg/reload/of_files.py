"""What the configuration's files say of what may also be put at run time, without secrets."""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from smsagg.config.documents import Documents, is_secret, name_of
from smsagg.config.overlay import KEYWORD, PRICE_LIST, RATE_CARD, ROUTE, TABLES, Value

OfFiles = Mapping[str, Mapping[str, Value]]
"""By kind and name."""
ELSEWHERE = {
    "password_hash": "say the password, and it is kept as a hash",
    "old_password_hash": "only in the configuration's file",
    "api_keys": "made under /v1/admin/keys",
    "webhooks": "made by the account under /v1/webhooks",
    "callbacks": "made by the account under /v1/callbacks",
    "outbind": "only in the configuration's file",
    "price_list": "put under /v1/admin/price-lists",
}
"""Keys of an account that hold secrets or name files of the server: they are not put with it."""
_CSV = {RATE_CARD: ("carriers", "rate_card"), PRICE_LIST: ("accounts", "price_list")}


def entities_of(path: Path, documents: Documents) -> OfFiles:
    """Of sound ``documents``, the main one of which was read from ``path``; takes its time, from any thread."""
    document = tomllib.loads(documents.texts[documents.main])

    def text(file: str | None) -> str:
        """Of a data file, as the main file names it."""
        if file is None:
            return ""
        return documents.texts.get(name_of(path, os.path.join(path.parent, Path(file))), "")

    found: dict[str, Mapping[str, Value]] = {}
    for kind, table in TABLES.items():
        found[kind] = {
            name: without_secrets({key: settings[key] for key in settings if key not in ELSEWHERE})
            for name, settings in document.get(table, {}).items()
        }
    found[KEYWORD] = {f"file:{n}": without_secrets(one) for n, one in enumerate(document.get("mo_routes", []), 1)}
    rules = tomllib.loads(text(document.get("routing", {}).get("routes"))).get("routes", [])
    found[ROUTE] = {rule["name"]: {key: rule[key] for key in rule if key != "name"} for rule in rules}
    for kind, (section, key) in _CSV.items():
        owners = document.get(section, {})
        found[kind] = {name: {"csv": text(table[key])} for name, table in owners.items() if key in table}
    return found


def without_secrets(value: Any) -> Any:
    """The same without members that name a secret."""
    if isinstance(value, dict):
        return {key: without_secrets(member) for key, member in value.items() if not is_secret(key)}
    return [without_secrets(member) for member in value] if isinstance(value, list) else value
