"""Whose a message from a handset is: routes by number, keyword and carrier, the most specific one first.

Order. A whole number goes before a prefix, a longer prefix before a shorter one, ``*`` comes last. Among routes of
one number those with a keyword go first, and among those of one keyword those of one carrier. So a keyword of ``*``
never takes away what is written to a number that has a route of its own. No two routes have the same number, keyword
and carrier; what the order leaves is therefore unambiguous, whatever order the file has.

Numbers are compared without a leading plus. The text is decoded only when a route that is met asks for a keyword.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from smsagg.config.keyword import fold_keyword
from smsagg.config.schema import Config

ANY_NUMBER = "*"


class MoRoute(NamedTuple):
    """One route; see ``[[mo_routes]]``."""

    number: str
    """A whole number, a prefix and ``*``, or ``*`` alone."""
    keyword: str
    """Folded; ``""`` takes any text."""
    carrier: str
    """``""`` takes any carrier."""
    account: str
    reassemble: bool


def routes_of(config: Config) -> list[MoRoute]:
    """The routes of a configuration: its ``mo_routes``, and the ``mo_numbers`` of its accounts."""
    routes = []
    for settings in config.mo_routes:
        account = config.accounts[settings.account]
        reassemble = account.reassemble if settings.reassemble is None else settings.reassemble
        keyword = fold_keyword(settings.keyword) if settings.keyword else ""
        routes.append(MoRoute(settings.number, keyword, settings.carrier, settings.account, reassemble))
    for name, account in config.accounts.items():
        routes += [MoRoute(number, "", "", name, account.reassemble) for number in account.mo_numbers]
    return routes


class MoRoutes:
    """All routes. A look-up costs one hash for the whole number and one for each length of prefix that there is."""

    def __init__(self, routes: Iterable[MoRoute]) -> None:
        whole: dict[str, list[MoRoute]] = {}
        prefixes: dict[int, dict[str, list[MoRoute]]] = {}
        for route in routes:
            if route.number.endswith(ANY_NUMBER):
                prefix = route.number[:-1]
                prefixes.setdefault(len(prefix), {}).setdefault(prefix, []).append(route)
            else:
                whole.setdefault(route.number, []).append(route)
        self._whole = {number: _sorted(found) for number, found in whole.items()}
        self._prefixes = [
            (length, {prefix: _sorted(found) for prefix, found in prefixes[length].items()})
            for length in sorted(prefixes, reverse=True)
        ]

    def find(
        self, carrier: str, destination_addr: str, word: Callable[[], str], is_whole: bool = False
    ) -> MoRoute | None:
        """The route of a message that ``carrier`` brought for ``destination_addr``; ``None`` when nobody owns it.

        ``word`` gives the folded first word of its text; it is called at most once, and only when it matters. With
        ``is_whole`` only routes that name the number whole count.
        """
        seen: str | None = None
        for route in self._candidates(carrier, destination_addr, is_whole):
            if not route.keyword:
                return route
            if seen is None:
                seen = word()
            if route.keyword == seen:
                return route
        return None

    def all(self) -> list[MoRoute]:
        """Every route, those that are asked first for a number first."""
        routes = [route for number in sorted(self._whole) for route in self._whole[number]]
        for _, of_length in self._prefixes:
            routes += [route for prefix in sorted(of_length) for route in of_length[prefix]]
        return routes

    def asks_for_keyword(self, carrier: str, destination_addr: str, is_whole: bool = False) -> bool:
        """Whether :meth:`find` would look at the text."""
        first = next(iter(self._candidates(carrier, destination_addr, is_whole)), None)
        return first is not None and first.keyword != ""

    def owns(self, address: str) -> bool:
        """Whether ``address`` is a number of ours: some route names it whole."""
        return address.removeprefix("+") in self._whole

    def _candidates(self, carrier: str, destination_addr: str, is_whole: bool) -> Iterable[MoRoute]:
        number = destination_addr.removeprefix("+")
        for route in self._whole.get(number, ()):
            if route.carrier in ("", carrier):
                yield route
        if is_whole:
            return
        for length, routes in self._prefixes:
            for route in routes.get(number[:length], ()):
                if route.carrier in ("", carrier):
                    yield route


def _sorted(routes: list[MoRoute]) -> tuple[MoRoute, ...]:
    """Routes of one number: keyword before none, and carrier before none."""
    return tuple(sorted(routes, key=lambda route: (not route.keyword, route.keyword, not route.carrier)))
