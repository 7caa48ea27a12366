"""The whole system under one seed: virtual time, a simulated network, disk and peers; see ``docs/reliability.md``."""
