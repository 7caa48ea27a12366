"""Signatures in the form of Standard Webhooks."""

import os

import pytest
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from smsagg.signing import new_secret, secret_octets, signed_headers

NOW_S = 1_800_000_000
BODY = b'{"type":"message.delivered","data":{"to":"\xe4\xbd\xa0"}}'


def headers_of(secrets: list[str], timestamp_s: int) -> dict[str, str]:
    return {k.decode(): v.decode() for k, v in signed_headers(secrets, "evt_1", timestamp_s, BODY)}


def test_the_public_verifier_takes_our_signatures(monkeypatch: pytest.MonkeyPatch) -> None:
    """With either secret while one is being rotated, and with no other; and no body but the one that was signed."""
    import time

    now_s = int(time.time())
    old, new, strange = (new_secret(os.urandom) for _ in range(3))
    headers = headers_of([new, old], now_s)
    for secret in (old, new):
        assert Webhook(secret).verify(BODY, headers)["type"] == "message.delivered"
    with pytest.raises(WebhookVerificationError):
        Webhook(strange).verify(BODY, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(new).verify(BODY + b" ", headers)


def test_an_old_signature_can_be_told() -> None:
    """The timestamp is signed: what was sent ten minutes ago is refused, also with a fresh timestamp put in."""
    import time

    secret, now_s = new_secret(os.urandom), int(time.time())
    old = headers_of([secret], now_s - 600)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(BODY, old)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(BODY, old | {"webhook-timestamp": str(now_s)})


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_AAAA", "whsec_!!!!", "x" * 40, "whsec_" + "A" * 120])
def test_short_and_broken_secrets_are_refused(secret: str) -> None:
    """24 octets at least."""
    with pytest.raises(ValueError, match="a secret"):
        secret_octets(secret)
