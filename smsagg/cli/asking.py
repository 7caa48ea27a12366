"""What commands share that ask the running server: where its socket is, one question, all answers."""

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click
import trio

from smsagg.cli.ungrouped import ungrouped
from smsagg.config.schema import ServerSettings, StoreSettings
from smsagg.control import ask
from smsagg.control.server import AUTOMATIC
from smsagg.errors import ConfigError, ControlError

CONFIG_VARIABLE = "SMSAGG_CONFIG"
"""The environment variable that stands for ``--config``."""

config_option = click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    envvar=CONFIG_VARIABLE,
    show_envvar=True,
    help="The server's file.",
)
socket_option = click.option(
    "--socket", default="", help="The server's control socket, if it is not where the file says."
)
json_option = click.option("--json", "as_json", is_flag=True, help="JSON, for programs.")


def socket_of_file(path: Path) -> str:
    """Where the socket of the server with this file is, whatever else is wrong with the file. Raises ConfigError."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: is not TOML: {error}") from error
    socket = _text_at(document, "server", "control_socket", ServerSettings().control_socket)
    if socket == AUTOMATIC:
        return f"{_text_at(document, 'store', 'path', StoreSettings().path)}.control"
    if not socket:
        raise ControlError(f"{path}: server.control_socket: the server has none")
    return socket


def ask_server(
    config_path: Path,
    socket: str,
    request: Mapping[str, Any],
    *,
    body: bytes | None = None,
    told: Callable[[dict[str, Any]], object] | None = None,
) -> list[dict[str, Any]]:
    """All that the server answers to a request with this ``body``; with ``told``, which hears each record as it comes,
    none of it is kept. Raises ControlError when no server answers, or for what it says is wrong."""
    records: list[dict[str, Any]] = []
    with ungrouped():
        trio.run(_ask, socket or socket_of_file(config_path), request, body, told or records.append)
        return records


async def _ask(
    path: str, request: Mapping[str, Any], body: bytes | None, told: Callable[[dict[str, Any]], object]
) -> None:
    sender, receiver = trio.open_memory_channel[dict[str, Any]](0)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask, path, request, sender, body)
        async for record in receiver:
            told(record)


def no_store(path: str) -> ControlError:
    """Why nothing can be done without a server: the store's file is not there. None is made, for a relative ``path``
    begins at the folder that we are in, which may be the wrong one."""
    return ControlError(f"there is no store at {Path(path).absolute()}, and no server answers beside it")


def _text_at(document: dict[str, Any], table: str, key: str, default: str) -> str:
    found = document.get(table)
    value = found.get(key, default) if isinstance(found, dict) else default
    return value if isinstance(value, str) else default
