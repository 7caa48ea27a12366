"""Failed binds at the front door: what they cost, whom they ban, and that good tenants still bind."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import argon2
import pytest
import structlog
import trio
import trio.testing
from esme_bench import PASSWORD, front_door
from esme_bench import account as account_settings

from smsagg.config.schema import AccountSettings, BindFailureSettings, MessageClassSettings
from smsagg.engine.accounts import Account
from smsagg.esme.authenticator import Authenticator, BindRefusal
from smsagg.esme.peer import Peer
from smsagg.smpp import status as s

CHEAP = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
HOST, OTHER = Peer("192.0.2.1"), Peer("198.51.100.1")


def account(system_id: str, **values: Any) -> Account:
    settings = AccountSettings(system_id=system_id, password_hash=CHEAP.hash("secret"), **values)
    return Account(system_id, settings, MessageClassSettings(), 0.0)


def authenticator(*accounts: Account, **values: Any) -> Authenticator:
    return Authenticator(accounts or (account("acme"),), BindFailureSettings(**values))


@pytest.fixture(autouse=True)
def no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mock clock does not wait for threads; what runs in one cannot be cancelled here, either."""

    async def run_sync(function: Callable[..., Any], *arguments: Any) -> Any:
        with trio.CancelScope(shield=True):
            await trio.lowlevel.checkpoint()
        return function(*arguments)

    monkeypatch.setattr(trio.to_thread, "run_sync", run_sync)


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each password was hashed."""
    passwords: Counter[str] = Counter()
    verify: Callable[..., bool] = argon2.PasswordHasher.verify

    def spy(hasher: argon2.PasswordHasher, password_hash: str, password: str) -> bool:
        passwords[password] += 1
        return verify(hasher, password_hash, password)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", spy)
    return passwords


async def fail(door: Authenticator, times: int, system_id: str = "acme", peer: Peer = HOST) -> None:
    for number in range(times):
        assert not isinstance(await door.authenticate(system_id, f"guess{number}", peer), Account)


async def seconds(door: Authenticator, system_id: str, password: str, peer: Peer = HOST) -> tuple[float, BindRefusal]:
    began_at = trio.current_time()
    refusal = await door.authenticate(system_id, password, peer)
    assert isinstance(refusal, BindRefusal)
    return trio.current_time() - began_at, refusal


async def test_every_refusal_comes_at_the_same_instant(autojump_clock: trio.testing.MockClock) -> None:
    """After as many failures, whatever was wrong: nobody can tell a system_id that is there from one that is not, a
    foreign network, a missing certificate, or a ban, by the time that the answer takes."""
    accounts = (
        account("acme"),
        account("inside", networks=("203.0.113.0/24",)),
        account("secure", require_tls=True),
        account("certified", certificate_names=("acme.example",)),
        account("closed", enabled=False),
    )
    door = authenticator(*accounts, address_ban_after=1_000)
    answers: dict[str, list[float]] = {}
    refusals: dict[str, set[BindRefusal]] = {}
    for system_id in ("acme", "nobody", "inside", "secure", "certified", "closed"):
        password = "secret" if system_id in ("inside", "secure", "certified", "closed") else "wrong"
        told = [await seconds(door, system_id, password) for _ in range(13)]
        answers[system_id] = [round(delay, 6) for delay, _ in told]
        refusals[system_id] = {refusal for _, refusal in told}
    assert answers["acme"] == [0, 0, 0, 0.25, 0.5, 1, 2, 4, 4, 4, 4, 4, 4]
    assert all(delays == answers["acme"] for delays in answers.values())
    assert refusals == {
        "acme": {BindRefusal.CREDENTIALS, BindRefusal.BANNED},
        "nobody": {BindRefusal.CREDENTIALS, BindRefusal.BANNED},
        "inside": {BindRefusal.NETWORK, BindRefusal.BANNED},
        "secure": {BindRefusal.PLAINTEXT, BindRefusal.BANNED},
        "certified": {BindRefusal.CERTIFICATE, BindRefusal.BANNED},
        "closed": {BindRefusal.DISABLED, BindRefusal.BANNED},
    }


async def test_a_right_password_waits_for_nothing(autojump_clock: trio.testing.MockClock) -> None:
    """Who mistyped some times and then has it right is in at once."""
    door = authenticator()
    await fail(door, 8)
    began_at = trio.current_time()
    assert isinstance(await door.authenticate("acme", "secret", HOST), Account)
    assert trio.current_time() == began_at


async def test_a_ban_costs_no_hash_and_is_no_door_for_the_right_password(
    autojump_clock: trio.testing.MockClock, hashed: Counter[str]
) -> None:
    """Nobody who is banned learns that his guess was right, remembered as it may be; after the ban it is."""
    door = authenticator()
    assert isinstance(await door.authenticate("acme", "secret", HOST), Account)
    await fail(door, 10)
    hashed.clear()
    assert await door.authenticate("acme", "secret", HOST) is BindRefusal.BANNED
    assert not hashed
    await trio.sleep(300)
    assert isinstance(await door.authenticate("acme", "secret", HOST), Account)


async def test_a_victim_is_not_locked_out_from_elsewhere(autojump_clock: trio.testing.MockClock) -> None:
    """However often its system_id is tried from other addresses."""
    door = authenticator()
    for number in range(30):
        await fail(door, 12, peer=Peer(f"198.51.100.{number}"))
    assert isinstance(await door.authenticate("acme", "secret", HOST), Account)


async def test_who_tries_many_system_ids_is_banned_and_tenants_at_his_address_are_not(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """A tenant that names the network as its own, and one that was bound from there before, still bind."""
    door = authenticator(account("listed", networks=("192.0.2.0/24",)), account("known"), account("fresh"))
    assert isinstance(await door.authenticate("known", "secret", HOST), Account)
    for number in range(50):
        await fail(door, 1, f"guess{number}")
    assert await door.authenticate("fresh", "secret", HOST) is BindRefusal.BANNED
    assert isinstance(await door.authenticate("listed", "secret", HOST), Account)
    assert isinstance(await door.authenticate("known", "secret", HOST), Account)
    assert isinstance(await door.authenticate("fresh", "secret", OTHER), Account)


async def test_ipv6_hosts_of_one_subscriber_are_one_address(autojump_clock: trio.testing.MockClock) -> None:
    """A /64 has more addresses than anybody can count."""
    door = authenticator()
    for number in range(10):
        await fail(door, 1, peer=Peer(f"2001:db8::{number:x}"))
    assert await door.authenticate("acme", "secret", Peer("2001:db8::ffff")) is BindRefusal.BANNED
    assert isinstance(await door.authenticate("acme", "secret", Peer("2001:db8:0:1::1")), Account)


async def test_guesses_side_by_side_are_no_more_than_one_after_the_other(
    autojump_clock: trio.testing.MockClock, hashed: Counter[str]
) -> None:
    """A thousand connections that guess at one system_id at once get ten guesses in all."""
    door = authenticator()
    async with trio.open_nursery() as nursery:
        for number in range(1_000):
            nursery.start_soon(door.authenticate, "acme", f"guess{number}", HOST)
    assert sum(hashed.values()) == 10


async def test_a_storm_from_one_address_is_hashed_up_to_its_ban(
    autojump_clock: trio.testing.MockClock, hashed: Counter[str]
) -> None:
    """Who waits for his turn is hashed no more once his address is banned; tenants do not wait behind him."""
    listed = account("listed", networks=("192.0.2.0/24",))
    door = authenticator(listed)
    order: list[str] = []

    async def bind(system_id: str) -> None:
        await door.authenticate(system_id, "secret", HOST)
        order.append(system_id)

    async with trio.open_nursery() as nursery:
        for number in range(1_000):
            nursery.start_soon(bind, f"nobody{number}")
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(bind, "listed")
    assert 50 <= sum(hashed.values()) <= 50 + 2
    assert order.index("listed") < 50


async def test_who_hangs_up_while_his_guess_is_hashed_has_failed_all_the_same(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guessing and hanging up is not free."""
    door = authenticator()

    def hash_while_he_hangs_up(_door: Authenticator, _password_hash: str, _password: str) -> bool:
        scope.cancel()
        return False

    monkeypatch.setattr(Authenticator, "_verify_in_thread", hash_while_he_hangs_up)
    for number in range(10):
        with trio.CancelScope() as scope:
            await door.authenticate("acme", f"guess{number}", HOST)
        assert scope.cancelled_caught or number < 3
    assert door.bans() == {"bind": 1, "address": 0}


async def test_a_pool_of_sessions_with_one_wrong_password_has_failed_once(
    autojump_clock: trio.testing.MockClock, hashed: Counter[str]
) -> None:
    """An ESME that comes back with a hundred sessions and last year's password is not banned for the first try."""
    door = authenticator()
    async with trio.open_nursery() as nursery:
        for _ in range(100):
            nursery.start_soon(door.authenticate, "acme", "old", HOST)
    assert sum(hashed.values()) == 1
    assert isinstance(await door.authenticate("acme", "secret", HOST), Account)


async def test_decoys_cost_what_the_accounts_hashes_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each refusal's hash has the price of the account's own; an unknown system_id has that of some account, and
    always the same."""
    dear = argon2.PasswordHasher(time_cost=2, memory_cost=16, parallelism=1)
    foreign = ("203.0.113.0/24",)
    accounts = [
        Account(name, AccountSettings(name, hasher.hash("secret"), networks=foreign), MessageClassSettings(), 0.0)
        for name, hasher in (("cheap", CHEAP), ("dear", dear))
    ]
    prices: list[int] = []

    def spy(_hasher: argon2.PasswordHasher, password_hash: str, _password: str) -> bool:
        prices.append(argon2.extract_parameters(password_hash).memory_cost)
        raise argon2.exceptions.VerifyMismatchError

    monkeypatch.setattr(argon2.PasswordHasher, "verify", spy)
    door = Authenticator(accounts)
    for system_id in ("cheap", "dear", "nobody", "nobody"):
        await door.authenticate(system_id, "x", HOST)
    assert prices[:2] == [8, 16]
    assert prices[2] == prices[3]
    assert prices[2] in (8, 16)


async def test_a_ban_is_logged_once_and_counted(autojump_clock: trio.testing.MockClock) -> None:
    """One line when it begins; the gauge tells how many there are."""
    door = authenticator()
    with structlog.testing.capture_logs() as lines:
        await fail(door, 30)
    assert [(line["event"], line["peer"], line["system_id"]) for line in lines] == [
        ("bind_banned", "192.0.2.1", "acme")
    ]
    assert door.bans() == {"bind": 1, "address": 0}


async def test_a_storm_fills_no_log(autojump_clock: trio.testing.MockClock) -> None:
    """What a ban refuses is one line in ten seconds, however many system_ids are tried."""
    async with front_door() as bench:
        failures = BindFailureSettings(address_ban_after=5, ban=1e6)  # type: ignore[arg-type]
        bench.door.authenticator = Authenticator([account("acme")], failures)
        with structlog.testing.capture_logs() as lines:
            for number in range(100):
                await bench.connect().try_bind(system_id=f"guess{number}", password="x")
    refused = [line["reason"] for line in lines if line["event"] == "bind_refused"]
    assert refused == ["credentials"] * 5 + ["banned"]
    assert [line["event"] for line in lines].count("address_banned") == 1


async def test_binds_beyond_the_accounts_number_are_no_failed_binds(autojump_clock: trio.testing.MockClock) -> None:
    """A client that lost power and tries again and again is in as soon as its dead session is out, and never banned."""
    settings = AccountSettings(system_id="acme", password_hash=CHEAP.hash(PASSWORD), binds_max=1)
    async with front_door(accounts={"acme": settings}) as bench:
        failures = BindFailureSettings(free=0, ban_after=3)
        bench.door.authenticator = Authenticator(bench.gateway.engine.accounts.values(), failures)
        dead = await bench.bound()
        dead.answers_enquire_link = False
        began_at = trio.current_time()
        answers: list[int] = []
        while s.ESME_ROK not in answers:
            answers.append((await bench.connect().try_bind()).command_status)
            await trio.sleep(0.5)
        assert trio.current_time() - began_at <= 11.0
        assert bench.door.metrics.smpp_bind_failures["binds_max"].n == len(answers) - 1 > 10


async def test_the_peer_sees_one_answer_whatever_was_wrong(autojump_clock: trio.testing.MockClock) -> None:
    """ESME_RBINDFAIL and the end, octet by octet the same; the reason is counted for the operator."""
    accounts = {
        "acme": account_settings("acme"),
        "inside": account_settings("inside", networks=("203.0.113.0/24",)),
        "secure": account_settings("secure", require_tls=True),
        "closed": account_settings("closed", enabled=False),
    }
    async with front_door(accounts=accounts) as bench:
        engine = bench.gateway.engine
        bench.door.authenticator = Authenticator(engine.accounts.values(), BindFailureSettings(free=0, ban_after=1))
        answers = []
        for system_id in ("acme", "nobody", "inside", "secure", "closed", "acme"):
            client = bench.connect()
            answers.append(await client.try_bind(system_id=system_id))
            assert await client.receive_all() == []
        assert {type(answer).__name__ for answer in answers} == {"BindTransceiverResp"}
        assert {(answer.command_status, answer.system_id, answer.tlvs) for answer in answers} == {
            (s.ESME_RBINDFAIL, "", ())
        }
        counted = {
            reason: bench.door.metrics.smpp_bind_failures[reason].n
            for reason in ("credentials", "network", "plaintext", "disabled", "banned")
        }
        assert counted == {"credentials": 2, "network": 1, "plaintext": 1, "disabled": 1, "banned": 1}
