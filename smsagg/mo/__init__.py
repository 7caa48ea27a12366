"""Messages from handsets: whose they are, and how parts become one message again. Pure."""

from smsagg.mo.joining import concatenation_of, join
from smsagg.mo.keyword import first_word
from smsagg.mo.loop_guard import LoopGuard
from smsagg.mo.reassembly import Reassembly, Taken
from smsagg.mo.routes import MoRoute, MoRoutes, routes_of

__all__ = [
    "LoopGuard",
    "MoRoute",
    "MoRoutes",
    "Reassembly",
    "Taken",
    "concatenation_of",
    "first_word",
    "join",
    "routes_of",
]
