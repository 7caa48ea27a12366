"""What lets somebody in, over reloads of the file and changes at run time."""

from typing import Any

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from smsagg.config.schema import AccountHttpSettings, ApiKeySettings, Config
from smsagg.directory.caller import Caller
from smsagg.engine.directory.credentials import Credential, Credentials
from smsagg.testing.gateway import account_settings, make_config

DIGESTS = [f"sha256:{digit * 64}" for digit in "abcd"]
SOURCES = ["acme/one", "acme/two"]


class Standing:
    """A clock that stands."""

    def now_ms(self) -> int:
        return 1_000

    def monotonic_s(self) -> float:
        return 1.0


def config_with(digests: list[str], **account: Any) -> Config:
    """Keys of these digests, of the account ``acme``."""
    keys = {digest[-4:]: ApiKeySettings(digest) for digest in digests}
    return make_config(accounts={"acme": evolve(account_settings("acme", api_keys=keys), **account)})


def credential_of(credentials: Credentials, source: str, digest: str) -> Credential:
    caller = Caller("acme", f"key:{source}", frozenset(), "developer", credential=digest)
    return Credential(caller, credentials.place("acme"))


FILES = st.lists(st.sampled_from(DIGESTS[1:]), unique=True)
MADE = st.tuples(st.sampled_from(SOURCES), st.sampled_from([DIGESTS[:1], DIGESTS[:0], DIGESTS[1:2]]))


@given(st.lists(st.one_of(FILES, MADE)))
def test_who_is_in_the_file_or_was_made_and_nobody_else_is_let_in(steps: list[Any]) -> None:
    """In whatever order the file is reloaded and keys are made, replaced and revoked, also when the file has one that
    was made too: then the file's counts, and the other is back when it leaves the file."""
    credentials = Credentials(config_with([]), Standing())
    in_file: list[str] = []
    made: dict[str, str] = {}
    for step in steps:
        if isinstance(step, list):
            in_file = step
            credentials.reconfigure(config_with(in_file))
        else:
            source, digests = step
            if set(digests) & {digest for other, digest in made.items() if other != source}:
                continue  # nobody makes the same secret twice
            made.pop(source, None)
            if digests:
                made[source] = digests[0]
            credentials.replace(source, {one: credential_of(credentials, source, one) for one in digests})
        for digest in DIGESTS:
            found = credentials.find(digest)
            expected = f"key:{digest[-4:]}" if digest in in_file else None
            owners = [f"key:{source}" for source, one in made.items() if one == digest]
            assert (found.caller.name if found else None) == (expected or next(iter(owners), None))


def test_an_account_that_is_disabled_or_gone_lets_nobody_in() -> None:
    credentials = Credentials(config_with(DIGESTS[:1]), Standing())
    credentials.replace("acme/one", {DIGESTS[1]: credential_of(credentials, "acme/one", DIGESTS[1])})
    others = make_config(accounts={"other": account_settings("other")})
    for config in (config_with(DIGESTS[:1], enabled=False), others):
        credentials.reconfigure(config)
        assert [credentials.find(digest) for digest in DIGESTS[:2]] == [None, None]
        credentials.reconfigure(config_with(DIGESTS[:1]))
        assert None not in [credentials.find(digest) for digest in DIGESTS[:2]]


def test_followers_are_told_when_somebody_may_have_to_go() -> None:
    """Not when somebody comes."""
    told: list[str] = []
    credentials = Credentials(config_with([]), Standing())
    credentials.on_changed.append(lambda: told.append("changed"))
    credentials.replace("acme/one", {DIGESTS[0]: credential_of(credentials, "acme/one", DIGESTS[0])})
    assert told == []
    credentials.replace("acme/one", {})
    assert told == ["changed"]
    credentials.reconfigure(config_with([], http=AccountHttpSettings(networks=("10.0.0.0/8",))))
    assert told == ["changed"] * 2
