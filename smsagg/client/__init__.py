"""A client of the HTTP API: :class:`Client`, and :class:`AsyncClient` for trio and asyncio.

::

    with Client("http://127.0.0.1:8080", "sk_dev") as client:
        message = client.send(to="+447700900123", text="Hello")
        print(client.get(message.id).state)

It needs httpx2 and attrs, and nothing else of this package.
"""

from smsagg.client.asynchronous import AsyncClient
from smsagg.client.errors import ApiError, BadSignature, Unreachable
from smsagg.client.shapes import BatchResult, Event, Message
from smsagg.client.synchronous import Client
from smsagg.client.webhook_shapes import Health, Inbound, Secret, Webhook
from smsagg.client.webhooks import verify_webhook, verify_webhooks

__all__ = [
    "ApiError", "AsyncClient", "BadSignature", "BatchResult", "Client", "Event", "Health", "Inbound", "Message",
    "Secret", "Unreachable", "Webhook", "verify_webhook", "verify_webhooks",
]  # fmt: skip
