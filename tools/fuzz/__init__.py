"""Fuzzing of everything that reads what a peer wrote: targets, a mutator that knows the protocol, and the run."""
