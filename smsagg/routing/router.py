"""Which pool a country's messages go to."""

from collections.abc import Mapping

from attrs import define

from smsagg.config.schema import PoolSettings, RoutingSettings


@define(frozen=True)
class NoRoute:
    """No pool serves the country and there is no default pool (ESME_RINVDSTADR)."""

    country: str


class Router:
    """Country to pool, computed once from the configuration.

    A country that several pools name belongs to the first of them; the configuration check refuses such a file.
    """

    __slots__ = ("_by_country", "_default")

    def __init__(self, pools: Mapping[str, PoolSettings], routing: RoutingSettings) -> None:
        self._default = routing.default_pool
        self._by_country: dict[str, str] = {}
        for name, settings in pools.items():
            for country in settings.countries:
                self._by_country.setdefault(country, name)

    @property
    def countries(self) -> Mapping[str, str]:
        """The pool of each country that has one of its own."""
        return self._by_country

    def route(self, country: str) -> str | NoRoute:
        """The name of the pool for ``country`` (as :func:`~smsagg.routing.prefix.country_of` gives it).

        An unknown country (``""``) goes to the default pool as well, if there is one.
        """
        return self._by_country.get(country) or self._default or NoRoute(country)
