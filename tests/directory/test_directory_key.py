"""Keys: what they may do, and which of their secrets are good."""

from hypothesis import given
from hypothesis import strategies as st

from smsagg.directory.key import Key, Secret, key_of
from smsagg.directory.roles import ROLES, scopes_of

KEY = Key("acme", "crm", (Secret("d0"),))


@given(st.lists(st.tuples(st.integers(0, 100), st.integers(0, 50)), max_size=6))
def test_the_newest_secret_is_good_and_one_before_it_for_its_overlap(rotations: list[tuple[int, int]]) -> None:
    """However often and with whatever overlap a key is rotated."""
    key, now = KEY, 0
    for number, (after, overlap) in enumerate(rotations, 1):
        now += after
        before = key.secrets[0]
        key = key.rotated(f"d{number}", now, overlap)
        assert key.secrets[0] == Secret(f"d{number}")
        assert [secret.digest for secret in key.secrets[1:]] == ([before.digest] if overlap else [])
        assert all(secret.good_until == now + overlap for secret in key.secrets[1:])


def test_no_secret_outlives_its_key() -> None:
    key = Key("acme", "crm", (Secret("new"), Secret("old", 5)), expires_at=10)
    assert [key.good_until(secret) for secret in key.secrets] == [10, 5]
    assert key.good_until(Secret("old", 20)) == 10
    assert KEY.good_until(KEY.secrets[0]) is None


@given(role=st.sampled_from(ROLES), scopes=st.lists(st.sampled_from(["messages:write", "users:write", "admin:write"])))
def test_a_users_key_may_no_more_than_the_user(role: str, scopes: list[str]) -> None:
    key = Key("acme", "crm", (), scopes=tuple(scopes), user="ann")
    assert key.allowed(role) <= scopes_of(role, "acme")


@given(st.sampled_from(["acme/crm", "/crm", "a.b/c.d"]))
def test_what_is_kept_is_read_again(path: str) -> None:
    account, _, name = path.rpartition("/")
    key = Key(
        account, name, (Secret("d", 5),), "owner", ("messages:read",), "ann", 7, ("10.0.0.0/8",), "c", 1.5, 2, 3, "k"
    )
    assert key.path == path
    assert key_of(path, key.document()) == key
