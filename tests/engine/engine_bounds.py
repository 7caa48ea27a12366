"""A configuration whose every bound is so low that random lives meet it all the time."""

from smsagg.config.schema import (
    Duration,
    MessageClassSettings,
    PoolMember,
    ReceiptSettings,
    RetrySettings,
    ServerSettings,
    StoreSettings,
)
from smsagg.testing.carrier import FakeSettings
from smsagg.testing.gateway import account_settings, carrier_settings, make_config, pool_settings

ACCOUNTS = ("acme", "otp")
CARRIERS = ("alpha", "beta", "gamma")
GRACE_S = 40.0
ATTEMPTS_MAX = 30

TIGHT = make_config(
    accounts={
        "acme": account_settings("acme", queue_max=40, deliveries_in_memory_max=3),
        "otp": account_settings("otp", queue_max=40, deliveries_in_memory_max=3, message_class="otp"),
    },
    carriers={
        "alpha": carrier_settings(FakeSettings(window=3), circuit_failures=4, circuit_open=Duration(3)),
        "beta": carrier_settings(FakeSettings(window=2, links=2), circuit_failures=4, circuit_open=Duration(3)),
        "gamma": carrier_settings(FakeSettings(window=2), circuit_failures=4, circuit_open=Duration(3)),
    },
    pools={
        "gb": pool_settings(PoolMember("alpha"), PoolMember("beta", rank=1), queue_max=4, backup="world"),
        "vn": pool_settings("beta", "alpha", queue_max=3, policy="weighted"),
        "world": pool_settings("gamma", queue_max=3),
    },
    message_classes={
        name: MessageClassSettings(
            in_doubt=in_doubt,
            retry=RetrySettings(first=Duration(1), max=Duration(4), attempts_max=ATTEMPTS_MAX),
        )
        for name, in_doubt in (("default", "resend"), ("otp", "fail"))
    },
    server=ServerSettings(accept_deadline=Duration(0.5)),
    receipts=ReceiptSettings(
        carrier_grace=Duration(GRACE_S), retry_first=Duration(1), retry_max=Duration(4), ttl=Duration(100_000)
    ),
    store=StoreSettings(
        history_ttl=Duration(1e9),  # what is over is the judge's evidence
        live_messages_in_memory_max=6,
        scheduled_in_memory_max=3,
        parked_receipts_max=30,
        parked_receipt_ttl=Duration(500),
    ),
)
LIVE_MAX = 2 * (4 + 3 + 3) + (3 + 4 + 2) + 3 + 6
"""The ready queues, once more what may be given back to them, the windows, the schedule, those that await receipts."""
