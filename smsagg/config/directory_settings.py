"""The shape of what the configuration says about who may use the HTTP API, and how."""

import re
from typing import Any

from attrs import define, field

from smsagg.config.units import Duration, Instant, Rate
from smsagg.config.validators import above, at_least, each, network, one_of
from smsagg.directory.roles import ACCOUNTS_SCOPES, DANGEROUS, OPERATORS_ROLES, SCOPES

_HASH = re.compile(r"sha256:[0-9a-f]{64}")
_CERTIFICATE = re.compile(r"(sha256:[0-9a-f]{64})?|[A-Za-z0-9][A-Za-z0-9._@ -]{0,252}")


def key_hash(_instance: Any, _attribute: Any, value: Any) -> None:
    """As ``smsagg api-key`` prints it, or empty."""
    if value and not _HASH.fullmatch(value):
        raise ValueError('must be "sha256:" and 64 hexadecimal digits, as `smsagg api-key` prints it')


def certificate(_instance: Any, _attribute: Any, value: Any) -> None:
    """A name that a certificate bears, or its fingerprint, or empty."""
    if not _CERTIFICATE.fullmatch(value):
        raise ValueError(
            'must be a name in the certificate (DNS name or common name), or "sha256:" and 64 hexadecimal digits: '
            "the SHA-256 of the certificate in DER"
        )


@define(frozen=True)
class ApiKeySettings:
    """``[accounts.NAME.api_keys.KEY]``: a key of the account for the HTTP API; KEY is its name, for people."""

    hash: str = field(default="", validator=key_hash)
    """What ``smsagg api-key`` prints beside the key itself; empty: ``certificate`` alone lets in."""
    scopes: tuple[str, ...] = field(default=(), validator=each(one_of(*ACCOUNTS_SCOPES)))
    """What it may do; empty: what a developer may."""
    expires_at: Instant | None = None
    """From this instant on it is refused; none: never."""
    networks: tuple[str, ...] = field(default=(), validator=each(network))
    """From where it is taken; empty: from anywhere that the account's may."""
    rate: Rate | None = None
    """Requests per second; none: no limit of its own."""
    burst: int | None = field(default=None, validator=at_least(1))
    """Requests above the rate that may come at once; none: one second's worth."""
    certificate: str = field(default="", validator=certificate)
    """Name or fingerprint of the client certificate that must be shown, with the key if there is a ``hash``, instead of
    one if there is none; empty: none is needed."""


@define(frozen=True)
class OperatorSettings:
    """``[operators.NAME]``: a key of the operator's own people and programs, for ``/v1/admin``."""

    hash: str = field(default="", validator=key_hash)
    """As of an account's key, and so are the others."""
    role: str = field(default="operator", validator=one_of(*OPERATORS_ROLES))
    scopes: tuple[str, ...] = field(default=(), validator=each(one_of(*SCOPES)))
    """What it may do; empty: all that its role may."""
    expires_at: Instant | None = None
    networks: tuple[str, ...] = field(default=(), validator=each(network))
    rate: Rate | None = None
    burst: int | None = field(default=None, validator=at_least(1))
    certificate: str = field(default="", validator=certificate)


@define(frozen=True)
class AccountHttpSettings:
    """``[accounts.NAME.http]``: what holds for all of an account's keys and clients together."""

    networks: tuple[str, ...] = field(default=(), validator=each(network))
    """From where requests are taken; empty: from anywhere."""
    require_certificate: bool = False
    """Requests must come by TLS with a client certificate that was verified (``[server.https] client_ca_file``)."""
    rate: Rate | None = None
    """Requests per second; none: unlimited."""
    burst: int | None = field(default=None, validator=at_least(1))
    """Requests above the rate that may come at once; none: one second's worth."""


@define(frozen=True)
class DirectorySettings:
    """``[directory]``: what holds for all who use the API."""

    token_ttl: Duration = field(default=Duration(3_600.0), validator=above(0))
    """How long an access token of an OAuth client is good."""
    totp_for: tuple[str, ...] = field(default=(), validator=each(one_of(*DANGEROUS)))
    """What is done only with a code of a second factor, by people who have one; empty, or ``keys`` is among it."""
