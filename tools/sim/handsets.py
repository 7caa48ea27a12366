"""S13: a text from a handset, or each part of one, reaches the account that it is meant for and nobody else."""

from collections.abc import Iterable

from tools.chaos.checker import Violation
from tools.chaos.wire import ESME_ROK
from tools.sim.facts import Facts
from tools.sim.log import Mo
from tools.sim.scenario import KEYWORD
from tools.sim.wire import ESME_RINVDSTADR


def mo_delivered(facts: Facts) -> Iterable[Violation]:
    """S1, S13: what was answered ESME_ROK reaches its owner; nobody's is refused."""
    for mo in facts.log.mo.values():
        owner = owner_of(facts, mo, mo.keyword)
        owners = {owner}
        if mo.part is not None:  # it may have gone on without the one that has the keyword
            owners.add(owner_of(facts, mo, ""))
        if mo.answer == ESME_ROK and not mo.accounts and None not in owners:
            yield Violation("S1 no loss", mo.text, "was answered ESME_ROK, and nobody has it")
        if mo.answer == ESME_ROK and mo.part is None and owner is None:
            yield Violation("S1 no loss", mo.text, "was answered ESME_ROK, and is nobody's")
        if set(mo.accounts) - owners:
            yield Violation("S13 isolation", mo.text, f"belongs to {owners}, and went to {mo.accounts}")
        if mo.answer == ESME_RINVDSTADR and None not in owners:
            yield Violation("S1 no loss", mo.text, f"was refused, and {owner} owns its number")


def owner_of(facts: Facts, mo: Mo, keyword: str) -> str | None:
    """Whose it is: by keyword before number, by number before all numbers."""
    config = facts.scenario.config
    routes = [route for route in config.mo_routes if route.number == mo.destination]
    for route in routes:
        if route.keyword and keyword.upper() == KEYWORD:
            return route.account
    for route in routes:
        if not route.keyword:
            return route.account
    owners = {number: name for name, account in config.accounts.items() for number in account.mo_numbers}
    return owners.get(mo.destination) or owners.get("*")
