"""Telling applications by HTTP what happened: signed, retried for days, and never to where it must not go."""

from smsagg.webhooks.sender import Webhooks

__all__ = ["Webhooks"]
