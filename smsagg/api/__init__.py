"""The HTTP port: metrics, health and readiness."""
