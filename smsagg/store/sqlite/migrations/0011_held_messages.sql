-- find_held: only messages that wait for an operator, or for their account to be let go on, pay for it. The instant is
-- FROZEN_UNTIL of smsagg/model/message.py.
CREATE INDEX messages_held ON messages (next_attempt_at, seq)
    WHERE parked = 1 AND state = 0 AND next_attempt_at >= 253402300798000;
