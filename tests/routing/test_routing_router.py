"""Country to pool."""

from smsagg.config.schema import PoolMember, PoolSettings, RoutingSettings
from smsagg.routing.router import NoRoute, Router


def pool(*countries: str) -> PoolSettings:
    return PoolSettings(carriers=(PoolMember("acme"),), countries=countries)


POOLS = {"isles": pool("GB", "IE"), "asia": pool("VN"), "world": pool()}


def test_a_country_goes_to_the_pool_that_names_it() -> None:
    """Each of a pool's countries is routed to it."""
    router = Router(POOLS, RoutingSettings())
    assert [router.route(c) for c in ("GB", "IE", "VN")] == ["isles", "isles", "asia"]
    assert router.countries == {"GB": "isles", "IE": "isles", "VN": "asia"}


def test_other_countries_go_to_the_default_pool() -> None:
    """Also numbers of no known country."""
    router = Router(POOLS, RoutingSettings(default_pool="world"))
    assert [router.route(c) for c in ("GB", "US", "001", "")] == ["isles", "world", "world", "world"]


def test_without_a_default_pool_there_is_no_route() -> None:
    """The answer is a value that says for which country."""
    router = Router(POOLS, RoutingSettings())
    assert router.route("US") == NoRoute("US")
    assert router.route("") == NoRoute("")
