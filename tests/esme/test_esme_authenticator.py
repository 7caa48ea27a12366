"""Credentials, networks and disabled accounts: who is let in, and that the others learn nothing."""

from collections.abc import Callable
from typing import Any

import argon2
import pytest
import trio
from attrs import evolve

from smsagg.config.passwords import hash_of
from smsagg.config.schema import AccountSettings, BindFailureSettings, MessageClassSettings
from smsagg.engine.accounts import Account
from smsagg.esme import authenticator as module
from smsagg.esme.authenticator import Authenticator, BindRefusal
from smsagg.esme.peer import Peer
from smsagg.policy.networks import canonical_address

CHEAP = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


def account(system_id: str = "acme", password: str = "secret", **values: Any) -> Account:
    settings = AccountSettings(system_id=system_id, password_hash=CHEAP.hash(password), **values)
    return Account(f"account-{system_id}", settings, MessageClassSettings(), 0.0)


async def is_let_in(accounts: list[Account], system_id: str, password: str, address: str = "192.0.2.7") -> str | None:
    found = await Authenticator(accounts).authenticate(system_id, password, Peer(canonical_address(address)))
    return found.name if isinstance(found, Account) else None


async def test_right_credentials_find_their_account() -> None:
    """By system_id, which need not be the account's name."""
    accounts = [account(), account("other", "other-pw")]
    assert await is_let_in(accounts, "acme", "secret") == "account-acme"
    assert await is_let_in(accounts, "other", "other-pw") == "account-other"


@pytest.mark.parametrize(
    ("system_id", "password"),
    [
        ("acme", "Secret"),
        ("acme", ""),
        ("acme", "secret\xff"),
        ("ACME", "secret"),
        ("acme ", "secret"),
        ("", ""),
        ("other", "secret"),
        ("account-acme", "secret"),
    ],
)
async def test_anything_else_finds_none(system_id: str, password: str) -> None:
    """A wrong password, somebody else's, a system_id that is not there."""
    assert await is_let_in([account(), account("other", "other-pw")], system_id, password) is None


async def test_a_disabled_account_is_not_let_in() -> None:
    """Its password may be right."""
    assert await is_let_in([account(enabled=False)], "acme", "secret") is None


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("192.0.2.1", True),
        ("192.0.2.254", True),
        ("192.0.3.1", False),
        ("::ffff:192.0.2.1", True),
        ("::ffff:192.0.3.1", False),
        ("2001:db8::1", True),
        ("2001:db9::1", False),
        ("2001:db8::1%eth0", True),
        ("127.0.0.1", False),
    ],
)
async def test_networks_restrict_where_an_account_binds_from(address: str, allowed: bool) -> None:
    """IPv4 addresses count as such however the socket writes them."""
    accounts = [account(networks=("192.0.2.0/24", "2001:db8::/32"))]
    assert (await is_let_in(accounts, "acme", "secret", address) is not None) == allowed


@pytest.mark.parametrize(
    ("values", "peer", "refusal"),
    [
        ({"require_tls": True}, Peer("192.0.2.7"), BindRefusal.PLAINTEXT),
        ({"require_tls": True}, Peer("192.0.2.7", True), None),
        ({"certificate_names": ("acme.example",)}, Peer("192.0.2.7"), BindRefusal.CERTIFICATE),
        ({"certificate_names": ("acme.example",)}, Peer("192.0.2.7", True), BindRefusal.CERTIFICATE),
        (
            {"certificate_names": ("acme.example",)},
            Peer("192.0.2.7", True, frozenset({"other.example"})),
            BindRefusal.CERTIFICATE,
        ),
        (
            {"certificate_names": ("old.example", "ACME.example")},
            Peer("192.0.2.7", True, frozenset({"acme.example", "x"})),
            None,
        ),
    ],
)
async def test_an_account_may_ask_for_tls_and_for_certificates(
    values: dict[str, Any], peer: Peer, refusal: BindRefusal | None
) -> None:
    """Without them the right password is as good as a wrong one."""
    found = await Authenticator([account(**values)]).authenticate("acme", "secret", peer)
    assert found is refusal or (refusal is None and isinstance(found, Account))


async def test_networks_written_as_ipv4_in_ipv6_are_ipv4() -> None:
    """However the operator wrote them."""
    accounts = [account(networks=("::ffff:192.0.2.0/120",))]
    assert await is_let_in(accounts, "acme", "secret", "192.0.2.9") is not None
    assert await is_let_in(accounts, "acme", "secret", "192.0.3.9") is None


@pytest.fixture
def verified(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The hashes that passwords were checked against."""
    hashes: list[str] = []
    verify: Callable[..., bool] = argon2.PasswordHasher.verify

    def spy(hasher: argon2.PasswordHasher, password_hash: str, password: str) -> bool:
        hashes.append(password_hash)
        return verify(hasher, password_hash, password)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", spy)
    return hashes


@pytest.mark.parametrize(
    ("system_id", "address"), [("acme", "192.0.2.1"), ("nobody", "192.0.2.1"), ("acme", "198.51.100.1")]
)
async def test_every_refusal_costs_one_hash_of_one_price(verified: list[str], system_id: str, address: str) -> None:
    """A known system_id, an unknown one and a foreign network take the same work, so time tells nothing."""
    settings = AccountSettings(system_id="acme", password_hash=hash_of("secret"), networks=("192.0.2.0/24",))
    authenticator = Authenticator([Account("acme", settings, MessageClassSettings(), 0.0)])
    assert isinstance(await authenticator.authenticate(system_id, "wrong", Peer(address)), BindRefusal)
    (checked,) = verified
    assert argon2.extract_parameters(checked) == argon2.extract_parameters(settings.password_hash)


async def test_a_bind_that_comes_back_costs_no_hash(verified: list[str]) -> None:
    """Once right, a password is known; another one is hashed every time."""
    authenticator = Authenticator([account()])
    for _ in range(3):
        assert isinstance(await authenticator.authenticate("acme", "secret", Peer("192.0.2.1")), Account)
    assert len(verified) == 1
    for _ in range(2):
        assert await authenticator.authenticate("acme", "guess", Peer("192.0.2.1")) is BindRefusal.CREDENTIALS
    assert len(verified) == 3


async def test_a_hash_that_is_none_lets_nobody_in() -> None:
    """A broken configuration is no open door."""
    broken = AccountSettings(system_id="acme", password_hash="secret")
    assert await is_let_in([Account("acme", broken, MessageClassSettings(), 0.0)], "acme", "secret") is None


async def test_a_storm_of_binds_is_checked_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """No more threads hash at once than HASHES_AT_ONCE, and everybody is answered."""
    authenticator = Authenticator([account()])
    busy = most = 0

    def slow(self: object, password_hash: str, password: str) -> bool:
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        trio.from_thread.run(trio.testing.wait_all_tasks_blocked)
        busy -= 1
        return False

    monkeypatch.setattr(Authenticator, "_verify_in_thread", slow)
    answers: list[Account | BindRefusal] = []

    async def bind(number: int) -> None:
        answers.append(await authenticator.authenticate(f"nobody{number}", "x", Peer("192.0.2.1")))

    async with trio.open_nursery() as nursery:
        for number in range(20):
            nursery.start_soon(bind, number)
    assert answers == [BindRefusal.CREDENTIALS] * 20
    assert most <= module.HASHES_AT_ONCE


@pytest.mark.parametrize(("password", "is_right"), [("secret", True), ("wrong", False)])
async def test_binds_with_the_same_credentials_share_one_hash(
    verified: list[str], password: str, is_right: bool
) -> None:
    """An ESME that comes back with all its sessions at once costs what one of them costs, right or wrong."""
    authenticator = Authenticator([account()])
    found: list[Account | BindRefusal] = []

    async def bind() -> None:
        found.append(await authenticator.authenticate("acme", password, Peer("192.0.2.1")))

    async with trio.open_nursery() as nursery:
        for _ in range(100):
            nursery.start_soon(bind)
    assert [isinstance(answer, Account) for answer in found] == [is_right] * 100
    assert len(verified) == 1


async def test_a_check_is_not_shared_with_a_foreign_network(verified: list[str]) -> None:
    """Who may not bind from there learns nothing from a bind that may, and does it no harm."""
    authenticator = Authenticator([account(networks=("192.0.2.0/24",))])
    found: dict[str, Account | BindRefusal] = {}

    async def bind(address: str) -> None:
        found[address] = await authenticator.authenticate("acme", "secret", Peer(address))

    async with trio.open_nursery() as nursery:
        for address in ("198.51.100.1", "192.0.2.1"):
            nursery.start_soon(bind, address)
    assert found["198.51.100.1"] is BindRefusal.NETWORK
    assert isinstance(found["192.0.2.1"], Account)
    assert len(verified) == 2


async def test_a_bind_given_up_leaves_the_others_their_check() -> None:
    """Whoever waited for a check that was cancelled makes its own."""
    authenticator = Authenticator([account()])
    found: list[Account | BindRefusal] = []

    async def bind(scope: trio.CancelScope) -> None:
        with scope:
            found.append(await authenticator.authenticate("acme", "secret", Peer("192.0.2.1")))

    scopes = [trio.CancelScope() for _ in range(3)]
    async with trio.open_nursery() as nursery:
        for scope in scopes:
            nursery.start_soon(bind, scope)
        await trio.testing.wait_all_tasks_blocked()
        scopes[0].cancel()
    assert len(found) >= 2
    assert all(isinstance(answer, Account) for answer in found)


async def test_a_bind_that_is_being_checked_is_judged_by_the_accounts_of_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The account is disabled, gets another password, or leaves while the hash is computed: not let in."""
    for change in ("disabled", "password", "gone"):
        acme = account()
        authenticator = Authenticator([acme])
        verify = authenticator._verify_in_thread

        def verify_slowly(
            hashes: tuple[str, ...],
            password: str,
            acme: Account = acme,
            authenticator: Authenticator = authenticator,
            verify: Any = verify,
            change: str = change,
        ) -> str:
            found: str = verify(hashes, password)
            if change == "gone":
                authenticator.reconfigure([], BindFailureSettings())
            else:
                values = {"enabled": False} if change == "disabled" else {"password": "other"}
                acme.settings = account(**values).settings  # type: ignore[arg-type]
                authenticator.reconfigure([acme], BindFailureSettings())
            return found

        monkeypatch.setattr(authenticator, "_verify_in_thread", verify_slowly)
        assert isinstance(await authenticator.authenticate("acme", "secret", Peer("192.0.2.1")), BindRefusal)


async def test_two_passwords_in_rotation_cost_every_wrong_bind_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both are right; a wrong bind of whomever costs two hashes, so that rotation cannot be told from outside."""
    settings = evolve(account().settings, old_password_hash=CHEAP.hash("older"))
    rotating = Account("acme", settings, MessageClassSettings(), 0.0)
    authenticator = Authenticator([rotating, account("other", "else")])
    costs: list[int] = []
    verify = authenticator._verify_in_thread

    def counted(hashes: tuple[str, ...], password: str) -> str:
        costs.append(len(hashes))
        return verify(hashes, password)

    monkeypatch.setattr(authenticator, "_verify_in_thread", counted)
    peer = Peer("192.0.2.1")
    for password in ("secret", "older"):
        assert await authenticator.authenticate("acme", password, peer) is rotating
        assert authenticator.proof("acme", password) in (settings.password_hash, settings.old_password_hash)
    for system_id in ("acme", "other", "nobody"):
        assert await authenticator.authenticate(system_id, "wrong", peer) is BindRefusal.CREDENTIALS
    assert costs == [2] * 5
    authenticator.reconfigure([account(), account("other", "else")], BindFailureSettings())
    assert await authenticator.authenticate("nobody", "wrong2", peer) is BindRefusal.CREDENTIALS
    assert costs[-1] == 1
