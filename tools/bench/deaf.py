"""An ESME that never reads: it binds, asks for receipts, sends what the server takes, and reads nothing at all.

``python -m tools.bench.deaf --port 2775`` prints ``blocked`` when the server takes nothing more from it, and goes on
until SIGTERM; cut, it connects again.
"""

import secrets
import select
import signal
import socket
import time
from random import Random

import click

from smsagg.loadgen import wire
from smsagg.loadgen.templates import MessageShape, Templates
from smsagg.smpp.codec import encode
from smsagg.smpp.pdu import BindTransceiver

RECEIVE_OCTETS = 4_096
BATCH = 200
PAUSE_S = 0.02
BLOCKED_S = 1.0


@click.command()
@click.option("--port", required=True, type=int)
@click.option("--sessions", "count", default=1, show_default=True)
@click.option("--system-id", default="deaf", show_default=True)
@click.option("--password", default="demo-pw", show_default=True)
def main(port: int, count: int, system_id: str, password: str) -> None:
    """Send and never read."""
    stopped = False

    def stop(_number: int, _frame: object) -> None:
        nonlocal stopped
        stopped = True

    signal.signal(signal.SIGTERM, stop)
    templates = Templates(MessageShape(), secrets.token_hex(3), Random())
    sockets = [_bind(port, system_id, password) for _ in range(count)]
    number = sent = cuts = 0
    told = False
    while not stopped:
        _, writable, _ = select.select([], sockets, [], BLOCKED_S)
        if not writable and not told:
            told = True
            print(f"blocked after {sent}", flush=True)
        for sock in writable:
            octets = b"".join(templates.submit_sm(number + i + 2, number + i) for i in range(BATCH))
            try:
                sock.sendall(octets)
                number, sent = number + BATCH, sent + BATCH
            except TimeoutError:
                pass  # blocked within a PDU; the next one begins in the midst of it, should there be a next one
            except OSError:
                cuts += 1
                sockets.remove(sock)
                sock.close()
                sockets.append(_bind(port, system_id, password))
        time.sleep(PAUSE_S)
    print(f"sent {sent}, cut {cuts} times", flush=True)


def _bind(port: int, system_id: str, password: str) -> socket.socket:
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_OCTETS)
    sock.connect(("127.0.0.1", port))
    sock.sendall(encode(BindTransceiver(system_id=system_id, password=password, sequence_number=1)))
    sock.recv(wire.HEADER_OCTETS)
    sock.settimeout(BLOCKED_S)
    return sock


if __name__ == "__main__":
    main()
