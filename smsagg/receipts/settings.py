"""A carrier's receipt dialect in the configuration: presets by name, and keys that override them.

A preset is a file ``dialects/NAME.toml`` in this package with the keys that a carrier's table may have too, and a line
that says what it is for.
"""

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from typing import Any

from attrs import define, field, fields

from smsagg.config.structure import strict_converter
from smsagg.config.validators import Validator, between, each, one_of
from smsagg.errors import ConfigError
from smsagg.model import Cause, MessageState
from smsagg.receipts.dates import DateFormat, parse_zone
from smsagg.receipts.dialect import CONVERSIONS, LETTER_CASES, IdDialect
from smsagg.receipts.rules import (
    ASSIGNMENT,
    FIELDS,
    ID_SOURCES,
    NAMES,
    SEPARATORS,
    STATE_WORDS,
    TAG_RECEIPTED_MESSAGE_ID,
    ReceiptRules,
    error_key,
)

STANDARD_DIALECT = "standard"
LEARN = "learn"
"""The standard dialect, with the id rule that the carrier's first receipts show."""

CAUSES = {cause.name.lower(): cause for cause in Cause if cause is not Cause.NONE}
STATES = {
    state.name.lower(): state
    for state in (
        MessageState.ENROUTE,
        MessageState.DELIVERED,
        MessageState.EXPIRED,
        MessageState.DELETED,
        MessageState.UNDELIVERABLE,
        MessageState.ACCEPTED,
        MessageState.UNKNOWN,
        MessageState.REJECTED,
    )
}


def _keys_and_values(key: Validator | None, value: Validator) -> Validator:
    def check(instance: Any, attribute: Any, table: Any) -> None:
        for one_key, one_value in (table or {}).items():
            if key is not None:
                key(instance, attribute, one_key)
            value(instance, attribute, one_value)

    return check


def _zone(_instance: Any, _attribute: Any, value: Any) -> None:
    if value is not None:
        parse_zone(value)


def _date(_instance: Any, _attribute: Any, value: Any) -> None:
    DateFormat(value)


def _signs(_instance: Any, _attribute: Any, value: Any) -> None:
    if value is not None and (not value or not value.isascii() or any(sign.isalnum() for sign in value)):
        raise ValueError(f'must be signs of ASCII, no letters and digits, not "{value}"')


def _name(_instance: Any, _attribute: Any, value: Any) -> None:
    if not value.strip() or not value.isascii() or not value.isprintable():
        raise ValueError(f'must hold names in printable ASCII, not "{value}"')


def _sources(_instance: Any, _attribute: Any, value: Any) -> None:
    if value is not None and (not value or len(set(value)) != len(value) or not set(value) <= set(ID_SOURCES)):
        raise ValueError('must be ["tlv", "text"], ["text", "tlv"], ["tlv"] or ["text"]')


@define(frozen=True)
class DialectSettings:
    """``[carriers.NAME.receipts]`` of an SMPP carrier: how its receipts are read. Absent keys are the preset's."""

    id_from: tuple[str, ...] | None = field(default=None, validator=_sources)
    """Where the id is, in this order: ``tlv``, ``text``."""
    id_tlv: int | None = field(default=None, validator=between(1, 0xFFFF))
    """Tag of the TLV that holds it."""
    names: dict[str, tuple[str, ...]] = field(factory=dict, validator=_keys_and_values(one_of(*FIELDS), each(_name)))
    """What fields of the text are called, by what they mean: ``id``, ``stat``, ``err``, ``done_date`` …"""
    separators: str | None = field(default=None, validator=_signs)
    """Signs between fields."""
    assignment: str | None = field(default=None, validator=_signs)
    """Signs between a name and its value."""
    dates: tuple[str, ...] | None = field(default=None, validator=each(_date))
    """Forms of dates to try first, such as ``"DD/MM/YYYY hh:mm:ss"``."""
    zone: str | None = field(default=None, validator=_zone)
    """Of dates that name none: ``"UTC"``, ``"+02:00"``, ``"Asia/Tokyo"``."""
    states: dict[str, str] = field(factory=dict, validator=_keys_and_values(None, one_of(*STATES)))
    """Words of ``stat``, and what they mean."""
    errors: dict[str, str] = field(factory=dict, validator=_keys_and_values(None, one_of(*CAUSES)))
    """Codes of ``err``, and why the message failed."""
    unmarked: bool | None = None
    """Take a deliver_sm for a receipt by its content when its esm_class does not say what it is."""


@define(frozen=True)
class IdSettings:
    """Keys that say how ids are compared; ``None``: as the preset says."""

    resp_id: str | None = field(default=None, validator=one_of(*CONVERSIONS))
    receipt_id: str | None = field(default=None, validator=one_of(*CONVERSIONS))
    id_case: str | None = field(default=None, validator=one_of(*LETTER_CASES))
    id_strip_zeros: bool | None = None


@define(frozen=True)
class Preset:
    """One file of ``dialects/``."""

    description: str
    resp_id: str | None = field(default=None, validator=one_of(*CONVERSIONS))
    receipt_id: str | None = field(default=None, validator=one_of(*CONVERSIONS))
    id_case: str | None = field(default=None, validator=one_of(*LETTER_CASES))
    id_strip_zeros: bool | None = None
    receipts: DialectSettings = field(factory=DialectSettings)


@lru_cache(maxsize=1)
def presets() -> Mapping[str, Preset]:
    """All presets by name."""
    converter = strict_converter(_no_carriers)
    return {
        file.name.removesuffix(".toml"): converter.structure(tomllib.loads(file.read_text("utf-8")), Preset)
        for file in resources.files(f"{__package__}.dialects").iterdir()
        if file.name.endswith(".toml")
    }


def known_dialect(_instance: Any, _attribute: Any, value: Any) -> None:
    """The string names a preset, or ``learn``."""
    names = sorted({*presets(), LEARN})
    if value not in names:
        raise ValueError(f'must be one of {", ".join(names)}, not "{value}"')


def make_rules(dialect: str, ids: IdSettings, own: DialectSettings) -> ReceiptRules:
    """The rules of a carrier: its preset, with the keys that it sets itself."""
    preset = presets()[STANDARD_DIALECT if dialect == LEARN else dialect]
    base = preset.receipts

    def either(name: str) -> Any:
        value = getattr(own, name)
        return getattr(base, name) if value is None else value

    id_keys = {key.name: _first(getattr(ids, key.name), getattr(preset, key.name)) for key in fields(IdSettings)}
    return ReceiptRules(
        ids=IdDialect(
            id_keys["resp_id"] or "as_is",
            id_keys["receipt_id"] or "as_is",
            id_keys["id_case"] or "keep",
            bool(id_keys["id_strip_zeros"]),
        ),
        id_from=either("id_from") or ID_SOURCES,
        id_tlv=either("id_tlv") or TAG_RECEIPTED_MESSAGE_ID,
        names={**NAMES, **base.names, **own.names},
        separators=either("separators") or SEPARATORS,
        assignment=either("assignment") or ASSIGNMENT,
        dates=tuple(map(DateFormat, either("dates") or ())),
        zone=parse_zone(either("zone") or "UTC"),
        states=STATE_WORDS | {word.upper(): STATES[name] for word, name in {**base.states, **own.states}.items()},
        causes={error_key(err): CAUSES[name] for err, name in {**base.errors, **own.errors}.items()},
        unmarked=bool(either("unmarked")),
    )


def _first(own: Any, preset: Any) -> Any:
    return preset if own is None else own


def _no_carriers(type_name: str) -> type[Any]:
    raise ConfigError(f"a preset has no carrier {type_name}")
