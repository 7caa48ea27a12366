"""Receives webhooks and prints whether they are truly ours: ``python tools/webhook_receiver.py --secret whsec_…``.

Verifying needs nothing but Python (:func:`verified`).
"""

import base64
import hmac
import time
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import click

BODY_OCTETS_MAX = 1 << 20
TOLERANCE_S = 300
DEV_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
"""That of ``configs/dev.toml``."""


def verified(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """Whether ``body`` was signed with ``secret``, less than five minutes ago (Standard Webhooks)."""
    name, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not timestamp.isdigit() or abs(time.time() - int(timestamp)) > TOLERANCE_S:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{name}.{timestamp}.".encode() + body, sha256).digest()
    expected = "v1," + base64.b64encode(digest).decode()
    return any(hmac.compare_digest(expected, one) for one in headers.get("webhook-signature", "").split())


@click.command()
@click.option("--port", default=8099, show_default=True)
@click.option("--secret", default=DEV_SECRET, help="As in the configuration: whsec_…; default: that of make run.")
def main(port: int, secret: str) -> None:
    """Listen on 127.0.0.1 and print each event, verified or not."""

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = min(int(self.headers.get("content-length", 0)), BODY_OCTETS_MAX)
            body = self.rfile.read(length)
            is_ours = verified(secret, {name.lower(): value for name, value in self.headers.items()}, body)
            print("verified " if is_ours else "NOT OURS ", body.decode("utf-8", "replace"), flush=True)
            self.send_response(204 if is_ours else 401)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Events are the log."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Receiver)
    print(f"listening on http://127.0.0.1:{server.server_port}/", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
