"""What may go where: circuits of links and of carriers' ways to countries, and everything that holds them back.

Theory of operation. A link has a circuit (:class:`~smsagg.engine.sending.pools.LinkState`), and so has a carrier's way
to a country (:class:`~smsagg.engine.health.ways.Way`), once anything is to be known of it. What feeds which:

| Evidence | Link | Way to the country |
|---|---|---|
| accepted, throttled, refused for good | success | success |
| temporary refusal | failure | failure; who is to blame: :mod:`smsagg.shaping.failures` |
| no answer in time | failure of its own | |
| link lost, with attempts outstanding | one failure of its own | |
| attempts outstanding and none answered for ``health_window`` | open, until it answers | |
| receipts tell that little is delivered | | open, until a probe is delivered |

An open circuit lets one message through as a probe each ``circuit_open``. What operators, rules and drills hold stands
beside the circuits (:class:`~smsagg.engine.health.ways.Holds`): of a whole carrier in its ``holds``, of a country in
the way's.

While nothing is restricted by country, :attr:`Health.is_quiet` says so, and nobody needs to ask per country.
"""

from collections.abc import Callable, Iterable, Sequence
from math import inf

import structlog

from smsagg.engine.health.ways import Holds, Way
from smsagg.engine.sending.pools import CarrierState, LinkState
from smsagg.model import Message, Outcome
from smsagg.queueing import TokenBucket
from smsagg.shaping import Culprit, culprit_of

STALE_S = 3_600.0
"""A circuit that has let a probe through for so long, and there was none, closes: while any way is restricted, all
messages are looked at by country."""

log = structlog.get_logger("smsagg.engine")


class Health:
    """``now`` is monotonic seconds. Memory: one :class:`Way` for each carrier and country with something to tell."""

    def __init__(self) -> None:
        self._restricting: set[Way | CarrierState] = set()
        """Ways that are less than open, and carriers whose share is shifted away."""
        self.country_paces: dict[str, TokenBucket] = {}
        """Rates over all carriers, by country."""
        self.is_quiet = True
        """No country is restricted anywhere and no share is shifted: the questions below need not be asked. Whole
        carriers may be stopped or slowed."""
        self.version = 0
        """Grows when something that was restricted may be less so: who rests for it looks again."""
        self.wake: Callable[[], None] = lambda: None
        """Called when messages may flow otherwise."""

    # What may go.

    def allowance(self, carrier: CarrierState, country: str, now: float) -> float:
        """Messages for ``country`` that ``carrier`` may be given now: ``inf``, a number, 1 (also a probe), or 0."""
        if self.is_quiet:
            return inf
        way = carrier.ways.get(country)
        allowance = inf if way is None else way.allowance(now)
        pace = self.country_paces.get(country)
        return allowance if pace is None else min(allowance, pace.available(now))

    def is_barred(self, carrier: CarrierState, country: str, now: float) -> bool:
        """Whether ``carrier`` is no carrier for ``country`` now: others, and backups, are asked in its place. A rate
        that is used up for the moment bars nobody."""
        way = carrier.ways.get(country)
        return way is not None and way.is_barred(now)

    def share(self, carrier: CarrierState, country: str) -> float:
        """Of the messages for ``country`` that the policy would give ``carrier``, it is to have this share: 0 to 1."""
        share = carrier.holds.share
        if not self.is_quiet:
            way = carrier.ways.get(country)
            share = share if way is None else min(share, way.holds.share)
        return share

    def ready_at(self, carrier: CarrierState, country: str, now: float) -> float:
        """When time alone makes :meth:`allowance` 1 or more: ``now`` when it is, ``inf`` when an event must."""
        way, pace = carrier.ways.get(country), self.country_paces.get(country)
        ready_at = now if way is None else way.ready_at(now)
        return ready_at if pace is None else max(ready_at, pace.ready_at(now))

    def explain(self, carrier: CarrierState, country: str, now: float) -> str:
        """What holds messages for ``country`` back at ``carrier``, for people; ``""``: nothing."""
        reasons = carrier.holds.reasons()
        if not any(link.link.is_bound for link in carrier.links):
            reasons.append("not bound")
        elif all(not link.circuit.is_closed for link in carrier.links if link.link.is_bound):
            reasons.append("circuit of every link open")
        way = carrier.ways.get(country)
        if way is not None:
            if not way.circuit.is_closed:
                reasons.append(f"circuit {way.circuit.state.value} for {country or 'unknown countries'}")
            reasons += way.holds.reasons()
        pace = self.country_paces.get(country)
        if pace is not None and pace.available(now) < 1:
            reasons.append(f"{country} is paced at {pace.rate_per_s:g}/s")
        return "; ".join(reasons)

    # Evidence.

    def on_sent(self, link: LinkState, messages: Sequence[Message], now: float) -> None:
        """``messages`` were handed to ``link``."""
        link.on_sent(len(messages), now)
        if self.is_quiet:
            return
        ways, paces = link.carrier.ways, self.country_paces
        for message in messages:
            way = ways.get(message.country)
            if way is not None:
                way.circuit.on_sent()
                way.holds.take(1, now)
            pace = paces.get(message.country)
            if pace is not None:
                pace.take(1, now)

    def on_promised(self, link: LinkState, country: str, count: int, now: float) -> None:
        """``count`` messages for ``country`` are as good as handed to ``link``: instead of :meth:`on_sent`."""
        link.on_sent(count, now)
        if self.is_quiet:
            return
        way = link.carrier.ways.get(country)
        if way is not None:
            way.circuit.on_sent()
            way.holds.take(count, now)
        pace = self.country_paces.get(country)
        if pace is not None:
            pace.take(count, now)

    def on_accepted(self, link: LinkState, outcomes: Iterable[Outcome], now: float) -> None:
        """All of ``outcomes`` are acceptances."""
        self._link_works(link, now)
        if link.carrier.ways:
            for outcome in outcomes:
                self._way_works(link.carrier, outcome.message.country)

    def on_answered(self, link: LinkState, country: str, now: float) -> None:
        """An acceptance, or a refusal that shows a working carrier."""
        self._link_works(link, now)
        self._way_works(link.carrier, country)

    def on_failure(self, link: LinkState, country: str, now: float) -> None:
        """A temporary refusal of a message for ``country``."""
        link.heard_at = now
        way = self.way(link.carrier, country)
        link.run.add(country)
        way.run.add(link)
        link.circuit.on_failure(now)
        way.circuit.on_failure(now)
        guilty = culprit_of(link.run, way.run, link.carrier.settings.circuit_failures, has_other_link=_has_other(link))
        if guilty is Culprit.LINK:
            self._convict_link(link, now)
            way.run.clear()
        elif guilty is Culprit.COUNTRY:
            self._convict_way(link.carrier, way, now)
        self._note(way)

    def on_in_doubt(self, link: LinkState, country: str, link_lost: bool, now: float) -> None:
        """No answer to a message for ``country``: in time, or with the link lost, for which
        :meth:`on_own_failure` is called once."""
        if not link_lost:
            self.on_own_failure(link, now)
        self._owe_probe(link.carrier, country, now)

    def on_own_failure(self, link: LinkState, now: float) -> None:
        """What only a link can do: no answer in time, or it was lost with attempts outstanding."""
        link.run.add_own()
        link.circuit.on_failure(now)
        if culprit_of(link.run, None, link.carrier.settings.circuit_failures, has_other_link=False) is Culprit.LINK:
            self._convict_link(link, now)

    def on_not_sent(self, link: LinkState, countries: Iterable[str], now: float) -> None:
        """Messages for ``countries`` came back unsent: no evidence, but probes among them are needed again."""
        link.circuit.on_not_sent(now)
        for country in countries:
            self._owe_probe(link.carrier, country, now)

    def on_silent(self, link: LinkState, now: float) -> None:
        """Nothing outstanding on ``link`` was answered for its carrier's ``health_window``."""
        if link.circuit.is_closed:
            link.is_silent = True
            link.circuit.trip(now)
            log.warning("circuit_opened", carrier=link.carrier.name, link=link.link.name, reason="nothing is answered")
            self.woken(link.carrier)

    def forget_stale(self, carrier: CarrierState, now: float) -> None:
        """Circuits for which nobody had a probe in :data:`STALE_S`: what is known is too old to tell anything."""
        for way in list(carrier.ways.values()):
            if now - way.circuit.next_probe_at >= STALE_S:
                way.circuit.clear()
                way.is_judged_by_receipts = False
                log.warning("circuit_closed", carrier=carrier.name, country=way.country, reason="nothing goes there")
                self.changed(carrier, way.country)

    def on_undelivered(self, carrier: CarrierState, country: str, now: float) -> None:
        """Receipts tell that what ``carrier`` takes for ``country`` does not arrive."""
        way = self.way(carrier, country)
        way.is_judged_by_receipts = True
        way.circuit.trip(now)
        self._note(way)
        self.woken(carrier)

    def on_probe_reported(self, carrier: CarrierState, way: Way, is_delivered: bool, now: float) -> None:
        """The receipt of a probe of a way that is judged by receipts."""
        if not is_delivered:
            way.circuit.on_failure(now)
            return
        way.is_judged_by_receipts = False
        way.circuit.clear()
        log.warning("circuit_closed", carrier=carrier.name, country=way.country)
        self.changed(carrier, way.country)

    # Holds.

    def way(self, carrier: CarrierState, country: str) -> Way:
        """The carrier's way to ``country``, from now on kept until it is idle."""
        way = carrier.ways.get(country)
        if way is None:
            way = carrier.ways[country] = Way(country, carrier.settings.circuit_open)
        return way

    def stop(self, carrier: CarrierState, country: str, source: str, reason: str) -> None:
        """Nothing goes to ``carrier``, or with ``country`` to its way there, until :meth:`release` of ``source``."""
        self._holds(carrier, country).stop(source, reason)
        self.changed(carrier, country)

    def slow(
        self, carrier: CarrierState, country: str, source: str, rate_per_s: float, reason: str, now: float
    ) -> None:
        """At most so much goes there."""
        self._holds(carrier, country).slow(source, rate_per_s, reason, now)
        self.changed(carrier, country)

    def shift(self, carrier: CarrierState, country: str, source: str, share: float, reason: str) -> None:
        """At most this share goes there of what would go otherwise."""
        self._holds(carrier, country).shift(source, share, reason)
        self.changed(carrier, country)

    def release(self, carrier: CarrierState, country: str, source: str) -> None:
        """What ``source`` asked for is over."""
        self._holds(carrier, country).release(source)
        self.changed(carrier, country)

    def _holds(self, carrier: CarrierState, country: str) -> Holds:
        return self.way(carrier, country).holds if country else carrier.holds

    def changed(self, carrier: CarrierState, country: str) -> None:
        """The holds of ``carrier``, or with ``country`` those of a way, were changed: messages may flow otherwise."""
        way = carrier.ways.get(country)
        if way is not None:
            self._note(way)
            if way.is_idle:
                del carrier.ways[country]
        if carrier.holds.share < 1:
            self._restricting.add(carrier)
        else:
            self._restricting.discard(carrier)
        self._note_quiet()
        self.woken(carrier)

    def woken(self, carrier: CarrierState) -> None:
        """Who waits for ``carrier`` is to look again: it may have room, or be no carrier for the moment."""
        self.version += 1
        for link in carrier.links:
            link.stir()
        self.wake()

    def reconfigure(self, carriers: Iterable[CarrierState]) -> None:
        """These are the carriers from now on."""
        carriers = list(carriers)
        self._restricting = {way for carrier in carriers for way in carrier.ways.values() if way.restricts}
        self._restricting |= {carrier for carrier in carriers if carrier.holds.share < 1}
        self._note_quiet()

    def pace_country(self, country: str, rate_per_s: float | None, now: float) -> None:
        """Let at most so much go to ``country``, over all carriers; ``None``: as much as can."""
        pace = self.country_paces.get(country)
        if rate_per_s is None:
            self.country_paces.pop(country, None)
        elif pace is None:
            self.country_paces[country] = TokenBucket(rate_per_s, burst_of(rate_per_s), now)
        elif pace.rate_per_s != rate_per_s:
            pace.set_rate(rate_per_s, burst_of(rate_per_s), now)
        self._note_quiet()

    def _convict_link(self, link: LinkState, now: float) -> None:
        if link.circuit.is_closed:
            log.warning("circuit_opened", carrier=link.carrier.name, link=link.link.name, reason="failures in a row")
        link.circuit.trip(now)
        link.run.clear()

    def _convict_way(self, carrier: CarrierState, way: Way, now: float) -> None:
        """Failures of that country are explained now: they are no evidence against the links any more."""
        if way.circuit.is_closed:
            log.warning("circuit_opened", carrier=carrier.name, country=way.country, reason="failures in a row")
        way.circuit.trip(now)
        way.run.clear()
        for link in carrier.links:
            if not link.run.is_mixed and link.run.shared == way.country:
                link.run.clear()

    def _owe_probe(self, carrier: CarrierState, country: str, now: float) -> None:
        """The fate of an attempt is unknown; if it was a probe, another one is to be made."""
        way = carrier.ways.get(country)
        if way is not None:
            way.circuit.on_not_sent(now)

    def _link_works(self, link: LinkState, now: float) -> None:
        link.heard_at = now
        link.run.clear()
        if not link.circuit.is_closed:
            if link.is_silent:
                link.circuit.clear()
            link.circuit.on_success()
            if link.circuit.is_closed:
                link.is_silent = False
                log.warning("circuit_closed", carrier=link.carrier.name, link=link.link.name)

    def _way_works(self, carrier: CarrierState, country: str) -> None:
        way = carrier.ways.get(country)
        if way is None:
            return
        way.run.clear()
        if not way.circuit.is_closed and not way.is_judged_by_receipts:
            way.circuit.on_success()
            if way.circuit.is_closed:
                log.warning("circuit_closed", carrier=carrier.name, country=country)
        self._note(way)
        if way.is_idle:
            del carrier.ways[country]

    def _note(self, way: Way) -> None:
        if way.restricts:
            self._restricting.add(way)
        elif way not in self._restricting:
            return
        else:
            self._restricting.discard(way)
        self._note_quiet()

    def _note_quiet(self) -> None:
        self.is_quiet = not self._restricting and not self.country_paces
        self.version += 1


def burst_of(rate_per_s: float) -> float:
    """What a rate lets through at once: a tenth of a second's worth, but one message at least."""
    return max(rate_per_s / 10, 1.0)


def _has_other(link: LinkState) -> bool:
    """Whether the carrier has another link that messages could go on."""
    return any(other is not link and other.link.is_bound and other.circuit.is_closed for other in link.carrier.links)
