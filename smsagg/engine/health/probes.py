"""Probes: messages of our own to numbers whose fate is known, so that receipts can be held to the truth.

Theory of operation. A probe is a message of no account, known to memory alone: it has a negative ``seq``, is in no
queue and no table, costs no customer anything and tells none. It takes a slot of a link as any attempt does, and what
the carrier answers counts for the link's health. Its outcome comes here from
:class:`~smsagg.engine.sending.outcomes.Outcomes`, its receipt from :class:`~smsagg.engine.ending.reports.Reports`,
which asks here before it takes a receipt for one of a message that it does not know.

| Expected | Reported | Then |
|---|---|---|
| undeliverable | delivered | ``wrong``: the carrier's receipts in that country are false, its quality is at the floor |
| undeliverable | any other end | ``right``: so often in a row, and they are believed again |
| delivered | any end | counts as that of any message; ``right`` or ``wrong`` in the metric |
| either | nothing in time | ``silent``: tells nothing of the receipts that do come |

A crash forgets the probes that are out; their receipts are orphans then. Bound: ``OUT_MAX`` probes are out at once.
"""

from collections.abc import Sequence

import structlog
import trio
from attrs import define

from smsagg.engine.core import Core
from smsagg.engine.sending.pools import CarrierState
from smsagg.model import Accepted, CarrierReceipt, Message, MessageState, Outcome
from smsagg.routing.destination import NPI_ISDN, TON_INTERNATIONAL
from smsagg.routing.prefix import country_of
from smsagg.routing.probe_plan import ProbePlan

LOOK_S = 2.0
OUT_MAX = 1_000
LIFE_MS = 3_600_000
DAY_MS = 86_400_000
DOUBT_BELOW = 0.5
"""Plausibility from which a carrier is probed sooner."""
_LATIN1 = 0x03
_TON_ALPHANUMERIC = 5

log = structlog.get_logger("smsagg.engine")


@define(eq=False)
class _Out:
    """One probe that is out."""

    message: Message
    plan: ProbePlan
    until: float
    taken_at: int = 0


class Probes:
    """One task. ``now`` is monotonic seconds."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._plans: list[ProbePlan] = []
        self._out: dict[int, _Out] = {}
        """By ``seq``."""
        self._awaited: dict[tuple[str, str], _Out] = {}
        """By carrier and its id."""
        self._last_seq = 0
        self.reconfigure()

    def reconfigure(self) -> None:
        """Heed the probes and pools of the core from now on."""
        core, now = self._core, self._core.clock.monotonic_s()
        wanted = {
            settings: [member.carrier for member in core.config.pools[settings.pool].carriers]
            for settings in core.config.probes
        }
        kept = [plan for plan in self._plans if wanted.get(plan.settings) == plan.carriers]
        known = {plan.settings for plan in kept}
        self._plans = kept + [
            ProbePlan(settings, carriers, now) for settings, carriers in wanted.items() if settings not in known
        ]

    async def run(self) -> None:
        """Probe until cancelled."""
        while True:
            await trio.sleep(LOOK_S)
            self.look(self._core.clock.monotonic_s())

    def look(self, now: float) -> None:
        """Give up what was silent too long, and send what is due."""
        for out in [out for out in self._out.values() if out.until <= now]:
            self._end(out, "silent")
        for plan in self._plans:
            country = country_of(plan.settings.number)
            doubted = [name for name in plan.carriers if self._is_doubted(name, country)]
            for name in plan.due(now, doubted):
                if not self._send(plan, self._core.carriers[name], country, now):
                    plan.postponed(name, now)

    def on_outcome(self, outcome: Outcome) -> str:
        """An attempt to send a probe ended; the carrier's id under which its receipt will come, ``""`` for none."""
        out = self._out.get(outcome.message.seq)
        if out is None:
            return ""
        if not isinstance(outcome, Accepted):
            self._end(out, "refused")
            return ""
        now_ms = self._core.clock.now_ms()
        message = out.message
        message.state, out.taken_at = MessageState.ENROUTE, now_ms
        message.carrier_message_id = outcome.carrier_message_id
        if out.plan.settings.expected == "delivered":
            self._core.experience.cell(message.carrier, message.country).took(now_ms)
        if outcome.carrier_message_id:
            self._awaited[message.carrier, outcome.carrier_message_id] = out
        return outcome.carrier_message_id

    def on_receipt(self, carrier: str, names: Sequence[str], receipt: CarrierReceipt) -> bool:
        """Take a receipt that may be that of a probe, by any of these ids; whether it was."""
        awaited = self._awaited
        if not awaited:
            return False
        out = next(filter(None, (awaited.get((carrier, name)) for name in names)), None)
        if out is None:
            return False
        if receipt.state.is_final:
            self._judge(out, receipt.state is MessageState.DELIVERED)
        return True

    def _is_doubted(self, carrier: str, country: str) -> bool:
        score = self._core.quality.explain(carrier, country)
        return score.is_false or score.plausibility < DOUBT_BELOW

    def _send(self, plan: ProbePlan, carrier: CarrierState, country: str, now: float) -> bool:
        core, now_ms = self._core, self._core.clock.now_ms()
        cost = self._cost_of(carrier.name, plan.settings.number, country, now_ms)
        if len(self._out) >= OUT_MAX or not plan.has_room(now_ms // DAY_MS, cost):
            return False
        if core.store.failing is not None or core.health.allowance(carrier, country, now) < 1:
            return False
        link, _ = carrier.widest_link(now)
        if link is None:
            core.metrics.probed(carrier.name, country, "unsent")
            return False
        message = self._message_of(plan, carrier, country, now_ms)
        self._out[message.seq] = _Out(message, plan, now + plan.settings.within)
        plan.sent(carrier.name, cost, now)
        core.health.on_sent(link, [message], now)
        link.link.send([message])
        return True

    def _message_of(self, plan: ProbePlan, carrier: CarrierState, country: str, now_ms: int) -> Message:
        settings = plan.settings
        self._last_seq -= 1
        is_number = settings.sender.isdecimal()
        return Message(
            self._last_seq,
            f"probe{-self._last_seq}",
            "",
            "",
            "",
            0 if not settings.sender else TON_INTERNATIONAL if is_number else _TON_ALPHANUMERIC,
            NPI_ISDN if is_number else 0,
            settings.sender,
            TON_INTERNATIONAL,
            NPI_ISDN,
            settings.number,
            0,
            0,
            0,
            1,
            _LATIN1,
            0,
            settings.text.encode("latin-1", "replace"),
            False,
            b"",
            country,
            plan.settings.pool,
            now_ms,
            now_ms,
            now_ms + LIFE_MS,
            state=MessageState.SENDING,
            carrier=carrier.name,
        )

    def _cost_of(self, carrier: str, number: str, country: str, now_ms: int) -> int:
        card = self._core.tables.cards.get(carrier)
        rate = None if card is None else card.find(number, "", now_ms, country)
        return 0 if rate is None else rate.base

    def _judge(self, out: _Out, is_delivered: bool) -> None:
        core, message = self._core, out.message
        carrier, country, now_ms = message.carrier, message.country, core.clock.now_ms()
        if out.plan.settings.expected == "delivered":
            core.experience.cell(carrier, country).reported(is_delivered, out.taken_at, now_ms)
            self._end(out, "right" if is_delivered else "wrong")
            return
        has_changed = core.quality.probed(carrier, country, not is_delivered, now_ms)
        self._end(out, "wrong" if is_delivered else "right")
        if has_changed:
            tell = log.warning if is_delivered else log.info
            event = "carrier_receipts_false" if is_delivered else "carrier_receipts_true_again"
            tell(event, carrier=carrier, country=country)
            core.wake_dispatcher()

    def _end(self, out: _Out, result: str) -> None:
        message = out.message
        message.state = MessageState.UNKNOWN
        self._out.pop(message.seq, None)
        self._awaited.pop((message.carrier, message.carrier_message_id), None)
        self._core.metrics.probed(message.carrier, message.country, result)
