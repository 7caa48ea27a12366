"""Messages of the past, for the tests of reports."""

from typing import Any

from hypothesis import strategies as st

from smsagg.model import Cause, MessageState
from smsagg.reports.traffic import Traffic

NOW = 1_700_000_000_000


def traffic(seq: int, **values: Any) -> Traffic:
    """A delivered message of half a second."""
    fields: dict[str, Any] = {
        "seq": seq,
        "accepted_at": NOW,
        "account": "acme",
        "message_class": "otp",
        "country": "GB",
        "network": "23415",
        "pool": "gb",
        "carrier": "alpha",
        "route": "uk",
        "source_addr": "ACME",
        "tag": "",
        "state": MessageState.DELIVERED,
        "cause": Cause.NONE,
        "error_code": 0,
        "attempts": 1,
        "not_before": NOW,
        "done_at": NOW + 500,
        "part_number": 0,
        "earned": 30_000,
        "cost": 20_000,
    }
    return Traffic(**(fields | values))


STATES = [int(state) for state in MessageState]

TRAFFIC = st.builds(
    traffic,
    st.integers(1, 1 << 40),
    accepted_at=st.integers(NOW, NOW + 86_400_000),
    account=st.sampled_from(["acme", "bank"]),
    country=st.sampled_from(["GB", "VN", ""]),
    carrier=st.sampled_from(["alpha", "beta", ""]),
    source_addr=st.sampled_from(["A", "B", "C", "D"]),
    state=st.sampled_from(STATES),
    cause=st.sampled_from([int(cause) for cause in Cause]),
    attempts=st.integers(0, 5),
    not_before=st.integers(NOW, NOW + 1_000),
    done_at=st.integers(NOW, NOW + 86_400_000),
    part_number=st.integers(0, 3),
    earned=st.integers(0, 10**9),
    cost=st.integers(0, 10**9),
)
