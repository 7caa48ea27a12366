"""The second factor of people, and what is dangerous without it."""

import base64
from urllib.parse import parse_qs, urlsplit

import trio
from directory_bench import OWNER_KEY, kind_of, made, owned_config
from trio.testing import MockClock
from v1_bench import OPERATOR_KEY, Client, api

from smsagg.config.schema import Config, DirectorySettings
from smsagg.directory.totp import code_of, step_at
from smsagg.store.memory import MemoryStore


def strict_config() -> Config:
    return owned_config(directory=DirectorySettings(totp_for=("keys", "users")))


class Person:
    """A person of acme with a key, and an authenticator."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._clock = client.gateway.clock
        self._seed = b""

    async def enrol(self, **headers: str) -> None:
        answer = await self.client.call("POST", "/v1/users/me/totp", **headers)
        assert answer.status == 201, answer.body
        query = parse_qs(urlsplit(answer.document["uri"]).query)
        self._seed = base64.b32decode(query["secret"][0])

    def code(self, steps: int = 0) -> str:
        return code_of(self._seed, step_at(self._clock.now_ms()) + steps)

    async def confirm(self) -> int:
        return (await self.client.call("POST", "/v1/users/me/totp/confirm", {"code": self.code()})).status

    async def make_key(self, name: str, code: str) -> tuple[int, str]:
        answer = await self.client.call("POST", "/v1/keys", {"name": name}, totp=code)
        return (201, "") if answer.status == 201 else kind_of(answer)

    def next_step(self) -> None:
        self._clock.jump_wall(30)


async def person(client: Client, role: str = "owner") -> Person:
    """Made by the operator under the lax policy of before, as the first one is."""
    operator = client.with_key(OPERATOR_KEY)
    assert (await operator.call("PUT", "/v1/admin/users/ann?account=acme", {"role": role})).status == 201
    key = await made(operator, "/v1/admin/keys?account=acme", {"name": "ann", "user": "ann"})
    return Person(client.with_key(key["secret"]))


def be_strict(client: Client) -> None:
    client.gateway.reconfigure(strict_config())
    client.app.reconfigure()


async def test_what_the_policy_names_needs_a_code_and_a_code_is_good_once() -> None:
    async with api(owned_config()) as client:
        ann = await person(client)
        be_strict(client)
        assert await ann.make_key("k", "") == (403, "totp-not-enrolled")
        await ann.enrol()
        assert await ann.make_key("k", ann.code()) == (403, "totp-not-enrolled")
        assert await ann.confirm() == 204
        assert await ann.make_key("k", "") == (403, "totp-needed")
        assert await ann.make_key("k", ann.code()) == (403, "totp-refused")
        ann.next_step()
        assert await ann.make_key("k", ann.code()) == (201, "")
        assert await ann.make_key("k2", ann.code()) == (403, "totp-refused")
        ann.next_step()
        assert await ann.make_key("k2", ann.code(-1)) == (403, "totp-refused")
        assert await ann.make_key("k2", ann.code(+1)) == (201, "")
        me = (await ann.client.call("GET", "/v1/me")).document
        assert (me["name"], me["has_totp"], me["totp_for"]) == ("user:ann", True, ["keys", "users"])


async def test_of_requests_that_show_one_code_at_once_one_is_done() -> None:
    async with api(owned_config()) as client:
        ann = await person(client)
        await ann.enrol()
        await ann.confirm()
        be_strict(client)
        ann.next_step()
        answers: list[tuple[int, str]] = []

        async def make(name: str) -> None:
            answers.append(await ann.make_key(name, ann.code()))

        async with trio.open_nursery() as nursery:
            for number in range(5):
                nursery.start_soon(make, f"k{number}")
        assert sorted(answers) == [(201, "")] + [(403, "totp-refused")] * 4


async def test_a_wrong_request_uses_no_code_up() -> None:
    async with api(owned_config()) as client:
        ann = await person(client)
        await ann.enrol()
        await ann.confirm()
        be_strict(client)
        ann.next_step()
        code = ann.code()
        assert await ann.make_key("app", code) == (409, "name-taken")
        assert (await ann.client.call("POST", "/v1/keys", {"name": "?"}, totp=code)).status == 422
        assert await ann.make_key("k", code) == (201, "")


async def test_after_five_wrong_codes_none_is_looked_at_for_five_minutes(autojump_clock: MockClock) -> None:
    async with api(owned_config()) as client:
        ann = await person(client)
        await ann.enrol()
        await ann.confirm()
        be_strict(client)
        ann.next_step()
        for _ in range(5):
            assert await ann.make_key("k", "abcdef") == (403, "totp-refused")
        locked = await ann.client.call("POST", "/v1/keys", {"name": "k"}, totp=ann.code())
        assert (kind_of(locked), locked.headers["retry-after"]) == ((429, "totp-locked"), "300")
        await trio.sleep(300)
        assert await ann.make_key("k", ann.code()) == (201, "")


async def test_used_codes_stay_used_in_another_life_and_seeds_are_kept_sealed() -> None:
    store = MemoryStore()
    async with api(owned_config(), store) as client:
        ann = await person(client)
        await ann.enrol()
        await ann.confirm()
        code, seed, key = ann.code(), ann._seed, ann.client.key
    kept = b"".join(store.tables.entities.values())
    assert b"sealed:" in kept
    assert seed.hex().encode() not in kept
    async with api(strict_config(), MemoryStore(store.tables)) as client:
        again = Person(client.with_key(key))
        again._seed = seed
        assert await again.make_key("k", code) == (403, "totp-refused")
        again.next_step()
        again.next_step()
        assert await again.make_key("k", again.code()) == (201, "")


async def test_a_stolen_key_takes_no_factors_place() -> None:
    """Enrolling anew needs a code of the old one; somebody with `users:write` can take it away."""
    async with api(owned_config()) as client:
        ann = await person(client, "developer")
        await ann.enrol()
        await ann.confirm()
        assert kind_of(await ann.client.call("POST", "/v1/users/me/totp")) == (403, "totp-needed")
        ann.next_step()
        await ann.enrol(totp=ann.code())
        assert (await ann.client.call("GET", "/v1/me")).document["has_totp"] is False
        assert await ann.confirm() == 204
        owner = client.with_key(OWNER_KEY)
        assert kind_of(await ann.client.call("DELETE", "/v1/users/ann/totp")) == (403, "scope-missing")
        assert (await owner.call("DELETE", "/v1/users/ann/totp")).status == 204
        assert kind_of(await owner.call("DELETE", "/v1/users/ann/totp")) == (404, "no-totp")
        await ann.enrol()


async def test_an_owners_stolen_key_takes_its_own_factor_away_by_a_code_only() -> None:
    """Whatever the policy says, as when enrolling anew."""
    async with api(owned_config()) as client:
        ann = await person(client)
        await ann.enrol()
        await ann.confirm()
        assert kind_of(await ann.client.call("DELETE", "/v1/users/ann/totp")) == (403, "totp-needed")
        ann.next_step()
        assert (await ann.client.call("DELETE", "/v1/users/ann/totp", totp=ann.code())).status == 204


async def test_keys_that_are_nobodys_do_nothing_that_is_dangerous() -> None:
    """A thief of one makes no keys and no people."""
    async with api(strict_config()) as client:
        owner = client.with_key(OWNER_KEY)
        for method, path, body in (
            ("POST", "/v1/keys", {"name": "k"}),
            ("POST", "/v1/clients", {"name": "k"}),
            ("PUT", "/v1/users/bob", {"role": "analyst"}),
        ):
            assert kind_of(await owner.call(method, path, body)) == (403, "totp-needed")
        assert kind_of(await owner.call("POST", "/v1/users/me/totp")) == (403, "no-user")
