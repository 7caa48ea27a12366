"""From the ready queues to the links: the late choice, the attempt, and what came of it."""
