"""The proof of durability: load, faults, and a checker of what every side saw; see ``docs/reliability.md``."""
