"""Keys in the file."""

from pathlib import Path

from attrs import evolve

from smsagg.carriers.registry import settings_class
from smsagg.config.check_directory import directory_problems
from smsagg.config.load import load_config
from smsagg.config.schema import (
    AccountHttpSettings,
    ApiKeySettings,
    DirectorySettings,
    HttpsListenSettings,
    OperatorSettings,
    ServerSettings,
)
from smsagg.config.units import split_host_port
from smsagg.testing.gateway import account_settings, make_config

MINIMAL = Path(__file__).parents[2] / "configs" / "minimal.toml"
HASH = "sha256:" + "ab" * 32


def test_one_hash_is_one_key() -> None:
    """Whose it would be could not be told."""
    config = make_config(
        accounts={"acme": account_settings("acme", api_keys={"app": ApiKeySettings(HASH)})},
        operators={"ann": OperatorSettings(HASH)},
    )
    assert [problem.line("f") for problem in directory_problems(config)] == [
        "f: operators.ann.hash: is the hash of accounts.acme.api_keys.app already"
    ]


def test_a_second_factor_for_anything_is_one_for_keys_too() -> None:
    """Else whoever has a key makes one of a person who has not enrolled, and does so as that person."""
    config = make_config(directory=DirectorySettings(totp_for=("freeze", "users")))
    (problem,) = directory_problems(config)
    assert problem.line("f").startswith("f: directory.totp_for: must name keys too")
    assert not list(directory_problems(make_config(directory=DirectorySettings(totp_for=("freeze", "keys")))))


def test_a_keys_name_is_one_for_addresses() -> None:
    config = make_config(accounts={"acme": account_settings("acme", api_keys={"a/b": ApiKeySettings(HASH)})})
    assert [problem.line("f") for problem in directory_problems(config)] == [
        "f: accounts.acme.api_keys.\"a/b\": a name is 1 to 64 letters, digits, '-', '_' and '.'"
    ]


def test_a_burst_without_a_rate_and_scopes_beyond_the_role_are_problems() -> None:
    account = evolve(account_settings("acme"), http=AccountHttpSettings(burst=5))
    operators = {"ann": OperatorSettings(HASH, role="analyst", scopes=("admin:read", "admin:write"))}
    config = make_config(accounts={"acme": account}, operators=operators)
    assert [problem.line("f") for problem in directory_problems(config)] == [
        "f: accounts.acme.http.burst: means nothing without a rate",
        "f: operators.ann.scopes: the role analyst does not have admin:write",
    ]


def test_a_certificate_that_nobody_is_asked_for_and_a_key_that_nothing_opens_are_problems() -> None:
    keys = {"app": ApiKeySettings(certificate="crm.example"), "none": ApiKeySettings()}
    account = account_settings("acme", api_keys=keys, http=AccountHttpSettings(require_certificate=True))
    config = make_config(accounts={"acme": account}, operators={"ann": OperatorSettings(certificate="CRM.example")})
    unseen = "no client is asked for a certificate without [server.https] client_ca_file"
    assert [problem.line("f") for problem in directory_problems(config)] == [
        f"f: accounts.acme.api_keys.app.certificate: {unseen}",
        "f: accounts.acme.api_keys.none: needs a hash, a certificate, or both",
        "f: operators.ann.certificate: is the certificate of accounts.acme.api_keys.app already",
        f"f: operators.ann.certificate: {unseen}",
        f"f: accounts.acme.http.require_certificate: {unseen}",
    ]


def test_nothing_is_open_and_nobody_may_come_in_by_default() -> None:
    """J22: what the file does not say is no port to the outside, and no credential."""
    config = load_config(MINIMAL, settings_class)
    server = ServerSettings()
    assert {split_host_port(one)[0] for one in (server.smpp_listen, server.http_listen)} == {"127.0.0.1"}
    assert split_host_port(HttpsListenSettings("c", "k").listen)[0] == "127.0.0.1"
    assert config.operators == {}
    assert [account.api_keys for account in config.accounts.values()] == [{}] * len(config.accounts)
