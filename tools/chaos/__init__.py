"""The proof of durability: load, faults, and a checker that compares what every side saw; see ``docs/reliability.md``."""
