"""Submits of accounts whose recipients must be known first (:mod:`smsagg.engine.numbers.numbers`).

Mostly memory knows all recipients of a read, and nothing waits. When it does not, a task asks the store for all of them
at once and goes on from there. The requests stay unanswered meanwhile, and above the account's window nothing waits: it
is refused. So is what waited when the session was told to leave, for its account may have left the configuration, and
what waited longer than ``accept_deadline``, for its client has given up and will send it again.
"""

from collections.abc import Callable, Iterable

from smsagg.errors import StoreError
from smsagg.esme.bound import Bound
from smsagg.routing.destination import BadDestination
from smsagg.smpp.status import ESME_RSYSERR, ESME_RTHROTTLED

Destination = tuple[str, int, int]
"""destination_addr, dest_addr_ton, dest_addr_npi."""


def when_known(
    bound: Bound, destinations: Iterable[Destination], act: Callable[[], None], refuse: Callable[[int], None]
) -> None:
    """Call ``act`` once, now or later, at a moment at which all that is needed of ``destinations`` is known; or
    ``refuse`` with a command_status, when the store cannot say or too much waits already."""
    numbers = bound.door.engine.numbers
    if bound.account.name not in numbers.asks:
        act()
        return
    digits = (bound.door.submission.digits_of(*destination, bound.account) for destination in destinations)
    recipients = [one for one in digits if not isinstance(one, BadDestination)]
    if not numbers.unknown(bound.account.name, recipients):
        act()
    elif bound.connection.unanswered > bound.account.settings.window_max:
        refuse(ESME_RTHROTTLED)
    else:
        bound.start_soon(_act_when_known, bound, recipients, act, refuse)


async def _act_when_known(
    bound: Bound, recipients: list[str], act: Callable[[], None], refuse: Callable[[int], None]
) -> None:
    door = bound.door
    began_at = door.clock.monotonic_s()

    def act_if_taken() -> None:
        if bound.is_leaving:
            refuse(ESME_RTHROTTLED)
        elif door.clock.monotonic_s() - began_at > door.config.server.accept_deadline:
            refuse(ESME_RSYSERR)
        else:
            act()

    with bound.busy():
        try:
            await door.engine.numbers.knowing(recipients, act_if_taken)
        except StoreError:
            refuse(ESME_RSYSERR)
        bound.flush()
