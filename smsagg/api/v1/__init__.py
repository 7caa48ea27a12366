"""Version 1 of the HTTP API, for applications: messages in, their fates out. JSON, described by OpenAPI."""

from smsagg.api.v1.application import V1

__all__ = ["V1"]
