"""Which host it is, and whom to believe about it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsagg.policy.networks import canonical_address, client_address, parse_network

PROXIES = (parse_network("10.0.0.0/8"), parse_network("2001:db8:1::/48"))


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "client"),
    [
        ("192.0.2.7", "", "192.0.2.7"),
        ("192.0.2.7", "198.51.100.1", "192.0.2.7"),  # no proxy of ours: it may write what it likes
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "203.0.113.9, 198.51.100.1", "198.51.100.1"),  # the client forged the first
        ("10.0.0.1", "198.51.100.1, 10.0.0.2", "198.51.100.1"),  # two proxies of ours
        ("10.0.0.1", "203.0.113.9, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
        ("::ffff:10.0.0.1", " ::ffff:198.51.100.1 ", "198.51.100.1"),
        ("2001:db8:1::5", "2001:DB8:0:0::7", "2001:db8::7"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "rubbish", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1,", "10.0.0.1"),
        ("10.0.0.1", "10.0.0.3", "10.0.0.3"),
    ],
)
def test_only_what_trusted_proxies_wrote_is_believed(peer: str, forwarded_for: str, client: str) -> None:
    assert client_address(peer, forwarded_for, PROXIES) == client


@given(st.text(), st.ip_addresses())
def test_what_the_client_wrote_changes_nothing(forged: str, client: object) -> None:
    """Behind one proxy, which adds the client's address, whatever it said before."""
    told = canonical_address(str(client))
    assert client_address("10.0.0.1", f"{forged},{client}", PROXIES[:1]) == told or told.startswith("10.")


@given(st.text(), st.sampled_from(["192.0.2.7", "2001:db8::7"]))
def test_who_is_no_proxy_is_who_it_is(forged: str, peer: str) -> None:
    assert client_address(peer, forged, PROXIES) == peer
