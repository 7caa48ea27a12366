"""A server with something private in everything that it is given, and everything that it lets out."""

import base64
import contextlib
import json
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from integration_processes import PATIENCE_S, RawEsme, Server, make_config, smpp_carriers

from smsagg.config.passwords import hash_of
from smsagg.directory.roles import ACCOUNTS_SCOPES
from smsagg.directory.secrets import digest_of
from smsagg.signing import new_secret
from smsagg.smpp import pdu
from smsagg.smpp.codec import decode, encode
from smsagg.smpp.framing import FrameBuffer
from smsagg.smpp.pdu import Bind, DeliverSm, EnquireLink, EnquireLinkResp, Pdu, SubmitSm, SubmitSmResp, Unbind
from smsagg.smpp.pdu import BindTransceiverResp as BindResp
from smsagg.smpp.pdu import UnbindResp as Unbound

TEXT = "CANARYTEXT 4839217"
"""In every text that is sent; its last word is what a code would be."""
REPLY = "CANARYREPLY 2718281"
"""What a handset writes: its account is told, and nobody else."""
PASSWORD, WRONG_PASSWORD, CARRIER_PASSWORD = "cnrypw-1", "cnrypw-2", "cnrypw-3"
KEY, STRANGE_KEY, READERS_KEY = "sk_CANARYKEY7f3a", "sk_STRANGECANARY", "sk_CANARYREADER"
OWNERS_KEY, OPERATORS_KEY = "sk_CANARYOWNER", "sk_CANARYOPERATOR"
SECRET = new_secret(lambda octets: b"CANARY" * (octets // 6 + 1))
NUMBER, SHORT_CODE = "447700900987", "53849"
REFUSED_NUMBER = "447700900986"
ESM_CLASS_RECEIPT = 0x04
ESME_RINVDSTADR = 0x0B
FROM = {"source_addr_ton": 5, "source_addr": "ACME"}
TO = {"dest_addr_ton": 1, "dest_addr_npi": 1, "destination_addr": NUMBER}
CLOSED = (ConnectionError, EOFError, TimeoutError)
RULES = """
[[rules]]
name = "to be held"
action = "hold"
patterns = ["HOLDTHIS"]
"""


def config_of(directory: Path, carrier: str, hooks: str, log_format: str) -> str:
    """One account that has everything, and a log that tells all it ever tells."""
    carriers = smpp_carriers(carrier).replace('password = "pw"', f'password = "{CARRIER_PASSWORD}"')
    text = make_config(directory, carriers=carriers)
    text = text.replace('format = "json"', f'level = "debug"\nformat = "{log_format}"')
    (directory / "content.toml").write_text(RULES)
    return f"""{text}
[store.encryption]
enabled = true

[webhooks]
allowed_networks = ["127.0.0.0/8"]

[abuse]
content_rules = "content.toml"

[accounts.canary]
system_id = "canary"
password_hash = "{hash_of(PASSWORD)}"
mo_numbers = ["{SHORT_CODE}"]
webhooks.hook = {{ url = "{hooks}", secret = "{SECRET}" }}

[verification]
resend_interval = "100ms"

[operators.root]
hash = "{digest_of(OPERATORS_KEY)}"

[accounts.canary.api_keys]
owner = {{ hash = "{digest_of(OWNERS_KEY)}", scopes = {list(ACCOUNTS_SCOPES)} }}
app = {{ hash = "{digest_of(KEY)}" }}
reader = {{ hash = "{digest_of(READERS_KEY)}", scopes = ["messages:read"] }}
"""


class Smsc(threading.Thread):
    """Takes what it gets, and says in each receipt how its text began, as carriers do."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.taken = 0
        self.texts: list[str] = []

    def run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _serve(self, connection: socket.socket) -> None:
        frames = FrameBuffer(1 << 20)
        with contextlib.suppress(OSError), connection:
            while octets := connection.recv(65_536):
                for frame in frames.feed(octets):
                    for answer in self._answers(decode(frame)):
                        connection.sendall(encode(answer))

    def _answers(self, pdu: Pdu) -> list[Pdu]:
        number = pdu.sequence_number
        if isinstance(pdu, Bind):
            return [BindResp(sequence_number=number)]
        if isinstance(pdu, EnquireLink):
            return [EnquireLinkResp(sequence_number=number)]
        if isinstance(pdu, Unbind):
            return [Unbound(sequence_number=number)]
        if not isinstance(pdu, SubmitSm):
            return []
        if pdu.destination_addr == REFUSED_NUMBER:
            return [SubmitSmResp(sequence_number=number, command_status=ESME_RINVDSTADR)]
        self.taken += 1
        self.texts.append(pdu.short_message.decode("latin-1"))
        answer = SubmitSmResp(sequence_number=number, message_id=f"{self.taken}")
        receipts = [self._deliver(pdu, f"{self.taken}", 3), self._deliver(pdu, f"unknown{self.taken}", 4)]
        return [answer, *receipts, self._reply(5)] if self.taken == 1 else [answer, receipts[0]]

    def _deliver(self, pdu: SubmitSm, name: str, kind: int) -> Pdu:
        report = (
            f"id:{name} sub:001 dlvrd:001 submit date:2601010000 done date:2601010000 stat:DELIVRD err:000"
            f" text:{TEXT[:20]}"
        )
        return DeliverSm(
            sequence_number=10 * self.taken + kind,
            source_addr=pdu.destination_addr,
            source_addr_ton=1,
            destination_addr=pdu.source_addr,
            esm_class=ESM_CLASS_RECEIPT,
            short_message=report.encode(),
        )

    def _reply(self, kind: int) -> Pdu:
        return DeliverSm(
            sequence_number=10 * self.taken + kind,
            source_addr=NUMBER,
            source_addr_ton=1,
            destination_addr=SHORT_CODE,
            short_message=REPLY.encode(),
        )


class Hooks:
    """An endpoint that keeps every octet that it hears."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        hooks = self

        class Receiver(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                hooks.heard.append(str(self.headers).encode() + body)
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class World:
    """The server, its carrier, its endpoint; and by name what came out of anything."""

    def __init__(self, directory: Path, log_format: str) -> None:
        self.directory = directory
        self.carrier, self.hooks = Smsc(), Hooks()
        self.carrier.start()
        self.config = directory / "smsagg.toml"
        self.config.write_text(config_of(directory, self.carrier.address, self.hooks.url, log_format))
        self.server = Server(self.config, directory / "serve.log")
        self.outputs: dict[str, bytes] = {}

    def close(self) -> None:
        self.server.process.close()
        self.carrier.close()
        self.hooks.close()

    def keep(self, name: str, output: bytes | str) -> None:
        octets = output.encode() if isinstance(output, str) else output
        self.outputs[name] = self.outputs.get(name, b"") + octets

    def call(
        self, method: str, target: str, body: Any = None, key: str = KEY, is_kept: bool = True, **headers: str
    ) -> Any:
        """An HTTP call; its answer, read as JSON where it is. ``is_kept``: it is an output as any."""
        octets = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        fields = {"Authorization": f"Bearer {key}", "Content-Type": "application/json", **headers}
        request = urllib.request.Request(self.server.http + target, octets, fields, method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as response:
                head, heard = str(response.headers), response.read()
        except urllib.error.HTTPError as error:
            head, heard = str(error.headers), error.read()
        if is_kept:
            self.keep(f"{method} {target.partition('?')[0]}", head.encode() + heard)
        with contextlib.suppress(ValueError):
            return json.loads(heard)
        return heard


@contextlib.contextmanager
def world(directory: Path, log_format: str) -> Iterator[World]:
    """As :class:`World` says, until the block ends."""
    created = World(directory, log_format)
    try:
        yield created
    finally:
        created.close()


def spellings(private: str) -> dict[str, bytes]:
    """How it could be let out."""
    octets = private.encode()
    in_base64 = (base64.b64encode(bytes(before) + octets)[4:].rstrip(b"=")[:-1] for before in range(1, 4))
    return {
        "as it is": octets,
        "its last word": octets.split()[-1],
        "UCS-2": private.encode("utf-16-be"),
        "hexadecimal": octets.hex().encode(),
        "hexadecimal, large": octets.hex().upper().encode(),
        "UCS-2, hexadecimal": private.encode("utf-16-be").hex().encode(),
        **{f"base64, at {place}": spelling for place, spelling in enumerate(in_base64)},
    }


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "too slow"
        time.sleep(0.02)


def submit(**fields: Any) -> pdu.SubmitSm:
    return pdu.SubmitSm(**{**FROM, **TO, "registered_delivery": 1, **fields})


def ask(the: World, esme: RawEsme, request: pdu.Request) -> pdu.Pdu | None:
    """The answer; deliver_sm that come meanwhile are answered and kept."""
    request.sequence_number = ask.number = getattr(ask, "number", 0) + 1  # type: ignore[attr-defined]
    try:
        answer = esme.ask(request)
        while isinstance(answer, pdu.DeliverSm):
            the.keep("smpp", encode(answer))
            answer = esme.ask(pdu.DeliverSmResp(sequence_number=answer.sequence_number))
    except CLOSED:
        return None
    the.keep("smpp", encode(answer))
    return answer
