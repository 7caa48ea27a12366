"""What a bound ESME may ask, an operation a module, and the table by which a session finds it.

Two kinds. A *batch* operation is called with every request of its kind in one read and answers later, by callbacks: the
submits, whose commits are waited for by nobody's task. An *asking* operation runs in a task of its own and returns the
response: it waits for the store, and the session's window bounds how many there are.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from smsagg.esme.bound import Bound
from smsagg.esme.operations.cancel import cancel
from smsagg.esme.operations.data import data
from smsagg.esme.operations.query import query
from smsagg.esme.operations.replace import replace
from smsagg.esme.operations.submit import submit
from smsagg.esme.operations.submit_multi import submit_multi
from smsagg.smpp.pdu import CancelSm, DataSm, Pdu, QuerySm, ReplaceSm, Response, SubmitMulti, SubmitSm

BATCHED: Mapping[type[Pdu], Callable[[Bound, Sequence[Any]], None]] = {
    SubmitSm: submit,
    DataSm: data,
    SubmitMulti: submit_multi,
}
"""Called with all requests of one kind in a read; each is answered once, later."""

ASKING: Mapping[type[Pdu], Callable[[Bound, Any], Awaitable[Response]]] = {
    QuerySm: query,
    CancelSm: cancel,
    ReplaceSm: replace,
}
"""Return the response."""
