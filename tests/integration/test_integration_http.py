"""HTTP and ``kill -9``: applications that send while the server dies, and find it again."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from integration_processes import Server, make_config

from smsagg.client import Client, Message
from smsagg.directory.secrets import digest_of
from smsagg.history import open_history

KEY = "sk_integration"
SENDERS, SINGLES, BATCHES, BATCH = 4, 50, 10, 5
LIVES = 3
_STORED = "SELECT reference, message_id FROM messages UNION ALL SELECT reference, message_id FROM history"


def configure(directory: Path) -> Path:
    """A server with a key, on a port that it finds again."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    text = make_config(directory).replace('http_listen = "127.0.0.1:0"', f'http_listen = "127.0.0.1:{port}"')
    config = directory / "smsagg.toml"
    config.write_text(text + f'\n[accounts.demo.api_keys.app]\nhash = "{digest_of(KEY)}"\n')
    return config


class Sender(threading.Thread):
    """An application that sends one thing after the other, each under a key and a reference of its own."""

    def __init__(self, url: str, name: str, answered: list[Message]) -> None:
        super().__init__(name=name)
        self.error: Exception | None = None
        self._answered = answered
        self._client = Client(url, KEY, retries=30, timeout_s=10.0)

    def run(self) -> None:
        try:
            with self._client as client:
                for number in range(SINGLES):
                    key = f"{self.name}-{number}"
                    self._answered.append(
                        client.send(to="+447700900123", text="hello", sender="ACME", reference=key, idempotency_key=key)
                    )
                    if number % (SINGLES // BATCHES) == 0:
                        self._send_batch(client, f"{self.name}-batch-{number}")
        except Exception as error:  # noqa: BLE001 — told by the test
            self.error = error

    def _send_batch(self, client: Client, key: str) -> None:
        messages = [
            {"to": "+84901234567", "from": "ACME", "text": "hello", "reference": f"{key}-{place}"}
            for place in range(BATCH)
        ]
        for result in client.send_batch(messages, idempotency_key=key):
            assert result.message is not None
            self._answered.append(result.message)


@contextmanager
def lives(config: Path, log: Path, answered: list[Message]) -> Iterator[Server]:
    """A server; it is killed in the midst of the block, again and again, each time after some answers more."""
    server = Server(config, log)
    over = threading.Event()

    def kill() -> None:
        nonlocal server
        for life in range(1, LIVES):
            goal = SENDERS * (SINGLES + BATCHES * BATCH) * life // LIVES
            while len(answered) < goal and not over.wait(0.005):
                pass
            server.process.close()  # kill -9
            server = Server(config, log)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        yield server
        killer.join()
    finally:
        over.set()
        killer.join()
        server.process.close()


def test_kills_in_the_midst_of_sends_leave_one_message_for_each_key(tmp_path: Path) -> None:
    """Whoever repeats a call with its key until it is answered has sent once, singly or in batches; what was answered
    is in the store under the id that was told, and nothing else is."""
    config = configure(tmp_path)
    answered: list[Message] = []
    with lives(config, tmp_path / "serve.log", answered) as server:
        senders = [Sender(server.http, f"sender{place}", answered) for place in range(SENDERS)]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
    assert [sender.error for sender in senders] == [None] * SENDERS
    with open_history(tmp_path / "smsagg.db") as history, history.snapshot() as ask:
        stored = list(ask(_STORED, ()))
    assert len(answered) == SENDERS * (SINGLES + BATCHES * BATCH)
    assert sorted(stored) == sorted((message.reference, message.id) for message in answered)
    assert len({message.id for message in answered}) == len(answered)
