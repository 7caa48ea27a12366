"""Strict structuring: what TOML gave becomes attrs classes, and everything that does not fit is collected.

A :class:`cattrs.Converter` finds the hook of each type; the hooks here are the strict ones. Nothing is converted that
the operator did not write: a string is no number, ``true`` is no 1, a number without its unit is no duration.
Containers collect the problems of all their members before they raise :class:`Problems`; scalars raise
:class:`ValueError` with the reason. Validators of attrs fields run key by key, so that the first bad value does not
hide the second.
"""

import math
from collections.abc import Callable, Collection, Mapping
from difflib import get_close_matches
from typing import Any, Literal, get_args, get_origin

import attrs
from cattrs import BaseConverter, Converter

from smsagg.config import amounts, units
from smsagg.config.plugins import RESOLVERS
from smsagg.config.problems import Problem, Problems
from smsagg.config.schema import CarrierSettings, LookupSettings, PoolMember
from smsagg.errors import ConfigError

CarrierSettingsLookup = Callable[[str], type[Any]]
"""The settings class of a carrier type; raises :class:`ConfigError` that lists the known types."""

Hook = Callable[[Any, Any], Any]

_UNITS: dict[Any, Callable[[object], Any]] = {
    units.Duration: units.parse_duration,
    units.Rate: units.parse_rate,
    units.Octets: units.parse_octets,
    units.HostPort: units.parse_host_port,
    units.Instant: units.parse_instant,
    units.StatusCode: units.parse_status_code,
    amounts.Amount: amounts.parse_price,
    amounts.CurrencyCode: amounts.parse_currency,
    amounts.Margin: amounts.parse_margin,
    amounts.ExchangeRate: amounts.parse_exchange_rate,
    units.MessageLimit: units.parse_message_limit,
}


def strict_converter(carrier_settings: CarrierSettingsLookup, folder: str = "") -> Converter:
    """A converter for :class:`~smsagg.config.schema.Config` and all that it holds.

    ``folder`` is where relative paths of data files begin.

    ``structure`` raises :class:`Problems`, or :class:`ValueError` for a single value.
    """
    converter = Converter()
    converter.register_structure_hook(bool, lambda value, _: _exactly(bool, value, "true or false"))
    converter.register_structure_hook(str, lambda value, _: _exactly(str, value, "a string"))
    converter.register_structure_hook(int, lambda value, _: _exactly(int, value, "a whole number"))
    converter.register_structure_hook(float, lambda value, _: _number(value))
    for unit, parse in _UNITS.items():
        converter.register_structure_hook(unit, _unit_hook(parse))
    for path_type in (units.DataFile, units.BulkFile):
        converter.register_structure_hook(path_type, lambda value, _: units.parse_data_file(value, folder))
    converter.register_structure_hook_factory(_made_of(Literal), _literal_hook)
    converter.register_structure_hook_factory(_made_of(tuple, list, frozenset), _list_hook)
    converter.register_structure_hook_factory(_made_of(dict, Mapping), _mapping_hook)
    converter.register_structure_hook_factory(attrs.has, _table_hook)
    converter.register_structure_hook(CarrierSettings, _plugin_hook(CarrierSettings, converter, carrier_settings))
    converter.register_structure_hook(LookupSettings, _plugin_hook(LookupSettings, converter, _resolver_settings))
    converter.register_structure_hook(PoolMember, _member_hook(converter))
    return converter


def _made_of(*origins: Any) -> Callable[[Any], bool]:
    """Whether a type is one of these generics with arguments."""
    return lambda type_: get_origin(type_) in origins


def _unit_hook(parse: Callable[[object], Any]) -> Hook:
    return lambda value, _: parse(value)


def _exactly(type_: type[Any], value: Any, wanted: str) -> Any:
    if type(value) is not type_:
        raise ValueError(f"must be {wanted}, not {units.seen(value)}")
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"must be a number, not {units.seen(value)}")
    return float(value)


def _literal_hook(type_: Any, _converter: BaseConverter) -> Hook:
    allowed = get_args(type_)

    def structure(value: Any, _: Any) -> Any:
        if value not in allowed:
            raise ValueError(f"must be one of {', '.join(map(units.seen, allowed))}, not {units.seen(value)}")
        return value

    return structure


def _list_hook(type_: Any, converter: BaseConverter) -> Hook:
    container, arguments = get_origin(type_), get_args(type_)
    length = None if container is not tuple or Ellipsis in arguments else len(arguments)

    def structure(value: Any, _: Any) -> Any:
        if not isinstance(value, list):
            raise ValueError(f"must be a list, not {units.seen(value)}")
        if length is not None and len(value) != length:
            raise ValueError(f"must have {length} elements, not {len(value)}")
        types = arguments if length is not None else [arguments[0]] * len(value)
        members = _Members(converter)
        elements = [members.structure(f"[{i}]", value[i], types[i]) for i in range(len(value))]
        members.finish()
        return container(elements)

    return structure


def _mapping_hook(type_: Any, converter: BaseConverter) -> Hook:
    key_type, value_type = get_args(type_)

    def structure(value: Any, _: Any) -> Any:
        members = _Members(converter)
        result = {
            members.structure(key, key, key_type): members.structure(key, member, value_type)
            for key, member in _table(value).items()
        }
        members.finish()
        return result

    return structure


def _table_hook(cls: Any, converter: BaseConverter) -> Hook:
    attrs.resolve_types(cls)
    attributes = {attribute.name: attribute for attribute in attrs.fields(cls) if attribute.init}

    def structure(value: Any, _: Any) -> Any:
        members = _Members(converter)
        members.problems += unknown_keys(_table(value), [_key(name) for name in attributes])
        arguments = members.attributes(value, attributes.values())
        members.finish()
        return cls(**arguments)

    return structure


def _member_hook(converter: BaseConverter) -> Hook:
    """A pool member may be just the carrier's name."""
    table = _table_hook(PoolMember, converter)
    return lambda value, type_: PoolMember(carrier=value) if isinstance(value, str) else table(value, type_)


def _plugin_hook(cls: Any, converter: BaseConverter, settings_of: CarrierSettingsLookup) -> Hook:
    """A table with a ``type``: the keys of ``cls`` are common to all types, all others belong to the type's own class,
    whose instance becomes ``settings``."""
    attributes = attrs.fields(attrs.resolve_types(cls))
    common = {attribute.name: attribute for attribute in attributes if attribute.name != "settings"}

    def structure(value: Any, _: Any) -> Any:
        table = _table(value)
        members = _Members(converter)
        arguments = members.attributes(table, common.values())
        if "type" not in arguments:
            members.finish()
        try:
            settings = settings_of(arguments["type"])
        except ConfigError as error:
            raise Problems([*members.problems, Problem(("type",), str(error))]) from error
        own = attrs.fields_dict(attrs.resolve_types(settings))
        assert not own.keys() & common.keys(), f"{settings} has keys that every type has: {own.keys() & common.keys()}"
        members.problems += unknown_keys(table, [*common, *own])
        own_arguments = members.attributes(table, own.values())
        members.finish()
        return cls(**arguments, settings=settings(**own_arguments))

    return structure


def _resolver_settings(type_name: str) -> type[Any]:
    settings: type[Any] = RESOLVERS.load(type_name).Settings
    return settings


def unknown_keys(table: Mapping[str, Any], known: Collection[str]) -> list[Problem]:
    """One problem for each key that is not known, with the nearest that is."""
    return [Problem((key,), f"is unknown{_nearest(key, known)}") for key in table if key not in known]


def _nearest(key: str, known: Collection[str]) -> str:
    nearest = get_close_matches(key, known, n=1)
    return f'; did you mean "{nearest[0]}"?' if nearest else f"; known here: {', '.join(sorted(known))}"


def _key(attribute_name: str) -> str:
    """What the file calls it: a word that Python keeps to itself has an underscore after it in the schema."""
    return attribute_name.removesuffix("_")


def _table(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"must be a table, not {units.seen(value)}")
    return value


class _Members:
    """Structures the members of one container and keeps what was wrong with each."""

    def __init__(self, converter: BaseConverter) -> None:
        self._converter = converter
        self.problems: list[Problem] = []

    def structure(self, key: str, value: Any, type_: Any, attribute: "attrs.Attribute[Any] | None" = None) -> Any:
        """The member's value, or ``None`` when it is wrong."""
        try:
            member = self._converter.structure(value, type_)
            if attribute is not None and attribute.validator is not None:
                attribute.validator(None, attribute, member)
        except Problems as error:
            self.problems += [problem.under(key) for problem in error.problems]
        except ValueError as error:
            self.problems.append(Problem((key,), str(error.args[0])))
        else:
            return member
        return None

    def attributes(self, table: dict[str, Any], attributes: Collection["attrs.Attribute[Any]"]) -> dict[str, Any]:
        """Arguments for the class that has these attributes, from the keys of ``table`` that are right."""
        arguments = {}
        for attribute in attributes:
            key = _key(attribute.name)
            if key in table:
                wrong = len(self.problems)
                value = self.structure(key, table[key], attribute.type, attribute)
                if len(self.problems) == wrong:
                    arguments[attribute.alias or attribute.name] = value
            elif attribute.default is attrs.NOTHING:
                self.problems.append(Problem((key,), "is required"))
        return arguments

    def finish(self) -> None:
        """Raise :class:`Problems` if there were any."""
        if self.problems:
            raise Problems(self.problems)
