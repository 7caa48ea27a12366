"""A client of the HTTP API: :class:`Client`, and :class:`AsyncClient` for trio and asyncio.

::

    with Client("http://127.0.0.1:8080", "sk_dev") as client:
        message = client.send(to="+447700900123", text="Hello")
        print(client.get(message.id).state)

Messages and events have methods of their own. All else is asked by functions of ``consent``, ``inbound``, ``keys``,
``senders``, ``templates``, ``verifications`` and ``webhooks``, of either client::

    started = client.ask(verifications.start(to="+447700900123", brand="ACME"))
    for record in client.each(suppressions.all()):
        print(record.number, record.how)

It needs httpx2, attrs and cattrs, and of this package how webhooks are signed.
"""

from smsagg.client import inbound, senders, templates, verifications, webhooks
from smsagg.client.asks import request
from smsagg.client.asynchronous import AsyncClient
from smsagg.client.consent import consents, suppressions
from smsagg.client.credentials import clients, keys, me
from smsagg.client.errors import ApiError, BadSignature, Unreachable
from smsagg.client.shapes import BatchResult, Event, Message
from smsagg.client.signatures import verify_webhook, verify_webhooks
from smsagg.client.synchronous import Client

__all__ = [
    "ApiError", "AsyncClient", "BadSignature", "BatchResult", "Client", "Event", "Message", "Unreachable", "clients",
    "consents", "inbound", "keys", "me", "request", "senders", "suppressions", "templates", "verifications",
    "verify_webhook", "verify_webhooks", "webhooks",
]  # fmt: skip
