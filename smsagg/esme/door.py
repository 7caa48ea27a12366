"""What all sessions of the front door share."""

import structlog
from attrs import define, evolve, field

from smsagg.clock import Clock
from smsagg.config.schema import Config
from smsagg.engine import Engine
from smsagg.esme.authenticator import Authenticator
from smsagg.esme.pace import Pace
from smsagg.esme.pdu_counts import PduCounts
from smsagg.esme.sessions import Sessions
from smsagg.esme.submission import Submission
from smsagg.observe.log import RateLimitedLog
from smsagg.observe.metrics import Metrics
from smsagg.session import DriverLimits
from smsagg.smpp.limits import Limits
from smsagg.smpp.timers import TimerSettings


@define(eq=False)
class FrontDoor:
    """Settings in the words of the protocol, and the parts of the system that a session speaks to."""

    config: Config
    engine: Engine
    clock: Clock
    metrics: Metrics
    authenticator: Authenticator
    sessions: Sessions
    submission: Submission
    system_id: str
    limits: Limits
    timers: TimerSettings
    driver_limits: DriverLimits
    pace: Pace = field(factory=Pace)
    pdu_counts: PduCounts = field(factory=PduCounts)
    log: RateLimitedLog = field(factory=lambda: RateLimitedLog(structlog.get_logger()))
    """For what strangers can provoke at will."""

    def reconfigure(self) -> None:
        """Take the configuration that the engine has by now, for what comes from now on."""
        self.config = config = self.engine.core.config
        self.system_id = config.server.system_id
        self.submission = Submission(config, self.engine.admission)
        self.limits = evolve(self.limits, unanswered_max=_unanswered_max(config))
        self.sessions.set_limit(config.server.sessions_per_address_max)
        self.authenticator.reconfigure(self.engine.accounts.values(), config.server.bind_failures)


def _unanswered_max(config: Config) -> int:
    return max((account.window_max for account in config.accounts.values()), default=1)


def make_front_door(
    config: Config,
    engine: Engine,
    clock: Clock,
    metrics: Metrics,
    authenticator: Authenticator | None = None,
    sessions_max: int | None = None,
) -> FrontDoor:
    """The front door of a configuration; without an ``authenticator`` the accounts' settings decide.

    ``sessions_max`` is how many connections the system allows, when that is less than the configuration does.
    """
    session = config.session
    sessions = Sessions(sessions_max or config.server.sessions_max, config.server.sessions_per_address_max)
    engine.alerts.tell = sessions.alert
    return FrontDoor(
        config=config,
        engine=engine,
        clock=clock,
        metrics=metrics,
        authenticator=authenticator or Authenticator(engine.accounts.values(), config.server.bind_failures),
        sessions=sessions,
        submission=Submission(config, engine.admission),
        system_id=config.server.system_id,
        limits=Limits(
            pdu_octets_max=session.pdu_octets_max,
            tlvs_max=session.tlvs_max,
            window_max=session.deliver_window,
            unanswered_max=_unanswered_max(config),
        ),
        timers=TimerSettings(
            session_init_timeout_s=session.session_init_timeout,
            enquire_link_interval_s=session.enquire_link_interval,
            inactivity_timeout_s=session.inactivity_timeout,
            response_timeout_s=session.response_timeout,
            pdu_deadline_s=session.pdu_deadline,
        ),
        driver_limits=DriverLimits(
            outbox_octets_max=session.outbox_octets_max,
            write_deadline_s=session.write_deadline,
        ),
    )
