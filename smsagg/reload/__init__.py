"""Another configuration for a running server: read, checked, put in force in one step, kept as a version."""

from smsagg.reload.reloader import Reloaded, Reloader
from smsagg.reload.versions import Version, Versions

__all__ = ["Reloaded", "Reloader", "Version", "Versions"]
