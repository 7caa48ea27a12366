"""One fuzzing process: runs inputs until so many PDUs were read, and writes how far it is.

    python -m tools.fuzz.worker ENGINE PDUS SEED DIRECTORY

``DIRECTORY`` holds ``corpus/`` (read and added to), ``progress`` (inputs and PDUs so far, rewritten as it goes) and
``finding`` (the input that failed, when one did; its traceback goes to stderr, and the exit status is 1).
"""

import os
import sys
import traceback
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from random import Random

from tools.fuzz.mutator import INPUT_OCTETS_MAX, mutate

INSTRUMENTED = (
    "smsagg.smpp",
    "smsagg.receipts",
    "smsagg.policy",
    "smsagg.text",
    "smsagg.carriers.smpp.translate",
    "smsagg.esme.submission",
    "smsagg.esme.proxy_protocol",
)
"""Modules whose coverage steers."""
REPORT_EVERY = 5_000
INPUT_SECONDS_MAX = 10
GROW_EVERY = 400
"""The blind engine keeps one mutant in so many, to mutate it further."""
CORPUS_MAX = 5_000


class Progress:
    """Counts inputs and PDUs, and ends the process when there were enough."""

    def __init__(self, directory: Path, pdus_wanted: int, run: Callable[[bytes], int]) -> None:
        self._directory = directory
        self._wanted = pdus_wanted
        self._run = run
        self.inputs = self.pdus = 0

    def one_input(self, data: bytes) -> None:
        self.inputs += 1
        try:
            self.pdus += self._run(data)
        except BaseException:  # noqa: BLE001  (whatever it is, it is a finding)
            (self._directory / "finding").write_bytes(data)
            self._write()
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(1)
        if self.inputs % REPORT_EVERY == 0 or self.pdus >= self._wanted:
            self._write()
        if self.pdus >= self._wanted:
            os._exit(0)  # libFuzzer has no other end than a number of inputs

    def _write(self) -> None:
        (self._directory / "progress").write_text(f"{self.inputs} {self.pdus}")


def fuzz_with_atheris(directory: Path, pdus: int, seed: int) -> None:
    """Coverage-guided: what reaches new code joins the corpus."""
    import atheris

    with atheris.instrument_imports(include=list(INSTRUMENTED)):
        from tools.fuzz.targets import run

    progress = Progress(directory, pdus, run)
    known = read_corpus(directory)

    def custom_mutator(data: bytes, size_max: int, mutation_seed: int) -> bytes:
        if mutation_seed & 1:
            return atheris.Mutate(data, size_max)  # type: ignore[no-any-return]
        return mutate(data, Random(mutation_seed), known)[:size_max]

    arguments = (
        f"-seed={seed}",
        f"-max_len={INPUT_OCTETS_MAX}",
        f"-timeout={INPUT_SECONDS_MAX}",
        f"-artifact_prefix={directory}/finding-",
        "-rss_limit_mb=4096",
        "-print_final_stats=0",
        "-verbosity=0",
        str(directory / "corpus"),
    )
    atheris.Setup([sys.argv[0], *arguments], progress.one_input, custom_mutator=custom_mutator)
    atheris.Fuzz()


def fuzz_blindly(directory: Path, pdus: int, seed: int) -> None:
    """Without guidance: mutants of the corpus, and now and then a mutant of mutants."""
    from tools.fuzz.targets import run

    progress = Progress(directory, pdus, run)
    rng, known = Random(seed), read_corpus(directory)
    while True:
        data = mutate(rng.choice(known), rng, known)
        progress.one_input(data)
        if rng.randrange(GROW_EVERY) == 0:
            write_corpus(directory, [data])
            if len(known) < CORPUS_MAX:
                known.append(data)
            else:
                known[rng.randrange(CORPUS_MAX)] = data


def read_corpus(directory: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted((directory / "corpus").iterdir())]


def write_corpus(directory: Path, inputs: list[bytes]) -> None:
    (directory / "corpus").mkdir(parents=True, exist_ok=True)
    for data in inputs:
        (directory / "corpus" / sha256(data).hexdigest()[:32]).write_bytes(data)


if __name__ == "__main__":
    engine, pdus_wanted, seed_text, directory_text = sys.argv[1:]
    {"atheris": fuzz_with_atheris, "blind": fuzz_blindly}[engine](
        Path(directory_text), int(pdus_wanted), int(seed_text)
    )
