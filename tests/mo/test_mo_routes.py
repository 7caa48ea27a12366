"""Which route a message from a handset takes."""

from hypothesis import given
from hypothesis import strategies as st

from smsagg.config.schema import AccountSettings, Config, MoRouteSettings
from smsagg.mo.routes import MoRoute, MoRoutes, routes_of


def route(number: str, keyword: str = "", carrier: str = "", account: str = "") -> MoRoute:
    return MoRoute(number, keyword, carrier, account or f"{number}/{keyword}/{carrier}", False)


def taken(routes: MoRoutes, number: str, word: str = "", carrier: str = "one") -> str | None:
    found = routes.find(carrier, number, lambda: word)
    return None if found is None else found.account


def test_the_most_specific_number_wins() -> None:
    """Whole before prefix, longer before shorter, then the catch-all; a plus does not count."""
    routes = MoRoutes(map(route, ("*", "53*", "538*", "53849")))
    assert taken(routes, "53849") == "53849//"
    assert taken(routes, "+53849") == "53849//"
    assert taken(routes, "53848") == "538*//"
    assert taken(routes, "5384") == "538*//"
    assert taken(routes, "531") == "53*//"
    assert taken(routes, "5") == "*//"
    assert taken(routes, "") == "*//"


def test_nobody_owns_what_no_route_names() -> None:
    """Without a catch-all a foreign number has no owner."""
    assert taken(MoRoutes([route("53849"), route("44*")]), "53848") is None


def test_keywords_of_a_number_go_before_its_owner() -> None:
    """An unknown word goes to the route without a keyword, and on to prefixes when there is none."""
    routes = MoRoutes([route("53849", "win"), route("53849"), route("53850", "win"), route("538*")])
    assert taken(routes, "53849", "win") == "53849/win/"
    assert taken(routes, "53849", "lose") == "53849//"
    assert taken(routes, "53850", "lose") == "538*//"


def test_a_keyword_of_any_number_takes_nothing_from_an_owned_one() -> None:
    """The number is the more specific part."""
    routes = MoRoutes([route("*", "stop"), route("53849")])
    assert taken(routes, "53849", "stop") == "53849//"
    assert taken(routes, "53850", "stop") == "*/stop/"


def test_one_number_on_two_carriers() -> None:
    """A short code belongs to the carrier that brings it; a carrier's route goes before the one of any."""
    routes = MoRoutes([route("53849", carrier="one"), route("53849"), route("53849", "win", "two")])
    assert taken(routes, "53849", carrier="one") == "53849//one"
    assert taken(routes, "53849", carrier="two") == "53849//"
    assert taken(routes, "53849", "win", carrier="two") == "53849/win/two"
    assert taken(routes, "53849", "win", carrier="three") == "53849//"


def test_the_text_is_looked_at_only_where_it_matters() -> None:
    """A number without keywords costs no decoding."""
    routes = MoRoutes([route("53849", "win"), route("53850")])
    assert routes.asks_for_keyword("one", "53849")
    assert not routes.asks_for_keyword("one", "53850")
    assert not routes.asks_for_keyword("one", "1")

    def word() -> str:
        raise AssertionError("decoded for nothing")

    assert routes.find("one", "53850", word) is not None


def test_owned_numbers() -> None:
    """Those that a route names whole."""
    routes = MoRoutes([route("53849"), route("44*"), route("*")])
    assert [routes.owns(number) for number in ("53849", "+53849", "447700900123")] == [True, True, False]


def test_routes_of_a_configuration() -> None:
    """Accounts' numbers are routes too; a route says for itself, or its account does, whether parts become one."""
    accounts = {
        "a": AccountSettings("a", "", mo_numbers=("1", "*"), reassemble=True),
        "b": AccountSettings("b", "", mo_numbers=("2",)),
    }
    settings = (
        MoRouteSettings("a", "53849", "Win", "one"),
        MoRouteSettings("a", "53849", reassemble=False),
        MoRouteSettings("b", "53850", reassemble=True),
    )
    assert routes_of(Config(accounts=accounts, carriers={}, pools={}, mo_routes=settings)) == [
        MoRoute("53849", "win", "one", "a", True),
        MoRoute("53849", "", "", "a", False),
        MoRoute("53850", "", "", "b", True),
        MoRoute("1", "", "", "a", True),
        MoRoute("*", "", "", "a", True),
        MoRoute("2", "", "", "b", False),
    ]


numbers = st.text("12", min_size=1, max_size=3)
patterns = numbers | numbers.map(lambda number: f"{number}*") | st.just("*")
words = st.sampled_from(["", "win", "stop"])
carriers = st.sampled_from(["", "one", "two"])


def rank(found: MoRoute) -> tuple[bool, int, bool, bool]:
    return not found.number.endswith("*"), len(found.number), found.keyword != "", found.carrier != ""


@given(
    st.sets(st.tuples(patterns, words, carriers)).map(lambda keys: [route(*key) for key in sorted(keys)]),
    numbers,
    words,
    st.sampled_from(["one", "two"]),
)
def test_the_best_of_all_that_match(given_routes: list[MoRoute], number: str, word: str, carrier: str) -> None:
    """As a plain search over all routes says, in whatever order they stand."""

    def matches(candidate: MoRoute) -> bool:
        pattern = candidate.number
        fits = number.startswith(pattern[:-1]) if pattern.endswith("*") else number == pattern
        return fits and candidate.keyword in ("", word) and candidate.carrier in ("", carrier)

    best = max(filter(matches, given_routes), key=rank, default=None)
    for order in (given_routes, given_routes[::-1]):
        assert MoRoutes(order).find(carrier, number, lambda: word) == best
