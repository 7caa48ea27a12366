"""Webhooks that are made while the server runs: told, verified by the public verifier, and not forgotten by kill -9."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

from integration_processes import PATIENCE_S, Server, make_config
from standardwebhooks import Webhook as Verifier

from smsagg.client import Client, webhooks
from smsagg.client.webhooks import Webhook
from smsagg.directory.secrets import digest_of

KEY = "sk_integration"


class Received(NamedTuple):
    path: str
    headers: dict[str, str]
    body: bytes

    def verified(self, secret: str) -> Any:
        return Verifier(secret).verify(self.body, self.headers)


class Receiver(ThreadingHTTPServer):
    """An application's own server."""

    daemon_threads = True

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.status = 204
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.received.append(Received(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                self.send_response(receiver.status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing."""

        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"

    def at(self, path: str) -> list[Received]:
        return [one for one in self.received if one.path == path]


@contextmanager
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def configure(directory: Path) -> Path:
    config = directory / "smsagg.toml"
    key = f'[accounts.demo.api_keys.app]\nhash = "{digest_of(KEY)}"\n'
    allowed = '[webhooks]\nallowed_networks = ["127.0.0.0/8"]\n'
    config.write_text(f"{make_config(directory)}\n{key}\n{allowed}")
    return config


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def send(client: Client, count: int = 1, **members: Any) -> None:
    for _ in range(count):
        client.send(to="+447700900123", text="hello", sender="ACME", **members)


def test_a_webhook_and_a_callback_are_told_the_life_of_a_message(tmp_path: Path) -> None:
    """Each signed with its own secret, and each event once."""
    server = Server(configure(tmp_path), tmp_path / "log")
    try:
        with receiver() as told, Client(server.http, KEY) as client:
            hook = client.ask(webhooks.create("crm", f"{told.url}/crm"))
            callback = client.ask(webhooks.rotate_callback_secret()).secret
            send(client, callback_url=f"{told.url}/callback")
            until(lambda: len(told.received) >= 6)
            assert hook.secret is not None
            for path, secret in (("/crm", hook.secret), ("/callback", callback)):
                events = [one.verified(secret) for one in told.at(path)]
                kinds = {event["type"] for event in events}
                assert kinds == {"message.queued", "message.sent", "message.delivered"}
                assert len(events) == 3
    finally:
        server.process.close()


def test_what_an_endpoint_said_and_missed_outlives_kill_9(tmp_path: Path) -> None:
    """410 holds after a restart; enabled again it is sent what it missed, and what it had when it asks for that."""
    config, log = configure(tmp_path), tmp_path / "log"
    with receiver() as told:
        server = Server(config, log)
        try:
            with Client(server.http, KEY) as client:
                hook = client.ask(webhooks.create("crm", f"{told.url}/crm", events=["message.queued"]))
                send(client, 3)
                until(lambda: len(told.received) == 3)
                told.status = 410
                send(client)
                until(lambda: client.ask(webhooks.look("crm")).health.disabled_for == "gone")
        finally:
            server.process.close()  # kill -9
        told.status, gone = 204, len(told.received)
        server = Server(config, log)
        try:
            with Client(server.http, KEY) as client:
                assert client.ask(webhooks.look("crm")).health.state == "disabled"
                send(client, 2)
                time.sleep(0.5)
                assert len(told.received) == gone
                client.ask(webhooks.enable("crm"))
                until(lambda: _has_all_been_told(client.ask(webhooks.look("crm"))))
                assert hook.secret is not None
                ids = [one.verified(hook.secret)["id"] for one in told.received]
                assert len(set(ids)) == 6
                before = len(ids)
                since = min(event.timestamp for event in client.events())
                assert client.ask(webhooks.replay("crm", since)).owed == 6
                until(lambda: len(told.received) == before + 6)
                again = told.received[before:]
                assert {one.verified(hook.secret)["id"] for one in again} == set(ids)
        finally:
            server.process.close()


def _has_all_been_told(hook: Webhook) -> bool:
    return hook.health.pending == 0 and hook.health.state == "ok"
