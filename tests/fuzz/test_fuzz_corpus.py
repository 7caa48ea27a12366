"""The kept corpus of ``make fuzz``, replayed: what once reached something new still does no harm."""

from random import Random

import pytest

from smsagg.smpp import codec
from smsagg.smpp.framing import FrameBuffer
from tools.fuzz import corpus, targets
from tools.fuzz.mutator import mutate
from tools.fuzz.seeds import seeds


def test_the_kept_inputs_do_no_harm() -> None:
    """Hundreds of inputs, each of which reached code or a state that no other did."""
    inputs = corpus.read_kept()
    assert len(inputs) > 500
    assert sum(map(targets.run, inputs)) > 1_000


def test_what_was_found_stays_fixed() -> None:
    """Every input that ever failed."""
    findings = corpus.read_findings()
    assert findings
    for data in findings.values():
        targets.run(data)


def test_ordinary_inputs_and_their_mutants_do_no_harm() -> None:
    """The inputs that fuzzing begins with, and a short blind run from them."""
    inputs = list(seeds())
    for data in inputs:
        targets.run(data)
    rng = Random(1)
    for _ in range(1_000):
        targets.run(mutate(rng.choice(inputs), rng, inputs))


def test_a_decoder_that_raises_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """An IndexError for TLVs behind one kind of PDU, as a careless decoder has it."""
    decode = codec.decode

    def careless(frame: bytes, limits: object) -> object:
        pdu = decode(frame, limits)  # type: ignore[arg-type]
        return pdu if not pdu.tlvs or frame[7] != 3 else frame[1_000_000]

    monkeypatch.setattr(codec, "decode", careless)
    with pytest.raises(IndexError):
        _fuzz()


def test_framing_that_depends_on_segments_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A frame is dropped when its last octets come alone."""
    feed = FrameBuffer.feed

    def forgetful(self: FrameBuffer, data: bytes, now: float = 0.0) -> list[bytes]:
        frames = feed(self, data, now)
        return frames if len(data) > 1 else []

    monkeypatch.setattr(FrameBuffer, "feed", forgetful)
    with pytest.raises(AssertionError):
        _fuzz()


def _fuzz(inputs_max: int = 2_000) -> None:
    rng, known = Random(2), list(seeds())
    for _ in range(inputs_max):
        targets.run(mutate(rng.choice(known), rng, known))
