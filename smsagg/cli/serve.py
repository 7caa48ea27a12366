"""``smsagg serve``: run the gateway."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click
import trio

from smsagg.app import Running
from smsagg.app import serve as serve_gateway
from smsagg.carriers.registry import settings_class
from smsagg.cli.asking import CONFIG_VARIABLE
from smsagg.cli.ungrouped import ungrouped
from smsagg.config.load import load_config
from smsagg.config.schema import Config
from smsagg.observe.log import configure_logging


@click.command()
@click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    envvar=CONFIG_VARIABLE,
    show_envvar=True,
    help="Configuration file (TOML).",
)
def serve(config_path: Path) -> None:
    """Run the gateway until SIGTERM or SIGINT."""
    config = load_config(config_path, settings_class)
    configure_logging(config.log.level, config.log.format)
    with ungrouped():
        trio.run(_main, config, config_path)


async def _main(config: Config, config_path: Path) -> None:
    async with trio.open_nursery() as nursery:
        running: Running = await nursery.start(partial(serve_gateway, path=config_path), config)
        _tell(click.echo, config, config_path, running)


def _tell(echo: Callable[[str], None], config: Config, config_path: Path, running: Running) -> None:
    """Say where to bind and with which credentials."""
    accounts = ", ".join(account.settings.system_id for account in running.engine.accounts.values()) or "none"
    echo(f"smsagg is ready ({config_path})")
    echo(f"  SMPP     {running.smpp}   system_id: {accounts}")
    if running.smpp_tls:
        echo(f"  SMPP TLS {running.smpp_tls}")
    echo(f"  HTTP     http://{running.http}/v1  /metrics  /healthz  /readyz")
    if running.https:
        echo(f"  HTTPS    https://{running.https}")
    echo(f"  store    {config.store.path}")
    echo(f"  carriers {', '.join(config.carriers)}")
    sys.stdout.flush()
