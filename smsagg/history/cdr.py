"""The columns of an exported message record (CDR): their names and types are stable, new ones are added at the end.

A record is one message that is over. The parts of a long message are messages of their own; they have one ``group_id``.
"""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from itertools import starmap
from operator import itemgetter
from typing import Any, Literal, NamedTuple

from smsagg.config.sandbox import SANDBOX_POOLS
from smsagg.history.reader import CHUNK_ROWS, CHUNK_ROWS_WITH_BODIES
from smsagg.model import Cause, ChargeOn
from smsagg.observe.log import masked
from smsagg.reports.causes import told_cause
from smsagg.reports.tally import ENDS
from smsagg.smpp.concatenation import UDHI
from smsagg.store.sqlite.retention import NUMBER_GONE, TEXT_GONE
from smsagg.text.decode import text_of

Kind = Literal["text", "integer", "instant", "money", "boolean", "octets"]
"""``instant``: UTC milliseconds; ``money``: decimal with six places."""


class Column(NamedTuple):
    """One column, made of what the store is asked for."""

    name: str
    kind: Kind
    sources: tuple[str, ...]
    """SQL over ``m``, a row of history."""
    make: Callable[..., Any]
    """Of the sources' values; ``None``: there is none."""
    meaning: str
    needs_bodies: bool = False
    """Only exported where texts are asked for."""


def _as_is(value: Any) -> Any:
    return value


def _or_none(value: Any) -> Any:
    return value or None


def _money(micros: int) -> Decimal:
    return Decimal(micros).scaleb(-6)


def _udh(body: bytes | None) -> bytes | None:
    """The user data header with its length octet."""
    if not body or body[0] >= len(body):
        return None
    return body[: 1 + body[0]]


def _text(body: bytes, data_coding: int, esm_class: int, redacted: int) -> str | None:
    return None if redacted & TEXT_GONE else text_of(body, data_coding, bool(esm_class & UDHI))


def _cause(state: int, cause: int, error_code: int) -> str | None:
    return _CAUSES.get(told_cause(state, cause, error_code))


_STATES = {int(state): word for word, state in ENDS.items()}
_CHARGES = {int(charge_on): charge_on.name.lower() for charge_on in ChargeOn}
_CAUSES = {int(cause): cause.name.lower() for cause in Cause if cause}


def _field(name: str, kind: Kind, meaning: str, source: str = "", make: Callable[..., Any] = _as_is) -> Column:
    return Column(name, kind, (f"m.{source or name}",), make, meaning)


def _of_group(name: str, kind: Kind, meaning: str, field: str) -> Column:
    source = f"(SELECT g.{field} FROM part_groups AS g WHERE m.group_seq > 0 AND g.group_seq = m.group_seq)"
    return Column(name, kind, (source,), _as_is, meaning)


RECIPIENT = "destination_addr"
COLUMNS: tuple[Column, ...] = (
    _field("seq", "integer", "key of the record, unique, grows with acceptance"),
    _field("message_id", "text", "what the customer knows it by"),
    _field("account", "text", "whose it is"),
    _field("message_class", "text", "its class"),
    _field("tag", "text", "its tag", make=_or_none),
    _field("accepted_at", "instant", "when it was accepted"),
    _field("not_before", "instant", "when it might go first (scheduled messages), else accepted_at"),
    _field("done_at", "instant", "when it was over"),
    Column("state", "text", ("m.state",), _STATES.get, f"how it ended: {', '.join(ENDS)}"),
    Column("cause", "text", ("m.state", "m.cause", "m.error_code"), _cause, "why it was not delivered"),
    _field("error_code", "integer", "of the last refusal (command_status) or the carrier's receipt (err)"),
    _field("source_addr", "text", "sender"),
    _field("source_addr_ton", "integer", "its type of number"),
    _field("source_addr_npi", "integer", "its numbering plan"),
    _field(RECIPIENT, "text", "recipient; masked once numbers are taken out"),
    _field("dest_addr_ton", "integer", "its type of number"),
    _field("dest_addr_npi", "integer", "its numbering plan"),
    _field("country", "text", "ISO 3166 code of the recipient's country", make=_or_none),
    _field("network", "text", "MCC and MNC of the recipient's network", make=_or_none),
    _field("route", "text", "rule that chose the pool", make=_or_none),
    _field("pool", "text", "pool of carriers"),
    _field("carrier", "text", "carrier of the last attempt", make=_or_none),
    _field("carrier_message_id", "text", "its id there", make=_or_none),
    _field("attempts", "integer", "attempts that counted"),
    _field("service_type", "text", "service_type", make=_or_none),
    _field("data_coding", "integer", "data_coding"),
    _field("esm_class", "integer", "esm_class"),
    _field("priority", "integer", "priority, 0 to 3"),
    _field("registered_delivery", "integer", "registered_delivery"),
    Column(
        "udh",
        "octets",
        (f"iif(m.esm_class & {UDHI}, substr(m.body, 1, 256), NULL)",),
        _udh,
        "user data header as submitted, until texts are taken out",
    ),
    Column("part_number", "integer", ("m.part_number",), _or_none, "of a part of a long message, from 1"),
    _of_group("parts_total", "integer", "of a part: how many there are", "parts_total"),
    _of_group("group_id", "text", "of a part: message_id of the part that was accepted first", "message_id"),
    _of_group("group_reference", "integer", "of a part: the reference that the parts share", "reference"),
    Column("charge_on", "text", ("m.charge_on",), _CHARGES.get, "what the price is owed for: nothing, submitted …"),
    Column("price", "money", ("m.price",), _money, "what it was to bring, in the account's currency"),
    Column("charged", "money", ("m.charged",), _money, "what the account was charged, in its currency"),
    Column(
        "revenue", "money", ("iif(m.charged > 0, m.revenue, 0)",), _money, "the same in the base currency"
    ),
    Column("cost", "money", ("m.cost",), _money, "what carriers were owed, in the base currency"),
    Column("redacted_text", "boolean", ("m.redacted",), lambda bits: bool(bits & TEXT_GONE), "its text was taken out"),
    Column(
        "redacted_number",
        "boolean",
        ("m.redacted",),
        lambda bits: bool(bits & NUMBER_GONE),
        "the recipient's number was taken out, but for its first digits",
    ),
    Column("body_digest", "octets", ("m.body_digest",), _or_none, "HMAC-SHA-256 of a text that was taken out"),
    _field("origin", "text", "the front door that took it: smpp, http"),
    _field("reference", "text", "the customer's own name for it", make=_or_none),
    Column("sandbox", "boolean", ("m.pool",), SANDBOX_POOLS.__contains__, "it went to a simulated handset"),
    Column(
        "text",
        "text",
        ("m.body", "m.data_coding", "m.esm_class", "m.redacted"),
        _text,
        "its text; none for binary messages (--bodies)",
        True,
    ),
    Column("body", "octets", ("m.body",), _or_none, "its octets (--bodies)", True),
)  # fmt: skip

NAMES = tuple(column.name for column in COLUMNS)


def chosen(names: Sequence[str], *, bodies: bool) -> list[Column]:
    """The columns with these names, in this order; all of them without names.

    Raises :class:`ValueError` for one that there is not, or that shows texts where they are not asked for.
    """
    if not names:
        return [column for column in COLUMNS if bodies or not column.needs_bodies]
    by_name = {column.name: column for column in COLUMNS}
    for name in names:
        if name not in by_name:
            raise ValueError(f'there is no column "{name}"; there are {", ".join(NAMES)}')
        if names.count(name) > 1:
            raise ValueError(f'column "{name}" is named twice')
        if by_name[name].needs_bodies and not bodies:
            raise ValueError(f'column "{name}" shows texts, which must be asked for with --bodies')
    return [by_name[name] for name in names]


def masking(columns: Sequence[Column]) -> list[Column]:
    """The same columns with recipients' numbers masked."""
    return [column._replace(make=masked) if column.name == RECIPIENT else column for column in columns]


class Selection:
    """The SQL for some columns, and rows made of its answers."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self.columns = tuple(columns)
        sources = dict.fromkeys(source for column in columns for source in column.sources)
        self.sql = ("seq", "m.accepted_at", "m.account", *sources)
        """What is to be asked for; the first three are always the same."""
        self.rows_max = CHUNK_ROWS_WITH_BODIES if "m.body" in sources else CHUNK_ROWS
        """To be read at once."""
        places = {source: place for place, source in enumerate(sources, 3)}
        self._makes = [(column.make, [places[source] for source in column.sources]) for column in columns]

    def records(self, rows: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        """The records of rows; made column by column, which is quicker than one by one."""
        if not rows:
            return []
        values: list[Iterable[Any]] = []
        for make, places in self._makes:
            read = itemgetter(*places)
            if make is _as_is:
                values.append(map(read, rows))
            elif len(places) == 1:
                values.append(map(make, map(read, rows)))
            else:
                values.append(starmap(make, map(read, rows)))
        return list(zip(*values, strict=True))
