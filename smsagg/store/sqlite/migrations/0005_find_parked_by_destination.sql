-- find_queued: only messages that wait in the store alone pay for it. By the last two digits of the destination, and
-- within those by age: what comes is appended to, and what goes is taken from the front of, a hundred ranges, so a
-- commit of thousands dirties a hundred pages and not thousands. A look-up reads a hundredth of what is parked, and of
-- that only the index.
CREATE INDEX messages_parked_destination ON messages (substr(destination_addr, -2), seq, destination_addr)
    WHERE parked = 1 AND state = 0;
