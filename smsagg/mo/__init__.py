"""Messages from handsets: whose they are, and how parts become one message again. Pure."""

from smsagg.mo.keyword import first_word
from smsagg.mo.routes import ANY_NUMBER, MoRoute, MoRoutes, routes_of

__all__ = ["ANY_NUMBER", "MoRoute", "MoRoutes", "first_word", "routes_of"]
