"""The resolver of ported numbers that the configuration names, with the file that it reads."""

from smsagg.config.plugins import RESOLVERS
from smsagg.config.schema import Config
from smsagg.errors import ConfigError
from smsagg.resolvers.base import Resolver


def load_resolver(config: Config, problems: list[str]) -> Resolver | None:
    """The resolver, not running yet; ``None`` when there is none. What is wrong with its file is added to
    ``problems``."""
    lookup = config.routing.lookup
    if lookup is None:
        return None
    try:
        resolver: Resolver = RESOLVERS.load(lookup.type)(lookup.settings)
    except ConfigError as error:
        problems += str(error).splitlines()
        return None
    return resolver
