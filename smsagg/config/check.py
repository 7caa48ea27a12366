"""Checks of configuration values against each other: every name leads somewhere, nothing is owned twice.

Each check looks at one relation and yields :class:`Problem` values; it takes for granted that single values are right.
"""

import re
from collections.abc import Iterator

from phonenumbers import SUPPORTED_REGIONS

from smsagg.config.check_abuse import abuse_problems
from smsagg.config.check_choice import choice_problems
from smsagg.config.check_consent import consent_problems
from smsagg.config.check_directory import directory_problems
from smsagg.config.check_mo import mo_problems
from smsagg.config.check_money import money_problems
from smsagg.config.check_numbers import number_problems
from smsagg.config.check_retention import retention_problems
from smsagg.config.check_shaping import shaping_problems
from smsagg.config.problems import Problem
from smsagg.config.problems import unknown_name as _known
from smsagg.config.residency import residency_problems
from smsagg.config.sandbox import sandbox_problems
from smsagg.config.schema import AccountSettings, CarrierSettings, Config, MessageClassSettings, ServerSettings

DEFAULT_CLASS = "default"
"""The message class that exists whether or not the file names it."""
NON_GEOGRAPHIC = "001"
"""Country of the calling codes that belong to none (satellite, international freephone)."""
COUNTRIES = frozenset(SUPPORTED_REGIONS) | {NON_GEOGRAPHIC}

SERVICE_TYPE_OCTETS_MAX = 5
"""SMPP 3.4 §5.2.11."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_ARGON2 = re.compile(r"\$argon2(?:id|i|d)\$v=19\$m=\d{1,8},t=\d{1,4},p=\d{1,3}\$[A-Za-z0-9+/]{11,}\$[A-Za-z0-9+/]{22,}")


def check_config(config: Config) -> list[Problem]:
    """All problems between the values of ``config``, in the order of the file's sections; empty when it is sound."""
    return [
        *_names(config),
        *sandbox_problems(config),
        *_session(config),
        *_bind_failures(config),
        *_accounts(config),
        *directory_problems(config),
        *abuse_problems(config, COUNTRIES),
        *consent_problems(config),
        *mo_problems(config),
        *money_problems(config, COUNTRIES),
        *number_problems(config, COUNTRIES),
        *residency_problems(config),
        *retention_problems(config, COUNTRIES),
        *_message_classes(config),
        *_encodings(config),
        *_receipts(config),
        *_pools(config),
        *choice_problems(config),
        *_countries(config),
        *_backup_cycles(config),
        *_default_pool(config),
        *_lookup(config),
        *_carriers(config),
        *shaping_problems(config, COUNTRIES),
    ]


def _names(config: Config) -> Iterator[Problem]:
    """Names become labels of metrics and parts of log lines."""
    for section in ("accounts", "carriers", "pools", "message_classes", "operators"):
        for name in getattr(config, section):
            if not _NAME.fullmatch(name):
                yield Problem((section, name), "a name is 1 to 64 letters, digits, '-', '_' and '.'")
    for section in ("accounts", "carriers", "pools"):
        if not getattr(config, section):
            yield Problem((section,), "must hold at least one table")


def _session(config: Config) -> Iterator[Problem]:
    session = config.session
    if session.outbox_octets_max < session.pdu_octets_max:
        yield Problem(("session", "outbox_octets_max"), f"must be pdu_octets_max ({session.pdu_octets_max}) or more")
    if config.server.sessions_per_address_max > config.server.sessions_max:
        yield Problem(
            ("server", "sessions_per_address_max"), f"must be sessions_max ({config.server.sessions_max}) or less"
        )


def _bind_failures(config: Config) -> Iterator[Problem]:
    failures = config.server.bind_failures
    path = ("server", "bind_failures")
    if failures.delay_first > failures.delay_max:
        yield Problem((*path, "delay_first"), "must be delay_max or less")
    if failures.free >= failures.ban_after:
        yield Problem((*path, "free"), f"must be below ban_after ({failures.ban_after})")


def _accounts(config: Config) -> Iterator[Problem]:
    owner: dict[str, str] = {}
    for name, account in config.accounts.items():
        path = ("accounts", name)
        first = owner.setdefault(account.system_id, name)
        if first != name:
            yield Problem((*path, "system_id"), f'"{account.system_id}" is the system_id of accounts.{first} already')
        if not _ARGON2.fullmatch(account.password_hash):
            yield Problem((*path, "password_hash"), "must be an argon2 hash as `smsagg hash-password` prints it")
        if account.old_password_hash and not _ARGON2.fullmatch(account.old_password_hash):
            yield Problem((*path, "old_password_hash"), "must be an argon2 hash as `smsagg hash-password` prints it")
        if account.burst is not None and account.rate is None:
            yield Problem((*path, "burst"), "means nothing without a rate")
        yield from _account_tls(path, account, config.server)
        senders = account.senders
        if senders is not None and senders.when_not_allowed == "replace" and not senders.default:
            yield Problem((*path, "senders", "default"), 'is what when_not_allowed = "replace" replaces by')
        classes = {DEFAULT_CLASS, *config.message_classes}
        yield from _known((*path, "message_class"), account.message_class, classes, "message class")
        for service_type, name in account.class_by_service_type.items():
            key = (*path, "class_by_service_type", service_type)
            if len(service_type) > SERVICE_TYPE_OCTETS_MAX or not service_type.isascii():
                yield Problem(key, f"a service_type has {SERVICE_TYPE_OCTETS_MAX} octets of ASCII at most")
            yield from _known(key, name, classes, "message class")


def _account_tls(path: tuple[str, ...], account: AccountSettings, server: ServerSettings) -> Iterator[Problem]:
    """What no bind could have must not be asked for; a balancer may have it for us."""
    if server.proxy_protocol_networks:
        return
    if account.require_tls and server.tls is None:
        yield Problem((*path, "require_tls"), "no bind can have TLS without [server.tls]")
    if account.certificate_names and not (server.tls and server.tls.client_ca_file):
        reason = "no client is asked for a certificate without [server.tls] client_ca_file"
        yield Problem((*path, "certificate_names"), reason)


def _message_classes(config: Config) -> Iterator[Problem]:
    for name, message_class in config.message_classes.items():
        path = ("message_classes", name)
        if message_class.ttl > message_class.ttl_max:
            yield Problem((*path, "ttl"), "must be ttl_max or less")
        if message_class.retry.first > message_class.retry.max:
            yield Problem((*path, "retry", "first"), "must be retry.max or less")


def _encodings(config: Config) -> Iterator[Problem]:
    """The keys that say how to be smart say so to somebody who is."""
    smart = {name for name, message_class in config.message_classes.items() if message_class.encoding == "smart"}
    in_use = set(smart)
    for name, account in config.accounts.items():
        classes = {account.message_class, *account.class_by_service_type.values()}
        if account.encoding == "smart" or (account.encoding is None and classes & smart):
            in_use |= classes
        else:
            yield from _idle_encoding_keys(("accounts", name), account)
    for name, message_class in config.message_classes.items():
        if name not in in_use:
            yield from _idle_encoding_keys(("message_classes", name), message_class)


def _idle_encoding_keys(path: tuple[str, ...], settings: AccountSettings | MessageClassSettings) -> Iterator[Problem]:
    for key in ("transliterate", "national_languages"):
        if getattr(settings, key):
            yield Problem((*path, key), 'means nothing without encoding = "smart"')


def _receipts(config: Config) -> Iterator[Problem]:
    if config.receipts.retry_first > config.receipts.retry_max:
        yield Problem(("receipts", "retry_first"), "must be retry_max or less")


def _pools(config: Config) -> Iterator[Problem]:
    for name, pool in config.pools.items():
        members: set[str] = set()
        for i, member in enumerate(pool.carriers):
            path = ("pools", name, "carriers", f"[{i}]")
            yield from _known(path, member.carrier, config.carriers, "carrier")
            if member.carrier in members:
                yield Problem(path, f'"{member.carrier}" stands in this pool already')
            members.add(member.carrier)
        if pool.backup:
            yield from _known(("pools", name, "backup"), pool.backup, config.pools, "pool")


def _countries(config: Config) -> Iterator[Problem]:
    owner: dict[str, str] = {}
    for name, pool in config.pools.items():
        for i, country in enumerate(pool.countries):
            path = ("pools", name, "countries", f"[{i}]")
            if country not in COUNTRIES:
                yield Problem(path, f'"{country}" is no country code of ISO 3166 (two capital letters, such as "GB")')
            elif country in owner:
                yield Problem(path, f'"{country}" goes to pools.{owner[country]} already')
            else:
                owner[country] = name


def _backup_cycles(config: Config) -> Iterator[Problem]:
    """One problem for each cycle, at its first pool in the order of the file."""
    seen: set[str] = set()
    for start in config.pools:
        way: list[str] = []
        name = start
        while name in config.pools and name not in seen:
            seen.add(name)
            way.append(name)
            name = config.pools[name].backup
        if name in way:
            cycle = [*way[way.index(name) :], name]
            yield Problem(("pools", name, "backup"), f"leads back to itself: {' -> '.join(cycle)}")


def _default_pool(config: Config) -> Iterator[Problem]:
    if config.routing.default_pool:
        yield from _known(("routing", "default_pool"), config.routing.default_pool, config.pools, "pool")


def _lookup(config: Config) -> Iterator[Problem]:
    lookup = config.routing.lookup
    for i, country in enumerate(lookup.countries if lookup is not None else ()):
        if country not in COUNTRIES:
            path = ("routing", "lookup", "countries", f"[{i}]")
            yield Problem(path, f'"{country}" is no country code of ISO 3166 (two capital letters, such as "GB")')


def _carriers(config: Config) -> Iterator[Problem]:
    for name, carrier in config.carriers.items():
        yield from _classified_twice(name, carrier)


def _classified_twice(name: str, carrier: CarrierSettings) -> Iterator[Problem]:
    where: dict[int, str] = {}
    for key in ("temporary", "throttled", "permanent"):
        for i, status in enumerate(getattr(carrier, key)):
            if where.setdefault(status, key) != key:
                yield Problem(("carriers", name, key, f"[{i}]"), f"0x{status:08x} is in {where[status]} already")
