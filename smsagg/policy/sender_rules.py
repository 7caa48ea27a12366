"""Which source addresses an account may send from, and what becomes of others.

A sender is compared as a whole: letter by letter, upper and lower case apart, since a registered name is registered as
it is written. A pattern is a sender, or the beginning of one and ``*``; a beginning of digits means numbers only, any
other names only, ``*`` alone both. Numbers are compared without their ``+``. TON and NPI play no part: what looks like
a number on the handset is one.

Deciding takes one look-up for each length that a pattern's beginning has, however many patterns there are; nothing
searches, nothing goes back.

Where an account sends from a number pool, a source address that asks for one of the pool's (none at all, or one of
``pool_names``; any, without those) passes as it is: the sender comes later.

===============  =====================================================================================================
Sender           Becomes
===============  =====================================================================================================
empty            ``default``; without one it is not allowed when ``allowed`` says who is, else it stays empty
allowed          itself; with ``set_ton_npi`` its TON and NPI follow from its form:
                 a name 5/0, up to ``short_code_digits_max`` digits 3/0, a longer number 1/1 without ``+``; digits that
                 begin with 0 tell no form (a national number?) and keep theirs
anything else    ESME_RINVSRCADR, or, with ``when_not_allowed = "replace"``, ``default``
===============  =====================================================================================================
"""

from typing import NamedTuple

from smsagg.config.schema import SenderSettings
from smsagg.config.senders import WILDCARD, is_name, is_number

TON_INTERNATIONAL, TON_NETWORK_SPECIFIC, TON_ALPHANUMERIC = 1, 3, 5
NPI_UNKNOWN, NPI_ISDN = 0, 1


class Sender(NamedTuple):
    """A source address as the message gets it."""

    ton: int
    npi: int
    address: str


class SenderRules:
    """The rules of one account, made ready."""

    def __init__(self, settings: SenderSettings) -> None:
        self._set_ton_npi = settings.set_ton_npi
        self._short_code_digits_max = settings.short_code_digits_max
        self._is_anything_allowed = settings.allowed is None
        patterns = settings.allowed or ()
        self._whole = {_plain(pattern) for pattern in patterns if not pattern.endswith(WILDCARD)}
        beginnings = {_plain(pattern[:-1]) for pattern in patterns if pattern.endswith(WILDCARD)}
        self._of_numbers = _by_length({begin for begin in beginnings if not begin or is_number(begin)})
        self._of_names = _by_length({begin for begin in beginnings if not begin or not is_number(begin)})
        self._default = self._with_form(Sender(0, 0, settings.default)) if settings.default else None
        self._pool_names = _pool_names(settings)
        self._replaces = settings.when_not_allowed == "replace"
        if settings.default:
            self._whole.add(_plain(settings.default))

    def apply(self, ton: int, npi: int, address: str) -> Sender | None:
        """The sender that a submit with this source address gets; ``None``: refuse it with ESME_RINVSRCADR."""
        if self.asks_pool(address):
            return Sender(ton, npi, address)
        if not address:
            if self._default is not None:
                return self._default
            return Sender(ton, npi, address) if self._is_anything_allowed else None
        if self._is_allowed(address):
            sender = Sender(ton, npi, address)
            return self._with_form(sender) if self._set_ton_npi else sender
        return self._default if self._replaces else None

    def asks_pool(self, address: str) -> bool:
        """Whether a submit with this source address leaves its sender to the account's number pool."""
        names = self._pool_names
        return names is not None and (not names or address in names)

    def _is_allowed(self, address: str) -> bool:
        if is_number(address):
            digits = _plain(address)
            return self._is_anything_allowed or digits in self._whole or _begins(digits, self._of_numbers)
        if not is_name(address):
            return False
        return self._is_anything_allowed or address in self._whole or _begins(address, self._of_names)

    def _with_form(self, sender: Sender) -> Sender:
        address = sender.address
        if not is_number(address):
            return Sender(TON_ALPHANUMERIC, NPI_UNKNOWN, address)
        if address.startswith("0"):
            return sender
        if len(address) <= self._short_code_digits_max and not address.startswith("+"):
            return Sender(TON_NETWORK_SPECIFIC, NPI_UNKNOWN, address)
        return Sender(TON_INTERNATIONAL, NPI_ISDN, _plain(address))


def _pool_names(settings: SenderSettings) -> frozenset[str] | None:
    """The source addresses that ask for a sender of the pool; empty: all do; ``None``: there is no pool."""
    if not settings.from_pool:
        return None
    return frozenset() if settings.pool_names is None else frozenset(("", *settings.pool_names))


def _plain(address: str) -> str:
    """A number without its ``+``."""
    return address[1:] if address.startswith("+") and is_number(address) else address


def _by_length(beginnings: set[str]) -> list[tuple[int, frozenset[str]]]:
    lengths = sorted({len(beginning) for beginning in beginnings})
    return [(length, frozenset(b for b in beginnings if len(b) == length)) for length in lengths]


def _begins(address: str, beginnings: list[tuple[int, frozenset[str]]]) -> bool:
    return any(address[:length] in of_length for length, of_length in beginnings)
