"""The overlay of what was put at run time: as the register keeps it, as it is in force, and as versions keep it.

A start takes as much of it as fits what the files say now, and tells of the rest: no entity keeps a server from
starting. A reload is stricter, for whoever asks for it is there: what is in force has to fit. What was left out is
tried again with each.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from smsagg.config.documents import DigestOf, Documents, is_secret
from smsagg.config.overlay import (
    KINDS,
    NO_OVERLAY,
    PRICE_LIST,
    RATE_CARD,
    Entity,
    Fitting,
    Overlay,
    Value,
    fitting,
    is_laid,
)
from smsagg.config.schema import Config
from smsagg.engine.directory.register import read_entries
from smsagg.errors import ConfigError
from smsagg.store.base import Store
from smsagg.tables import Tables, load_tables

DOCUMENT_PREFIX = "overlay:"
"""Names of documents that are no files begin so."""

Load = Callable[[Path, Overlay], Config]


class Start(NamedTuple):
    """What a process begins with."""

    config: Config
    tables: Tables
    overlay: Overlay
    left_out: Mapping[Entity, str]


async def kept_entities(store: Store) -> dict[Entity, Value]:
    """What was put and is in the store. Raises StoreError."""
    entries = await read_entries(store)
    entities = {Entity(kind, key): value for kind, key, value in entries if kind in KINDS}
    return {entity: value for entity, value in entities.items() if is_laid(entity, value)}


def begin(path: Path, entities: Mapping[Entity, Value], load: Load) -> Start:
    """The files at ``path`` with as many of ``entities`` as fit; to be called in a thread. Raises ConfigError when the
    files alone are wrong."""
    found = fitting(NO_OVERLAY, entities, lambda overlay: why_not(path, overlay, load))
    config = load(path, found.kept)
    return Start(config, load_tables(config, found.kept), *found)


def again(path: Path, overlay: Overlay, left: Mapping[Entity, Value], load: Load) -> Fitting:
    """``overlay``, which is in force, with what of ``left`` fits now."""
    return fitting(overlay, left, lambda wanted: why_not(path, wanted, load))


def why_not(path: Path, overlay: Overlay, load: Load) -> str:
    """What is wrong with the files under ``overlay``; ``""``: nothing."""
    try:
        load_tables(load(path, overlay), overlay)
    except ConfigError as error:
        return str(error)
    return ""


def with_overlay(documents: Documents, overlay: Overlay, digest_of: DigestOf) -> Documents:
    """``documents``, and what was put beside them, without its secrets."""
    texts = dict(documents.texts)
    plain: dict[str, dict[str, Any]] = {}
    for entity, value in sorted(overlay.entities.items()):
        if entity.kind in (RATE_CARD, PRICE_LIST):
            texts[f"{DOCUMENT_PREFIX}{entity.kind}/{entity.key}.csv"] = value["csv"]
        else:
            plain.setdefault(entity.kind, {})[entity.key] = _redacted(value, digest_of)
    if plain:
        text = orjson.dumps(plain, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)
        texts[f"{DOCUMENT_PREFIX}entities.json"] = text.decode()
    return Documents(documents.main, texts)


def is_file(name: str) -> bool:
    """Whether a document of this name is a file."""
    return not name.startswith(DOCUMENT_PREFIX)


def _redacted(value: Any, digest_of: DigestOf) -> Any:
    if isinstance(value, dict):
        return {
            name: f"redacted:{digest_of(member)}"
            if isinstance(member, str) and is_secret(name)
            else _redacted(member, digest_of)
            for name, member in value.items()
        }
    return [_redacted(member, digest_of) for member in value] if isinstance(value, list) else value
