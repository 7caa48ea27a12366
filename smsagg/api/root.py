"""What the HTTP port serves: the API for applications under ``/v1``, everything else to the operators' application."""

from smsagg.api.app import AsgiApp, Receive, Scope, Send

PREFIX = "/v1"


def make_root(operations: AsgiApp, v1: AsgiApp) -> AsgiApp:
    """One application out of both."""

    async def root(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        is_api = path == PREFIX or path.startswith(f"{PREFIX}/")
        await (v1 if is_api else operations)(scope, receive, send)

    return root
