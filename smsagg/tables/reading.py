"""The configuration file, read so that what is wrong with it hides nothing that is wrong with its data files."""

from pathlib import Path

from smsagg.config.load import load_config
from smsagg.config.overlay import NO_OVERLAY, Overlay
from smsagg.config.schema import Config
from smsagg.config.structure import CarrierSettingsLookup
from smsagg.errors import ConfigError
from smsagg.tables.tables import load_tables


def read_configuration(
    path: Path | str, carrier_settings: CarrierSettingsLookup, overlay: Overlay = NO_OVERLAY
) -> Config:
    """What the file at ``path`` says, with ``overlay`` over it; its data files are the caller's to load.

    Raises ConfigError that lists every problem of the file, a line each, and of its data files, as far as it still says
    which they are.
    """
    try:
        return load_config(path, carrier_settings, overlay)
    except ConfigError as error:
        if isinstance(error.sound_part, Config):
            try:
                load_tables(error.sound_part, overlay)
            except ConfigError as more:
                raise ConfigError(f"{error}\n{more}") from error
        raise
