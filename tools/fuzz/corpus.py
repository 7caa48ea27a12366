"""The kept corpus: inputs that once reached something new, one base64 line each, and one file for each finding."""

from base64 import b64decode, b64encode
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2] / "tests" / "corpus"
KEPT = ROOT / "inputs.txt"
FINDINGS = ROOT / "findings"


def read_kept() -> list[bytes]:
    return [b64decode(line) for line in KEPT.read_text().split()] if KEPT.exists() else []


def write_kept(inputs: Iterable[bytes]) -> None:
    lines = sorted({b64encode(data).decode() for data in inputs}, key=lambda line: (len(line), line))
    KEPT.parent.mkdir(parents=True, exist_ok=True)
    KEPT.write_text("".join(f"{line}\n" for line in lines))


def read_findings() -> dict[str, bytes]:
    """By file name. A finding stays here after its fix, so that it stays fixed."""
    return {path.name: path.read_bytes() for path in sorted(FINDINGS.glob("*.bin"))}


def add_finding(data: bytes) -> Path:
    FINDINGS.mkdir(parents=True, exist_ok=True)
    path = FINDINGS / f"{sha256(data).hexdigest()[:16]}.bin"
    path.write_bytes(data)
    return path
