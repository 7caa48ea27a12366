"""What a run needs from outside, installed when it is missing: Debian packages (as root), the npm package.

Whatever cannot be had is named with the reason; the run then skips what needs it and says so.
"""

import os
import shutil
import subprocess
from pathlib import Path

from attrs import Factory, define

NPM_PACKAGE = "smpp@0.5.1"
INSTALL_TIMEOUT_S = 900.0
FAKESMSC = Path("/usr/lib/kannel/test/fakesmsc")

DEBIAN = {
    "node": "nodejs",
    "npm": "npm",
    "tshark": "tshark",
    "dumpcap": "wireshark-common",
    "bearerbox": "kannel",
    "smsbox": "kannel",
    "fakesmsc": "kannel-extras",
    "Net::SMPP": "libnet-smpp-perl",
}
"""Tool → package."""


@define
class Tools:
    """What there is. ``missing``: tool → why it is not there."""

    folder: Path
    missing: dict[str, str] = Factory(dict)

    @property
    def node_env(self) -> dict[str, str]:
        return {"NODE_PATH": str((self.folder / "npm" / "node_modules").resolve())}

    def why_not(self, *names: str) -> str:
        """``""`` when all are there, else what is missing and why."""
        return "; ".join(f"{name}: {self.missing[name]}" for name in names if name in self.missing)


def install(folder: Path, *, may_install: bool = True) -> Tools:
    """Find every tool; with ``may_install`` fetch those that are missing."""
    tools = Tools(folder)
    absent = [name for name in DEBIAN if not is_there(name)]
    reason = _install_debian(sorted({DEBIAN[name] for name in absent})) if absent and may_install else "not installed"
    tools.missing = {name: reason or "its package does not bring it" for name in absent if not is_there(name)}
    if not (folder / "npm" / "node_modules" / "smpp").is_dir():
        why = tools.why_not("npm") or (_install_npm(folder) if may_install else "not installed")
        if why:
            tools.missing["npm smpp"] = why
    return tools


def is_there(name: str) -> bool:
    if name == "Net::SMPP":
        return _succeeds(["perl", "-MNet::SMPP", "-MJSON::PP", "-e", "1"])
    if name == "fakesmsc":
        return FAKESMSC.exists()
    return shutil.which(name) is not None


def _succeeds(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _install_debian(packages: list[str]) -> str:
    """Why the packages could not be installed, ``""`` when they were."""
    if shutil.which("apt-get") is None:
        return "no apt-get here"
    if os.geteuid() != 0:
        return f"not root: apt-get install {' '.join(packages)}"
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages],
    ):
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S, check=False)
    return "" if done.returncode == 0 else f"apt-get failed: {done.stderr.strip()[-200:]}"


def _install_npm(folder: Path) -> str:
    """As :func:`_install_debian`."""
    into = folder / "npm"
    into.mkdir(parents=True, exist_ok=True)
    command = ["npm", "install", "--no-audit", "--no-fund", "--no-save", "--prefix", str(into), NPM_PACKAGE]
    done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S, check=False)
    return "" if done.returncode == 0 else f"npm failed: {done.stderr.strip()[-200:]}"
