"""How good each carrier is in each country: a score from 0 (worst) to 1, with what it is made of.

Theory of operation. Every few seconds :meth:`Quality.sample` takes what :class:`~smsagg.routing.experience.Experience`
counted since the last time and adds it to two decayed tallies of each carrier and country: a *lasting* one with the
half-life of the settings, and a *recent* one with a tenth of it. The score is

``delivery × (1 − errors) × speed × plausibility × conversion``

* **delivery**: messages delivered, of those whose end the carrier told or should have told. Silence beyond what is
  usual for the carrier (a share learned slowly, ``USUAL_HALF_LIVES``) counts as failure: a report is missing when it
  has not come in twice the time in which nineteen of twenty come. Little evidence is filled up with the country's
  average.
* **errors**: attempts refused for now or not answered, of all.
* **speed**: 1 while the median report comes within ``latency_good``; each doubling beyond costs ``SLOW_COST``.
* **plausibility**: see :mod:`smsagg.routing.plausibility`; judged by every ``WINDOW`` reports, so that false ones are
  doubted within seconds. Doubt goes by new reports that are plausible, or fades with the half-life.
* **conversion**: where somebody tells what recipients did, the share that did it, against the country's best carrier.

Of delivery and errors the lasting tally tells, unless the recent one is worse beyond chance: a carrier falls in a
fraction of the half-life, and rises in one. A carrier that reports a dead number as reached (:meth:`Quality.probed`) is
*false*: its score is 0 until its probes have been right again ``PROBES_TO_CLEAR`` times in a row.

Pure: ``now`` is UTC milliseconds. A clock that steps back ages nothing.
"""

from collections.abc import Iterable, Mapping, Sequence

from attrs import asdict, define, field, fields

from smsagg.config.sandbox import SANDBOX
from smsagg.config.schema import QualitySettings
from smsagg.routing.experience import BINS, Cell, Experience, Key
from smsagg.routing.plausibility import WINDOW, plausibility
from smsagg.routing.score import Score
from smsagg.routing.tally import Tally, upper_share

RECENT_SHARE = 0.1
"""Half-life of the recent tally, as a share of the lasting one's."""
RECENT_MIN = 8.0
"""Below so much recent evidence the lasting tally alone tells."""
USUAL_HALF_LIVES = 72.0
"""Half-life of the share of reports that are usually missing, in half-lives of the lasting tally."""
USUAL_MIN = 20.0
"""Reports of a carrier below which no silence is usual for it."""
USUAL_DELIVERY_MIN = 0.5
"""What a carrier does while less is delivered is not what is usual for it."""
PRIOR_WEIGHT = 10.0
"""Little evidence is filled up with so many messages that fared as the country's average."""
PRIOR_DELIVERY = 0.9
"""What is expected where nobody has been seen."""
NEWCOMER_SHARE = 0.95
"""Score of a carrier that was never seen, of the country's average."""
PRIOR_MIN = 20.0
"""Evidence of a country from which its average is believed."""
SLOW_COST = 0.05
SLOW_MAX = 0.3
"""Most that slowness costs."""
OVERDUE_FACTOR = 2.0
OVERDUE_MIN_MS = 5_000
OVERDUE_MAX_MS = 3_600_000
LATENCIES_MIN = 20.0
"""Reports below which a carrier's own latency is not known."""
KEPT_MS = 30 * 86_400_000
"""What an earlier run thought is forgotten after so long."""
IDLE_MS = 20_000
"""Where nothing happens the judgement is made anew after so long."""
JOINING_STEP = 0.1
BELIEVED_MIN = 0.5
"""Reports of whom is believed less do not count as experience."""
CONVERSION_WEIGHT = 50.0
PROBES_TO_CLEAR = 2


@define(eq=False)
class _Judged:
    """What is remembered of one carrier in one country."""

    at: int
    recent: Tally = field(factory=Tally)
    lasting: Tally = field(factory=Tally)
    usual: Tally = field(factory=Tally)
    """What to expect of it: what is missing, of how many, and latencies. They join it late, as far as they are not
    doubted meanwhile, so that a liar does not make himself the measure."""
    joining: dict[int, list[float]] = field(factory=dict)
    """Latencies that are to join it, by when they were reported, in steps of a tenth of the half-life."""
    seen: dict[str, int] = field(factory=dict)
    seen_latencies: list[int] = field(factory=list)
    window: Tally = field(factory=Tally)
    """The latest reports, until there are enough to be judged."""
    belief: float = 1.0
    is_false: bool = False
    probes_right: int = 0
    """In a row, since one was wrong."""
    score: Score | None = None


_COUNTS = ("accepted", "temporary", "permanent", "in_doubt", "delivered", "failed", "late", "asked", "converted")
_KEPT = [attribute.name for attribute in fields(Tally)]


class Quality:
    """The scores of all carriers and countries that met, or were met by an earlier run."""

    def __init__(self, settings: QualitySettings, experience: Experience) -> None:
        self._settings = settings
        self._experience = experience
        self._judged: dict[Key, _Judged] = {}
        self._by_country: dict[str, list[str]] = {}
        self._prior: dict[str, float] = {}
        """By country, of what carriers told the end: the share that was delivered."""
        self._expected: dict[str, float] = {}
        """By country: the score of a carrier that was never seen there."""
        self._changed: set[Key] = set()
        self.version = 0
        """Grows with each sample: rankings made of scores are as old as this says."""

    def reconfigure(self, settings: QualitySettings) -> None:
        """Judge by ``settings`` from now on; what is remembered stays."""
        self._settings = settings

    # --- asked ---

    def score(self, carrier: str, country: str) -> float:
        """0 to 1, as of the last sample; who was never seen is expected to be a little worse than its country, so that
        the best one is not left for it before it has shown what it does."""
        judged = self._judged.get((carrier, country))
        if judged is None or judged.score is None:
            return self._expected.get(country, PRIOR_DELIVERY)
        return judged.score.value

    def explain(self, carrier: str, country: str) -> Score:
        """The score and what it is made of, as of the last sample."""
        judged = self._judged.get((carrier, country))
        if judged is None or judged.score is None:
            return Score(
                self.score(carrier, country),
                self._prior.get(country, PRIOR_DELIVERY),
                0.0,
                0,
                0.0,
                1.0,
                1.0,
                False,
                0.0,
            )
        return judged.score

    def is_false(self, carrier: str, country: str) -> bool:
        """Whether probes say that its delivery receipts there are not true."""
        judged = self._judged.get((carrier, country))
        return judged is not None and judged.is_false

    def scores(self) -> Mapping[Key, Score]:
        """All, as of the last sample."""
        return {key: judged.score for key, judged in self._judged.items() if judged.score is not None}

    # --- told ---

    def probed(self, carrier: str, country: str, is_right: bool, now: int) -> bool:
        """What a probe found; whether that made the carrier false there, or true again."""
        judged = self._of((carrier, country), now)
        was_false = judged.is_false
        if is_right:
            judged.probes_right += 1
            judged.is_false = was_false and judged.probes_right < PROBES_TO_CLEAR
        else:
            judged.probes_right = 0
            judged.is_false = True
        self._changed.add((carrier, country))
        if judged.is_false != was_false:
            self._judge((carrier, country), judged)
            self.version += 1
        return judged.is_false != was_false

    def sample(self, now: int) -> None:
        """Take in what happened since the last time, and judge anew whom it concerns."""
        cells = self._experience.cells.items()
        touched = [key for key, cell in cells if key[0] != SANDBOX and self._take_in(key, cell, now)]
        for country in {country for _, country in touched}:
            self._prior[country] = self._average(country, self._by_country[country])
        for key in touched:
            self._judge(key, self._judged[key])
        for country in {country for _, country in touched}:
            peers = (self._judged[carrier, country] for carrier in self._by_country[country])
            values = [peer.score.value for peer in peers if peer.score is not None and not peer.is_false]
            if values:
                self._expected[country] = sum(values) / len(values) * NEWCOMER_SHARE
        if touched:
            self.version += 1

    # --- kept over a restart ---

    def take_changed(self) -> list[tuple[Key, dict[str, object]]]:
        """What to keep of those that changed since the last call, as JSON takes it."""
        changed, self._changed = self._changed, set()
        return [(key, self._record(self._judged[key])) for key in changed]

    def restore(self, key: Key, record: Mapping[str, object], now: int) -> bool:
        """Take up what :meth:`take_changed` gave in an earlier run; False: it is too old to mean anything."""
        at, is_false, lasting, usual = (record.get(name) for name in ("at", "is_false", "lasting", "usual"))
        if not isinstance(at, int) or now - at > KEPT_MS:
            return False
        judged = self._of(key, now)
        judged.at, judged.is_false = min(at, now), is_false is True
        for tally, kept in ((judged.lasting, lasting), (judged.usual, usual)):
            if isinstance(kept, dict) and kept.keys() == set(_KEPT):
                for name, value in kept.items():
                    if name != "latencies":
                        setattr(tally, name, float(value))
                    elif len(value) == len(tally.latencies):
                        tally.latencies = [float(count) for count in value]
        self._judge(key, judged)
        return True

    # --- the rest ---

    def _of(self, key: Key, now: int) -> _Judged:
        judged = self._judged.get(key)
        if judged is None:
            judged = self._judged[key] = _Judged(now)
            self._by_country.setdefault(key[1], []).append(key[0])
        return judged

    def _take_in(self, key: Key, cell: Cell, now: int) -> bool:
        """Add what is new to the tallies; False: nothing was, and it is no time yet to let them age."""
        judged = self._of(key, now)
        overdue = cell.take_overdue(now - self._overdue_ms(key, judged))
        counts = {name: getattr(cell, name) for name in _COUNTS}
        new = {name: count - judged.seen.get(name, 0) for name, count in counts.items()}
        is_news = overdue > 0 or any(new.values())
        if not is_news and 0 <= now - judged.at < IDLE_MS and judged.score is not None:
            return False
        elapsed_s = max(now - judged.at, 0) / 1000
        half_life = self._settings.half_life
        for tally, share in ((judged.recent, RECENT_SHARE), (judged.lasting, 1.0), (judged.usual, USUAL_HALF_LIVES)):
            tally.age(0.5 ** (elapsed_s / (half_life * share)))
        judged.belief = 1.0 - (1.0 - judged.belief) * 0.5 ** (elapsed_s / half_life)
        judged.at = max(now, judged.at)
        if not is_news:
            return True
        self._changed.add(key)
        before = judged.seen_latencies or [0] * len(cell.latencies)
        latencies = [count - seen for count, seen in zip(cell.latencies, before, strict=True)]
        judged.seen, judged.seen_latencies = counts, list(cell.latencies)
        window = judged.window
        window.delivered += new["delivered"]
        window.failed += new["failed"]
        window.latencies = _sum(window.latencies, latencies)
        if sum(window.latencies) >= WINDOW:
            self._judge_window(key, judged)
        delivered = new["delivered"] if judged.belief >= BELIEVED_MIN else 0
        is_usual = judged.score is None or judged.score.delivery >= USUAL_DELIVERY_MIN
        for tally in (judged.recent, judged.lasting, judged.usual):
            tally.delivered += delivered
            tally.failed += new["failed"] + new["permanent"]
            if tally is not judged.usual or is_usual:
                tally.missing = max(tally.missing + overdue - new["late"], 0.0)
            tally.accepted += new["accepted"]
            tally.erred += new["temporary"] + new["in_doubt"]
            tally.asked += new["asked"]
            tally.converted += new["converted"]
        return True

    def _judge_window(self, key: Key, judged: _Judged) -> None:
        """Compare the latest reports with what came before."""
        window, judged.window = judged.window, Tally()
        peers = [peer for peer in map(self._judged.__getitem__, self._peers(key)) if peer.belief >= BELIEVED_MIN]
        judged.belief = plausibility(window, judged.usual, [peer.lasting for peer in peers])
        if judged.belief < BELIEVED_MIN:
            judged.joining.clear()
            return
        lasting = judged.lasting
        lasting.latencies = _sum(lasting.latencies, window.latencies)
        step = judged.at // int(self._settings.half_life * JOINING_STEP * 1000)
        judged.joining[step] = _sum(judged.joining.get(step, ()) or [0.0] * BINS, window.latencies)
        for old in [old for old in judged.joining if old < step - 1 / JOINING_STEP]:
            judged.usual.latencies = _sum(judged.usual.latencies, judged.joining.pop(old))

    def _overdue_ms(self, key: Key, judged: _Judged) -> int:
        """How old a message may get before its report is missing."""
        latencies = judged.lasting
        if sum(latencies.latencies) < LATENCIES_MIN:
            usual_ms = int(self._settings.receipts_within * 1000)
        else:
            usual_ms = int(latencies.latency_ms(0.95) * OVERDUE_FACTOR)
        return min(max(usual_ms, OVERDUE_MIN_MS), OVERDUE_MAX_MS)

    def _average(self, country: str, carriers: Iterable[str]) -> float:
        """The delivery rate of a country."""
        delivered = resolved = 0.0
        for carrier in carriers:
            judged = self._judged[carrier, country]
            if judged.is_false:
                continue
            rest = judged.lasting.reported + self._excess(judged, judged.lasting)
            delivered += judged.lasting.delivered
            resolved += rest
        if resolved < PRIOR_MIN:
            return PRIOR_DELIVERY
        return delivered / resolved

    def _excess(self, judged: _Judged, tally: Tally) -> float:
        """Reports missing from ``tally`` beyond what is usual."""
        usual = judged.usual
        share = usual.missing / usual.resolved if usual.reported >= USUAL_MIN else 0.0
        return max(tally.missing - share * tally.resolved, 0.0)

    def _judge(self, key: Key, judged: _Judged) -> None:
        lasting, recent = judged.lasting, judged.recent
        prior = self._prior.get(key[1], PRIOR_DELIVERY)
        excess = self._excess(judged, lasting)
        known = lasting.reported + excess
        delivery = (lasting.delivered + prior * PRIOR_WEIGHT) / (known + PRIOR_WEIGHT)
        recent_known = recent.reported + self._excess(judged, recent)
        if recent_known >= RECENT_MIN:
            delivery = min(delivery, upper_share(recent.delivered, recent_known))
        errors = lasting.erred / (lasting.accepted + lasting.erred + PRIOR_WEIGHT)
        tried = recent.accepted + recent.erred
        if tried >= RECENT_MIN:
            errors = max(errors, 1.0 - upper_share(recent.accepted, tried))
        latency_ms = lasting.latency_ms(0.5)
        conversion = self._conversion(key, lasting)
        value = delivery * (1.0 - errors) * self._speed(latency_ms) * judged.belief * conversion
        judged.score = Score(
            0.0 if judged.is_false else value,
            delivery,
            errors,
            latency_ms,
            excess / (known + PRIOR_WEIGHT),
            judged.belief,
            conversion,
            judged.is_false,
            known,
        )

    def _peers(self, key: Key) -> list[Key]:
        carrier, country = key
        return [
            (peer, country)
            for peer in self._by_country.get(country, ())
            if peer != carrier and not self._judged[peer, country].is_false
        ]

    def _speed(self, latency_ms: int) -> float:
        doublings, bound = 0, self._settings.latency_good * 1000
        while bound < latency_ms and doublings * SLOW_COST < SLOW_MAX:
            bound *= 2
            doublings += 1
        return 1.0 - min(doublings * SLOW_COST, SLOW_MAX)

    def _conversion(self, key: Key, lasting: Tally) -> float:
        """The carrier's share against the best of its peers; 1 where nobody tells."""
        if not lasting.asked:
            return 1.0
        best = max(
            (peer.converted / (peer.asked + CONVERSION_WEIGHT) for peer in self._lasting_of(self._peers(key))),
            default=0.0,
        )
        own = (lasting.converted + best * CONVERSION_WEIGHT) / (lasting.asked + CONVERSION_WEIGHT)
        return min(own / best, 1.0) if best > 0 else 1.0

    def _lasting_of(self, keys: Iterable[Key]) -> list[Tally]:
        return [self._judged[key].lasting for key in keys]

    @staticmethod
    def _record(judged: _Judged) -> dict[str, object]:
        return {
            "at": judged.at,
            "is_false": judged.is_false,
            "lasting": _rounded(judged.lasting),
            "usual": _rounded(judged.usual),
        }


def _sum(counts: Sequence[float], more: Sequence[float]) -> list[float]:
    return [count + one for count, one in zip(counts, more, strict=True)]


def _rounded(tally: Tally) -> dict[str, object]:
    """A tally as JSON keeps it: a thousandth of a message more or less does not matter."""
    counts = asdict(tally)
    latencies = counts.pop("latencies")
    return {name: round(count, 3) for name, count in counts.items()} | {
        "latencies": [round(count, 3) for count in latencies]
    }
