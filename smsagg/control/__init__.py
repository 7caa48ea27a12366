"""The operator's way into a running server: a Unix socket beside the store, and a client for the command line."""

from smsagg.control.client import ask, ask_all, is_running
from smsagg.control.server import Caller, ControlServer, Handler, socket_path

__all__ = ["Caller", "ControlServer", "Handler", "ask", "ask_all", "is_running", "socket_path"]
