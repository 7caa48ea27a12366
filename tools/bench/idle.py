"""Many bound sessions that do nothing but answer: the quiet majority of an aggregator's customers.

``python -m tools.bench.idle --port 2775 --sessions 1000`` binds them, prints ``bound N in S s``, answers enquire_link
and acknowledges deliver_sm until SIGTERM, and prints how many it lost.
"""

import selectors
import signal
import socket
import sys
import time

import click

from smsagg.loadgen import wire
from smsagg.smpp.codec import encode
from smsagg.smpp.pdu import BindTransceiver

READ_OCTETS = 65_536
BINDS_AT_ONCE = 200


class IdleSession:
    """One connection."""

    def __init__(self, host: str, port: int, system_id: str, password: str) -> None:
        self.socket = socket.create_connection((host, port))
        self.socket.sendall(encode(BindTransceiver(system_id=system_id, password=password, sequence_number=1)))
        self.socket.setblocking(False)
        self.is_bound = False
        self._rest = b""

    def serve(self) -> bool:
        """Answer what came; False when the connection is over or the bind was refused."""
        try:
            octets = self.socket.recv(READ_OCTETS)
        except BlockingIOError:
            return True
        except OSError:
            return False
        if not octets:
            return False
        octets, start, out = self._rest + octets, 0, []
        while len(octets) - start >= wire.HEADER_OCTETS:
            length, command_id, command_status, number = wire.unpack_header(octets, start)
            if start + length > len(octets):
                break
            if command_id == wire.ENQUIRE_LINK:
                out.append(wire.header_only(wire.ENQUIRE_LINK_RESP, number))
            elif command_id == wire.DELIVER_SM:
                out.append(wire.deliver_sm_resp(number))
            elif command_id == wire.UNBIND:
                return False
            elif not self.is_bound:
                self.is_bound = command_status == 0
                if not self.is_bound:
                    return False
            start += length
        self._rest = octets[start:]
        if out:
            self.socket.send(b"".join(out))  # some hundred octets: a bound peer's socket has room for them
        return True


@click.command()
@click.option("--host", default="127.0.0.1")
@click.option("--port", required=True, type=int)
@click.option("--sessions", "count", default=1_000, show_default=True)
@click.option("--system-id", default="idle", show_default=True)
@click.option("--password", default="demo-pw", show_default=True)
def main(host: str, port: int, count: int, system_id: str, password: str) -> None:
    """Hold idle sessions."""
    selector = selectors.DefaultSelector()
    stopped = False

    def stop(_number: int, _frame: object) -> None:
        nonlocal stopped
        stopped = True

    signal.signal(signal.SIGTERM, stop)
    began, opened, bound, lost, told = time.monotonic(), 0, 0, 0, False
    while not stopped:
        while opened < count and opened - bound - lost < BINDS_AT_ONCE:
            session = IdleSession(host, port, system_id, password)
            selector.register(session.socket, selectors.EVENT_READ, session)
            opened += 1
        for key, _ in selector.select(0.5):
            session = key.data
            was_bound = session.is_bound
            is_alive = session.serve()
            bound += session.is_bound - was_bound
            if not is_alive:
                lost += 1
                selector.unregister(session.socket)
                session.socket.close()
        if not told and bound + lost >= count:
            told = True
            print(f"bound {bound} in {time.monotonic() - began:.2f} s", flush=True)
    print(f"lost {lost}")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
