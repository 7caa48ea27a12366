"""Checks of values against each other."""

from typing import Any

import pytest
from attrs import evolve

from smsagg.config.check import check_config
from smsagg.config.schema import (
    AccountSettings,
    BindFailureSettings,
    CarrierSettings,
    Config,
    Duration,
    MessageClassSettings,
    PoolMember,
    PoolSettings,
    Rate,
    RetrySettings,
    RoutingSettings,
    SenderSettings,
    ServerSettings,
    SessionSettings,
    StatusCode,
)

HASH = "$argon2id$v=19$m=19456,t=3,p=1$" + "A" * 22 + "$" + "B" * 43


def account(**changes: Any) -> AccountSettings:
    return AccountSettings(**{"system_id": "acme", "password_hash": HASH, **changes})


def pool(*carriers: str, **changes: Any) -> PoolSettings:
    return PoolSettings(carriers=tuple(PoolMember(name) for name in carriers), **changes)


SOUND = Config(
    accounts={"acme": account()},
    carriers={"one": CarrierSettings("plug", None), "two": CarrierSettings("plug", None)},
    pools={"gb": pool("one", countries=("GB",), backup="world"), "world": pool("one", "two")},
    routing=RoutingSettings(default_pool="world"),
)


def told(**changes: Any) -> list[str]:
    """The problems of the sound configuration with ``changes``, as lines."""
    return [problem.line("f").removeprefix("f: ") for problem in check_config(evolve(SOUND, **changes))]


def test_a_sound_configuration_has_no_problem() -> None:
    """The base of the other tests is good."""
    assert told() == []


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"accounts": {}}, "accounts: must hold at least one table"),
        ({"accounts": {"a b": account()}}, 'accounts."a b": a name is 1 to 64'),
        ({"accounts": {"a": account(), "b": account()}}, 'accounts.b.system_id: "acme" is the system_id of accounts.a'),
        ({"accounts": {"a": account(password_hash="secret")}}, "accounts.a.password_hash: must be an argon2 hash"),
        ({"accounts": {"a": account(burst=5)}}, "accounts.a.burst: means nothing without a rate"),
        ({"accounts": {"a": account(require_tls=True)}}, "accounts.a.require_tls: no bind can have TLS without"),
        (
            {"accounts": {"a": account(certificate_names=("a.example",))}},
            "accounts.a.certificate_names: no client is asked for a certificate",
        ),
        (
            {"accounts": {"a": account(senders=SenderSettings(when_not_allowed="replace"))}},
            'accounts.a.senders.default: is what when_not_allowed = "replace" replaces by',
        ),
        (
            {"server": ServerSettings(bind_failures=BindFailureSettings(free=10))},
            "server.bind_failures.free: must be below ban_after (10)",
        ),
        (
            {"server": ServerSettings(bind_failures=BindFailureSettings(delay_first=Duration(5)))},
            "server.bind_failures.delay_first: must be delay_max or less",
        ),
        ({"accounts": {"a": account(message_class="opt")}}, 'accounts.a.message_class: "opt" is no message class'),
        ({"accounts": {"a": account(mo_numbers=("1", "1"))}}, 'accounts.a.mo_numbers[1]: "1" belongs to accounts.a'),
        ({"accounts": {"a": account(mo_numbers=("+1",))}}, "accounts.a.mo_numbers[0]: must be an address of 1 to 20"),
        ({"message_classes": {"m": MessageClassSettings(ttl=Duration(9e9))}}, "message_classes.m.ttl: must be ttl_max"),
        ({"accounts": {"a": account(transliterate="all")}}, "accounts.a.transliterate: means nothing without encoding"),
        (
            {"message_classes": {"m": MessageClassSettings(national_languages=("hindi",))}},
            "message_classes.m.national_languages: means nothing without encoding",
        ),
        (
            {"message_classes": {"m": MessageClassSettings(retry=RetrySettings(first=Duration(900)))}},
            "message_classes.m.retry.first: must be retry.max or less",
        ),
        ({"pools": {"world": pool("three")}}, 'pools.world.carriers[0]: "three" is no carrier in this file'),
        ({"pools": {"world": pool("one", "one")}}, 'pools.world.carriers[1]: "one" stands in this pool already'),
        (
            {"pools": {"world": pool("one", backup="wrld")}},
            'pools.world.backup: "wrld" is no pool in this file; did you',
        ),
        ({"pools": {"world": pool("one", backup="world")}}, "pools.world.backup: leads back to itself: world -> world"),
        ({"pools": {"world": pool("one", countries=("UK",))}}, 'pools.world.countries[0]: "UK" is no country code'),
        ({"pools": {"world": pool("one", countries=("gb",))}}, 'pools.world.countries[0]: "gb" is no country code'),
        ({"routing": RoutingSettings("nowhere")}, 'routing.default_pool: "nowhere" is no pool'),
        ({"session": SessionSettings(outbox_octets_max=65536)}, "session.outbox_octets_max: must be pdu_octets_max"),
        (
            {"server": ServerSettings(sessions_max=5)},
            "server.sessions_per_address_max: must be sessions_max (5) or less",
        ),
    ],
)
def test_what_contradicts_is_named(changes: dict[str, Any], problem: str) -> None:
    """Each relation that is broken gives one problem at the key that breaks it."""
    (line,) = told(**changes)
    assert line.startswith(problem)


def test_a_country_belongs_to_one_pool() -> None:
    """The second pool that names it is the problem."""
    pools = {"a": pool("one", countries=("GB", "VN")), "world": pool("two", countries=("GB",))}
    assert told(pools=pools) == ['pools.world.countries[0]: "GB" goes to pools.a already']


def test_the_world_has_its_own_country_code() -> None:
    """Satellite and freephone codes are routed under 001."""
    assert told(pools={"world": pool("one", countries=("001",))}) == []


def test_a_long_circle_of_backups_is_one_problem() -> None:
    """The circle is told once, with its way."""
    pools = {"x": pool("one", backup="a"), "a": pool("one", backup="b"), "b": pool("one", backup="a")}
    assert told(pools=pools, routing=RoutingSettings()) == ["pools.a.backup: leads back to itself: a -> b -> a"]


def test_a_number_for_mo_belongs_to_one_account() -> None:
    """Two accounts cannot both get what is sent to one number, nor what nobody owns."""
    accounts = {"a": account(mo_numbers=("123", "*")), "b": account(system_id="b", mo_numbers=("*", "9"))}
    assert told(accounts=accounts) == ['accounts.b.mo_numbers[0]: "*" belongs to accounts.a already']


def test_a_status_has_one_meaning_per_carrier() -> None:
    """The same command_status cannot be temporary and permanent."""
    carrier = CarrierSettings("plug", None, temporary=(StatusCode(8),), permanent=(StatusCode(8),))
    (line,) = told(carriers={**SOUND.carriers, "two": carrier})
    assert line == "carriers.two.permanent[0]: 0x00000008 is in temporary already"


def test_a_balancer_may_speak_tls_for_us() -> None:
    """Then accounts may ask for it without a TLS listener of our own."""
    accounts = {"acme": account(require_tls=True, certificate_names=("acme.example",))}
    assert told(accounts=accounts, server=ServerSettings(proxy_protocol_networks=("192.0.2.1",))) == []


def test_a_burst_goes_with_a_rate() -> None:
    """With its rate it is sound."""
    assert told(accounts={"a": account(rate=Rate(5.0), burst=50)}) == []


def test_encoding_keys_may_stand_apart() -> None:
    """An account that is smart may take how from its class, and the other way round."""
    classes = {"m": MessageClassSettings(transliterate="all"), "n": MessageClassSettings(encoding="smart")}
    accounts = {
        "a": account(encoding="smart", message_class="m"),
        "b": account(system_id="b", transliterate="none", message_class="n"),
    }
    assert told(accounts=accounts, message_classes=classes) == []
