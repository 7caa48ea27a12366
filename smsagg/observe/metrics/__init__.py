"""Everything that smsagg tells Prometheus, in one object with its own registry.

Names are ``smsagg_<subsystem>_<noun>_<unit>[_total]``; labels are accounts, pools, carriers and links of the
configuration, countries, states and statuses: closed sets, never a number or an id. Each attribute of :class:`Metrics`
is a family (:mod:`smsagg.observe.family`), made in the module of its area: who counts takes a child by its label
values and adds to it; who holds a value registers a source. A scrape is two steps: :meth:`Metrics.refresh` on the loop
asks the sources, :meth:`Metrics.render` in a worker thread makes the text, because thousands of series take tens of
milliseconds.
"""

from smsagg.observe.metrics.metrics import Metrics

__all__ = ["Metrics"]
