"""The client side of the control socket, for commands of the command line."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import trio

from smsagg.errors import ControlError, NoServerError

CONNECT_S = 5.0


async def ask(
    path: str, request: Mapping[str, Any], channel: trio.MemorySendChannel[dict[str, Any]], body: bytes | None = None
) -> None:
    """Send one command to the server whose socket is at ``path``, with a ``body`` (UTF-8) if it takes one; what it
    answers goes to ``channel``, which is closed at the end. Raises ControlError when nobody listens there, or for
    what the server says is wrong."""
    async with channel:
        try:
            with trio.fail_after(CONNECT_S):
                stream = await trio.open_unix_socket(path)
        except OSError as error:
            raise _no_server(path, error.strerror or str(error)) from error
        except trio.TooSlowError as error:
            raise _no_server(path, f"nothing within {CONNECT_S:g} s") from error
        async with stream:
            try:
                length = {} if body is None else {"body_octets": len(body)}
                await stream.send_all(orjson.dumps({**request, **length}, option=orjson.OPT_APPEND_NEWLINE))
                if body:
                    with suppress(trio.BrokenResourceError):  # then it has said why
                        await stream.send_all(body)
                received = bytearray()
                async for octets in stream:
                    received += octets
                    *lines, rest = bytes(received).split(b"\n")
                    received = bytearray(rest)
                    for line in lines:
                        await _pass_on(orjson.loads(line), channel)
            except trio.BrokenResourceError as error:
                raise ControlError(f"the server at {path} ended the connection") from error


async def ask_all(path: str, request: Mapping[str, Any]) -> list[dict[str, Any]]:
    """All that the server answers; raises as :func:`ask`."""
    sender, receiver = trio.open_memory_channel[dict[str, Any]](0)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask, path, request, sender)
        return [record async for record in receiver]
    raise AssertionError("unreachable")


async def is_running(path: str) -> bool:
    """Whether a server listens at ``path``."""
    try:
        stream = await trio.open_unix_socket(path)
    except OSError:
        return False
    await stream.aclose()
    return True


async def _pass_on(answer: dict[str, Any], channel: trio.MemorySendChannel[dict[str, Any]]) -> None:
    if "error" in answer:
        raise ControlError(answer["error"])
    await channel.send(answer)


def _no_server(path: str, reason: str) -> NoServerError:
    return NoServerError(f"no server answers at {Path(path).absolute()}: {reason}")
